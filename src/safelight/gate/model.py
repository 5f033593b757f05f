"""What comes out of the gate: a decision, and, where everything was allowed and recorded, the images."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from safelight.core.canonical import Json
from safelight.core.category import Verdict
from safelight.core.decision import Decision


@dataclass(frozen=True, slots=True)
class ReleasedImage:
    """One image that was observed, decided and recorded: exactly these bytes were looked at."""

    content: bytes
    media_type: str
    revised_prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended. `images` is empty unless the last decision allows."""

    request_id: str
    decisions: tuple[Decision, ...]
    """One for each stage that was reached, in order; the last one is the verdict."""
    images: tuple[ReleasedImage, ...] = ()
    partials: tuple[ReleasedImage, ...] = ()
    """Earlier states of the images, for clients that stream; checked together with the final ones."""
    extra: Mapping[str, Json] = field(default_factory=dict)
    """What the backend said besides, such as `usage`."""
    receipts: tuple[str, ...] = ()
    """The log's promise for each of `decisions`, in order."""

    @property
    def decision(self) -> Decision:
        """The decision that stands."""
        return self.decisions[-1]

    @property
    def is_allowed(self) -> bool:
        """Whether the verdict is to allow."""
        return self.decision.verdict is Verdict.ALLOW
