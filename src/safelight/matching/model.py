"""The words of this room: a bank, what it holds, and what a look at a picture found."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from safelight.core.canonical import Json
from safelight.matching.copies import Copy
from safelight.matching.fingerprints import HashKind
from safelight.matching.pdq import Turn


class BankCategory(StrEnum):
    """What the pictures of a bank are; each has a signal of its own, and the policy says what follows."""

    CSAM = "csam"
    NCII = "ncii"
    ILLEGAL = "illegal"
    """Found illegal by a court or a hotline for another reason."""
    PROTECTED = "protected"
    """Of people who asked that nothing be done with them."""


class BankKind(StrEnum):
    """Whether a match speaks for the picture being known, or for its being mistaken for a known one."""

    KNOWN = "known"
    NEGATIVE = "negative"
    """Known false matches: what is near one of these is not held to be near a PDQ hash. Digests are not overruled."""


class BankState(StrEnum):
    """Whether a bank's matches count."""

    ACTIVE = "active"
    QUARANTINED = "quarantined"
    """Held back until somebody has looked; nothing in it matches."""
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Bank:
    """A list of hashes with an owner."""

    number: int
    name: str
    owner: str
    source: str
    category: BankCategory
    kind: BankKind
    threshold_bits: int
    """PDQ distance up to which a picture counts as a copy."""
    meaning: str
    """What a match means, for the person who reviews one."""
    state: BankState
    why: str
    parent: int | None
    """Of a batch held back: the number of the bank that it came for."""
    stale_after_h: int
    created_at: str
    updated_at: str

    def is_stale(self, now: datetime) -> bool:
        """Whether its source has been silent for too long."""
        age_h = (now - datetime.fromisoformat(self.updated_at)).total_seconds() / 3600
        return self.state is BankState.ACTIVE and 0 < self.stale_after_h < age_h


@dataclass(frozen=True, slots=True)
class Entry:
    """One hash of a list, to be added or withdrawn."""

    kind: HashKind
    value: bytes
    is_withdrawn: bool = False
    at_s: int = 0
    """When its source last changed it, in seconds since 1970; 0 where the source does not say."""
    item: int = 0
    """For a source that withdraws entries by their name: `item_of(name)`."""


def item_of(name: str) -> int:
    """A number of 40 bits for an entry's name, never 0.

    Among ten million entries, the withdrawal of one takes another with it once in 100,000 times.
    """
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:5]) or 1


class CopyKind(StrEnum):
    """How a picture is known that no hash knows."""

    FEATURES = "features"
    """Local features of it agree, in one arrangement."""
    MODEL = "model"
    """The operator's own copy model holds it for a copy."""


@dataclass(frozen=True, slots=True)
class Match:
    """A bank, or an item of one, that a picture is near."""

    bank: Bank
    item: int
    kind: HashKind | CopyKind
    distance: int = 0
    """Bits, for PDQ."""
    turn: Turn = Turn.NONE
    copy: Copy | None = None
    """How the picture shows the known one, for a copy by features."""

    @property
    def bits_apart(self) -> int | None:
        """For PDQ: other ways to match know no distance."""
        return self.distance if self.kind is HashKind.PDQ else None

    def to_json(self) -> dict[str, Json]:
        """For a reviewer."""
        return {
            "bank": self.bank.name,
            "category": self.bank.category.value,
            "meaning": self.bank.meaning,
            "by": self.kind.value,
            "distance": self.bits_apart,
            "threshold": None if self.bits_apart is None else self.bank.threshold_bits,
            "turn": self.turn.value,
        } | (self.copy.to_json() if self.copy else {})


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at one picture found."""

    matches: tuple[Match, ...]
    """Of active banks, nearest first."""
    is_unhashable: bool
    """Whether no frame has a PDQ hash: then "no match" says nothing about copies."""
    lists: str
    """Digest of the lists that were asked, 16 hex digits."""
    overruled_by: tuple[str, ...] = ()
    """The negative banks that kept a match by PDQ from being one: for whoever may know banks by name."""
