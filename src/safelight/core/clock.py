"""Time is handed in, never fetched: a decision can then be replayed, and a test can stand at any moment."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the present moment, aware, in UTC."""


def utc_now() -> datetime:
    """The machine's clock, in UTC; the only place that reads it for records and decisions."""
    return datetime.now(UTC)


def to_rfc3339(moment: datetime) -> str:
    """Write `moment` as RFC 3339 in UTC with microseconds and `Z`.

    Raises ValueError for a moment without a time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
