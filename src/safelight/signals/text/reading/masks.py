"""Vowels masked with a sign throughout a text: `p_t th_ c_t _n`, `t*k* *ff`.

Rules
- Before anything that takes signs for separators, digits or a cipher: here they stand for letters.
- What is masked in one word only is left to `repairs.py`.
- Only where one sign stands for the vowels of several words, and words come out of most of them.
"""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import product

from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.reading.words import english, unskeleton, zipf
from safelight.signals.text.reading.work import Work

CONSONANT = "bcdfghjklmnpqrstvwxyz"
VOWELS = "aeiou"
SIGNS = "*#•·%_?.~=^█▒■□-"
_SIGN = f"[{re.escape(SIGNS)}]"
_INSIDE = re.compile(rf"[{CONSONANT}]{_SIGN}|{_SIGN}[{CONSONANT}]", re.IGNORECASE)
TOKEN = re.compile(rf"(?<!\S)([{CONSONANT}{re.escape(SIGNS)}]{{2,24}})(?=[,;:!.?…]*(?!\S))", re.IGNORECASE)
"""A word without a vowel. Whether there is a letter and a sign in it is asked afterwards."""
CUE = re.compile(rf"[{CONSONANT}](?:{_SIGN}[{CONSONANT}]|{_SIGN}{{2}})", re.IGNORECASE)
LEAST_WORDS = 2
PUNCTUATION = ".-=?"
"""These stand beside letters every day: one word more has to be masked with them, and inside."""
MOST_MASKS = 3
"""Of a word that the lists of words without vowels lack."""
SAMPLE_WORDS = 12
WORD_STEPS = 150
KNOWN = 3.0
OTHERS = 0.8


def undo(text: str, work: Work) -> tuple[str, frozenset[Trick]]:
    """The text with the vowels of its masked words, and the trick; the text and none where nothing is masked."""
    if not CUE.search(text):
        return text, frozenset()
    masked = [token for token in dict.fromkeys(TOKEN.findall(text)) if _INSIDE.search(token)]
    times = Counter(sign for token in masked for sign in set(token[1:-1]) & set(SIGNS))
    sign, inside = max(times.items(), key=lambda pair: pair[1], default=("", 0))
    own = [token for token in masked if set(token) & set(SIGNS) == {sign}]
    found: dict[str, str] = {}
    # The first words say whether the others are worth their steps.
    for some in (own[:SAMPLE_WORDS], own[SAMPLE_WORDS:]):
        if inside < LEAST_WORDS + (sign in PUNCTUATION) or not work.may(WORD_STEPS * len(some)):
            return text, frozenset()
        found |= {token: word for token in some if (word := _word(token.casefold(), sign))}
        if 3 * len(found) < 2 * len(own[:SAMPLE_WORDS]):
            return text, frozenset()
    return TOKEN.sub(lambda token: found.get(token[1], token[1]), text), frozenset({Trick.DROPPED})


def _word(token: str, sign: str) -> str | None:
    """The commonest word that `token` masks, in English where that is as likely."""
    best = max(_words(token, sign), key=frequency, default="")
    if frequency(best) <= KNOWN and sign in PUNCTUATION and token.endswith(sign):
        return found + sign if len(token) > 2 and (found := _word(token[:-1], sign)) else None
    return best if frequency(best) > KNOWN else None


def frequency(word: str) -> float:
    """Zipf frequency; of English words their own, of others that with a discount: there are more of them."""
    return max(zipf(word) - OTHERS, english(word))


def _words(token: str, sign: str) -> Iterable[str]:
    yield from (found for found in unskeleton(token.replace(sign, "")) if _fits(found, token, sign))
    if token.count(sign) <= MOST_MASKS:
        yield from map("".join, product(*(VOWELS if c == sign else c for c in token)))


def _fits(word: str, token: str, sign: str) -> bool:
    return len(word) == len(token) and all(c in (sign, letter) for letter, c in zip(word, token, strict=True))
