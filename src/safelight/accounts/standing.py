"""The standing of a subject: the door through which strikes, suspensions and appeals will change it."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert

from safelight.core.clock import to_rfc3339
from safelight.core.request import Standing
from safelight.store.tables import subjects


def set_standing(connection: Connection, subject_id: str, standing: Standing, *, reason: str, now: datetime) -> None:
    """Set the standing that every later request of `subject_id` meets. `reason` is kept for the person's letter."""
    connection.execute(delete(subjects).where(subjects.c.id == subject_id))
    connection.execute(
        insert(subjects).values(id=subject_id, standing=standing.value, reason=reason, changed_at=to_rfc3339(now))
    )
