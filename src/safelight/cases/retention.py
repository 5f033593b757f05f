"""The end of what people wrote: destroyed some time after a case is closed; what happened, and when, stays.

Rules of this module
- Nothing is touched of a case that waits for anybody, that can still be contested, or that is preserved for a court or
  an authority: `timers.destroy_at` says when, `machine.py` refuses the rest.
- What goes: texts of reports and additions, contacts, letters, notes, addresses, and what the log keeps to open the
  case's leaves with. Of a picture that can be seen again also its fingerprints, wherever they are.
- What stays: steps with their codes and times, so that every figure stays the same; receipts, which still show them;
  and of a picture that is down whatever keeps it down: its hashes and features, and keyed digests of its places.
- A case is destroyed in one transaction with its step and its leaf, or not at all. What the index remembers goes by an
  effect after it, as often as it takes.

Emptied rows are overwritten in the file; copies in backups end with the backups (docs/limits.md).
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update

from safelight.cases.draft import Matter
from safelight.cases.errors import CaseCode, CaseError
from safelight.cases.history import Case, Event, Step
from safelight.cases.model import CLOCK_ID, Visibility
from safelight.cases.records import DEAD, DOUBTFUL, INDEX, LETTER, OVERTAKEN, WAITING, Book, is_findable
from safelight.cases.sealing import GONE
from safelight.cases.stay_down import forget_made_here
from safelight.cases.timers import destroy_at
from safelight.core.canonical import Json, canonical_json
from safelight.core.clock import to_rfc3339
from safelight.core.errors import SafelightError
from safelight.ledger.draft import Draft
from safelight.ledger.matters import evidence_destroyed_draft
from safelight.ledger.proofs.leaf import LeafKind
from safelight.ledger.subject_keys import destroy
from safelight.store.cases_tables import (
    case_additions,
    case_effects,
    case_events,
    case_letters,
    case_places,
    case_prints,
    case_receipts,
    case_reports,
    case_sources,
    cases,
)
from safelight.store.database import overwrite_deleted

log = structlog.get_logger()
BATCH = 10
"""Cases in one transaction: nobody's clock waits long for it."""
SWEEP_EVERY = timedelta(hours=1)
SOURCES_KEPT = timedelta(days=1)
"""How long it is remembered, as a keyed digest, who sent how many; floods and guesses look back an hour at most."""


