"""What language looks like: words of about a hundred languages, letters in a row, and where joined words part.

Rules
- Every score is a pure function of the text and of the resource files beside this module (made by `build_words.py`).
- The files are mapped or read once, at the first call, never at import; about 5 MB stay resident.
- Nothing here decides whether a trick was used: it only answers how much a text looks like language.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import marisa_trie  # type: ignore[import-not-found]  # ships no type hints

HERE = Path(__file__).parent
MARKS = (
    r"\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0711\u0730-\u074a\u07a6-\u07b0"
    r"\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u0980-\u0983\u09bc-\u09d7\u0a01-\u0a03\u0a3c-\u0a4d\u0a70\u0a71"
    r"\u0a81-\u0a83\u0abc-\u0acd\u0b01-\u0b03\u0b3c-\u0b57\u0b82\u0bbe-\u0bd7\u0c00-\u0c04\u0c3e-\u0c56\u0c81-\u0c83"
    r"\u0cbc-\u0cd6\u0d00-\u0d03\u0d3b-\u0d57\u0d81-\u0d83\u0dca-\u0ddf\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ecd"
    r"\u0f71-\u0f84\u102b-\u103e\u17b4-\u17d3"
)
"""Ranges of marks that belong to the letter before them and that `re` does not count as part of a word."""
WORD = re.compile(rf"[^\W\d_](?:[^\W\d_]|[{MARKS}])*(?:['’][^\W\d_]+)*")
LONGEST_WORD = 24
"""Letters of the longest word that segmentation looks up."""
SCRIPTS_WITHOUT_SPACES = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
VOWEL_POINTS = re.compile(r"[\u0591-\u05bd\u05bf-\u05c7\u064b-\u0652\u0670\u0640]")
"""Of Hebrew and Arabic: the word lists do without."""
VOWELLESS = re.compile(r"[bcdfghjklmnpqrstvwxz]+")
SAMPLE_RUN = 40
"""Signs of a run without blanks that are looked at."""
WEIGHED_CHARS = 8_000
"""Of a longer text, as many tell how much of it is language."""
SAMPLE_CUT = 400
"""Letters of a run that tell whether it is English."""
CUT_STEPS_PER_LETTER = 2
UNKNOWN_LETTER = 8.0
WORD_PRICE = 9.0
"""What segmentation pays: for a letter outside any word, and for a word, the latter less its Zipf frequency."""
ENGLISH_MARGIN = 0.25
"""Words of many languages fit chance letters: English is believed up to this much a letter above the others."""
_LETTER_CODES = {chr(97 + i): i + 1 for i in range(26)}
_WEIGHT_BY_LENGTH = (0.0, 0.15, 0.5, 0.8)
"""Short words occur by chance: how far a word of that many letters is believed; longer ones fully."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The resource files, opened."""

    trie: marisa_trie.Trie
    zipf: bytes
    english: bytes
    skeletons: marisa_trie.Trie
    trigrams: bytes


@cache
def lexicon() -> Lexicon:
    """Open the resources: about 2 ms, once."""
    return Lexicon(
        marisa_trie.Trie().mmap(str(HERE / "words.trie")),
        (HERE / "words.zipf").read_bytes(),
        (HERE / "english.zipf").read_bytes(),
        marisa_trie.Trie().mmap(str(HERE / "skeletons.trie")),
        (HERE / "trigrams.bin").read_bytes(),
    )


def zipf(word: str) -> float:
    """Zipf frequency of a case-folded word, about 1 to 7.7; 0 where no language here knows it."""
    words = lexicon()
    index = words.trie.get(word)
    return words.zipf[index] / 25 if index is not None else 0.0


def english(word: str) -> float:
    """Zipf frequency of a case-folded word in English alone; 0 where English lacks it."""
    words = lexicon()
    index = words.trie.get(word)
    return words.english[index] / 25 if index is not None else 0.0


def belief(word: str) -> float:
    """0 to 1: how much this one case-folded word speaks for its text being language."""
    words = lexicon()
    index = words.trie.get(word)
    if index is None and VOWEL_POINTS.search(word):
        index = words.trie.get(VOWEL_POINTS.sub("", word))
    if index is not None:
        frequency: float = words.zipf[index] / 25
    elif SCRIPTS_WITHOUT_SPACES.match(word):
        return _covered(word[:SAMPLE_RUN])
    elif "'" in word or "’" in word:
        parts = re.split("['’]", word)
        return sum(len(part) * belief(part) for part in parts) / len(word)
    else:
        return 0.0
    if frequency <= 1.5:
        return 0.0
    size = len(word)
    weight = _WEIGHT_BY_LENGTH[size] if size < len(_WEIGHT_BY_LENGTH) else 1.0
    if frequency < 6 and word.isascii() and VOWELLESS.fullmatch(word):
        weight *= 0.3  # abbreviations: "th", "dg", "wht"
    return weight * min(1.0, (frequency - 1.0) / 2.5)


