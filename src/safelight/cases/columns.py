"""The row of a case: where it stands, as the queue and the clocks look for it. It follows from the history alone."""

from datetime import datetime, timedelta
from typing import Any

from safelight.cases.history import Case
from safelight.cases.model import CaseState
from safelight.cases.rules import CaseRules
from safelight.cases.timers import contest_due, destroy_at, next_at
from safelight.core.clock import to_rfc3339


def columns_of(case: Case, rules: CaseRules, views: int, *, is_flood: bool) -> dict[str, Any]:
    """The columns of `cases` that a step may change."""
    rank_at = rules.rank_at(case.matter, case.received_at, in_danger=case.in_danger, views=views, is_flood=is_flood)
    due_at = contest_due(case, rules) or case.due_at
    if case.state is CaseState.CONTESTED and case.contested_at:
        rank_at = case.contested_at + timedelta(hours=rules.times.appeal_h / 2)
    return {
        "kind": case.kind.value,
        "matter": case.matter.value,
        "route": case.route.value,
        "state": case.state.value,
        "visibility": case.visibility.value,
        "law": case.law.value,
        "received_at": to_rfc3339(case.received_at),
        "due_at": to_rfc3339(due_at),
        "rank_at": to_rfc3339(rank_at),
        "next_at": _text(next_at(case, rules)),
        "keep_until": _text(destroy_at(case, rules)),
        "is_waiting": case.is_waiting,
        "in_danger": case.in_danger,
        "reports": len(case.reports),
        "held_by": case.held_by,
        "held_until": _text(case.held_until),
        "first_look_at": _text(case.first_look_at),
        "hidden_at": _text(case.hidden_at),
        "removed_at": _text(case.removed_at),
        "confirmed_at": _text(case.confirmed_at),
        "decided_at": _text(case.decided_at),
        "outcome": case.outcome.value if case.outcome else None,
        "was_contested": bool(case.has_contested),
        "was_overturned": case.was_overturned,
        "is_breached": case.is_breached,
        "version": case.version,
    }


def _text(moment: datetime | None) -> str | None:
    return to_rfc3339(moment) if moment else None
