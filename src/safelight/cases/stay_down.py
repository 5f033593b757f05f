"""What the banks do for cases: find the case of a picture that was reported before, and keep down what was taken down.

Each case has a number, under which its fingerprints stand: in a bank that matches nothing (to find the case again),
and, while the picture is hidden or removed, in a bank that the gate asks at upload and at generation. To restore is to
drop the number. The banks are made when the first report needs them.

Two things make more of a fingerprint. What was made here and is near it is looked for in the register of outputs, so
that its posts are taken down as well. And where the picture itself can be had (the platform hands it out, or its output
was made here), its features are kept while it is down, because no hash finds a crop; `matching/past_copies.py` then
looks for crops in the register.

A fingerprint comes from a stranger. One that no picture can have, or that everyday pictures would match, is kept with
its report and blocks nothing: otherwise one report could have half of the world refused.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

import numpy as np
import structlog
from sqlalchemy import Connection, delete, func, select

from safelight.cases.draft import Fingerprint, Matter
from safelight.cases.reporter_model import KnownBy
from safelight.cases.staff_model import MadeHere
from safelight.core.clock import Clock
from safelight.core.limits import DEFAULT_LIMITS, Limits
from safelight.core.request import Upload
from safelight.matching.banks import create_bank, list_banks
from safelight.matching.copies import Features, unpacked
from safelight.matching.copy_index import describe
from safelight.matching.errors import BankError
from safelight.matching.fingerprints import HashKind, file_digests
from safelight.matching.guards import is_nonsense, why_hold_back
from safelight.matching.hashes import BankHashes
from safelight.matching.index.layout import MAX_RADIUS
from safelight.matching.known import KnownImages
from safelight.matching.model import Bank, BankCategory, BankState
from safelight.matching.past import PastOutputs, match_back
from safelight.matching.pdq import Pdq, pdq
from safelight.signals.image.decode import decode
from safelight.signals.model import PictureRole
from safelight.store.matching_tables import past_matches
from safelight.store.provenance_tables import outputs
from safelight.store.tables import banks, decisions

log = structlog.get_logger()
INDEX_NAME = "reported"
BANK_NAMES = {
    Matter.CHILD: ("taken-down-child", BankCategory.CSAM),
    Matter.INTIMATE: ("taken-down", BankCategory.NCII),
    Matter.OTHER: ("taken-down-other", BankCategory.ILLEGAL),
}


@dataclass(frozen=True, slots=True)
class Down:
    """A picture that is hidden or removed."""

    number: int
    matter: Matter
    prints: tuple[Fingerprint, ...]
    keeps_features: bool
    """Whether features may be kept of it."""


class Copies(Protocol):
    """What cases ask of the banks. Blocking, beside the event loop."""

    def find(self, prints: Sequence[Fingerprint]) -> list[int]:
        """Numbers of the cases whose picture is near, nearest first."""

    def remember(self, numbered: Sequence[tuple[int, Sequence[Fingerprint]]]) -> None:
        """Have each case found by its fingerprints."""

    def block(self, down: Sequence["Down"]) -> None:
        """Refuse what can be refused of these from now on. Again is harmless."""

    def describe(self, number: int, matter: Matter, file: bytes, *, keeps_features: bool) -> tuple[Fingerprint, ...]:
        """What a picture that is down is known by; what crops of it are found by is kept. Raises BadInput.

        The file is not kept.
        """

    def match_back(self, down: Sequence["Down"]) -> frozenset[int]:
        """Find what was made here before of pictures that are down; returns the numbers of which more was found."""

    def unblock(self, number: int) -> None:
        """Refuse them no longer."""

    def forget(self, number: int) -> None:
        """Refuse them no longer, nor find any case by them."""

    def known_in(self, prints: Sequence[Fingerprint]) -> tuple[str, ...]:
        """Names of the lists of others that know one of these."""


class BankCopies:
    """The port, over this installation's banks."""

    def __init__(
        self, known: KnownImages, clock: Clock, past: PastOutputs | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        """`past`: what was made here, where that is kept."""
        self._known = known
        self._past = past
        self._limits = limits
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

    def remember(self, numbered: Sequence[tuple[int, Sequence[Fingerprint]]]) -> None:
        """As the port says."""
        self._add(INDEX_NAME, [(number, one) for number, prints in numbered for one in prints if one.is_usable])

    def block(self, down: Sequence[Down]) -> None:
        """As the port says."""
        for matter, (name, _) in BANK_NAMES.items():
            mine = [one for one in down if one.matter is matter]
            self._add(name, [(one.number, a) for one in mine for a in one.prints if is_blockable(a)])

    def describe(self, number: int, matter: Matter, file: bytes, *, keeps_features: bool) -> tuple[Fingerprint, ...]:
        """As the port says."""
        picture = decode(Upload(file), role=PictureRole.PHOTO, where="reported", limits=self._limits)
        found = [Fingerprint(kind, digest.hex()) for kind, digest in file_digests(file).items()]
        hashed = pdq(picture.frames[0])
        if not isinstance(hashed, Pdq):
            return tuple(found)
        found.append(Fingerprint(HashKind.PDQ, hashed.hex, hashed.quality))
        if keeps_features and self._known.copies and is_blockable(found[-1]):
            self._keep(self._bank(BANK_NAMES[matter][0]), number, *describe(picture.frames[0]))
        return tuple(found)

    def match_back(self, down: Sequence[Down]) -> frozenset[int]:
        """As the port says."""
        grown: set[int] = set()
        for matter, (name, _) in BANK_NAMES.items():
            mine = [one for one in down if one.matter is matter]
            pdqs = [(a.value, one.number) for one in mine for a in one.prints if a.kind is HashKind.PDQ]
            fit = [(value, number) for value, number in pdqs if is_blockable(Fingerprint(HashKind.PDQ, value.hex()))]
            if not fit or self._past is None:
                continue
            bank = self._bank(name)
            found = match_back(self._known.database, self._hashes, self._past, bank, self._clock(), fit)
            grown |= {match.item for match in found}
            here = self._known.database.read_here(partial(made_here, numbers=[one.number for one in mine]))
            for one in mine:
                if one.keeps_features and here[one.number]:
                    self._describe_output(bank, one.number)
        return frozenset(grown)

    def _describe_output(self, bank: Bank, number: int) -> None:
        """Keep the features that the register has of an output that was found, where none are kept yet."""
        copies = self._known.copies
        if copies is None or copies.has(bank.number, number):
            return
        packed = self._known.database.read_here(partial(_features_of, bank=bank.number, item=number))
        if packed is not None:
            self._keep(bank, number, unpacked(packed), _NONE)

    def _keep(self, bank: Bank, number: int, plain: Features, mirrored: Features) -> None:
        assert self._known.copies  # noqa: S101 (asked before)
        try:
            self._known.copies.add_features(bank.number, number, plain, mirrored, self._clock())
        except BankError as error:
            # Too plain, or the book is full: hashes have to do, as for every picture that nobody hands out.
            log.warning("features_not_kept", bank=bank.name, item=number, why=error.message)

    def unblock(self, number: int) -> None:
        """As the port says."""
        for name, _ in BANK_NAMES.values():
            bank = self._bank(name).number
            self._hashes.drop(bank, number)
            if self._known.copies:
                self._known.copies.drop(bank, number)

    def forget(self, number: int) -> None:
        """As the port says."""
        self.unblock(number)
        self._hashes.drop(self._bank(INDEX_NAME).number, number)

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

    def _add(self, name: str, numbered: Sequence[tuple[int, Fingerprint]]) -> None:
        for kind in {one.kind for _, one in numbered}:
            mine = [(number, one.value) for number, one in numbered if one.kind is kind]
            numbers, values = zip(*mine, strict=True)
            self._hashes.add(self._bank(name).number, kind, values, numbers)


_NONE = Features(np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8), (1, 1))
"""In place of the mirror image's: of an output the register has its own only."""


