"""What is due, done: clocks of cases, standings that lift themselves, consequences of refused requests.

Everything due is found in the store by its time, so it does not matter which process looks, or how long nobody did.
"""

from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Row, or_, select, update

from safelight.accounts.measures import lift_due
from safelight.accounts.service import pseudonym
from safelight.cases.confirmed import maybe_in_sight
from safelight.cases.consequences import take_measure
from safelight.cases.decisions import Decisions
from safelight.cases.history import Case, Step
from safelight.cases.letters.compose import Automated, LetterFacts, LetterKind
from safelight.cases.machine import replay
from safelight.cases.mailroom import Mailroom
from safelight.cases.model import CLOCK_ID, RULES_ID, Party
from safelight.cases.receipts import new_code, new_pin
from safelight.cases.records import Book
from safelight.cases.rules import Measure
from safelight.cases.timers import destroy_at, due_events, next_at
from safelight.core.category import Category, Stage
from safelight.core.clock import to_rfc3339
from safelight.core.errors import SafelightError
from safelight.ledger.matters import standing_draft, takedown_draft
from safelight.store.cases_tables import cases
from safelight.store.standing_tables import account_events, account_terms
from safelight.store.tables import api_keys, decisions, outbox

log = structlog.get_logger()
BATCH = 50
REQUEST_REFUSED = "request_refused"
"""The gate's word for the outbox entry of a refusal."""


