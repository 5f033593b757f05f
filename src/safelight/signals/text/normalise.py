"""Step 2 of the gate for text: one spelling of every text field, and a small set of readings of it.

Rules
- The first reading is always `plain`. Further readings are named by the tricks undone, joined with `+`.
- `read` never raises, whatever the string, keeps nothing between calls, and is linear in the text's length.
- Ordinary text has one reading: a detector is paid for each, and a trick that is not there must not be found.
What is left to others: what a text means is `meaning.py`; what hiding it says about a request is policy.
"""

from safelight.signals.model import Passage, Reading, ReadText
from safelight.signals.text.reading import characters


def read(passage: Passage) -> ReadText:
    """Every way to read `passage` that is worth a detector's time, `plain` first."""
    cleaned = characters.clean(passage.text)
    readings = [Reading("plain", characters.tidy(cleaned.text))]
    if cleaned.hidden.strip():
        readings.append(Reading("hidden", characters.tidy(cleaned.hidden)))
    return ReadText(passage, tuple(readings), tuple(sorted(cleaned.tricks)))
