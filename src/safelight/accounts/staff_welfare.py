"""What the eyes of the staff are asked to bear: counted, capped, interrupted by breaks.

Rules of this module
- Each showing of a picture is written down before the picture leaves; one that cannot be written is not shown.
- A shift is the last `shift` of time, whatever somebody does: leaving and coming back starts no new count.
- After `break_after_points` no more come until a break of `break_length` was taken. A break may be taken at any time.
- The cap holds for everybody alike, and nobody can lift it for a single person: it is a setting.
- A showing with less detail counts as well, for less: `REDUCED_WEIGHT`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, Integer, cast, func, insert, select, update

from safelight.accounts.permissions import StaffPermission
from safelight.accounts.staff import Member
from safelight.core.clock import to_rfc3339
from safelight.core.errors import PermissionLacking
from safelight.core.ids import new_id
from safelight.store.staff_tables import staff_breaks, staff_exposures

FULL_WEIGHT = 2
REDUCED_WEIGHT = 1
"""Points of one showing. A choice, not a finding: no study says how much less is less."""


class Refusal(StrEnum):
    """Why no picture is shown now. Stable."""

    CAP_REACHED = "cap_reached"
    BREAK_DUE = "break_due"
    ON_BREAK = "on_break"
    OPTED_OUT = "opted_out"


class NotShown(PermissionLacking):
    """The picture is not shown, for the sake of who would see it; `code` is one of Refusal."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.code = refusal.value


@dataclass(frozen=True, slots=True)
class WelfareRules:
    """What one person may be shown. Points: a picture in full counts 2, one with less detail 1."""

    shift: timedelta = timedelta(hours=9)
    cap_points: int = 120
    break_after_points: int = 30
    break_length: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Exposure:
    """What somebody has been shown so far."""

    in_full: int
    reduced: int
    points: int
    """In this shift."""
    since_break_points: int
    cap_points: int
    break_after_points: int
    on_break_since: str | None

    @property
    def share(self) -> float:
        """Of the cap, 0 to 1."""
        return min(1.0, self.points / self.cap_points)

    @property
    def break_due(self) -> bool:
        """Whether a break comes before the next picture."""
        return self.since_break_points >= self.break_after_points


def exposure_of(connection: Connection, member: Member, rules: WelfareRules, now: datetime) -> Exposure:
    """What `member` has been shown in this shift."""
    table = staff_exposures
    since = to_rfc3339(now - rules.shift)
    last_break = connection.execute(
        select(func.max(staff_breaks.c.ended_at)).where(
            staff_breaks.c.member_id == member.id, staff_breaks.c.long_enough
        )
    ).scalar()
    shown = connection.execute(
        select(table.c.at, table.c.in_full).where(table.c.member_id == member.id, table.c.at > since)
    ).all()
    in_full = sum(row.in_full for row in shown)
    after = [FULL_WEIGHT if row.in_full else REDUCED_WEIGHT for row in shown if not last_break or row.at > last_break]
    return Exposure(
        in_full=in_full,
        reduced=len(shown) - in_full,
        points=in_full * FULL_WEIGHT + (len(shown) - in_full) * REDUCED_WEIGHT,
        since_break_points=sum(after),
        cap_points=rules.cap_points,
        break_after_points=rules.break_after_points,
        on_break_since=_open_break(connection, member),
    )


def check_showing(
    connection: Connection, member: Member, matter: str, *, in_full: bool, rules: WelfareRules, now: datetime
) -> None:
    """Raises NotShown where `member` may be shown no picture of this matter now, PermissionLacking for some roles."""
    member.require(StaffPermission.MEDIA_VIEW)
    if matter in member.opted_out:
        raise NotShown(Refusal.OPTED_OUT, "You asked not to be shown this matter. Release the case, or change that.")
    before = exposure_of(connection, member, rules, now)
    if before.on_break_since:
        raise NotShown(Refusal.ON_BREAK, "You are on a break. End it first, when you are ready.")
    fits_less = before.points + REDUCED_WEIGHT <= rules.cap_points
    if before.break_due and fits_less:
        minutes = rules.break_length.total_seconds() / 60
        raise NotShown(
            Refusal.BREAK_DUE, f"A break of {minutes:g} minutes comes first. Begin it here; it counts from then on."
        )
    if before.points + (FULL_WEIGHT if in_full else REDUCED_WEIGHT) > rules.cap_points:
        message = "You have been shown as much as one shift allows."
        if fits_less:
            message = "A picture in full is more than one shift allows by now. One with less detail can be shown."
        raise NotShown(Refusal.CAP_REACHED, f"{message} Go on with cases that need no picture, or stop for now.")


def count_showing(
    connection: Connection,
    member: Member,
    case_id: str,
    matter: str,
    *,
    in_full: bool,
    rules: WelfareRules,
    now: datetime,
) -> Exposure:
    """Write down that `member` is shown a picture now; in the transaction before it is. Raises NotShown.

    Raises PermissionLacking for a role that sees no pictures.
    """
    check_showing(connection, member, matter, in_full=in_full, rules=rules, now=now)
    connection.execute(
        insert(staff_exposures).values(
            id=new_id("see", now),
            member_id=member.id,
            case_id=case_id,
            at=to_rfc3339(now),
            matter=matter,
            in_full=in_full,
        )
    )
    return exposure_of(connection, member, rules, now)


def begin_break(connection: Connection, member: Member, now: datetime) -> None:
    """Begin a break; nothing happens where one has begun."""
    if _open_break(connection, member) is None:
        connection.execute(
            insert(staff_breaks).values(
                id=new_id("brk", now), member_id=member.id, begun_at=to_rfc3339(now), long_enough=False
            )
        )


def end_break(connection: Connection, member: Member, rules: WelfareRules, now: datetime) -> bool:
    """End the break. Returns whether it was long enough to count; one that was not leaves a due break due."""
    begun_at = _open_break(connection, member)
    if begun_at is None:
        return False
    long_enough = begun_at <= to_rfc3339(now - rules.break_length)
    table = staff_breaks
    is_open = (table.c.member_id == member.id) & table.c.ended_at.is_(None)
    connection.execute(update(table).where(is_open).values(ended_at=to_rfc3339(now), long_enough=long_enough))
    return long_enough


def exposure_by_member(connection: Connection, since: datetime) -> list[tuple[str, int, int]]:
    """Of each member who was shown anything since: id, pictures in full, pictures with less detail."""
    table = staff_exposures
    in_full = func.sum(cast(table.c.in_full, Integer))
    rows = connection.execute(
        select(table.c.member_id, in_full, func.count())
        .where(table.c.at > to_rfc3339(since))
        .group_by(table.c.member_id)
        .order_by(func.count().desc())
    )
    return [(member_id, int(full), int(count) - int(full)) for member_id, full, count in rows]


def _open_break(connection: Connection, member: Member) -> str | None:
    table = staff_breaks
    return connection.execute(
        select(table.c.begun_at).where(table.c.member_id == member.id, table.c.ended_at.is_(None))
    ).scalar()
