"""What follows for an account from a decision or a refusal: taken, reversed, logged, and put into words for letters.

The rules say which measure (`rules.py`), `accounts/measures.py` what it comes to.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from safelight.accounts import measures
from safelight.cases.letters.compose import MeasureWords
from safelight.cases.records import Book
from safelight.cases.rules import Measure
from safelight.core.request import Standing
from safelight.ledger.matters import standing_draft


def take_measure(
    book: Book, connection: Connection, subject_id: str, measure: Measure, reason: str, reference: str, by: str
) -> tuple[tuple[MeasureWords, ...], str | None]:
    """Strike or suspend, in words for the letter, and the event that a receipt would be about; logged."""
    rules, now = book.rules.measures, book.clock()
    if measure is Measure.NONE:
        return (), None
    if measure is Measure.SUSPEND:
        taken = measures.suspend(connection, subject_id, reason=reason, reference=reference, by=by, now=now)
    else:
        taken = measures.strike(
            connection,
            subject_id,
            reason=reason,
            reference=reference,
            by=by,
            now=now,
            window=timedelta(days=rules.window_days),
            ladder=[
                measures.Step(rung.strikes, rung.standing, timedelta(days=rung.days) if rung.days else None)
                for rung in rules.ladder
            ],
        )
    for event in taken.events:
        book.leaf(connection, standing_draft(now, subject_id=subject_id, change=event.kind.value, by=by, reason=reason))
    words = tuple(MeasureWords(event.kind.value, taken.strikes, event.until) for event in taken.events)
    return words, taken.events[0].id


def reverse(book: Book, connection: Connection, subject_id: str, reference: str, by: str) -> tuple[MeasureWords, ...]:
    """Void what followed from `reference`."""
    now = book.clock()
    if measures.reverse(connection, subject_id, reference, by=by, now=now) is None:
        return ()
    book.leaf(connection, standing_draft(now, subject_id=subject_id, change="restored", by=by))
    return (MeasureWords("reversed"),)


def reinstate(
    book: Book, connection: Connection, subject_id: str, reference: str, since: datetime, by: str
) -> tuple[MeasureWords, ...]:
    """Put what was reversed at `since` or later in force again; the words say what the account's standing is then."""
    now = book.clock()
    taken = measures.reinstate(connection, subject_id, reference, since=since, by=by, now=now)
    if taken is None:
        return ()
    book.leaf(connection, standing_draft(now, subject_id=subject_id, change="reinstated", by=by))
    again = MeasureWords("reinstated")
    return (again,) if taken.standing is Standing.GOOD else (again, MeasureWords(taken.standing.value, 0, taken.until))
