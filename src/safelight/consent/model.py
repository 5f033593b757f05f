"""A consent record and the states that it goes through.

issued ──▶ active ──▶ expired
   └──────────┴──────────┴────▶ revoked        by the person, or with their key; there is no way back
"""

from dataclasses import dataclass
from datetime import datetime

from safelight.consent.statement import Signed
from safelight.core.canonical import Json
from safelight.core.consent import ConsentState


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody whose identity and age the operator has checked. Who it is stands in the operator's own files."""

    id: str
    platform: str
    public_key: bytes
    reference: str
    """Where the operator keeps the check; never a name."""
    checked_by: str
    checked_at: str
    revoked: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A signed statement as the store gave it back."""

    id: str
    signed: Signed | None
    """None where what is stored can no longer be read as a statement."""
    public_key: bytes
    revoked: bool
    """It, or its signer."""

    def state_at(self, now: datetime) -> ConsentState:
        """Where it stands at `now`, whoever asks and for whatever photo.

        The signature is held against the key each time: a row that was changed in the store is worth nothing.
        """
        if self.signed is None or not self.signed.is_by(self.public_key):
            return ConsentState.TAMPERED
        if self.revoked:
            return ConsentState.REVOKED
        if now < self.signed.statement.not_before:
            return ConsentState.ISSUED
        if now >= self.signed.statement.expires_at:
            return ConsentState.EXPIRED
        return ConsentState.ACTIVE

    def to_json(self, now: datetime) -> dict[str, Json]:
        """As it is listed; its state at `now`."""
        statement = self.signed.statement.to_json() if self.signed else None
        return {"id": self.id, "state": self.state_at(now).value, "statement": statement}


@dataclass(frozen=True, slots=True)
class Checked:
    """What a signed statement is worth that may not be in the register."""

    state: ConsentState
    """`unknown` where its signer is not enrolled on this platform."""
    record_id: str | None
    """Under which it is in the register; None: it is not, so that no request can rest on it yet."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the history."""

    at: str
    kind: str
    """`enrolled`, `added` or `revoked`."""
    signer_id: str
    record_id: str | None
    """None: of the signer itself."""
    by: str
    reason: str
