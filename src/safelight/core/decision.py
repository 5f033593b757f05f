"""What was decided, on what, and why. A decision is a pure function of what it records, so it can be replayed."""

from dataclasses import dataclass
from datetime import datetime

from safelight.core.canonical import Json
from safelight.core.category import Category, Stage, Verdict
from safelight.core.clock import to_rfc3339
from safelight.core.facts import Facts
from safelight.core.signal import Observed


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a rule spoke."""

    code: str
    """Stable, for machines and appeals, such as `undress_person_in_photo`."""
    rule: str
    """The id of the rule in the policy that spoke."""
    text: str
    """One sentence for the person who asked: what was understood, and what to do if it is wrong."""
    signals: tuple[str, ...] = ()
    """Names of the signals that the rule rested on."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Verdict, category, reasons, and everything that they were made of."""

    id: str
    request_id: str
    stage: Stage
    verdict: Verdict
    category: Category | None
    """None when allowed."""
    reasons: tuple[Reason, ...]
    policy_version: str
    """`sha256:…` of the policy that decided."""
    at: datetime
    facts: Facts
    observed: Observed

    def to_json(self) -> dict[str, Json]:
        """As it is recorded and shown to the operator; holds no prompt, image or account."""
        return {
            "id": self.id,
            "request_id": self.request_id,
            "stage": self.stage.value,
            "verdict": self.verdict.value,
            "category": self.category.value if self.category else None,
            "reasons": [
                {"code": r.code, "rule": r.rule, "text": r.text, "signals": list(r.signals)} for r in self.reasons
            ],
            "policy_version": self.policy_version,
            "at": to_rfc3339(self.at),
            "facts": self.facts.to_json(),
            "asked": list(self.observed.asked),
            "answered": list(self.observed.answered),
            "missing": [
                {"source": m.source, "signals": list(m.signals), "reason": m.reason.value}
                for m in self.observed.missing
            ],
            "signals": [
                {
                    "name": s.name,
                    "value": s.value,
                    "source": s.source,
                    "where": s.where,
                    "understood": s.understood,
                    "reading": s.reading,
                }
                for s in self.observed.signals
            ],
        }
