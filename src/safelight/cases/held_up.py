"""Orders and letters that a person should see: what failed for good or is in doubt, and what is tried in vain so far.

Between a first failure and the end lie thirty tries, more than a day: a platform that does not answer must not stay
unseen for so long while a clock of 48 hours runs.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select, update

from safelight.cases.records import DEAD, DOUBTFUL, WAITING
from safelight.core.clock import to_rfc3339
from safelight.store.cases_tables import case_effects

TRIES = 4
"""With the packaged pauses three minutes after the first one."""


def held_up(connection: Connection, limit: int = 500) -> list[Row[Any]]:
    """What is tried in vain so far, oldest first."""
    query = select(case_effects).where(case_effects.c.state == WAITING, case_effects.c.attempts >= TRIES)
    return list(connection.execute(query.order_by(case_effects.c.id).limit(limit)))


def in_sight(connection: Connection, limit: int = 500) -> list[Row[Any]]:
    """What is dead or doubtful, oldest first."""
    query = select(case_effects).where(case_effects.c.state.in_([DEAD, DOUBTFUL])).order_by(case_effects.c.id)
    return list(connection.execute(query.limit(limit)))


def retry_effect(connection: Connection, effect_id: str, now: datetime) -> bool:
    """Have an effect that failed, for good or so far, tried again at once. Returns whether there was one."""
    columns = case_effects.c
    in_vain = and_(columns.state == WAITING, columns.attempts > 0, columns.error != "")
    mine = and_(columns.id == effect_id, or_(columns.state.in_([DEAD, DOUBTFUL]), in_vain))
    statement = update(case_effects).where(mine).values(state=WAITING, due_at=to_rfc3339(now), attempts=0)
    return connection.execute(statement).rowcount == 1


def retry_all(connection: Connection, now: datetime) -> int:
    """As `retry_effect`, of everything but what is doubtful: of that somebody has to say that it did not arrive.

    Returns how many there were.
    """
    columns = case_effects.c
    in_vain = and_(columns.state == WAITING, columns.attempts > 0, columns.error != "")
    mine = or_(columns.state == DEAD, in_vain)
    statement = update(case_effects).where(mine).values(state=WAITING, due_at=to_rfc3339(now), attempts=0)
    return connection.execute(statement).rowcount
