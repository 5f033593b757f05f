"""What the banks do for cases: find the case of a picture that was reported before, and keep down what was taken down.

Each case has a number, under which its fingerprints stand: in a bank that matches nothing (to find the case again),
and, while the picture is hidden or removed, in a bank that the gate asks at upload and at generation. To restore is to
drop the number. The banks are made when the first report needs them.

A fingerprint comes from a stranger. One that no picture can have, or that everyday pictures would match, is kept with
its report and blocks nothing: otherwise one report could have half of the world refused.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

from sqlalchemy import Connection

from safelight.cases.draft import Fingerprint, Matter
from safelight.core.clock import Clock
from safelight.matching.banks import create_bank, list_banks
from safelight.matching.fingerprints import HashKind
from safelight.matching.guards import is_nonsense, why_hold_back
from safelight.matching.hashes import BankHashes
from safelight.matching.index.layout import MAX_RADIUS
from safelight.matching.known import KnownImages
from safelight.matching.model import Bank, BankCategory, BankState

INDEX_NAME = "reported"
BANK_NAMES = {
    Matter.CHILD: ("taken-down-child", BankCategory.CSAM),
    Matter.INTIMATE: ("taken-down", BankCategory.NCII),
    Matter.OTHER: ("taken-down-other", BankCategory.ILLEGAL),
}


class Copies(Protocol):
    """What cases ask of the banks. Blocking, beside the event loop."""

    def find(self, prints: Sequence[Fingerprint]) -> list[int]:
        """Numbers of the cases whose picture is near, nearest first."""

    def remember(self, number: int, prints: Sequence[Fingerprint]) -> None:
        """Have a case found by these."""

    def block(self, number: int, matter: Matter, prints: Sequence[Fingerprint]) -> int:
        """Refuse these from now on; returns how many can be. Again is harmless."""

    def unblock(self, number: int) -> None:
        """Refuse them no longer."""

    def known_in(self, prints: Sequence[Fingerprint]) -> tuple[str, ...]:
        """Names of the lists of others that know one of these."""


class BankCopies:
    """The port, over this installation's banks."""

    def __init__(self, known: KnownImages, clock: Clock) -> None:
        self._known = known
        self._hashes: BankHashes = known.hashes
        self._clock = clock
        self._banks: dict[str, Bank] = {}

    def find(self, prints: Sequence[Fingerprint]) -> list[int]:
        """As the port says."""
        bank = self._bank(INDEX_NAME).number
        pdqs = [one.value for one in prints if one.kind is HashKind.PDQ and one.is_usable]
        hits = self._hashes.near(pdqs, MAX_RADIUS) if pdqs else []
        for one in prints:
            if one.kind is not HashKind.PDQ:
                hits = [*hits, *self._hashes.same(one.kind, one.value)]
        return list(dict.fromkeys(hit.item for hit in hits if hit.bank == bank))

    def remember(self, number: int, prints: Sequence[Fingerprint]) -> None:
        """As the port says."""
        self._add(self._bank(INDEX_NAME), number, [one for one in prints if one.is_usable])

    def block(self, number: int, matter: Matter, prints: Sequence[Fingerprint]) -> int:
        """As the port says."""
        fit = [one for one in prints if is_blockable(one)]
        self._add(self._bank(BANK_NAMES[matter][0]), number, fit)
        return len(fit)

    def unblock(self, number: int) -> None:
        """As the port says."""
        for name, _ in BANK_NAMES.values():
            self._hashes.drop(self._bank(name).number, number)

    def known_in(self, prints: Sequence[Fingerprint]) -> tuple[str, ...]:
        """As the port says."""
        own = {name for name, _ in BANK_NAMES.values()}
        found = [name for one in prints if one.is_usable for name in self._known.banks_with(one.kind, one.value)]
        return tuple(dict.fromkeys(name for name in found if name not in own))

    def _bank(self, name: str) -> Bank:
        if name not in self._banks:
            make = partial(_find_or_make, name=name, now=self._clock())
            self._banks[name] = self._known.database.write_here(make)
        return self._banks[name]

    def _add(self, bank: Bank, number: int, prints: Sequence[Fingerprint]) -> None:
        for kind in HashKind:
            if values := [one.value for one in prints if one.kind is kind]:
                self._hashes.add(bank.number, kind, values, [number] * len(values))


def is_blockable(one: Fingerprint) -> bool:
    """Whether a fingerprint from a stranger may refuse anything."""
    if one.kind is not HashKind.PDQ:
        return True
    return one.is_usable and not is_nonsense(one.value) and not why_hold_back(0, 1, [one.value], MAX_RADIUS)


def _find_or_make(connection: Connection, name: str, now: datetime) -> Bank:
    found = [bank for bank in list_banks(connection) if bank.name == name]
    if found:
        return found[0]
    category = dict(BANK_NAMES.values()).get(name)
    return create_bank(
        connection,
        name=name,
        owner="this service",
        source="reports received here",
        category=category or BankCategory.PROTECTED,
        meaning="Reported here, and hidden or removed." if category else "Reported here.",
        state=BankState.ACTIVE if category else BankState.QUARANTINED,
        why="" if category else "for finding cases again; it never matches",
        now=now,
    )
