"""What a verified consent record can speak for, and how one stands towards a request.

Only a record that the gate has verified is told to the policy. What a text says of consent is a text like any other.
"""

from dataclasses import dataclass
from enum import StrEnum


class Use(StrEnum):
    """What a person may agree to be shown in. Nothing that concerns a child is, or can be, among them."""

    SWIMWEAR = "swimwear"
    LINGERIE = "lingerie"
    NUDITY_ARTISTIC = "nudity-artistic"


class ConsentState(StrEnum):
    """How the records that a request names stand towards it. Everything but `ACTIVE` counts as no record at all."""

    NONE = "none"
    """The request names no record."""
    ACTIVE = "active"
    """Every record is in force, and together they cover every photo of the request."""
    UNKNOWN = "unknown"
    """No such record on this platform."""
    TAMPERED = "tampered"
    """The record is not what its signer signed."""
    REVOKED = "revoked"
    """Withdrawn, or its signer's key was."""
    ISSUED = "issued"
    """Signed, but not yet in force."""
    EXPIRED = "expired"
    OTHER_ACCOUNT = "other_account"
    """The record is for other accounts than the one that asks."""
    OTHER_PHOTO = "other_photo"
    """A photo of the request is named by no record, or a record names none of them."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What the records of one request come to."""

    state: ConsentState = ConsentState.NONE
    uses: frozenset[Use] = frozenset()
    """What every photo of the request may be used for; empty unless the state is `ACTIVE`."""


NO_CONSENT = Consent()
