"""Who can decide what is contested, and how many are wanting. Reads only.

Whoever had a part in a decision decides no contest of the case, so each reversal that is contested in turn uses up two
more. Where the staff run out, somebody has to be told: the parties were promised a decision by a date.
"""

from collections.abc import Callable

from sqlalchemy import Connection, select

from safelight.accounts.permissions import StaffPermission, may
from safelight.accounts.staff import Member, list_members
from safelight.cases.history import Case
from safelight.cases.machine import replay
from safelight.cases.model import CaseState
from safelight.cases.reasons import allowed_reasons
from safelight.cases.records import Book
from safelight.cases.staff_model import Choice
from safelight.store.cases_tables import cases

NeedsSecond = Callable[[Case, Choice], bool]
_AT_ONCE = 200


def seniors_wanting(connection: Connection, case: Case, needs_second: NeedsSecond) -> int:
    """How many more who may decide contests this case needs; 0 where it is not contested."""
    return _wanting(list_members(connection), case, needs_second)


def contests_of_nobody(connection: Connection, book: Book, needs_second: NeedsSecond) -> dict[str, int]:
    """Contested cases that the staff cannot decide, oldest first, and how many more seniors each needs."""
    members, found = list_members(connection), {}
    contested = (cases.c.is_waiting, cases.c.state == CaseState.CONTESTED.value)
    query = select(cases.c.id).where(*contested).order_by(cases.c.due_at, cases.c.id)
    waiting = connection.execute(query).scalars().all()
    for start in range(0, len(waiting), _AT_ONCE):
        some = waiting[start : start + _AT_ONCE]
        histories = book.events(connection, some)
        for case_id in some:
            if wanting := _wanting(members, replay(histories[case_id]), needs_second):
                found[case_id] = wanting
    return found


def _wanting(members: list[Member], case: Case, needs_second: NeedsSecond) -> int:
    if case.state is not CaseState.CONTESTED:
        return 0
    free = [
        one
        for one in members
        if may(one.role, StaffPermission.APPEAL_DECIDE)
        and not one.ended
        and case.matter.value not in one.opted_out
        and one.id not in case.deciders | {case.proposed_by}
    ]
    # An outcome that one person can come to, by some reason, needs no more of them.
    by_two = (
        all(needs_second(case, Choice(outcome, reason)) for reason in reasons)
        for outcome, reasons in allowed_reasons(case).items()
    )
    needed = 2 if any(by_two) else 1
    return max(needed - len(free), 0)
