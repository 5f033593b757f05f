"""What the grammar makes: one request with what is true of it."""

from dataclasses import dataclass

from training.split import Part

SEPARATOR = " | "
"""Between the turns of a conversation read as one text."""


@dataclass(frozen=True, slots=True)
class Row:
    """One request."""

    turns: tuple[str, ...]
    lang: str
    family: str
    kind: str
    """What the request does, for the explanation: one of `safelight.signals.text.kinds`."""
    labels: dict[str, float]
    part: Part
    block: bool
    image: bool

    @property
    def text(self) -> str:
        """The conversation as one text."""
        return SEPARATOR.join(self.turns)
