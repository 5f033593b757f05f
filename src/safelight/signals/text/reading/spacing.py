"""What stands between letters and what is missing between words.

Rules
- A run of single letters with anything between them is joined where the result is made of words, or where the run is
  most of the text: then it may be a cipher, which `ciphers.py` reads later.
- Blanks inside a run are word boundaries where they are longer than usual, or where the usual gap is another sign.
- Pieces and joined words are put right by the cheapest way to cut the letters into words (`words.segment`).
"""

import re
from collections import Counter

from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.reading.words import SCRIPTS_WITHOUT_SPACES, likeness, segment, zipf

UNIT = r"(?:[^\W_]|[@$!|+€£¢])[\u0300-\u036f\u0900-\u0903\u093a-\u094f\u0e31\u0e34-\u0e4e]*"
GAP = r"[^\w]|_"
SPACED = re.compile(rf"(?<![^\W_]){UNIT}(?:(?:{GAP}){{1,8}}?{UNIT}(?![^\W_])){{2,}}", re.DOTALL)
GAPS = re.compile(rf"((?:{GAP}){{1,8}})", re.DOTALL)
LETTERS = re.compile(r"[^\W\d_]+")
PUNCTURED = re.compile(r"(?<![^\W_])[^\W\d_]+(?:[^\w\s'’]{1,3}[^\W\d_]+|_+[^\W\d_]+)+(?![^\W_])")
PUNCTURE = re.compile(r"[^\w\s]{1,3}|_+")
BRACKETED = re.compile(r"(?:[\[({<]{1,2}[^\W\d_]{1,4}[\])}>]{1,2}\s?){3,}")
LONG_WORD = re.compile(r"[^\W\d_]{13,}")
CAMEL = re.compile(r"(?:[A-Z]?[a-z]+)(?:[A-Z][a-z]+){2,}")
BRANDS = re.compile(r"[-'’.&]")
ENOUGH_INSIDE = 0.85


def undo(text: str) -> tuple[str, frozenset[Trick]]:
    """Join what was taken apart; the tricks found."""
    tricks: set[Trick] = set()
    if BRACKETED.search(text):
        text = BRACKETED.sub(lambda run: re.sub(r"[\[\](){}<>]", "", run[0]) + " ", text)
        tricks.add(Trick.SPACED)
    letters = sum(map(str.isalnum, text))

    def join(run: re.Match[str]) -> str:
        found = joined(run[0], letters)
        if found is None:
            return run[0]
        tricks.add(Trick.SPACED)
        return found

    text = SPACED.sub(join, text)
    punctured = [run for run in PUNCTURED.findall(text) if _whole(run) is not None]
    if len(punctured) > 1 or any("-" not in run and "'" not in run for run in punctured):
        text = PUNCTURED.sub(lambda run: _whole(run[0]) or run[0], text)
        tricks.add(Trick.SPACED)
    return text, frozenset(tricks)


def joined(run: str, letters_in_text: int) -> str | None:
    """The words of a run of single letters, or None where the run is a list or initials."""
    pieces = GAPS.split(run)
    gaps = pieces[1::2]
    units = pieces[0::2]
    if len(units) < 4 or sum(unit[0].isalpha() for unit in units) * 10 < len(units) * 5:
        return None
    # Consecutive units with nothing alphanumeric between them only: `GAPS` splits at every gap.
    blank = Counter(not gap.strip() for gap in gaps)
    usual, _ = Counter(gaps).most_common(1)[0]
    shortest = min(len(gap) for gap in gaps)

    def parts_words(gap: str) -> bool:
        if blank[True] and blank[False]:
            return not gap.strip() if blank[False] >= blank[True] else bool(gap.strip())
        if blank[True]:
            return len(gap) > shortest or ("\n" in gap) != ("\n" in usual)
        return len(gap) > len(usual) and len(set(gaps)) == 2

    words = [units[0]]
    for gap, unit in zip(gaps, units[1:], strict=True):
        if parts_words(gap):
            words.append(unit)
        else:
            words[-1] += unit
    found = " ".join(words)
    if len(units) >= 8 and len(units) * 10 >= letters_in_text * 6:
        return found
    inside = sum(part_inside * len(word) for word, part_inside in ((w, segment(w.casefold()[:200])[1]) for w in words))
    known = [part for word in words for part in segment(word.casefold()[:200])[0] if zipf(part) > 3]
    if inside >= ENOUGH_INSIDE * len(units) and any(len(part) > 2 for part in known):
        return found
    return None


def _whole(word: str) -> str | None:
    """`re.mo_ve` as `remove`; None where the signs join words, as hyphens do."""
    parts = [part for part in PUNCTURE.split(word) if part]
    whole = "".join(parts).casefold()
    frequency = zipf(whole)
    if frequency < 2 or len(whole) < 3:
        return None
    if all(len(part) > 1 and zipf(part.casefold()) > 3 for part in parts):
        return None
    return "".join(parts)


def undo_joined(text: str) -> tuple[str, frozenset[Trick]]:
    """Part words that were written without blanks, or put together pieces: `removeher`, `re mo ve h er`."""
    tricks: set[Trick] = set()

    def part(run: re.Match[str]) -> str:
        word = run[0]
        if zipf(word.casefold()) or SCRIPTS_WITHOUT_SPACES.search(word):
            return word
        parts, inside = segment(word.casefold())
        longest = max(map(len, parts))
        if inside < ENOUGH_INSIDE or len(parts) < 3 or longest < 3 or len(word) < 2.6 * len(parts):
            return word
        tricks.add(Trick.JOINED)
        return " ".join(parts)

    if LONG_WORD.search(text):
        text = LONG_WORD.sub(part, text)
    words = LETTERS.findall(text)
    before = likeness(text)
    if len(words) > 2 and before < 0.5 and not SCRIPTS_WITHOUT_SPACES.search(text):
        parts, inside = segment("".join(words).casefold())
        again = " ".join(parts)
        if inside > 0.9 and likeness(again) > before + 0.3 and len(parts) < len(words):
            tricks.add(Trick.BROKEN)
            text = again
    return text, frozenset(tricks)
