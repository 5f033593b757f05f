"""What language looks like: words of about a hundred languages, letters in a row, and where joined words part.

Rules
- Every score is a pure function of the text and of the resource files beside this module (made by `build_words.py`).
- The files are mapped or read once, at the first call, never at import; about 5 MB stay resident.
- Nothing here decides whether a trick was used: it only answers how much a text looks like language.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import marisa_trie  # type: ignore[import-not-found]  # ships no type hints

HERE = Path(__file__).parent
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*(?:[̀-ͯ\u0591-\u05c7\u064b-\u065f\u0900-\u0dff\u0e31-\u0e4e][^\W\d_]*)*")
LONGEST_WORD = 24
"""Letters of the longest word that segmentation looks up."""
SCRIPTS_WITHOUT_SPACES = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
SAMPLE_RUN = 40
"""Signs of a run without blanks that are looked at."""
UNKNOWN_LETTER = 8.0
"""What a letter outside any word costs in segmentation; a word costs 9.5 less its Zipf frequency, 2 to 7."""
_LETTER_CODES = {chr(97 + i): i + 1 for i in range(26)}
_WEIGHT_BY_LENGTH = (0.0, 0.15, 0.5, 0.8)
"""Short words occur by chance: how far a word of that many letters is believed; longer ones fully."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The resource files, opened."""

    trie: marisa_trie.Trie
    zipf: bytes
    skeletons: marisa_trie.Trie
    trigrams: bytes


@cache
def lexicon() -> Lexicon:
    """Open the resources: about 2 ms, once."""
    return Lexicon(
        marisa_trie.Trie().mmap(str(HERE / "words.trie")),
        (HERE / "words.zipf").read_bytes(),
        marisa_trie.Trie().mmap(str(HERE / "skeletons.trie")),
        (HERE / "trigrams.bin").read_bytes(),
    )


def zipf(word: str) -> float:
    """Zipf frequency of a case-folded word, about 1 to 7.7; 0 where no language here knows it."""
    words = lexicon()
    index = words.trie.get(word)
    return words.zipf[index] / 25 if index is not None else 0.0


def belief(word: str) -> float:
    """0 to 1: how much this one case-folded word speaks for its text being language."""
    if SCRIPTS_WITHOUT_SPACES.match(word):
        return _covered(word[:SAMPLE_RUN])
    frequency = zipf(word)
    if frequency == 0.0 and ("'" in word or "’" in word):
        frequency = min(zipf(part) for part in re.split("['’]", word))
    if frequency <= 1.5:
        return 0.0
    weight = _WEIGHT_BY_LENGTH[len(word)] if len(word) < len(_WEIGHT_BY_LENGTH) else 1.0
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
    words = WORD.findall(text.casefold())
    letters = sum(map(len, words))
    return sum(len(word) * belief(word) for word in words) / letters if letters else 0.0


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


def segment(joined: str) -> tuple[list[str], float]:
    """The most likely words of a case-folded run of letters, and the share of its letters inside known words.

    Unigram Viterbi (Norvig, "Natural Language Corpus Data", 2009). Linear: at most LONGEST_WORD words end at a letter.
    """
    words = lexicon()
    size = len(joined)
    cost = [0.0] + [1e9] * size
    start = [0] * (size + 1)
    known = [False] * (size + 1)
    for at in range(size):
        here = cost[at]
        if here + UNKNOWN_LETTER < cost[at + 1]:
            cost[at + 1], start[at + 1], known[at + 1] = here + UNKNOWN_LETTER, at, False
        for word in words.trie.prefixes(joined[at : at + LONGEST_WORD]):
            end = at + len(word)
            price = here + 9.5 - words.zipf[words.trie[word]] / 25
            if word in "oey":  # a word of its own in a few languages, a chance hit elsewhere
                price += 2.0
            if price < cost[end]:
                cost[end], start[end], known[end] = price, at, True
    parts: list[str] = []
    inside = 0
    end = size
    while end:
        begin = start[end]
        part = joined[begin:end]
        if known[end]:
            inside += len(part)
            parts.append(part)
        elif parts and not known[min(size, end + len(parts[-1]))] and end < size:
            parts[-1] = part + parts[-1]
        else:
            parts.append(part)
        end = begin
    parts.reverse()
    return parts, inside / size if size else 0.0


def unskeleton(consonants: str) -> Iterable[str]:
    """Common words that have exactly these consonants, most likely first."""
    found = [key.partition("=")[2] for key in lexicon().skeletons.keys(consonants + "=")]
    return sorted(found, key=lambda word: -zipf(word))


def bridge(parts: list[str]) -> str:
    """Pieces that stood together: one word cut up, or whole words of their own."""
    joined = "".join(parts)
    if zipf(joined.casefold()) or not all(len(part) > 1 and zipf(part.casefold()) > 2 for part in parts):
        return joined
    return " ".join(parts)
