"""What follows for an account from a decision or a refusal: taken, reversed, logged, and put into words for letters.

The rules say which measure (`rules.py`), `accounts/measures.py` what it comes to.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypedDict

from sqlalchemy import Connection, Row

from safelight.accounts import measures
from safelight.accounts.measures import MeasureKind
from safelight.cases.history import Case
from safelight.cases.letters.compose import MeasureWords
from safelight.cases.records import Book
from safelight.cases.rules import Measure
from safelight.core.request import Standing
from safelight.ledger.matters import appeal_draft, review_draft, standing_draft

_DECISION = "dec_"
"""How the ids of the gate's decisions begin: a measure that refers to one followed a refusal."""


def take_measure(
    book: Book, connection: Connection, subject_id: str, measure: Measure, reason: str, reference: str, by: str
) -> tuple[tuple[MeasureWords, ...], str | None]:
    """Strike or suspend, in words for the letter, and the event that a receipt would be about; logged."""
    now = book.clock()
    if measure is Measure.NONE:
        return (), None
    if measure is Measure.SUSPEND:
        taken = measures.suspend(connection, subject_id, reason=reason, reference=reference, by=by, now=now)
    else:
        taken = measures.strike(
            connection, subject_id, reason=reason, reference=reference, by=by, now=now, **_ladder(book)
        )
    for event in taken.events:
        book.leaf(connection, standing_draft(now, subject_id=subject_id, change=event.kind.value, by=by, reason=reason))
    first = taken.events[0]
    struck = (MeasureWords(first.kind.value, taken.strikes),) if first.kind is MeasureKind.STRIKE else ()
    return struck + _standing(taken), first.id


def reverse(book: Book, connection: Connection, subject_id: str, reference: str, by: str) -> tuple[MeasureWords, ...]:
    """Void what followed from `reference`; the words say what the account's standing is then."""
    now = book.clock()
    taken = measures.reverse(connection, subject_id, reference, by=by, now=now, **_ladder(book))
    if taken is None:
        return ()
    _log_change(book, connection, taken, "restored")
    return (MeasureWords("reversed"), *_standing(taken))


def reinstate(
    book: Book, connection: Connection, subject_id: str, reference: str, since: datetime, by: str
) -> tuple[MeasureWords, ...]:
    """Put what was reversed at `since` or later in force again; the words say what the account's standing is then."""
    now = book.clock()
    taken = measures.reinstate(connection, subject_id, reference, since=since, by=by, now=now, **_ladder(book))
    if taken is None:
        return ()
    _log_change(book, connection, taken, "reinstated")
    return (MeasureWords("reinstated"), *_standing(taken))


def log_appeal(
    book: Book, connection: Connection, row: Row[Any], after: Case, by: str, about: str, *, is_reversed: bool
) -> None:
    """What a contest came to; also as what a person made of an automatic refusal, where it was of one."""
    now = book.clock()
    after_s = int((now - (after.contested_at or now)).total_seconds())
    outcome = "reversed" if is_reversed else "upheld"
    reason = after.reason.value if after.reason else ""
    of_appeal = {"about": about, "outcome": outcome, "decider": by, "reason": reason}
    book.leaf(connection, appeal_draft(now, appeal_id=row.id, after_s=after_s, **of_appeal))
    if row.subject_id and (row.reference or "").startswith(_DECISION):
        of_refusal = {"decision_id": row.reference, "subject_id": row.subject_id, "reviewer": by}
        book.leaf(connection, review_draft(now, outcome=outcome, **of_refusal))


def _log_change(book: Book, connection: Connection, taken: measures.Taken, change: str) -> None:
    """What was changed, and what later strikes come to since."""
    first = taken.events[0]
    account = {"subject_id": first.subject_id, "by": first.by}
    book.leaf(connection, standing_draft(first.at, change=change, **account))
    for event in taken.events:
        if event.about is None:
            book.leaf(connection, standing_draft(first.at, change=event.kind.value, reason=event.reason, **account))


class _Ladder(TypedDict):
    window: timedelta
    ladder: Sequence[measures.Step]


def _ladder(book: Book) -> _Ladder:
    """What so many strikes come to, by the rules."""
    rules = book.rules.measures
    steps = [
        measures.Step(rung.strikes, rung.standing, timedelta(days=rung.days) if rung.days else None)
        for rung in rules.ladder
    ]
    return {"window": timedelta(days=rules.window_days), "ladder": steps}


def _standing(taken: measures.Taken) -> tuple[MeasureWords, ...]:
    """The standing that holds, whatever it follows from: a limit means nothing to an account that is suspended."""
    if taken.standing is Standing.GOOD:
        return ()
    return (MeasureWords(taken.standing.value, taken.strikes, taken.until),)
