"""Step 2 of the gate for text: one spelling of every text field, and a small set of readings of it.

Rules
- The first reading is always `plain`: NFKC, nothing unseen, one blank between words, case kept. Further readings are
  named by the tricks undone, joined with `+`; a text written in unseen characters is its own reading, `hidden`.
- `read` never raises, whatever the string, keeps nothing between calls, and is linear in the text's length: at most
  LAYERS rounds over it, each bounded by the files of `reading/`.
- Ordinary text has one reading: a detector is paid for each, and a trick that is not there must not be found.
- Of a long text a further reading holds only the sentences that differ from `plain`.
What is left to others: what a text means is `meaning.py`; what hiding it says about a request is policy.
"""

import re
from collections.abc import Callable

from safelight.signals.model import Passage, Reading, ReadText
from safelight.signals.text.reading import ciphers, codes, escapes, letters, repairs, spacing
from safelight.signals.text.reading.characters import clean, tidy
from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.reading.words import lexicon

LAYERS = 3
"""Rounds of undoing: a trick inside a trick inside a trick."""
EXCERPT_FROM_CHARS = 600
"""From this length on, a further reading holds only what differs from `plain`."""
GROWTH = 2
"""No reading is longer than this many times the passage: what would be, is left undone."""
STEPS: tuple[Callable[[str], tuple[str, frozenset[Trick]]], ...] = (
    escapes.undo,
    codes.undo,
    letters.undo,
    spacing.undo,
    repairs.undo,
    ciphers.undo,
    spacing.undo_joined,
    repairs.undo_in_stretches,
)
"""One round, in this order: outer layers first, and what leaves the clearest traces before what has to be guessed."""
SENTENCE = re.compile(r"[^.!?\n;。！？]+[.!?\n;。！？]*")


def load() -> None:
    """Open the language resources, so that the first request does not wait for them."""
    lexicon()
    read(Passage("warm-up", "r3m0ve th¡s"))


def read(passage: Passage) -> ReadText:
    """Every way to read `passage` that is worth a detector's time, `plain` first."""
    cleaned = clean(passage.text)
    plain = tidy(cleaned.text)
    readings = [Reading("plain", plain)]
    tricks = set(cleaned.tricks)
    for source, name in ((cleaned.text, ""), (cleaned.hidden, "hidden")):
        found, undone = undo(source)
        tricks |= undone
        text = tidy(found)
        if text and text.casefold() not in {r.text.casefold() for r in readings}:
            label = "+".join([*([name] if name else []), *sorted(trick.value for trick in undone)])
            readings.append(Reading(label or "tidy", _excerpt(text, plain) if not name else text))
    return ReadText(passage, tuple(readings), tuple(sorted(trick.value for trick in tricks)))


def undo(text: str) -> tuple[str, frozenset[Trick]]:
    """The text with every trick undone, and which. The same text and none where there is none."""
    tricks: set[Trick] = set()
    longest = max(64, GROWTH * len(text))
    for _ in range(LAYERS):
        before = text
        for step in STEPS:
            changed, found = step(text)
            if found and changed != text and len(changed) <= longest:
                cleaned = clean(changed)
                text = cleaned.text
                tricks |= found | cleaned.tricks
        if text == before:
            break
    return text, frozenset(tricks)


def _excerpt(text: str, plain: str) -> str:
    """Of a long reading, the sentences that `plain` does not have."""
    if len(text) < EXCERPT_FROM_CHARS:
        return text
    known = {sentence.strip() for sentence in SENTENCE.findall(plain)}
    return " ".join(s.strip() for s in SENTENCE.findall(text) if s.strip() not in known) or text
