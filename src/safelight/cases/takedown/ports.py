"""The two ports outwards: a platform that hides, removes and restores, and a post that carries letters.

What every implementation holds to (`tests/cases/takedown/test_contract.py`)
- A command may come again, with the same id: the second time changes nothing.
- A command may come late. Its `sequence` counts up in each case, so one that is older than what was done is answered
  like a success and not followed.
- "Done" means done at every place named and at every copy that the platform finds, by the fingerprints and, of what
  was cropped, by the pictures that it keeps (`matching/copies.py` can compare them).
- A letter may come again with the same id, and is delivered once; a post that cannot do so says it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from safelight.cases.draft import Contact, Fingerprint, Place
from safelight.cases.model import Party
from safelight.core.errors import SafelightError


class Order(StrEnum):
    """What a platform is told."""

    WATCH = "watch"
    """It was reported and may still be shown; hide it by itself at `hide_at`, unless it is told otherwise by then."""
    HIDE = "hide"
    """For the time being."""
    REMOVE = "remove"
    RESTORE = "restore"
    """Show it again, everywhere; nothing is held against it any more."""


@dataclass(frozen=True, slots=True)
class Command:
    """One order about one case."""

    id: str
    """The idempotency key: a repetition has the same."""
    case_id: str
    sequence: int
    order: Order
    reason: str
    """A code: a `ReasonCode`, `reported`, or empty."""
    places: tuple[Place, ...]
    fingerprints: tuple[Fingerprint, ...]
    hide_at: datetime | None = None
    """Of `WATCH`: when to hide it unasked, should nothing else be heard."""
    requests: tuple[str, ...] = ()
    """Requests to this service that copies of the picture came from: posts of their outputs are meant too."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What the platform has done."""

    copies: tuple[Place, ...] = ()
    """Further places where it found the picture, and did the same."""
    has_picture: bool = False
    """Whether it hands out the file when asked (`Platform.picture`)."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A letter on its way."""

    id: str
    case_id: str | None
    party: Party
    to: Contact | None
    """None for an account: the platform knows whose post it was, or whose pseudonym this is."""
    subject_id: str | None
    places: tuple[Place, ...]
    language: str
    subject: str
    body: str


class DeliveryFailed(SafelightError):
    """The other side did not take it. It is tried again, unless `is_final`; or may have: `is_doubtful`."""

    code = "delivery_failed"

    def __init__(self, message: str, *, is_final: bool = False, is_doubtful: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final
        self.is_doubtful = is_doubtful


class Platform(Protocol):
    """Where pictures are shown."""

    async def carry_out(self, command: Command) -> Confirmed:
        """Do it everywhere, then answer. Raises DeliveryFailed."""

    async def picture(self, request_id: str, place: Place) -> bytes | None:
        """The file at a place, also of one that is hidden; None where it does not give one. Raises DeliveryFailed."""


class Post(Protocol):
    """Carries letters."""

    def takes(self, party: Party, to: Contact | None) -> bool:
        """Whether it carries letters to them; what nobody carries waits to be read with the receipt."""

    def repeats_safely(self, parcel: Parcel) -> bool:
        """Whether this, sent twice, arrives once. Where not, what may have been sent is left to a person."""

    async def send(self, parcel: Parcel) -> None:
        """Hand it over. Raises DeliveryFailed."""