class Retention:
    """Each method is one transaction, and says how much there was to do."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._swept_at: datetime | None = None

    def due(self, connection: Connection) -> list[str]:
        """Cases of which something may be destroyed now."""
        now = to_rfc3339(self._book.clock())
        query = select(cases.c.id).where(cases.c.keep_until <= now).order_by(cases.c.keep_until).limit(BATCH)
        return list(connection.execute(query).scalars())

    def run(self, connection: Connection) -> int:
        """Destroy what is due."""
        ids = self.due(connection)
        for case_id in ids:
            try:
                with connection.begin_nested():
                    self._run(connection, case_id)
            except SafelightError as error:
                self._set_aside(connection, case_id, error)
        return len(ids)

    def _set_aside(self, connection: Connection, case_id: str, error: SafelightError) -> None:
        """What cannot be read must not hold up the others; it is looked at again tomorrow."""
        log.error("case_not_destroyed", case=case_id, error=error.message)
        self._look_again(connection, case_id, self._book.clock() + timedelta(days=1))

    def _run(self, connection: Connection, case_id: str) -> None:
        book, now = self._book, self._book.clock()
        case = book.load(connection, case_id)
        moment = destroy_at(case, book.rules)
        if moment is None or moment > now:  # the rules are others than when the row was written
            self._look_again(connection, case_id, moment)
            return
        self._destroy(connection, case_id, case, now - timedelta(days=book.rules.matter[case.matter].keep_days))

    def _look_again(self, connection: Connection, case_id: str, moment: datetime | None) -> None:
        until = to_rfc3339(moment) if moment else None
        connection.execute(update(cases).where(cases.c.id == case_id).values(keep_until=until))

    def _destroy(self, connection: Connection, case_id: str, case: Case, before: datetime) -> None:
        """Everything of the case that was written up to `before`."""
        book, now = self._book, self._book.clock()
        overwrite_deleted(connection)
        counts = self._empty(connection, case_id, to_rfc3339(before))
        if case.visibility is Visibility.VISIBLE:
            counts["prints"] = self._forget_picture(connection, case_id)
        destroy(connection, case_id, now)
        body: dict[str, Json] = {"before": to_rfc3339(before), **counts}
        after = book.add(connection, case_id, case, Event(now, Step.DESTROYED, CLOCK_ID, body))
        # Under a name of its own, which the next destruction does not shut: this is its certificate.
        exhibit_id = f"{case_id}/{after.version}"
        certificate = canonical_json(body).decode()
        book.leaf(connection, Draft(LeafKind.ERASURE, now))
        book.leaf(connection, evidence_destroyed_draft(now, exhibit_id=exhibit_id, certificate=certificate))
        log.info("case_texts_destroyed", case=case_id, **counts)

    def _empty(self, connection: Connection, case_id: str, before: str) -> dict[str, int]:
        reports = select(case_reports.c.id).where(case_reports.c.case_id == case_id, case_reports.c.at <= before)
        receipts = and_(case_receipts.c.case_id == case_id, case_receipts.c.created_at <= before)
        digests = select(case_receipts.c.code_digest).where(receipts)
        mine = or_(case_letters.c.case_id == case_id, case_letters.c.code_digest.in_(digests))
        letters = and_(mine, case_letters.c.at <= before)
        self._drop_letters(connection, letters)
        own_reports = select(case_reports.c.id).where(case_reports.c.case_id == case_id)
        texts = _emptied(connection, case_reports.c.sealed, case_reports.c.id.in_(reports))
        texts += _emptied(
            connection,
            case_additions.c.sealed,
            and_(case_additions.c.report_id.in_(own_reports), case_additions.c.at <= before),
        )
        notes = and_(case_events.c.case_id == case_id, case_events.c.at <= before, case_events.c.words.is_not(None))
        # A place has no time of its own: it goes with the last report.
        is_last = select(case_reports.c.id).where(case_reports.c.case_id == case_id, case_reports.c.at > before)
        places = 0
        if connection.execute(is_last.limit(1)).first() is None:
            places = self._forget_places(connection, case_id)
        return {
            "texts": texts,
            "notes": _emptied(connection, case_events.c.words, notes),
            "contacts": _emptied(connection, case_receipts.c.contact, and_(receipts, _has_contact())),
            "letters": _emptied(connection, case_letters.c.sealed, letters),
            "places": places,
        }

    def _forget_places(self, connection: Connection, case_id: str) -> int:
        """Empty the places of a case, and drop those of words whole, by which nothing is found again.

        So of whatever is left it is known that a platform could tell the picture by it.
        """
        words = [row.id for place, row in self._book.places(connection, case_id) if not is_findable(place)]
        dropped = connection.execute(delete(case_places).where(case_places.c.id.in_(words))).rowcount
        return dropped + _emptied(connection, case_places.c.sealed, case_places.c.case_id == case_id)

    def _drop_letters(self, connection: Connection, letters: ColumnElement[bool]) -> None:
        """A letter that nobody could send in all that time is not sent any more."""
        theirs = select(case_letters.c.effect_id).where(letters, case_letters.c.effect_id.is_not(None))
        unsent = and_(
            case_effects.c.kind == LETTER,
            case_effects.c.state.in_([WAITING, DEAD, DOUBTFUL]),
            case_effects.c.id.in_(theirs),
        )
        now = to_rfc3339(self._book.clock())
        connection.execute(update(case_effects).where(unsent).values(state=OVERTAKEN, done_at=now))

    def _forget_picture(self, connection: Connection, case_id: str) -> int:
        gone = connection.execute(delete(case_prints).where(case_prints.c.case_id == case_id)).rowcount
        connection.execute(delete(case_places).where(case_places.c.case_id == case_id, case_places.c.sealed == GONE))
        forget_made_here(connection, self._book.row(connection, case_id).number)
        if gone:
            with self._book.sheet(connection) as sheet:
                self._book.enqueue(sheet, INDEX, case_id)
        return gone

    # What belongs to no case

    def is_sweep_due(self) -> bool:
        """Whether it was long ago."""
        return self._swept_at is None or self._book.clock() - self._swept_at >= SWEEP_EVERY

    def sweep(self, connection: Connection) -> int:
        """Letters on measures that nobody contested, with the codes in them; who sent how many."""
        now = self._swept_at = self._book.clock()
        overwrite_deleted(connection)
        before = to_rfc3339(now - timedelta(days=self._book.rules.matter[Matter.OTHER].keep_days))
        alone = and_(case_receipts.c.case_id.is_(None), case_receipts.c.created_at <= before)
        digests = select(case_receipts.c.code_digest).where(alone)
        letters = and_(
            case_letters.c.case_id.is_(None), case_letters.c.code_digest.in_(digests), case_letters.c.at <= before
        )
        self._drop_letters(connection, letters)
        done = _emptied(connection, case_letters.c.sealed, letters)
        done += _emptied(connection, case_receipts.c.contact, and_(alone, _has_contact()))
        old = case_sources.c.at <= to_rfc3339(now - SOURCES_KEPT)
        return done + connection.execute(delete(case_sources).where(old)).rowcount


def preserve(connection: Connection, book: Book, case_id: str, by: str, words: str) -> Case:
    """Have nothing of a case destroyed until it is freed: a court or an authority wants it kept. Raises CaseError."""
    if not words.strip():
        raise CaseError(CaseCode.STEP_FORBIDDEN, "Say who wants it preserved, and under which reference.")
    case = book.load(connection, case_id)
    return book.add(connection, case_id, case, Event(book.clock(), Step.PRESERVED, by), words=words)


def free(connection: Connection, book: Book, case_id: str, by: str) -> Case:
    """End it: what is overdue by then is destroyed at once. Raises CaseError."""
    case = book.load(connection, case_id)
    return book.add(connection, case_id, case, Event(book.clock(), Step.FREED, by))


def _emptied(connection: Connection, column: ColumnElement[bytes], which: ColumnElement[bool]) -> int:
    """Empty a sealed column; returns how many rows had something in it."""
    table = column.table
    return int(connection.execute(update(table).where(which, column != GONE).values({column.name: GONE})).rowcount)


def _has_contact() -> ColumnElement[bool]:
    return case_receipts.c.contact.is_not(None)
