"""What a list knows of what was made here becomes a case: found here, reported by nobody."""

from collections.abc import Mapping

from safelight.cases.draft import FINGERPRINTS_MAX_COUNT, Fingerprint, Matter, ReportDraft, Route
from safelight.cases.service import Cases
from safelight.cases.stay_down import BANK_NAMES
from safelight.matching.fingerprints import HashKind
from safelight.matching.model import BankCategory
from safelight.matching.past_finds import KnownOutput

MATTERS: Mapping[BankCategory, Matter] = {
    BankCategory.CSAM: Matter.CHILD,
    BankCategory.NCII: Matter.INTIMATE,
    BankCategory.ILLEGAL: Matter.OTHER,
    BankCategory.PROTECTED: Matter.OTHER,
}
OWN_BANKS = tuple(name for name, _ in BANK_NAMES.values())
"""Lists of what was reported here: the cases match these back themselves."""


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
