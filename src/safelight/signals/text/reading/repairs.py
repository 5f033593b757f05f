"""Word by word: what is disguised visibly is repaired where a known word comes out.

Rules
- The disguises are digits and signs for letters (`leet.py`), letters repeated (`repeats.py`), and masked ones.
- A text that is nothing without repair is read in the same light throughout.
What is left to others: changes that leave no trace in a word (`typos.py`).
"""

import re
from collections.abc import Iterable
from itertools import product

from safelight.signals.text.reading.leet import (
    AMBIGUOUS,
    ANY_SIGN,
    CHAT,
    CUE,
    DRAWN,
    EDGES,
    MEASURE,
    TOKEN,
    USUAL,
    laced,
    light,
    likelier,
    with_lone_signs,
    word_for,
)
from safelight.signals.text.reading.masks import frequency
from safelight.signals.text.reading.repeats import DOUBLED, MAX_VARIANTS, RUN, unrepeated, usual_times
from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.reading.words import LONGEST_WORD, unskeleton
from safelight.signals.text.reading.work import Work

ROMAN = re.compile(r"[ivxlcdm]+")
REPEATS = re.compile(r"([^\W\d_])\1(?:\1|([^\W\d_])\2([^\W\d_])\3)")
MASK_CUE = re.compile(r"[*#•·%](?<=[^\W\d_].)")
MASK = r"[*#•·%]"
MASKED = re.compile(rf"[^\W\d_]++(?={MASK}(?:{MASK}|[^\W\d_]))(?:{MASK}++[^\W\d_]*+)++")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
VOWELS = "aeiou"
MAX_MASKS = 3
UNREPEATING_STEPS = 20
LONGEST_TOKEN = 3 * LONGEST_WORD


def undo(text: str, work: Work) -> tuple[str, frozenset[Trick]]:
    """Repair words with a visible disguise; the tricks found."""
    signs = ANY_SIGN.search(text) and (CUE.search(text) or DRAWN.search(text))
    if not signs and not REPEATS.search(text) and not MASK_CUE.search(text):
        return text, frozenset()
    times = usual_times(text) if REPEATS.search(text) else 0
    found = {token: repaired(token, times) for steps, token in _by_doubt(text) if work.may(steps)}
    changed = TOKEN.sub(lambda token: found.get(token[0], (token[0], None))[0], text)
    tricks = {trick for _, trick in found.values() if trick is not None}
    if signs and (CUE.search(changed) or DRAWN.search(changed)):
        # One repaired word, or a text that is nothing without repair, and the rest is read in the same light.
        words = {token: word_for(token, 1.0) for steps, token in _by_doubt(changed) if work.may(steps)}
        everything = TOKEN.sub(lambda token: words.get(token[0]) or token[0], changed)
        if light(everything, changed, found=Trick.LEET in tricks):
            changed = everything
            tricks.add(Trick.LEET)
        if (lettered := likelier(changed, work)) != changed:
            changed = lettered
            tricks.add(Trick.LEET)
    if Trick.LEET in tricks:
        changed = TOKEN.sub(lambda token: laced(token[0]), changed)
        changed = with_lone_signs(changed, text)
    return changed, frozenset(tricks)


def _by_doubt(text: str) -> list[tuple[int, str]]:
    """What may be disguised, once each, with the steps it costs: the likeliest first, which can stand for few words."""
    tokens = (token for token in dict.fromkeys(TOKEN.findall(text)) if 1 < len(token) <= LONGEST_TOKEN)
    odd = (t for t in tokens if not t.isalpha() or RUN.search(low := t.casefold()) or DOUBLED.fullmatch(low))
    return sorted(((_steps(token), token) for token in odd), key=lambda pair: pair[0])


def _steps(token: str) -> int:
    """What the repair of a token costs: the words that it may stand for, and what each has without repeated letters."""
    words = min(MAX_VARIANTS, 1 << len(AMBIGUOUS.findall(token)))
    repeats = RUN.search(token.lower().translate(USUAL))
    return 4 + len(token) // 4 + 2 * words * (UNREPEATING_STEPS if repeats else 1)


def repaired(token: str, times: int = 0) -> tuple[str, Trick | None]:
    """One blank-free token and the trick undone in it, if any; `times` as `repeats.usual_times`."""
    core = token.strip(EDGES)
    if not 1 < len(token) <= LONGEST_TOKEN:
        return token, None
    key = core.casefold()
    if key in CHAT:
        return token.replace(core, CHAT[key]), Trick.LEET
    if not core.isalpha() and (DRAWN.search(token) or CUE.search(core)) and not MEASURE.fullmatch(token):
        word = word_for(token, 2.3)
        if word and word != token:
            return word, Trick.LEET
    if ROMAN.fullmatch(key) and not times:
        return token, None
    if RUN.search(key) or DOUBLED.fullmatch(key):
        word = unrepeated(key, times)
        if word:
            return token.replace(core, word), Trick.REPEATED
    match = MASKED.fullmatch(core)
    if match:
        best = max(_unmasked(key), key=frequency, default="")
        if frequency(best) > 3:
            return token.replace(core, best), Trick.DROPPED
    return token, None


def _unmasked(word: str) -> Iterable[str]:
    """`r*m*v*`, `cl#thes`: each sign a letter; vowels are what is masked where it is not one letter only."""
    pattern = re.compile("".join(c if c.isalpha() else "[a-z]" for c in word))
    consonants = "".join(c for c in word if c.isalpha() and c not in "aeiou")
    yield from (found for found in unskeleton(consonants) if pattern.fullmatch(found))
    masks = sum(not c.isalpha() for c in word)
    if masks <= MAX_MASKS:
        letters = LETTERS if masks == 1 else VOWELS
        yield from map("".join, product(*(c if c.isalpha() else letters for c in word)))
