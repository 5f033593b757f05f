"""Which reasons a decision may have: a table of matter, outcome and reason, and no way around it."""

from collections.abc import Mapping

from safelight.cases.draft import Matter
from safelight.cases.history import Case
from safelight.cases.model import CaseKind, Outcome, ReasonCode

_IMAGE_REASONS: Mapping[Matter, Mapping[Outcome, tuple[ReasonCode, ...]]] = {
    Matter.CHILD: {
        Outcome.REMOVE: (
            ReasonCode.CHILD_SEXUALISED,
            ReasonCode.INTIMATE_WITHOUT_CONSENT,
            ReasonCode.OTHER_ILLEGAL,
            ReasonCode.AGAINST_TERMS,
        ),
        Outcome.KEEP: (ReasonCode.NO_CHILD_SEXUALISED,),
    },
    # Online Safety Act 2023 s.20A: there are two grounds, and no third, on which such a report may be refused.
    Matter.INTIMATE: {
        Outcome.REMOVE: (
            ReasonCode.INTIMATE_WITHOUT_CONSENT,
            ReasonCode.CHILD_SEXUALISED,
            ReasonCode.OTHER_ILLEGAL,
            ReasonCode.AGAINST_TERMS,
        ),
        Outcome.KEEP: (ReasonCode.NOT_INTIMATE_CONTENT, ReasonCode.NOT_ENTITLED),
    },
    Matter.OTHER: {
        Outcome.REMOVE: (
            ReasonCode.AGAINST_TERMS,
            ReasonCode.OTHER_ILLEGAL,
            ReasonCode.INTIMATE_WITHOUT_CONSENT,
            ReasonCode.CHILD_SEXUALISED,
        ),
        Outcome.KEEP: (ReasonCode.WITHIN_TERMS, ReasonCode.NOT_FOUND),
    },
}
_ACCOUNT_REASONS: Mapping[Outcome, tuple[ReasonCode, ...]] = {
    Outcome.MEASURE_STANDS: (ReasonCode.MEASURE_RIGHT,),
    Outcome.MEASURE_LIFTED: (ReasonCode.MEASURE_WRONG,),
}


def allowed_reasons(case: Case) -> Mapping[Outcome, tuple[ReasonCode, ...]]:
    """The outcomes that a case may have, each with the reasons that go with it."""
    if case.kind is CaseKind.ACCOUNT:
        return _ACCOUNT_REASONS
    reasons = _IMAGE_REASONS[case.matter]
    if case.matter is Matter.CHILD and case.is_intimate:
        # Somebody reported an intimate image, and the age only made it worse: s.20A holds for it all the same.
        return {**reasons, Outcome.KEEP: _IMAGE_REASONS[Matter.INTIMATE][Outcome.KEEP]}
    return reasons
