"""What a list knows of what was made here becomes a case: found here, reported by nobody."""

from collections.abc import Callable, Collection, Mapping
from functools import partial

from sqlalchemy import Connection

from safelight.cases.draft import FINGERPRINTS_MAX_COUNT, Fingerprint, Matter, ReportDraft, Route
from safelight.cases.service import Cases
from safelight.cases.stay_down import BANK_NAMES
from safelight.core.clock import Clock
from safelight.core.limits import Limits
from safelight.matching.fingerprints import HashKind
from safelight.matching.known import KnownImages
from safelight.matching.model import Bank, BankCategory
from safelight.matching.past_copies import PastCopies
from safelight.matching.past_finds import KnownOutput, PastFinds

MATTERS: Mapping[BankCategory, Matter] = {
    BankCategory.CSAM: Matter.CHILD,
    BankCategory.NCII: Matter.INTIMATE,
    BankCategory.ILLEGAL: Matter.OTHER,
    BankCategory.PROTECTED: Matter.OTHER,
}
OWN_BANKS = tuple(name for name, _ in BANK_NAMES.values())
"""Lists of what was reported here: the cases match these back themselves."""


def looking_back(
    known: KnownImages, cases: Cases, clock: Clock, limits: Limits, tell_failed: Callable[[int], object]
) -> tuple[PastFinds, PastCopies]:
    """Who works off what was found by hash, and who looks for what no hash finds."""
    assert known.copies  # noqa: S101 (a running Safelight keeps them)
    told = partial(_tell_cases, cases)
    return (
        PastFinds(known.database, DetectionCases(cases), clock, OWN_BANKS, tell_failed=tell_failed),
        PastCopies(known.database, known.copies.rows, clock, limits.past_copies_max_count, told),
    )


def _tell_cases(cases: Cases, connection: Connection, bank: Bank, items: Collection[int]) -> None:
    """The items of the cases' own lists are their numbers."""
    if bank.name in OWN_BANKS:
        cases.note_made_here(connection, items)


class DetectionCases:
    """Opens them. A picture that has a case joins it, so one find is one case however often it comes."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases

    async def open(self, found: KnownOutput) -> None:
        """As the port says."""
        draft = ReportDraft(
            MATTERS[found.category],
            route=Route.DETECTION,
            was_made=True,
            fingerprints=tuple(
                Fingerprint(HashKind.PDQ, value.hex()) for value in found.fingerprints[:FINGERPRINTS_MAX_COUNT]
            ),
            explanation=f"A list knows what request {found.request_id} made.",
        )
        await self._cases.receive(draft, "", subject_id=found.subject_id)
