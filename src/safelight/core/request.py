"""What is asked of the gate, whatever door it came by.

Every string and every image of the asker is in here, so that whatever sees an `ImageRequest` sees everything: the
conversation so far, the fields beside the prompt, the photos, the mask, and what is passed through to the model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from safelight.core.canonical import Json


class Operation(StrEnum):
    """What the asker wants done."""

    GENERATE = "generate"
    EDIT = "edit"
    VARIATE = "variate"
    CHECK = "check"
    """Only a decision: the platform calls its own model."""


class Surface(StrEnum):
    """Where in the product the request arises; the law and the policy may care."""

    API = "api"
    POST = "post"
    REPLY = "reply"
    """A reply to somebody's post or photo."""
    DIRECT_MESSAGE = "direct_message"


class Owner(StrEnum):
    """Whose image an upload is, as the platform says. `SELF` is a claim and never lowers the risk by itself."""

    SELF = "self"
    OTHER = "other"
    UNKNOWN = "unknown"


class Role(StrEnum):
    """Who spoke a turn."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"


class Standing(StrEnum):
    """The state of the asking account."""

    GOOD = "good"
    LIMITED = "limited"
    SUSPENDED = "suspended"


class Tier(StrEnum):
    """What the account pays. Recorded for parity audits; no input of policy, and no rule can name it."""

    FREE = "free"
    PAID = "paid"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Subject:
    """The account that asks."""

    id: str
    """Pseudonymous: a keyed digest, never the platform's own account name."""
    key_id: str
    standing: Standing = Standing.GOOD
    tier: Tier = Tier.FREE
    platform: str = ""
    """Whose account it is."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An image as it arrived: bytes from a stranger, not yet looked at."""

    content: bytes
    file_name: str = ""
    owner: Owner = Owner.UNKNOWN


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation, oldest first."""

    role: Role
    text: str
    photos: tuple[Upload, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """One request. The last turn is what is asked now; the turns before it are its history."""

    operation: Operation
    turns: tuple[Turn, ...]
    surface: Surface = Surface.API
    mask: Upload | None = None
    count: int = 1
    """How many images are asked for."""
    fields: tuple[tuple[str, str], ...] = ()
    """Text beside the prompt that detectors must see: where it stands, in words of ours, and the text.

    A name that the asker chose never stands as the first: it would be recorded. It is itself a text to be judged.
    """
    options: Mapping[str, Json] = field(default_factory=dict)
    """What the model behind the gate is given besides prompt and images, untouched (`size`, `quality`, …)."""
    consents: tuple[str, ...] = ()
    """Ids of the consent records that the request says it rests on; nothing is believed before it is verified."""

    @property
    def prompt(self) -> str:
        """The text of the last turn."""
        return self.turns[-1].text if self.turns else ""

    @property
    def photos(self) -> tuple[Upload, ...]:
        """Every photo of the conversation, oldest first; the mask is not one of them."""
        return tuple(photo for turn in self.turns for photo in turn.photos)
