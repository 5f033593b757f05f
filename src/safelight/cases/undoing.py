"""Taking a decision back: who may, for how long, and that it shows nothing that a report hides."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from safelight.accounts.permissions import StaffPermission, may, require
from safelight.cases.draft import Matter
from safelight.cases.errors import CaseCode, CaseError
from safelight.cases.hiding import asks_to_hide, is_undecided
from safelight.cases.history import Case
from safelight.cases.model import CaseKind, CaseState, Outcome, Visibility
from safelight.cases.records import Book
from safelight.cases.rules import CaseRules, HideWhen
from safelight.cases.staff_model import Staff
from safelight.store.cases_tables import case_reports

_P = StaffPermission


def can_undo(case: Case, staff: Staff, rules: CaseRules, now: datetime) -> bool:
    """Whether this member may take back the decision that stands."""
    if case.state is not CaseState.DECIDED or case.before is None or _until(case, rules) < now:
        return False
    needed = {_P.CASE_UNDO, _permission(case, case.before, staff)}
    is_own, is_idle = _is_own_contest(case.before, staff), _is_idle(case)
    return not is_own and not is_idle and all(may(staff.role, one) for one in needed)


def refuse_undo(case: Case, staff: Staff, rules: CaseRules, now: datetime) -> None:
    """Raises PermissionLacking and CaseError where they may not, in words."""
    require(staff.role, _P.CASE_UNDO)
    if case.state is not CaseState.DECIDED or case.before is None:
        return  # `machine.py` says why not
    require(staff.role, _permission(case, case.before, staff))
    if _is_own_contest(case.before, staff):
        message = "You took part in the decision that was contested; another person takes this one back."
        raise CaseError(CaseCode.SAME_PERSON, message)
    if _until(case, rules) < now:
        raise CaseError(CaseCode.TOO_LATE, "The time for undoing this is over; it can be contested.")
    if _is_idle(case):
        message = "Nobody reports this picture any more: it stays up, and there is nothing to decide anew."
        raise CaseError(CaseCode.STEP_FORBIDDEN, message)


def _until(case: Case, rules: CaseRules) -> datetime:
    assert case.decided_at is not None  # noqa: S101 (asked of decided cases only)
    return case.decided_at + timedelta(minutes=rules.times.undo_min)


def _permission(case: Case, before: Case, staff: Staff) -> StaffPermission:
    """To take a decision back weighs as much as to make it; to take back another's, as much as to be the second."""
    if before.state is CaseState.CONTESTED:
        return _P.APPEAL_DECIDE
    return _P.CASE_UNDO if case.decided_by == {staff.id} else _P.CASE_SECOND


def _is_own_contest(before: Case, staff: Staff) -> bool:
    # DSA Art. 20(6): whoever made what was contested would otherwise have the last word on it after all.
    return before.state is CaseState.CONTESTED and staff.id in before.deciders


def _is_idle(case: Case) -> bool:
    """Whether what was left up would be hidden although nobody asks for it. What concerns a child needs nobody to."""
    is_kept = case.kind is CaseKind.IMAGE and case.outcome is Outcome.KEEP
    return is_kept and not case.reports and case.matter is not Matter.CHILD


def hides_once_undone(book: Book, connection: Connection, before: Case, after: Case) -> bool:
    """Whether what a decision taken back would show is hidden, for a report that it was not decided on.

    `before`: as it stood before that decision; `after`: as it stands without it.
    """
    if after.kind is not CaseKind.IMAGE or after.visibility is not Visibility.VISIBLE:
        return False
    if is_undecided(after) and book.rules.matter[after.matter].hide is HideWhen.ALWAYS:
        return True
    new = after.reports if is_undecided(after) else after.reports - before.reports
    query = select(case_reports.c.id, case_reports.c.is_flood).where(case_reports.c.id.in_(sorted(new)))
    return any(
        asks_to_hide(book, after, book.report(connection, row.id), is_flood=row.is_flood)
        for row in connection.execute(query).all()
    )
