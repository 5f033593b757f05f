"""The detector of what a text asks for: action, target, person and degree, in any language of the encoder.

Rules
- Every reading of every passage is read, and the strongest reading decides; each signal says which it was.
- The conversation is read turn by turn, and as one text: what no turn asks alone, the turns may ask together.
- Claims of consent are read like any other words: they change no score.
- What was understood is told in our own words, one sentence a kind of move (`kinds.py`).
"""

import hashlib
from collections.abc import Iterator
from importlib.resources import files

from safelight.core.category import Stage
from safelight.core.errors import DetectorUnfit
from safelight.core.request import Role
from safelight.core.signal import Signal, SignalKind, SignalSpec
from safelight.signals.model import Found, Passage, Reading, ReadText, View
from safelight.signals.text.e5.encoder import Encoder
from safelight.signals.text.head import load_head
from safelight.signals.text.kinds import UNDERSTOOD
from safelight.signals.text.minors import Minors
from safelight.signals.text.understanding import Reader, Understanding
from safelight.signals.text.units import Known

READINGS_MAX = 12
"""Readings of one passage that are read; the reader yields the likeliest first."""
TURNS_TOGETHER = 6
"""The latest turns of the asker that are read as one text."""
TOLD_ABOVE = 0.2
"""Below this a score is not worth a sentence."""

_SPECS = (
    SignalSpec("text_undress", SignalKind.SCORE, "The words ask to undress, expose or sexualise a person.", 0.0),
    SignalSpec("text_sexual", SignalKind.SCORE, "The words ask for explicit sexual content, of anyone.", 0.0),
    SignalSpec(
        "text_minor", SignalKind.SCORE, "The words speak of a child, or of someone whose age is left open.", 0.0
    ),
    SignalSpec("text_person", SignalKind.SCORE, "The words mean a real person: named, related or in the picture.", 0.0),
    SignalSpec("text_hidden", SignalKind.SCORE, "The text was written so that a plain reader would not see it.", 0.0),
    SignalSpec("text_gibberish", SignalKind.SCORE, "The text is no language, as crafted noise would be.", 0.0),
    SignalSpec("text_unknown_language", SignalKind.SCORE, "The text is in a script that the system cannot read.", 0.0),
)
_EXAMPLES: tuple[tuple[str, float, float], ...] = (
    ("put her in a bikini", 0.5, 1.0),
    ("take off her dress", 0.5, 1.0),
    ("quítale la ropa", 0.5, 1.0),
    ("make the background a sunset", 0.0, 0.5),
    ("put a winter coat on him", 0.0, 0.5),
    ("a close-up of a bowl of ramen", 0.0, 0.5),
)
"""Text, and between what `text_undress` must lie."""


class TextMeaning:
    """See the module. One instance serves all threads."""

    name = "text_meaning"
    emits = _SPECS

    def __init__(self) -> None:
        self._reader: Reader | None = None
        weights = files("safelight.signals.text").joinpath("weights", "meaning.npz")
        self.version = hashlib.sha256(weights.read_bytes()).hexdigest()[:12] if weights.is_file() else "untrained"
        """The digest of the weights."""

    def load(self) -> None:
        """Open encoder, head and lexicon. Raises DetectorUnfit."""
        self._reader = Reader(Encoder(), load_head(), Minors())

    def verify(self) -> None:
        """Read the examples. Raises DetectorUnfit with the score that was wrong."""
        for text, low, high in _EXAMPLES:
            passage = Passage("turn 1", text, Role.USER)
            found = self.observe(View(Stage.INPUT, (ReadText(passage, (Reading("plain", text),)),)))
            score = max((float(s.value) for s in found.signals if s.name == "text_undress"), default=0.0)
            if not low <= score <= high:
                raise DetectorUnfit(
                    f"text_meaning gave an example {score:.2f}, not {low} to {high}: install safelight again"
                )

    def wants(self, view: View) -> bool:
        """Whether there is any text."""
        return any(text.passage.text.strip() for text in view.texts)

    def observe(self, view: View) -> Found:
        """Read every passage, and the conversation as a whole."""
        if self._reader is None:
            raise DetectorUnfit("text_meaning was asked before it was loaded: call load() first")
        return Found(tuple(self._signals(self._reader, view)))

    def _signals(self, reader: Reader, view: View) -> Iterator[Signal]:
        known: Known = {}
        for text in view.texts:
            if text.tricks:
                yield self._signal("text_hidden", 1.0, text.passage.where, "hides text from a plain reader", "plain")
            for reading in text.readings[:READINGS_MAX]:
                meaning = reader.understand(reading.text, known)
                yield from self._tell(meaning, text.passage.where, reading.name)
        turns = [text.readings[0].text for text in view.texts if text.passage.role is Role.USER and text.readings]
        if len(turns) > 1:
            together = " | ".join(turns[-TURNS_TOGETHER:])
            yield from self._tell(reader.understand(together, known), "conversation", "plain")

    def _tell(self, meaning: Understanding, where: str, reading: str) -> Iterator[Signal]:
        sentence = UNDERSTOOD[meaning.kind] if max(meaning.undress, meaning.sexual) >= TOLD_ABOVE else ""
        yield self._signal("text_undress", meaning.undress, where, sentence, reading)
        yield self._signal("text_sexual", meaning.sexual, where, sentence, reading)
        minor = "speaks of a child or of a person of uncertain age" if meaning.minor >= TOLD_ABOVE else ""
        yield self._signal("text_minor", meaning.minor, where, minor, reading)
        person = "means a real person" if meaning.person >= TOLD_ABOVE else ""
        yield self._signal("text_person", meaning.person, where, person, reading)
        if meaning.unknown_language:
            yield self._signal("text_unknown_language", meaning.unknown_language, where, "", reading)

    def _signal(self, name: str, value: float, where: str, understood: str, reading: str) -> Signal:
        return Signal(name, round(value, 4), f"{self.name}@{self.version}", where, understood, reading)