def _features_of(connection: Connection, bank: int, item: int) -> bytes | None:
    """Of the nearest output that a bank's item was found to be."""
    query = (
        select(outputs.c.features)
        .join(past_matches, past_matches.c.output_id == outputs.c.id)
        .where(past_matches.c.bank == bank, past_matches.c.item == item, outputs.c.features.is_not(None))
        .order_by(past_matches.c.distance.nulls_last())
    )
    found: bytes | None = connection.execute(query.limit(1)).scalar()
    return found


def made_here(connection: Connection, numbers: Collection[int]) -> dict[int, list[MadeHere]]:
    """What was made here of each case's picture, the oldest first: as far as it was found (`match_back`)."""
    past, made = past_matches.c, decisions.c
    names = [name for name, _ in BANK_NAMES.values()]
    query = (
        select(past.item, past.output_id, past.made_at, past.distance, past.decision_id)
        .add_columns(made.request_id, made.subject_id, made.policy_version)
        .select_from(past_matches.join(banks, banks.c.number == past.bank))
        .outerjoin(decisions, made.id == past.decision_id)
        .where(banks.c.name.in_(names), past.item.in_(numbers))
        .order_by(past.made_at, past.output_id)
    )
    # Of a case whose matter changed, two banks found the same.
    found: dict[int, dict[str, MadeHere]] = {number: {} for number in numbers}
    for number, *row in connection.execute(query):
        found[number][row[0]] = MadeHere(*row)
    return {number: list(by_output.values()) for number, by_output in found.items()}


def found_made_here_at(connection: Connection, number: int) -> str | None:
    """When more was last found to be made here of a case's picture (RFC 3339); None where nothing was."""
    names = [name for name, _ in BANK_NAMES.values()]
    found = select(func.max(past_matches.c.at)).join(banks, banks.c.number == past_matches.c.bank)
    at: str | None = connection.execute(found.where(banks.c.name.in_(names), past_matches.c.item == number)).scalar()
    return at


def forget_made_here(connection: Connection, number: int) -> None:
    """Forget what was found to be made here of a case's picture."""
    own = select(banks.c.number).where(banks.c.name.in_([name for name, _ in BANK_NAMES.values()]))
    connection.execute(delete(past_matches).where(past_matches.c.bank.in_(own), past_matches.c.item == number))


def is_blockable(one: Fingerprint) -> bool:
    """Whether a fingerprint from a stranger may refuse anything."""
    if one.kind is not HashKind.PDQ:
        return True
    return one.is_usable and not is_nonsense(one.value) and not why_hold_back(0, 1, [one.value], MAX_RADIUS)


def known_by(prints: Collection[Fingerprint]) -> KnownBy:
    """What is refused of a picture with these fingerprints while it is down."""
    kinds = {one.kind for one in prints if is_blockable(one)}
    if HashKind.PDQ in kinds:
        return KnownBy.PICTURE
    return KnownBy.FILE if kinds else KnownBy.PLACE


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
