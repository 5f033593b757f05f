"""The detector of who is meant: the register's names, names by their form, relations and offices.

Rules
- Every reading of every passage is looked through, so a name in leet or in look-alike letters is that name.
- A name by its form is a first name out of a packaged list and a capitalised word after it, in the plain reading; a
  first name alone says nothing, since things and places bear them too.
- The register is a file of the operator's and is read again when it changes. One that cannot be read is a detector that
  broke, and the policy refuses; a name is never told, only its kind.
"""

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import marisa_trie  # type: ignore[import-not-found]  # ships no type hints

from safelight.core.errors import DetectorUnfit
from safelight.core.signal import Signal, SignalKind, SignalSpec
from safelight.signals.model import Found, ReadText, View
from safelight.signals.text.people.finder import Names
from safelight.signals.text.people.register import Entry, NameKind, load
from safelight.signals.text.people.spelling import spoken
from safelight.signals.text.phrases import Phrases, fold

BY_REGISTER, BY_FORM, BY_RELATION = 1.0, 0.8, 0.6
_NAME_MIN_CHARS = 3
_SPECS = (
    SignalSpec(
        "text_protected_name",
        SignalKind.FLAG,
        "The words name somebody under protection in the operator's register.",
        False,
    ),
    SignalSpec(
        "text_public_figure",
        SignalKind.FLAG,
        "The words name a public figure of the operator's register, or somebody by a public office.",
        False,
    ),
    SignalSpec(
        "text_named",
        SignalKind.SCORE,
        "The words name somebody: 1 in the register, 0.8 by first and family name, 0.6 by a relation to the asker.",
        0.0,
    ),
)


class NamesDetector:
    """`text_names`. See the module; one instance serves all threads."""

    name = "text_names"
    version = "1"
    emits = _SPECS

    def __init__(self, register: Path | None = None) -> None:
        """`register`: the operator's file; None: there is none, and names by their form are found all the same."""
        self._path = register
        self._state: tuple[tuple[int, int], Names] | None = None
        self._phrases: Phrases | None = None
        self._first_names: marisa_trie.Trie | None = None

    def load(self) -> None:
        """Open the packaged lists and the register. Raises DetectorUnfit."""
        lists: dict[str, list[str]] = {}
        source = files("safelight.signals.text.lexicon").joinpath("people.toml").read_text("utf-8")
        for language in tomllib.loads(source).values():
            for label, phrases in language.items():
                lists.setdefault(label, []).extend(phrases)
        self._phrases = Phrases(lists)
        self._first_names = marisa_trie.Trie()
        self._first_names.frombytes(files("safelight.signals.text.people").joinpath("first_names.trie").read_bytes())
        try:
            self._names()
        except Exception as error:
            raise DetectorUnfit(f"text_names cannot read the register of names {self._path}: {error}") from error

    def verify(self) -> None:
        """Find an invented name in several spellings. Raises DetectorUnfit."""
        names = Names([Entry("Marielle Velkonova", NameKind.PROTECTED)])
        for text in ("MARIÉLLE VELKONOVA", "мариэлле велконовой", "M. Welkonova", "Velkonova, Marielle"):
            if names.find(text) != {NameKind.PROTECTED}:
                raise DetectorUnfit(f"text_names did not find its example as {text!r}: install safelight again")

    def wants(self, view: View) -> bool:
        """Whether there is any text."""
        return any(text.passage.text.strip() for text in view.texts)

    def observe(self, view: View) -> Found:
        """Look every passage through."""
        return Found(tuple(signal for text in view.texts for signal in self._signals(text)))

    def _signals(self, text: ReadText) -> Iterator[Signal]:
        if self._phrases is None:
            raise DetectorUnfit("text_names was asked before it was loaded: call load() first")
        names = self._names()
        where = text.passage.where
        kinds: set[NameKind] = set()
        labels: set[str] = set()
        deciding = "plain"
        for reading in text.readings:
            found = names.find(reading.text)
            if found - kinds:
                deciding = reading.name
            kinds |= found
            labels |= self._phrases.find(fold(reading.text))
        source = f"{self.name}@{self.version}"
        if NameKind.PROTECTED in kinds:
            yield Signal("text_protected_name", True, source, where, "names somebody under protection", deciding)
        if NameKind.PUBLIC_FIGURE in kinds or "office" in labels:
            yield Signal("text_public_figure", True, source, where, "speaks of a public figure", deciding)
        if kinds:
            yield Signal("text_named", BY_REGISTER, source, where, "names somebody", deciding)
        elif text.readings and self._by_form(text.readings[0].text):
            yield Signal("text_named", BY_FORM, source, where, "names somebody by first and family name", "plain")
        elif "relation" in labels:
            yield Signal("text_named", BY_RELATION, source, where, "means somebody whom the asker knows", deciding)

    def _by_form(self, plain: str) -> bool:
        """Whether a capitalised first name has a capitalised word after it, in a text that is not all capitals."""
        given = plain.split()
        if plain.isupper() or self._first_names is None:
            return False
        for first, second in pairwise(given):
            if first[:1].isupper() and first[-1:].isalpha() and second[:1].isupper() and second[1:2].islower():
                keys = spoken(first)
                if len(keys) == 1 and len(keys[0]) >= _NAME_MIN_CHARS and keys[0] in self._first_names:
                    return True
        return False

    def _names(self) -> Names:
        """The register as it is now. Raises BadInput or OSError where it cannot be read."""
        if self._path is None or not self._path.exists():
            seen = (0, 0)
        else:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_size)
        state = self._state
        if state is None or state[0] != seen:
            entries = load(self._path) if self._path is not None else []
            state = (seen, Names(entries))
            self._state = state  # one assignment: another thread sees the old register or the new one
        return state[1]
