"""Which readings of a passage deserve a detector's time: of those that cover the same text, the most like language.

Rules
- Readings are compared by the words in which they differ. Where undoing a disguise turned noise into language, the
  noise is not asked: whatever language stood beside it stands in the undone reading too.
- Readings that are about equally like language are all asked: choosing wrongly would be a way past the gate. Of two
  orders of the same words the one is left out that no language with prepositions and articles has.
- Where the lists know neither's words, the letters tell: noise is far less probable than any language's.
- What was written in characters that nobody sees is another text, and is always asked besides; so is what stood in a
  code inside other words.
"""

from collections import Counter

from safelight.signals.model import Reading, ReadText
from safelight.signals.text.reading.joints import surprise
from safelight.signals.text.reading.order import forwards
from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.reading.words import likeness

HIDDEN = "hidden"
"""How the name of a reading begins that is another text than the one that can be seen."""
DECODED = "decoded"
"""The name of a reading that is only what was written in a code, without what stood around it."""
_BY_THEMSELVES = (HIDDEN, DECODED)
LANGUAGE = 0.5
"""From this share of its own words on, a reading may be what was meant, and is asked although another is better."""
CLEARLY = 0.25
"""How much more of its own words has to be language before plain words are left out all the same: cut up, half of them
are words by chance."""
NOISE = 0.25
"""Below this share a reading with a disguise undone was undone wrongly, if what stood there is language."""
NOISY = 4.6
"""Nats a letter (`joints.surprise`) from which on a reading looks like noise; prose has about 3, in any language."""
NOISIER = 1.0
"""Nats a letter that noise lies above the reading that it became."""
SAMPLE_CHARS = 2_000
"""Of the words in which two readings differ, as many are held against each other."""


def chosen(text: ReadText) -> tuple[Reading, ...]:
    """The readings of `text` that are worth asking, in their order; at least one, unless there is none."""
    if len(text.readings) < 2:
        return text.readings
    seen = [reading for reading in text.readings if not reading.name.startswith(_BY_THEMSELVES)]
    best = seen[0]
    for other in seen[1:]:
        own, others = apart(other.text, best.text)
        # Of two that are no language, what was undone is the nearer to what its writer meant; and the names of letters
        # mean nothing themselves.
        if _was_noise(best, other):
            best = other
        elif own == others:
            best = other if forwards(other.text) > forwards(best.text) else best
        elif own > others or others < LANGUAGE or Trick.SPELLING_ALPHABET in other.name:
            best = other
    return tuple(r for r in text.readings if r not in seen or r is best or _is_rival(r, best))


def _is_rival(one: Reading, best: Reading) -> bool:
    if _was_noise(one, best):
        return False
    own, others = apart(one.text, best.text)
    if own == others:
        return forwards(one.text) >= forwards(best.text)
    if one.name == "plain":
        return own >= LANGUAGE and others - own < CLEARLY and Trick.SPELLING_ALPHABET not in best.name
    return own >= NOISE


def _was_noise(one: Reading, undone: Reading) -> bool:
    """Whether the text as it stands is noise, and what was undone is none, by their letters."""
    if one.name != "plain":
        return False
    noise = surprise(one.text)
    return noise > NOISY and noise - surprise(undone.text) > NOISIER


def apart(one: str, other: str) -> tuple[float, float]:
    """How much the words that only `one` has are like language, and those that only `other` has; each 0 to 1."""
    words, others = Counter(one.casefold().split()), Counter(other.casefold().split())
    own, lost = (" ".join(left.elements())[:SAMPLE_CHARS] for left in (words - others, others - words))
    return likeness(own), likeness(lost)
