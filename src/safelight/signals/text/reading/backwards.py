"""Lines written from their end, in any language: what the letters themselves say, where no list knows the words.

Rules
- `ciphers.py` is asked first: what it reads by its words stands, unless it turned only a part of a line and the whole
  line reads about as well.
- What `ciphers.py` turned goes back where the letters say that it was right before: words of a hundred languages are
  words of some other from behind.
- A line is turned where it becomes clearly more probable as pieces of words (`joints.py`); prose of any language is
  about 1.5 nats a letter more probable than itself from behind, and hardly ever less probable.
- Only lines with something strange in them are looked at.
"""

from safelight.signals.text.reading import ciphers
from safelight.signals.text.reading.joints import (
    PARTING_STEPS_PER_LETTER,
    SURPRISE_CHARS,
    SURPRISE_STEPS_PER_LETTER,
    price,
    surprise,
)
from safelight.signals.text.reading.strange import LEAST_LETTERS, stretches
from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.reading.words import SCRIPTS_WITHOUT_SPACES
from safelight.signals.text.reading.work import Work

CLEARLY = 0.4
"""Nats a letter by which the line from behind has to be more probable."""
PARTLY = 0.3
"""Nats a letter that a whole line from behind may cost more than one in which only the strange words were turned: the
others are words by chance, and stand in the wrong order."""
LANGUAGE = 4.5
"""Nats a letter that a line in a-z may cost at most and be language."""
SOLID_CHARS = 11
"""Characters to a stretch without blanks from which on the blanks may have been left out as well."""
REVERSED = frozenset({Trick.REVERSED})


def undo(text: str, work: Work, *, by_word: bool = False) -> tuple[str, frozenset[Trick]]:
    """As `ciphers.undo`, and lines turned that it did not know; the tricks found."""
    changed, tricks = ciphers.undo(text, work, by_word=by_word)
    lines, others = text.split("\n"), changed.split("\n")
    if not tricks <= REVERSED or len(lines) != len(others) or not work.spans(text, stretches):
        return changed, tricks
    turned = [_turned(*pair, work, by_word=by_word) for pair in zip(lines, others, strict=True)]
    if turned == lines:
        return text, frozenset()
    return "\n".join(turned), REVERSED


def _turned(line: str, other: str, work: Work, *, by_word: bool) -> str:
    """`line` from its end where that is language; else `other`, which may be the line itself."""
    if sum(map(str.isalpha, line[:SURPRISE_CHARS])) < LEAST_LETTERS or SCRIPTS_WITHOUT_SPACES.search(line):
        return other
    if work.in_vain("turned", line, by_word):
        return line
    if line == other and not stretches(line):
        return other
    solid = len(line) >= SOLID_CHARS * len(line.split())
    steps = PARTING_STEPS_PER_LETTER if solid else SURPRISE_STEPS_PER_LETTER
    if not work.may(3 * steps * min(len(line), SURPRISE_CHARS)):
        return other
    cost = price if solid else surprise
    back = ciphers.backwards(line, by_word)
    now = cost(line)
    least = now - CLEARLY
    if other != line:
        turned = cost(other)
        if turned > now:
            other = line
        else:
            least = min(least, turned + PARTLY)
    if line.isascii():
        least = min(least, LANGUAGE)
    if cost(back) < least:
        return back
    if other == line:
        work.was_in_vain("turned", line, by_word)
    return other