class Rounds:
    """Each method is one transaction, and says how much there was to do."""

    def __init__(self, book: Book, mail: Mailroom, desk: Decisions) -> None:
        self._book = book
        self._mail = mail
        self._desk = desk

    def due_cases(self, connection: Connection) -> list[str]:
        """Cases for which the time has come for something."""
        now = to_rfc3339(self._book.clock())
        query = select(cases.c.id).where(cases.c.next_at <= now).order_by(cases.c.next_at).limit(BATCH)
        return list(connection.execute(query).scalars())

    def run_clocks(self, connection: Connection) -> int:
        """Escalate, hide, check."""
        ids = self.due_cases(connection)
        for case_id in ids:
            self._run_clock(connection, case_id)
        return len(ids)

    def _run_clock(self, connection: Connection, case_id: str) -> None:
        book, now = self._book, self._book.clock()
        try:
            case = book.load(connection, case_id)
            events = due_events(case, book.rules, now, unconfirmed=maybe_in_sight(connection, book, case_id))
        except SafelightError as error:
            self._set_aside(connection, case_id, error)
            return
        after = book.add(connection, case_id, case, *events)
        for event in events:
            if event.step is Step.HIDDEN:
                log.warning("case_hidden_by_clock", case=case_id)
                self._desk.tell_hidden(connection, case_id, after, Automated.CLOCK)
            elif event.step is Step.ESCALATED:
                what = {"contested": bool(event.body.get("is_contest")), "matter": case.matter.value}
                log.warning("case_undecided", case=case_id, after_h=event.body["after_h"], **what)
            elif event.step is Step.BREACHED:
                log.error("case_clock_breached", case=case_id, unconfirmed=event.body["unconfirmed"])
                self._log_breach(connection, case_id, after)

    def _set_aside(self, connection: Connection, case_id: str, error: SafelightError) -> None:
        """A history that cannot be read must not hold up everybody else's clock; it is looked at again in an hour."""
        log.error("case_unreadable", case=case_id, error=error.message)
        later = to_rfc3339(self._book.clock() + timedelta(hours=1))
        connection.execute(update(cases).where(cases.c.id == case_id).values(next_at=later))

    def _log_breach(self, connection: Connection, case_id: str, case: Case) -> None:
        after_s = int((self._book.clock() - case.received_at).total_seconds())
        draft = takedown_draft(self._book.clock(), case_id=case_id, outcome="late", after_s=after_s, automatic=True)
        self._book.leaf(connection, draft)

    def recompute(self, connection: Connection, after: str) -> str | None:
        """Work out anew when time has something to do with some cases, from their histories.

        Returns after which to go on; None when all are done. For starts, since the rules may be others.
        """
        query = select(cases.c.id, cases.c.next_at, cases.c.keep_until).where(
            cases.c.id > after, or_(cases.c.is_waiting, cases.c.keep_until.is_not(None))
        )
        rows = connection.execute(query.order_by(cases.c.id).limit(BATCH)).all()
        events = self._book.events(connection, [row.id for row in rows])
        for row in rows:
            try:
                case = replay(events[row.id])
            except SafelightError as error:
                self._set_aside(connection, row.id, error)
                continue
            moments = {"next_at": next_at(case, self._book.rules), "keep_until": destroy_at(case, self._book.rules)}
            texts = {name: to_rfc3339(moment) if moment else None for name, moment in moments.items()}
            if texts != {"next_at": row.next_at, "keep_until": row.keep_until}:
                connection.execute(update(cases).where(cases.c.id == row.id).values(texts))
        return rows[-1].id if len(rows) == BATCH else None

    def has_liftable(self, connection: Connection) -> bool:
        """Whether a standing's time is over."""
        now = to_rfc3339(self._book.clock())
        query = select(account_terms.c.subject_id).where(account_terms.c.until <= now).limit(1)
        return connection.execute(query).first() is not None

    def lift(self, connection: Connection) -> int:
        """Standings whose time is over."""
        now = self._book.clock()
        lifted = lift_due(connection, now)
        for event in lifted:
            draft = standing_draft(now, subject_id=event.subject_id, change="lifted", by=CLOCK_ID)
            self._book.leaf(connection, draft)
        return len(lifted)

    # Consequences of refusals

    def run_refusals(self, connection: Connection) -> int:
        """What follows for the accounts whose requests were refused; each refusal once."""
        query = (
            select(outbox.c.id.label("entry"), decisions, api_keys.c.platform)
            .join(decisions, decisions.c.id == outbox.c.decision_id)
            .outerjoin(api_keys, api_keys.c.id == decisions.c.key_id)
            .where(outbox.c.kind == REQUEST_REFUSED, outbox.c.done_at.is_(None))
            .order_by(outbox.c.id)
            .limit(BATCH)
        )
        rows = connection.execute(query).all()
        for row in rows:
            self._follow_refusal(connection, row)
            done = update(outbox).where(outbox.c.id == row.entry).values(done_at=to_rfc3339(self._book.clock()))
            connection.execute(done)
        return len(rows)

    def has_refusals(self, connection: Connection) -> bool:
        """Whether there are any."""
        query = select(outbox.c.id).where(outbox.c.kind == REQUEST_REFUSED, outbox.c.done_at.is_(None)).limit(1)
        return connection.execute(query).first() is not None

    def _follow_refusal(self, connection: Connection, row: Row[Any]) -> None:
        if row.stage != Stage.INPUT.value or row.category is None:
            return  # what a model made of an innocent request is not the asker's doing
        # Behind an open door, without keys, anybody can give anybody's name: nobody is struck for it.
        if row.platform is None:
            return
        # Whoever sends no name shares the empty one with everybody behind the same platform: nobody is meant by it.
        if row.subject_id == pseudonym(self._book.key, row.platform, ""):
            return
        category = Category(row.category)
        measure = self._book.rules.measures.refused.get(category, Measure.NONE)
        if measure is Measure.STRIKE and self._struck_lately(connection, row.subject_id):
            return
        to = (row.subject_id, measure, category.value, row.id, RULES_ID)
        words, event_id = take_measure(self._book, connection, *to)
        if event_id is None:
            return
        code, pin = new_code(), new_pin()
        now = self._book.clock()
        facts = LetterFacts(
            now,
            reason=category.value,
            automated=Automated.REFUSAL,
            until=now + timedelta(days=self._book.rules.times.contest_days),
            measures=words,
            code=code,
            pin=pin,
        )
        with self._book.sheet(connection) as sheet:
            receipt = self._mail.issue(
                sheet,
                code=code,
                pin=pin,
                party=Party.ACCOUNT,
                language=self._mail.account_language(connection, row.subject_id),
                subject_id=row.subject_id,
                event_id=event_id,
            )
            self._mail.write(sheet, receipt, LetterKind.MEASURE, facts)

    def _struck_lately(self, connection: Connection, subject_id: str) -> bool:
        """Whether an account has a strike of the last while: who tries again at once is not struck each time."""
        since = self._book.clock() - timedelta(hours=self._book.rules.measures.one_strike_per_h)
        query = select(account_events.c.id).where(
            account_events.c.subject_id == subject_id,
            account_events.c.kind == "strike",
            account_events.c.by == RULES_ID,
            account_events.c.at > to_rfc3339(since),
        )
        return connection.execute(query.limit(1)).first() is not None
