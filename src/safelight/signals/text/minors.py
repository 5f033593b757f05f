"""Whether a child, or someone whose age is left open, is spoken of. Alone this is ordinary; it weighs the rest.

Rules
- Words of the lexicon as whole words and phrases, as beginnings where the list says so, anywhere in scripts written
  without spaces; in loosely written alphabets with or without accents, and with two neighbouring letters changed over.
- An age below eighteen or a class of school is a child (`ages.py`). A relation ("daughter") whose age is left open is
  open too; beside an adult's age it is nothing.
- What the lexicon names under `not` is no child ("baby blue"), whatever words it is made of.
- Words that are something else in another language count only where the sentence encoder agrees (`needs_support`).
What is left to others: what is asked of whom, and what follows from it (`understanding.py`).
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from safelight.signals.text import phrases
from safelight.signals.text.ages import Age, Ages
from safelight.signals.text.phrases import SPACELESS, Phrases, words

CHILD, YOUNG = 1.0, 0.6
"""Scores: a child is named; somebody's age is left open."""
ANY = "any"
"""The part of the lexicon that belongs to no language."""
_SWAPPED_MIN_LETTERS = 6
"""Shorter words become other words when two letters change places."""
_PROCLITICS = {
    "arab": re.compile("(?:[وفبكل]?ال|لل|[وفبلك])"),
    "hebr": re.compile("[והבלשכמ]{1,3}"),
    "ethi": re.compile("(?:የ|ለ|በ|ከ|ስለ|እንደ|የየ)"),
}
"""Articles and prepositions that are written as one word with the noun."""
_SCRIPT = re.compile(r"(?P<arab>[\u0620-\u06d3])|(?P<hebr>[\u05d0-\u05ea])|(?P<ethi>[\u1200-\u135f])")


@dataclass(frozen=True, slots=True)
class Minor:
    """What was found. `score` 1 for a child, 0.6 where the age is left open, 0 for nothing."""

    score: float
    needs_support: bool = False
    """Found only by a word that means something else in another language."""


_NOTHING = Minor(0.0)


class Minors:
    """The lexicon, ready to look things up. Safe to share between threads."""

    def __init__(self) -> None:
        source = files("safelight.signals.text.lexicon").joinpath("minors.toml").read_text(encoding="utf-8")
        lexicon: dict[str, dict[str, list[str]]] = tomllib.loads(source)
        self._ages = Ages(lexicon)
        self.words: dict[str, tuple[str, ...]] = {
            lang: tuple(word for word in lists["child"] if not word.endswith("*"))
            for lang, lists in lexicon.items()
            if lang != ANY
        }
        """Whole words for a child by language, for the grammar that trains and tests."""
        ambiguous = {fold(word) for lists in lexicon.values() for word in lists.get("ambiguous", ())}
        found: dict[str, set[str]] = {name: set() for name in _FINDINGS}
        for lists in lexicon.values():
            for kind in ("child", "young", "kin"):
                for word in map(fold, lists.get(kind, ())):
                    found[kind + _UNSURE * (word in ambiguous)].add(word)
        found["child"].update([swapped for word in found["child"] for swapped in _swapped(word)])
        self._phrases = Phrases(found)
        self._not = _Not(word for lists in lexicon.values() for word in lists.get("not", ()))

    def look(self, text: str) -> Minor:
        """The strongest finding in `text`. Linear in its length."""
        age = self._ages.read(text)
        if age is Age.CHILD:
            return Minor(CHILD)
        folded = self._not.without(fold(text))
        labels = self._phrases.find(folded)
        if "child" not in labels and (bare := " ".join(_without_proclitics(folded))):
            labels |= self._phrases.find(bare)
        if age is Age.ADULT:
            labels -= _KIN
        found = [_FINDINGS[label] for label in labels]
        best = max((one.score for one in found if not one.needs_support), default=0.0)
        weak = max((one.score for one in found if one.needs_support), default=0.0)
        if age is Age.UNSURE:
            weak = CHILD
        if best >= weak:
            return Minor(best) if best else _NOTHING
        return Minor(weak, needs_support=True)


_UNSURE = "?"
_FINDINGS: Mapping[str, Minor] = {
    "child": Minor(CHILD),
    "young": Minor(YOUNG),
    "child?": Minor(CHILD, needs_support=True),
    "young?": Minor(YOUNG, needs_support=True),
    "kin": Minor(YOUNG),
    "kin?": Minor(YOUNG, needs_support=True),
}
_KIN = frozenset({"kin", "kin?"})


def fold(text: str) -> str:
    """As phrases are compared, but ñ is a letter of its own: Nina is a name."""
    return phrases.fold(unicodedata.normalize("NFC", text).translate(_LETTERS))


_LETTERS = str.maketrans("ñÑ", "\u0272\u0272")


_HEAD = 2
"""Letters by which most words are told to begin no figure of speech."""


class _Not:
    """Figures of speech and other words in which a word for a child is no child."""

    def __init__(self, figures: Iterable[str]) -> None:
        self._anywhere: list[str] = []
        by_first: dict[str, list[str]] = {}
        for phrase in map(fold, figures):
            if SPACELESS.search(phrase):
                self._anywhere.append(phrase)
                continue
            parts = words(phrase)
            last = r"\w*" if phrase.endswith("*") else ""
            by_first.setdefault(parts[0], []).append(r"[\s'’\-]+".join(map(re.escape, parts)) + last)
        self._patterns = {
            first: re.compile(rf"(?<!\w)(?:{'|'.join(sorted(patterns, key=len, reverse=True))})(?!\w)")
            for first, patterns in by_first.items()
        }
        self._lengths = sorted({len(first) for first in by_first})
        self._heads = {first[:_HEAD] for first in by_first}

    def without(self, folded: str) -> str:
        """`folded` with each of them blotted out."""
        for phrase in self._anywhere:
            folded = folded.replace(phrase, " # ")
        heads = {word[:length] for word in words(folded) for length in self._lengths if word[:_HEAD] in self._heads}
        for first in sorted(heads & self._patterns.keys()):
            folded = self._patterns[first].sub(" # ", folded)
        return folded


def _without_proclitics(folded: str) -> Iterator[str]:
    """Words that begin with an article or a preposition, without it."""
    for word in words(folded):
        script = _SCRIPT.match(word)
        if script and (begun := _PROCLITICS[script.lastgroup or ""].match(word)) and begun.end() < len(word) - 1:
            yield word[begun.end() :]


def _swapped(phrase: str) -> Iterator[str]:
    """`phrase` with two neighbours inside one of its longer words changed over, as hasty fingers do."""
    if SPACELESS.search(phrase):
        return
    parts: Sequence[str] = phrase.split(" ")
    for at, part in enumerate(parts):
        stem = part.rstrip("*")
        if len(stem) < _SWAPPED_MIN_LETTERS or not stem.isalpha():
            continue
        for cut in range(1, len(stem) - 1):
            if stem[cut] != stem[cut + 1]:
                typed = stem[:cut] + stem[cut + 1] + stem[cut] + stem[cut + 2 :] + part[len(stem) :]
                yield " ".join((*parts[:at], typed, *parts[at + 1 :]))
