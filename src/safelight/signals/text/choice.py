"""Which readings of a passage deserve a detector's time: of those that cover the same text, the most like language.

Rules
- Readings are compared by the words in which they differ. Where undoing a disguise turned noise into language, the
  noise is not asked: whatever language stood beside it stands in the undone reading too.
- Readings that are about equally like language are all asked: choosing wrongly would be a way past the gate.
- What was written in characters that nobody sees is another text, and is always asked besides.
"""

from collections import Counter

from safelight.signals.model import Reading, ReadText
from safelight.signals.text.reading.words import likeness

HIDDEN = "hidden"
"""How the name of a reading begins that is another text than the one that can be seen."""
LANGUAGE = 0.5
"""From this share of its own words on, a reading may be what was meant, and is asked although another is better."""
NOISE = 0.25
"""Below this share a reading with a disguise undone was undone wrongly, if what stood there is language."""
SAMPLE_CHARS = 2_000
"""Of the words in which two readings differ, as many are held against each other."""


def chosen(text: ReadText) -> tuple[Reading, ...]:
    """The readings of `text` that are worth asking, in their order; at least one, unless there is none."""
    if len(text.readings) < 2:
        return text.readings
    seen = [reading for reading in text.readings if not reading.name.startswith(HIDDEN)]
    best = seen[0]
    for other in seen[1:]:
        own, others = apart(other.text, best.text)
        # Of two that are no language, what was undone is the nearer to what its writer meant.
        if own >= others or others < LANGUAGE:
            best = other
    return tuple(r for r in text.readings if r not in seen or r is best or _is_rival(r, best))


def _is_rival(one: Reading, best: Reading) -> bool:
    own, others = apart(one.text, best.text)
    return own == others or own >= (LANGUAGE if one.name == "plain" else NOISE)


def apart(one: str, other: str) -> tuple[float, float]:
    """How much the words that only `one` has are like language, and those that only `other` has; each 0 to 1."""
    words, others = Counter(one.casefold().split()), Counter(other.casefold().split())
    own, lost = (" ".join(left.elements())[:SAMPLE_CHARS] for left in (words - others, others - words))
    return likeness(own), likeness(lost)
