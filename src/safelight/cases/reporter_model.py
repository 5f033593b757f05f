"""What people with a receipt hold and see: those who reported, and accounts that something was done to."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from safelight.cases.draft import Matter, Missing
from safelight.cases.model import CaseState, LegalClock, Outcome, Party, Visibility
from safelight.core.request import Standing


class KnownBy(StrEnum):
    """What a picture that is down is known by, and so what of it is refused here."""

    PLACE = "place"
    """Nothing of the picture itself: no upload is told to be one."""
    FILE = "file"
    """The digest of its file: that file is refused, and no altered one."""
    PICTURE = "picture"
    """A fingerprint that copies have as well."""


class Delivery(StrEnum):
    """What becomes of an order that the platform has not confirmed."""

    TRYING = "trying"
    NOTHING = "nothing"
    """Nothing waits to be told."""
    NOT_FOUND = "not_found"
    """The platform was told, and has named no place where the picture is."""
    GIVEN_UP = "given_up"
    """It failed for good, and stands where whoever is on call sees it."""
    NOBODY = "nobody"
    """No platform is connected: there is nobody to be told."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a person holds. Shown once; kept here only as keyed digests."""

    code: str
    """`XXXX-XXXX-XXXX`, 60 random bits in Crockford's base 32; case, dashes and spaces do not matter."""
    pin: str
    """Six digits."""
    case_id: str
    """For the log and the platform; not for the person, and no way in."""
    missing: tuple[Missing, ...] = ()
    """What the person is asked for still."""
    due_at: datetime | None = None
    """When the strictest clock runs out."""
    hidden_at: datetime | None = None
    """When it was hidden for the time being, where it was at once."""
    is_flood: bool = False
    """Whether it can be seen only because its source sent unusually many: somebody looks before it is hidden."""
    removed_at: datetime | None = None
    """When it was decided that the picture comes down, where that was before this report."""
    letters_wait: bool = False
    """Whether a way to reach the person was given that no letter goes to: theirs wait to be read."""


class PublicStep(StrEnum):
    """What was done, in words that a stranger at the same phone learns nothing from."""

    RECEIVED = "received"
    ADDED = "added"
    HIDDEN = "hidden"
    SHOWN = "shown"
    """No longer hidden, before or after a decision."""
    LOOKED_AT = "looked_at"
    REMOVED = "removed"
    KEPT = "kept"
    CONTESTED = "contested"
    APPEAL_UPHELD = "appeal_upheld"
    """Somebody who had no part in it decided the same."""
    APPEAL_REVERSED = "appeal_reversed"
    UNDONE = "undone"
    """The last decision was taken back."""
    WITHDRAWN = "withdrawn"
    MEASURE = "measure"
    """A strike or suspension, for the account that it struck."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What a party is told, as it is sent. Plain text; the exact words are kept."""

    id: str
    at: datetime
    kind: str
    """A `LetterKind`."""
    language: str
    subject: str
    body: str
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReportStatus:
    """What the holder of a receipt sees. It names neither the picture, nor a place, nor anybody."""

    party: Party
    language: str
    matter: Matter | None
    """None for an account's measure."""
    has_picture: bool
    """Whether it is about a picture, and not only about an account."""
    state: CaseState
    visibility: Visibility
    outcome: Outcome | None
    """Of a report that was taken back: what had been decided by then, and still holds."""
    received_at: datetime
    clock: LegalClock | None
    """Of a picture; while a decision is contested, that of the contest."""
    steps: tuple[tuple[datetime, PublicStep], ...]
    """Oldest first."""
    copies: int
    """How many further places it was hidden at or taken from."""
    missing: tuple[Missing, ...]
    letters: tuple[Letter, ...]
    """To this party only, oldest first."""
    is_confirmed: bool
    """Whether the platform has confirmed that it cannot be seen; `visibility` is what was ordered."""
    delivery: Delivery
    """While it is not confirmed."""
    is_held_elsewhere: bool
    """To the account: whether another case keeps all or some of it out of sight, which this one does not."""
    known_by: KnownBy
    is_late: bool
    """Whether the clock has run out without that."""
    is_flood: bool
    """Whether it can be seen only because this report's source sent unusually many, and nobody has decided."""
    is_withdrawn: bool
    """Whether this report was taken back, whatever becomes of the case."""
    letters_wait: bool
    """As the receipt's."""
    reporter_is_child: bool
    can_add: bool
    can_withdraw: bool
    can_contest: bool
    contest_until: datetime | None
    standing: Standing | None
    """Of the account, for itself; None where the account is not known."""
    standing_until: datetime | None
    """None: for good, or in good standing."""
    strikes: int
    """Of the account, in force, for itself."""
