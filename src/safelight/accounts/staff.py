"""Members of the staff: appointed by an admin, enrolled by a link that works once.

Rules of this module
- Every change is an event (`staff_events`, append-only) in the same transaction, with who made it.
- A member is never deleted: the history of cases names them. One who left is ended, and their sessions with it.
- Of an enrolment link only the SHA-256 is kept. It works once, for `ENROLMENT_VALID`, and for that member alone.
"""

import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, delete, insert, select, update

from safelight.accounts.permissions import Role, StaffPermission, require
from safelight.core.clock import to_rfc3339
from safelight.core.errors import BadInput, InputCode, NotAllowed
from safelight.core.ids import new_id
from safelight.store.staff_tables import staff_enrolments, staff_events, staff_members, staff_sessions

ENROLMENT_VALID = timedelta(hours=48)
"""From the making of a link to its end."""
NAME_MAX_CHARS = 80
AT_THE_MACHINE = "machine"
"""Who made a change with the command line: whoever may run commands on the machine."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Member:
    """One person of the staff."""

    id: str
    name: str
    role: Role
    opted_out: frozenset[str] = frozenset()
    """Codes of the matters that they are not given and not shown; which there are, `cases/` says."""
    ended: bool = False

    def require(self, permission: StaffPermission) -> None:
        """Raises PermissionLacking unless their role has `permission`."""
        require(self.role, permission)


@dataclass(frozen=True, slots=True)
class StaffEvent:
    """Something that was changed about a member."""

    at: str
    member_id: str
    done_by: str
    kind: str
    detail: str


def add_member(connection: Connection, name: str, role: Role, *, by: str, now: datetime) -> Member:
    """Appoint somebody. Raises BadInput for a name that is empty, too long, or taken."""
    name = _clean(name)
    if connection.execute(select(staff_members.c.id).where(staff_members.c.name == name)).first():
        raise BadInput(
            InputCode.FIELD_INVALID, f"There is already a member named {name!r}; add a letter.", param="name"
        )
    member = Member(new_id("staff", now), name, role)
    connection.execute(
        insert(staff_members).values(id=member.id, name=name, role=role.value, created_at=to_rfc3339(now))
    )
    note(connection, member.id, "added", role.value, by=by, now=now)
    return member


def find_member(connection: Connection, member_id: str) -> Member | None:
    """The member with this id, ended or not."""
    row = connection.execute(select(staff_members).where(staff_members.c.id == member_id)).one_or_none()
    return _to_member(row) if row else None


def member_named(connection: Connection, name: str) -> Member:
    """The member with this name. Raises BadInput where there is none."""
    row = connection.execute(select(staff_members).where(staff_members.c.name == _clean(name))).one_or_none()
    if row is None:
        raise BadInput(InputCode.FIELD_INVALID, f"No member is named {name!r}; see `safelight staff list`.")
    return _to_member(row)


def list_members(connection: Connection) -> list[Member]:
    """Everybody who ever was on the staff, in the order of appointment."""
    return [_to_member(row) for row in connection.execute(select(staff_members).order_by(staff_members.c.id))]


def change_role(connection: Connection, member: Member, role: Role, *, by: str, now: datetime) -> None:
    """Give `member` another role; their sessions end, so that no page is shown with the old one."""
    connection.execute(update(staff_members).where(staff_members.c.id == member.id).values(role=role.value))
    _end_sessions(connection, member.id)
    note(connection, member.id, "role", f"{member.role.value}>{role.value}", by=by, now=now)


def end_member(connection: Connection, member: Member, *, by: str, now: datetime) -> None:
    """Have `member` sign in no more; what they did stays under their name."""
    connection.execute(update(staff_members).where(staff_members.c.id == member.id).values(ended_at=to_rfc3339(now)))
    connection.execute(delete(staff_enrolments).where(staff_enrolments.c.member_id == member.id))
    _end_sessions(connection, member.id)
    note(connection, member.id, "ended", "", by=by, now=now)


def opt_out(connection: Connection, member: Member, matters: frozenset[str], *, now: datetime) -> None:
    """Keep these matters away from `member`, as they ask; nobody else may ask it for them, nor lift it."""
    words = " ".join(sorted(matters))
    connection.execute(update(staff_members).where(staff_members.c.id == member.id).values(opted_out=words))
    note(connection, member.id, "opted_out", words, by=member.id, now=now)


def make_enrolment(connection: Connection, member: Member, *, by: str, now: datetime) -> str:
    """A token that lets `member` enrol a passkey or an account once; earlier ones stop to work. Raises NotAllowed."""
    if member.ended:
        raise NotAllowed(f"{member.name} is no longer on the staff. Add them again under another name.")
    token = secrets.token_urlsafe(32)
    connection.execute(delete(staff_enrolments).where(staff_enrolments.c.member_id == member.id))
    connection.execute(
        insert(staff_enrolments).values(
            token_sha256=_digest(token), member_id=member.id, expires_at=to_rfc3339(now + ENROLMENT_VALID)
        )
    )
    note(connection, member.id, "link_made", "", by=by, now=now)
    return token


def check_enrolment(connection: Connection, token: str, now: datetime) -> Member:
    """Whose token this is. Raises NotAllowed, with the same words whatever is wrong with it."""
    row = None
    if _TOKEN.fullmatch(token):
        table = staff_enrolments
        row = connection.execute(
            select(table.c.member_id).where(
                table.c.token_sha256 == _digest(token), table.c.used_at.is_(None), table.c.expires_at > to_rfc3339(now)
            )
        ).one_or_none()
    member = find_member(connection, row.member_id) if row else None
    if member is None or member.ended:
        raise NotAllowed("This link does not work, or no longer. Ask for a new one: `safelight staff link NAME`.")
    return member


def use_enrolment(connection: Connection, token: str, now: datetime) -> Member:
    """As `check_enrolment`, and the token never works again. In the transaction that keeps what was enrolled."""
    member = check_enrolment(connection, token, now)
    table = staff_enrolments
    connection.execute(update(table).where(table.c.token_sha256 == _digest(token)).values(used_at=to_rfc3339(now)))
    return member


def note(connection: Connection, member_id: str, kind: str, detail: str, *, by: str, now: datetime) -> None:
    """Add to what happened on the staff; `detail` holds codes and ids, no free text."""
    connection.execute(
        insert(staff_events).values(
            id=new_id("sev", now), at=to_rfc3339(now), member_id=member_id, done_by=by, kind=kind, detail=detail
        )
    )


def latest_events(connection: Connection, count: int) -> list[StaffEvent]:
    """The last `count` events, newest first."""
    rows = connection.execute(select(staff_events).order_by(staff_events.c.id.desc()).limit(count))
    return [StaffEvent(row.at, row.member_id, row.done_by, row.kind, row.detail) for row in rows]


def _end_sessions(connection: Connection, member_id: str) -> None:
    connection.execute(delete(staff_sessions).where(staff_sessions.c.member_id == member_id))


def _to_member(row: Row[tuple[object, ...]]) -> Member:
    return Member(row.id, row.name, Role(row.role), frozenset(row.opted_out.split()), row.ended_at is not None)


def _clean(name: str) -> str:
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if not 0 < len(name) <= NAME_MAX_CHARS or not name.isprintable():
        raise BadInput(InputCode.FIELD_INVALID, f"A name has 1 to {NAME_MAX_CHARS} printable characters.", param="name")
    return name


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