def _covered(run: str) -> float:
    """The share of a run without blanks that words of two and more signs cover, longest first."""
    trie = lexicon().trie
    at = covered = 0
    while at < len(run):
        found = trie.prefixes(run[at : at + 12])
        size = len(found[-1]) if found else 1
        covered += size if size > 1 else 0
        at += size
    return covered / len(run)


def likeness(text: str) -> float:
    """0 to 1: the share of letters that stand in known words, each word counted by `belief`. 0 without letters."""
    known, letters = weigh(text)
    return known / letters if letters else 0.0


def weigh(text: str) -> tuple[float, int]:
    """Letters in known words, each counted by `belief`, and letters in all words; of a long text, in four parts."""
    if len(text) > WEIGHED_CHARS:
        part = WEIGHED_CHARS // 4
        text = " ".join(text[at : at + part] for at in range(0, len(text), len(text) // 4 + 1))
    times = Counter(WORD.findall(text.casefold()))
    return (
        sum(count * len(word) * belief(word) for word, count in times.items()),
        sum(count * len(word) for word, count in times.items()),
    )


def flow(text: str) -> float:
    """How ordinary the letters a-z follow one another: about +35 for prose, below 0 for cipher text; 1/16 bit each."""
    table = lexicon().trigrams
    before = here = total = count = 0
    for letter in text.lower():
        code = _LETTER_CODES.get(letter, 0)
        if code == 0 and here == 0:
            continue
        total += table[before * 729 + here * 27 + code]
        count += 1
        before, here = here, code
    return total / count - 128 if count else -128.0


@dataclass(frozen=True, slots=True)
class Cut:
    """A run of letters, cut into words."""

    words: tuple[str, ...]
    price: float
    """Mean cost of a letter: about 1 for prose, 1.4 and more for letters of another kind."""

    @property
    def likeness(self) -> float:
        """0 to 1: `price` on the scale of `likeness`."""
        return max(0.0, min(1.0, (1.62 - self.price) / 0.7))


def segment(joined: str) -> Cut:
    """The most likely words of a case-folded run of letters: in English, or in all languages where that is far better.

    Unigram Viterbi (Norvig, "Natural Language Corpus Data", 2009). Linear: at most LONGEST_WORD words end at a letter.
    """
    words = lexicon()
    if not joined.isascii():
        return _cut(joined, words.zipf)
    sample = joined[:SAMPLE_CUT]
    english = _cut(sample, words.english)
    everywhere = _cut(sample, words.zipf)
    is_english = english.price < everywhere.price + ENGLISH_MARGIN
    if len(joined) > SAMPLE_CUT:
        return _cut(joined, words.english if is_english else words.zipf)
    return english if is_english else everywhere


def cutting_steps(letters: int) -> int:
    """What `segment` costs for so many letters."""
    return 2 * CUT_STEPS_PER_LETTER * min(letters, SAMPLE_CUT) + CUT_STEPS_PER_LETTER * max(0, letters - SAMPLE_CUT)


def _cut(joined: str, frequencies: bytes) -> Cut:
    trie = lexicon().trie
    size = len(joined)
    cost = [0.0] + [1e9] * size
    start = [0] * (size + 1)
    known = [False] * (size + 1)
    for at in range(size):
        here = cost[at]
        if here + UNKNOWN_LETTER < cost[at + 1]:
            cost[at + 1], start[at + 1], known[at + 1] = here + UNKNOWN_LETTER, at, False
        for word, index in trie.iter_prefixes_with_ids(joined[at : at + LONGEST_WORD]):
            frequency = frequencies[index]
            if not frequency:
                continue
            end = at + len(word)
            price = here + WORD_PRICE - frequency / 25
            if word in "bcdefghjklmnopqrstuvwxyz":  # a word of its own in a few languages, a chance hit elsewhere
                price += 2.5
            if price < cost[end]:
                cost[end], start[end], known[end] = price, at, True
    parts: list[str] = []
    end = size
    unknown_before = False
    while end:
        begin = start[end]
        part = joined[begin:end]
        if unknown_before and not known[end]:
            parts[-1] = part + parts[-1]
        else:
            parts.append(part)
        unknown_before = not known[end]
        end = begin
    return Cut(tuple(reversed(parts)), cost[size] / size if size else 0.0)


def unskeleton(consonants: str) -> Iterable[str]:
    """Common words that have exactly these consonants, most likely first."""
    found = [key.partition("=")[2] for key in lexicon().skeletons.keys(consonants + "=")]
    english = lexicon().english
    return sorted(found, key=lambda word: -max(zipf(word) - 0.8, english[lexicon().trie[word]] / 25))


def bridge(parts: list[str]) -> str:
    """Pieces that stood together: one word cut up, or whole words of their own."""
    joined = "".join(parts)
    if zipf(joined.casefold()) or not all(len(part) > 1 and zipf(part.casefold()) > 2 for part in parts):
        return joined
    return " ".join(parts)
