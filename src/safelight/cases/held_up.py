"""Orders and letters that are still being tried, in vain for a while: a person should know before they are given up.

What failed for good or is in doubt is in `effects.in_sight`. Between that and a first failure lie thirty tries, more
than a day: a platform that does not answer must not stay unseen for so long while a clock of 48 hours runs.
"""

from typing import Any

from sqlalchemy import Connection, Row, select

from safelight.cases.records import WAITING
from safelight.store.cases_tables import case_effects

TRIES = 4
"""With the packaged pauses three minutes after the first one."""


def held_up(connection: Connection, limit: int = 500) -> list[Row[Any]]:
    """Oldest first."""
    query = select(case_effects).where(case_effects.c.state == WAITING, case_effects.c.attempts >= TRIES)
    return list(connection.execute(query.order_by(case_effects.c.id).limit(limit)))
