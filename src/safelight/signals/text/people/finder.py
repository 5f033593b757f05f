"""Finds the register's names in a text, however they are spelt, inflected or shortened; linear in the text's length.

Rules
- A name of several words is found where its first and its last word stand together, in either order, with at most the
  words between them that the name itself has and one more. An initial may stand for the first word.
- A name written as one word (`#annaBelmonti`, a model's file) is found where it is long; apostrophes may be left out.
- A name of one word, and a name in a script without spaces, is found as it is: the operator chose it.
- Endings: a word that continues a name's word by up to three letters, or changes or drops its final vowel, is that word
  inflected. For short words only the commonest endings count.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from safelight.signals.text.people.register import Entry, NameKind
from safelight.signals.text.people.spelling import spoken
from safelight.signals.text.phrases import SPACELESS, fold

_LONG_CHARS = 5
_ENDING_MAX_CHARS = 3
_STEM_MIN_CHARS = 3
_ONE_WORD_MIN_CHARS = 9
"""Of a name without its blanks: shorter ones begin too many words."""
_APOSTROPHES = re.compile("['’ʼ`´]")
_SHORT_ENDINGS = frozenset({"s", "n", "a", "u", "e", "i", "om", "oi", "in", "un", "em", "ei", "es", "en"})
_WORDS = re.compile(r"\w+")
_VOWELS = frozenset("aeiou")
_INITIAL = "initial"


@dataclass(frozen=True, slots=True)
class _Name:
    words: tuple[str, ...]
    kind: NameKind


class Names:
    """A register, ready to look names up. Safe to share between threads."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._names: list[_Name] = []
        self._words: dict[str, set[tuple[int, str]]] = {}
        self._stems: dict[str, set[tuple[int, str]]] = {}
        self._spaceless: list[tuple[str, NameKind]] = []
        for entry in entries:
            for name in (entry.name, *entry.aliases):
                for written in dict.fromkeys((name, _APOSTROPHES.sub("", name))):
                    self._learn(written, entry.kind)

    def _learn(self, name: str, kind: NameKind) -> None:
        if SPACELESS.search(folded := fold(name)):
            self._spaceless.append((_joined(folded), kind))
            return
        words = tuple(spoken(name))
        if not words:
            return
        number = len(self._names)
        self._names.append(_Name(words, kind))
        for place, word in (("first", words[0]), ("last", words[-1])) if len(words) > 1 else (("only", words[0]),):
            self._words.setdefault(word, set()).add((number, place))
            if word[-1] in _VOWELS and len(word) > _STEM_MIN_CHARS:
                self._stems.setdefault(word[:-1], set()).add((number, place))
        if len(words) > 1 and len(whole := "".join(spoken("".join(_WORDS.findall(name))))) >= _ONE_WORD_MIN_CHARS:
            self._words.setdefault(whole, set()).add((number, "only"))
        if len(words) > 1 and len(words[-1]) >= _LONG_CHARS:
            self._words.setdefault(words[0][0], set()).add((number, _INITIAL))

    def find(self, text: str) -> set[NameKind]:
        """The kinds of the names that stand in `text`."""
        folded = fold(text)
        found: set[NameKind] = set()
        if self._spaceless and SPACELESS.search(folded):
            joined = _joined(folded)
            found = {kind for name, kind in self._spaceless if name in joined}
        if not self._names:
            return found
        seen: dict[int, dict[str, int]] = {}
        said = spoken(text)
        meant = {word: self._at(word) for word in set(said)}
        for at, word in enumerate(said):
            for number, place in meant[word]:
                name = self._names[number]
                places = seen.setdefault(number, {})
                places[place] = at
                if place == "only" or self._stands(name, places, at):
                    found.add(name.kind)
        return found

    @staticmethod
    def _stands(name: _Name, places: dict[str, int], at: int) -> bool:
        """Whether both ends of a name have just been seen close together; an initial stands before the last word."""
        reach = len(name.words)
        first, last, initial = (places.get(place, -99) for place in ("first", "last", _INITIAL))
        together = first != last and at in {first, last} and abs(first - last) <= reach
        return together or (last == at and 1 <= last - initial <= 2)

    def _at(self, word: str) -> set[tuple[int, str]]:
        found = set(self._words.get(word, ()))
        for size in range(max(1, len(word) - _ENDING_MAX_CHARS), len(word)):
            start, ending = word[:size], word[size:]
            if size >= _LONG_CHARS or (size >= _STEM_MIN_CHARS and ending in _SHORT_ENDINGS):
                found |= {(number, place) for number, place in self._words.get(start, ()) if place != _INITIAL}
            if size >= _STEM_MIN_CHARS:
                found |= self._stems.get(start, set())
        return found | self._stems.get(word, set())


def _joined(folded: str) -> str:
    """Without the blanks and dots that a script without spaces sometimes has between names."""
    return folded.replace(" ", "").replace("・", "")
