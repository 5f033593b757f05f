"""Sessions of the console, kept by the server: the cookie is a random name for a row, and says nothing itself.

Rules of this module
- A session that is signed in is always a new one: `sign_in` throws the old name away and makes another, so a name that
  somebody planted beforehand (session fixation) opens nothing.
- It ends by itself: after `idle` without a request, and after `longest` whatever is done.
- Before sign-in a session holds one challenge, for `SIGN_IN_VALID`; it is made only when a sign-in begins, so looking
  at the page costs no row, and at most `BEGUN_MAX_COUNT` of them are kept.
- The anti-forgery token of a session follows from the cookie's own value, which no other page can read.
"""

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from safelight.accounts.staff import Member, find_member, note
from safelight.core.clock import to_rfc3339
from safelight.core.errors import NotAllowed
from safelight.store.staff_tables import staff_sessions

SIGN_IN_VALID = timedelta(minutes=10)
"""From the beginning of a sign-in to the answer."""
BEGUN_MAX_COUNT = 2_000
"""Sign-ins under way at once; the oldest gives way."""
SEEN_EVERY = timedelta(minutes=1)
"""How often the last use is written down: each page would be a write otherwise."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Session:
    """One browser's session, as this request finds it."""

    token: str = field(repr=False)
    """The cookie's value."""
    member: Member | None
    """Who is signed in; none while a sign-in is under way."""
    challenge: dict[str, str] = field(default_factory=dict, repr=False)
    """What the next answer must be to, by name."""

    @property
    def csrf(self) -> str:
        """What every form of this session carries."""
        return hmac.new(self.token.encode(), b"csrf", hashlib.sha256).hexdigest()

    def check_csrf(self, presented: str) -> None:
        """Raises NotAllowed unless `presented` is this session's token."""
        if not hmac.compare_digest(presented.encode(), self.csrf.encode()):
            raise NotAllowed("This form is from another session. Load the page again and send it once more.")


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long a signed-in session lasts."""

    idle: timedelta = timedelta(minutes=30)
    longest: timedelta = timedelta(hours=10)


def begin(connection: Connection, challenge: dict[str, str], now: datetime) -> Session:
    """A session for one sign-in, holding its challenge."""
    table = staff_sessions
    connection.execute(delete(table).where(table.c.expires_at <= to_rfc3339(now)))
    begun = select(table.c.token_sha256).where(table.c.member_id.is_(None))
    count = connection.execute(select(func.count()).select_from(begun.subquery())).scalar() or 0
    if count >= BEGUN_MAX_COUNT:
        oldest = begun.order_by(table.c.created_at).limit(count - BEGUN_MAX_COUNT + 1)
        connection.execute(delete(table).where(table.c.token_sha256.in_(oldest.scalar_subquery())))
    return _make(connection, None, now, SIGN_IN_VALID, challenge)


def sign_in(
    connection: Connection, before: Session | None, member: Member, *, how: str, rules: SessionRules, now: datetime
) -> Session:
    """A new session in which `member` is signed in; `before` is over. `how` is kept with the event."""
    if before is not None:
        end(connection, before)
    note(connection, member.id, "signed_in", how, by=member.id, now=now)
    return _make(connection, member, now, rules.longest, {})


def resume(connection: Connection, token: str, *, rules: SessionRules, now: datetime) -> Session | None:
    """The session of this cookie, or none: unknown, over, idle too long, or of somebody who left."""
    row = _row(connection, token, now)
    if row is None:
        return None
    if row.member_id is None:
        return Session(token, None, json.loads(row.challenge))
    member = find_member(connection, row.member_id)
    if member is None or member.ended or row.seen_at <= to_rfc3339(now - rules.idle):
        return None
    return Session(token, member, json.loads(row.challenge) if row.challenge else {})


def needs_touch(connection: Connection, session: Session, now: datetime) -> bool:
    """Whether the last use is to be written down again."""
    row = _row(connection, session.token, now)
    return row is not None and row.seen_at <= to_rfc3339(now - SEEN_EVERY)


def touch(connection: Connection, session: Session, now: datetime) -> None:
    """Write down that the session was used."""
    table = staff_sessions
    connection.execute(
        update(table).where(table.c.token_sha256 == _digest(session.token)).values(seen_at=to_rfc3339(now))
    )


def set_challenge(connection: Connection, session: Session, challenge: dict[str, str]) -> None:
    """Keep what the next answer of a signed-in member must be to."""
    table = staff_sessions
    connection.execute(
        update(table).where(table.c.token_sha256 == _digest(session.token)).values(challenge=json.dumps(challenge))
    )


def take_challenge(connection: Connection, session: Session, kind: str) -> dict[str, str]:
    """The challenge of this session, which is then spent. Raises NotAllowed where there is none of this kind."""
    table = staff_sessions
    spent = connection.execute(
        update(table)
        .where(table.c.token_sha256 == _digest(session.token), table.c.challenge == json.dumps(session.challenge))
        .values(challenge="{}")
    ).rowcount
    if spent != 1 or session.challenge.get("kind") != kind:
        raise NotAllowed("This sign-in was not begun here, or has been answered. Begin again.")
    return session.challenge


def end(connection: Connection, session: Session) -> None:
    """Sign out."""
    connection.execute(delete(staff_sessions).where(staff_sessions.c.token_sha256 == _digest(session.token)))


def _make(
    connection: Connection, member: Member | None, now: datetime, valid: timedelta, challenge: dict[str, str]
) -> Session:
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(staff_sessions).values(
            token_sha256=_digest(token),
            member_id=member.id if member else None,
            created_at=to_rfc3339(now),
            seen_at=to_rfc3339(now),
            expires_at=to_rfc3339(now + valid),
            challenge=json.dumps(challenge),
        )
    )
    return Session(token, member, challenge)


def _row(connection: Connection, token: str, now: datetime) -> Row[tuple[object, ...]] | None:
    if not _TOKEN.fullmatch(token):
        return None
    table = staff_sessions
    return connection.execute(
        select(table).where(table.c.token_sha256 == _digest(token), table.c.expires_at > to_rfc3339(now))
    ).one_or_none()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
