"""Quality: a share of decided cases is judged again by somebody who does not know how it was judged.

Rules of this module
- Nobody chooses which cases are drawn: a keyed digest of the case's id says it, neither steered nor foreseen.
- The second is somebody who had no part in deciding the case, contest included, and sees neither the first's answer
  nor who they were.
- A second answer changes nothing about the case: it measures. Who thinks that a decision is wrong says so to a lead.
- Agreement is reported with Cohen's kappa (Cohen 1960), which takes away what chance alone would give.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, delete, exists, func, insert, select, update

from safelight.accounts.permissions import StaffPermission
from safelight.accounts.staff import Member
from safelight.core.clock import to_rfc3339
from safelight.core.errors import NotAllowed
from safelight.core.ids import new_id
from safelight.store.cases_tables import case_events, cases
from safelight.store.staff_tables import staff_reviews

_SCALE = 1 << 32
_PART = ("hidden", "proposed", "rejected", "decided", "undone")
"""Steps of a case's history by which a member had a part in how it was decided."""


@dataclass(frozen=True, slots=True)
class BlindReview:
    """A case to be judged again. The first answer is not among it."""

    id: str
    case_id: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two who did not know of each other agree."""

    count: int
    agreed: int
    kappa: float | None
    """1: always; 0: as often as by chance; none where it is not defined."""

    @property
    def share(self) -> float:
        """Of all second answers, those that are the first's; 0 where there is none."""
        return self.agreed / self.count if self.count else 0.0


def is_drawn(secret: bytes, case_id: str, share: float) -> bool:
    """Whether this case is judged again; of many cases, `share` (0 to 1) are."""
    digest = hmac.new(secret, case_id.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:4], "big") < share * _SCALE


def draw(connection: Connection, case_id: str, answer: str, matter: str, by: Member, *, now: datetime) -> None:
    """Put a case up for a second, blind look; once for each case."""
    if connection.execute(select(staff_reviews.c.id).where(staff_reviews.c.case_id == case_id)).first():
        return
    connection.execute(
        insert(staff_reviews).values(
            id=new_id("rev", now),
            case_id=case_id,
            first_by=by.id,
            first_answer=answer,
            matter=matter,
            drawn_at=to_rfc3339(now),
        )
    )


def forget_draw(connection: Connection, case_id: str) -> None:
    """Have nobody judge again what was taken back; what was judged by then stays."""
    mine = (staff_reviews.c.case_id == case_id, staff_reviews.c.answered_at.is_(None))
    connection.execute(delete(staff_reviews).where(*mine))


def next_review(connection: Connection, member: Member) -> BlindReview | None:
    """The oldest case that `member` may judge again. Raises PermissionLacking."""
    member.require(StaffPermission.REVIEW_BLIND)
    waiting = _waiting_for(member).order_by(staff_reviews.c.id).limit(1)
    row = connection.execute(waiting).one_or_none()
    return BlindReview(row.id, row.case_id) if row else None


def find_review(connection: Connection, member: Member, review_id: str) -> BlindReview:
    """The review with this id, if it waits for `member`. Raises NotAllowed, PermissionLacking."""
    member.require(StaffPermission.REVIEW_BLIND)
    row = connection.execute(_waiting_for(member).where(staff_reviews.c.id == review_id)).one_or_none()
    if row is None:
        raise NotAllowed("This case does not wait for a second look of yours. Take the next one.")
    return BlindReview(row.id, row.case_id)


def answer_review(connection: Connection, member: Member, review_id: str, answer: str, now: datetime) -> None:
    """Keep the second answer. Raises NotAllowed, PermissionLacking."""
    find_review(connection, member, review_id)
    connection.execute(
        update(staff_reviews)
        .where(staff_reviews.c.id == review_id)
        .values(second_by=member.id, second_answer=answer, answered_at=to_rfc3339(now))
    )


def count_waiting(connection: Connection, member: Member) -> int:
    """How many cases wait for a second look that `member` may give."""
    return connection.execute(select(func.count()).select_from(_waiting_for(member).subquery())).scalar() or 0


def agreement(connection: Connection, since: datetime, *, member_id: str | None = None) -> Agreement:
    """Of the second answers since then: of everybody, or of the cases that `member_id` decided first."""
    table = staff_reviews
    asked = select(table.c.first_answer, table.c.second_answer).where(table.c.answered_at > to_rfc3339(since))
    if member_id is not None:
        asked = asked.where(table.c.first_by == member_id)
    return agreement_of([(row.first_answer, row.second_answer) for row in connection.execute(asked)])


def agreement_of(pairs: Sequence[tuple[str, str]]) -> Agreement:
    """Agreement of pairs of answers, first and second."""
    count, agreed = len(pairs), sum(first == second for first, second in pairs)
    if not count:
        return Agreement(0, 0, None)
    firsts, seconds = Counter(first for first, _ in pairs), Counter(second for _, second in pairs)
    by_chance = sum(firsts[answer] * seconds[answer] for answer in firsts) / count**2
    kappa = (agreed / count - by_chance) / (1 - by_chance) if by_chance < 1 else None
    return Agreement(count, agreed, kappa)


def _waiting_for(member: Member) -> Select[str, str]:
    table = staff_reviews
    asked = select(table.c.id, table.c.case_id).where(table.c.answered_at.is_(None), table.c.first_by != member.id)
    mine = (case_events.c.case_id == table.c.case_id, case_events.c.by == member.id, case_events.c.step.in_(_PART))
    asked = asked.where(~exists().where(*mine))
    if member.opted_out:
        out = sorted(member.opted_out)
        # What it is may have turned out to be worse since it was drawn.
        is_out = exists().where(cases.c.id == table.c.case_id, cases.c.matter.in_(out))
        asked = asked.where(table.c.matter.not_in(out), ~is_out)
    return asked
