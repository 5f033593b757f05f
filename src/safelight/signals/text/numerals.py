"""Numbers as scripts write them: digits of all scripts, Ethiopic and Han numerals, number words without spaces.

What is left to others: what a number counts (`ages.py`).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

_ETHIOPIC_TENS = 0x1372
_ETHIOPIC_LAST_TEN = 0x137A
_ETHIOPIC = re.compile(r"[\u1372-\u137a][\u1369-\u1371]?|[\u1369-\u1371]")
_THOUSANDS = re.compile(r"(?<=\d)[.,'\u066c](?=\d{3}(?!\d))")
_FRACTION = re.compile(r"(?<=\d)[.,\u066b]\d+")
_RATIO = re.compile(r"(?<!\d)\d+\s?[:x×]\s?\d+")
_HAN = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
HAN_NUMBER = re.compile(r"[零〇一二三四五六七八九十百千万廿卅两兩]+")
TOO_LARGE = 10_000
"""Told for a numeral that is not read: more than anybody's years."""


def digits(text: str) -> str:
    """`text` with the digits of every script made ASCII."""
    if text.isascii():
        return text
    text = _ETHIOPIC.sub(lambda found: str(_ethiopic(found.group())), unicodedata.normalize("NFKC", text))
    return "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in text)


def _ethiopic(numeral: str) -> int:
    """Ethiopic numerals up to ninety-nine, Unicode 5.0 onwards: ten signs for the tens, nine for the ones."""
    value = 0
    for sign in map(ord, numeral):
        value += (sign - _ETHIOPIC_TENS + 1) * 10 if _ETHIOPIC_TENS <= sign <= _ETHIOPIC_LAST_TEN else sign - 0x1368
    return value


def han(numeral: str) -> int:
    """The value of a numeral in Han up to ninety-nine; TOO_LARGE for others."""
    tens, ten, ones = numeral.rpartition("十")
    if any(sign not in _HAN for sign in tens + ones) or max(len(tens), len(ones)) > (1 if ten else 2):
        return TOO_LARGE
    if not ten:
        return int("".join(str(_HAN[sign]) for sign in ones))
    return (_HAN[tens] if tens else 1) * 10 + (_HAN[ones] if ones else 0)


def whole(folded: str) -> str:
    """`folded` without the fractions of its numbers, their separators of thousands, and ratios such as 16:9."""
    return _RATIO.sub(" # ", _FRACTION.sub("", _THOUSANDS.sub("", folded)))


class NumberWords:
    """Number words of one language that is written without spaces."""

    def __init__(self, known: Mapping[str, int], larger: Iterable[str]) -> None:
        """`larger`: parts of the words for larger numbers."""
        self._known = known
        parts = sorted({*known, *larger}, key=len, reverse=True)
        self._pattern = re.compile("(?:" + "|".join(map(re.escape, parts)) + ")+")

    def find(self, folded: str) -> Iterator[tuple[int, int]]:
        """Each number in `folded`, and where it ends."""
        for match in self._pattern.finditer(folded):
            yield self._known.get(match.group(), TOO_LARGE), match.end()
