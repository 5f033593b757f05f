"""What people with a report do: send it, look, add, take it back, contest. Each is one transaction.

Rules of this module
- A report is received whole or not at all, whoever sends it, and its clock begins with that moment.
- A report of a picture that is known joins its case: one clock, the stricter; one decision; a receipt for each person.
- A flood changes when somebody looks, and that its word alone hides nothing. It changes nothing for anybody else.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, func, insert, select, union_all, update

from safelight.cases.draft import Addition, Matter, ReportDraft, worst
from safelight.cases.elsewhere import letter_once_shown
from safelight.cases.errors import CaseCode, CaseError
from safelight.cases.hiding import asks_to_hide, is_undecided
from safelight.cases.history import Case, Event, Step
from safelight.cases.letters.compose import Automated, LetterFacts, LetterKind
from safelight.cases.mailroom import Mailroom
from safelight.cases.model import RULES_ID, CaseKind, CaseState, Law, Outcome, Party, Visibility
from safelight.cases.records import Book, body_of, is_findable
from safelight.cases.reporter_model import Receipt
from safelight.cases.rules import HideWhen
from safelight.cases.sheet import Sheet
from safelight.cases.spelling import write_addition, write_report
from safelight.cases.stay_down import known_by
from safelight.core.canonical import Json
from safelight.core.clock import to_rfc3339
from safelight.core.ids import new_id
from safelight.ledger.matters import appeal_draft, report_draft
from safelight.store.cases_tables import (
    case_additions,
    case_places,
    case_prints,
    case_receipts,
    case_reports,
    case_sources,
    cases,
)
from safelight.store.standing_tables import account_events

log = structlog.get_logger()
_REPORT = "report"
_HOUR = timedelta(hours=1)

# Built once: every report goes through them.
_SENT = (
    select(case_sources.c.source, func.count().label("sent"))
    .where(case_sources.c.source.in_(bindparam("sources", expanding=True)), case_sources.c.kind == _REPORT)
    .where(case_sources.c.at > bindparam("since"))
    .group_by(case_sources.c.source)
)
_MARKS: BindParameter[str] = bindparam("marks", expanding=True)
_KNOWN = union_all(
    select(case_prints.c.digest).where(case_prints.c.digest.in_(_MARKS)),
    select(case_places.c.digest).where(case_places.c.digest.in_(_MARKS)),
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A report on its way in, with what was found out before its transaction."""

    draft: ReportDraft
    source: str
    code: str
    pin: str
    near: tuple[int, ...] = ()
    """Numbers of cases whose picture is near."""
    is_known: bool = False
    subject_id: str | None = None


class Intake:
    """The reporters' and accounts' side."""

    def __init__(self, book: Book, mail: Mailroom) -> None:
        self._book = book
        self._mail = mail

    def take_all(self, connection: Connection, arrivals: Sequence[Arrival]) -> list[Receipt]:
        """Receive several reports in one transaction: those that begin cases of their own are written together."""
        floods = self._count(connection, arrivals)
        are_new = self._are_new(connection, arrivals)
        receipts: dict[int, Receipt] = {}
        with self._book.sheet(connection) as sheet:
            for number, arrival in enumerate(arrivals):
                if are_new[number]:
                    receipts[number] = self._take(sheet, arrival, None, is_flood=floods[number])
        for number, arrival in enumerate(arrivals):
            if not are_new[number]:
                with self._book.sheet(connection) as sheet:
                    found = self._find(connection, arrival)
                    receipts[number] = self._take(sheet, arrival, found, is_flood=floods[number])
        return [receipts[number] for number in range(len(arrivals))]

    def _take(self, sheet: Sheet, arrival: Arrival, found: str | None, *, is_flood: bool) -> Receipt:
        """Receive a report in the case that was found for it, or in a new one."""
        book, draft, now = self._book, arrival.draft, self._book.clock()
        matter = draft.effective_matter
        assert matter is not None  # noqa: S101 (nobody gets here without one: `Cases.receive`)
        report_id = new_id("rep", now)
        more: dict[str, Json] = {"report": report_id, "in_danger": draft.in_danger, "route": draft.route.value}
        more["is_intimate"] = draft.is_intimate
        if found:
            case_id = found
            case = book.load(sheet.connection, case_id)
            views = max(draft.views, book.row(sheet.connection, case_id).views)
            sheet.connection.execute(update(cases).where(cases.c.id == case_id).values(views=views))
            joined = Event(now, Step.JOINED, "reporter", body_of(matter, book.rules, now, **more))
            case = book.add_to(sheet, case_id, case, joined)
            _alert(case_id, case, draft)
        else:
            case_id = new_id("case", now)
            body = body_of(matter, book.rules, now, kind=CaseKind.IMAGE.value, ruled_by=book.rules.version, **more)
            case = book.begin(
                sheet,
                case_id,
                Event(now, Step.RECEIVED, "reporter", body),
                views=draft.views,
                is_known=arrival.is_known,
                is_flood=is_flood,
                subject_id=arrival.subject_id,
            )
        row = {
            "id": report_id,
            "case_id": case_id,
            "at": to_rfc3339(now),
            "route": draft.route.value,
            "is_flood": is_flood,
            "sealed": book.seal.close(report_id, write_report(draft)),
        }
        sheet.add(case_reports, row)
        book.add_places(sheet, case_id, draft.places, is_copy=False)
        book.add_prints(sheet, case_id, draft.fingerprints)
        due_h = int((book.rules.clock(matter, now).due_at - now).total_seconds() // 3600)
        sheet.leaves.append(report_draft(now, case_id=case_id, ground=matter.value, due_h=due_h))
        case = self._hide_or_order(sheet, case_id, case, draft, is_flood=is_flood)
        receipt = self._mail.issue(
            sheet,
            code=arrival.code,
            pin=arrival.pin,
            party=Party.REPORTER,
            language=draft.language,
            case_id=case_id,
            report_id=report_id,
            contact=draft.contact,
        )
        facts = LetterFacts(now, is_child=_about_child(draft))
        removed_at = case.decided_at if case.visibility is Visibility.REMOVED else None
        is_hidden = case.visibility is Visibility.HIDDEN
        if removed_at:
            known = known_by((*book.prints(sheet.connection, case_id), *draft.fingerprints))
            facts = replace(facts, at=removed_at, known_by=known)
        else:
            # Of a clock that ran out before this report came there is nothing to promise; a child's always has.
            runs = case.due_at > now or case.law is Law.CHILD
            due = case.due_at if runs else None
            facts = replace(facts, received=now, due=due, law=case.law.value, is_hidden=is_hidden)
            facts = replace(facts, is_missing=bool(draft.missing()))
        kind = LetterKind.REMOVED if removed_at else LetterKind.RECEIVED
        self._mail.write(sheet, receipt, kind, facts, is_flood=is_flood)
        return Receipt(
            arrival.code,
            arrival.pin,
            case_id,
            () if removed_at else draft.missing(),
            case.due_at,
            case.hidden_at if is_hidden else None,
            is_flood and case.visibility is Visibility.VISIBLE and self._hides_complete(case),
            removed_at,
            self._mail.letters_wait(sheet.connection, receipt, is_flood=is_flood),
        )

    def _hides_complete(self, case: Case) -> bool:
        return self._book.rules.matter[case.matter].hide is HideWhen.COMPLETE

    def add(self, connection: Connection, receipt: Row[Any], more: Addition) -> None:
        """Add details. What they make of the report (complete, of a child) counts from now on."""
        book, now = self._book, self._book.clock()
        case_id, report_id = self._own_report(receipt)
        case = book.load(connection, case_id)
        if case.kind is not CaseKind.IMAGE:
            raise CaseError(CaseCode.STEP_FORBIDDEN, "There is nothing to add to this.")
        addition_id = new_id("add", now)
        sealed = book.seal.close(addition_id, write_addition(more))
        connection.execute(
            insert(case_additions).values(id=addition_id, report_id=report_id, at=to_rfc3339(now), sealed=sealed)
        )
        draft = book.report(connection, report_id)
        matter = draft.effective_matter or case.matter
        body: dict[str, Json] = {"report": report_id, "is_intimate": draft.is_intimate}
        if more.places or more.fingerprints:
            body["names_more"] = True
        is_kept = case.state is CaseState.DECIDED and case.outcome is Outcome.KEEP
        if is_kept and worst(matter, case.matter) is not case.decided_matter:
            body["reopens"] = True
        since = now if "reopens" in body else case.received_at
        worse = body_of(matter, book.rules, since, in_danger=draft.in_danger, **body)
        with book.sheet(connection) as sheet:
            case = book.add_to(sheet, case_id, case, Event(now, Step.ADDED, "reporter", worse))
            new = book.add_places(sheet, case_id, more.places, is_copy=False)
            new += book.add_prints(sheet, case_id, more.fingerprints)
        if more.contact is not None:
            contact = book.seal.close(receipt.code_digest, {"kind": more.contact.kind, "value": more.contact.value})
            mine = case_receipts.c.code_digest == receipt.code_digest
            connection.execute(update(case_receipts).where(mine).values(contact=contact))
        _alert(case_id, case, more)
        row = connection.execute(select(case_reports.c.is_flood).where(case_reports.c.id == report_id)).one()
        if new or case.visibility is Visibility.VISIBLE:
            with book.sheet(connection) as sheet:
                self._hide_or_order(sheet, case_id, case, draft, is_flood=row.is_flood)

    def withdraw(self, connection: Connection, receipt: Row[Any]) -> None:
        """Take a report back; the last one of a case ends it, and shows again what was hidden for its sake."""
        book, now = self._book, self._book.clock()
        case_id, report_id = self._own_report(receipt)
        case = book.load(connection, case_id)
        event = Event(now, Step.WITHDRAWN, "reporter", {"report": report_id})
        case = book.add(connection, case_id, case, event)
        if case.state is CaseState.WITHDRAWN and case.visibility is Visibility.HIDDEN:
            with book.sheet(connection) as sheet:
                case = book.add_to(sheet, case_id, case, Event(now, Step.SHOWN, RULES_ID, {"why": "withdrawn"}))
                self._tell_account(sheet, case_id, case, letter_once_shown(connection, case_id))
        connection.execute(
            update(case_reports).where(case_reports.c.id == report_id).values(withdrawn_at=to_rfc3339(now))
        )

    def contest(self, connection: Connection, receipt: Row[Any], words: str) -> None:
        """Contest a decision, or a measure against an account."""
        book, now = self._book, self._book.clock()
        party = Party(receipt.party)
        if receipt.case_id is None:
            case_id = self._open_account_case(connection, receipt, words)
        else:
            case_id = receipt.case_id
            case = book.load(connection, case_id)
            if receipt.report_id and receipt.report_id not in case.reports:
                raise CaseError(CaseCode.STEP_FORBIDDEN, "You took this report back.")
            if case.decided_at and now > self.contest_until(case.decided_at):
                raise CaseError(CaseCode.TOO_LATE, "The time for contesting this decision is over.")
            event = Event(now, Step.CONTESTED, party.value, {"party": party.value, "report": receipt.report_id or ""})
            case = book.add(connection, case_id, case, event, words=words)
            if party is Party.REPORTER and is_undecided(case):
                draft = book.report(connection, receipt.report_id)
                with book.sheet(connection) as sheet:
                    self._hide_or_order(sheet, case_id, case, draft, is_flood=False)
        about = "takedown" if receipt.case_id else "standing"
        book.leaf(connection, appeal_draft(now, appeal_id=case_id, about=about, outcome="received", reason=words))
        until = now + timedelta(hours=book.rules.times.appeal_h)
        row = connection.execute(select(case_receipts).where(case_receipts.c.code_digest == receipt.code_digest)).one()
        with book.sheet(connection) as sheet:
            self._mail.write(sheet, row, LetterKind.APPEAL_RECEIVED, LetterFacts(now, until=until))

    def contest_until(self, decided_at: datetime) -> datetime:
        """How long a decision may be contested."""
        return decided_at + timedelta(days=self._book.rules.times.contest_days)

    def _open_account_case(self, connection: Connection, receipt: Row[Any], words: str) -> str:
        """A measure that somebody contests becomes a case. Its deciders so far: whoever ordered the measure."""
        book, now = self._book, self._book.clock()
        event = connection.execute(select(account_events).where(account_events.c.id == receipt.event_id)).one()
        if now > self.contest_until(datetime.fromisoformat(event.at)):
            raise CaseError(CaseCode.TOO_LATE, "The time for contesting this measure is over.")
        case_id = new_id("case", now)
        body = body_of(
            Matter.OTHER,
            book.rules,
            now,
            kind=CaseKind.ACCOUNT.value,
            route="detection",
            contested_by=Party.ACCOUNT.value,
            deciders=[event.by],
            ruled_by=book.rules.version,
        )
        received = Event(now, Step.RECEIVED, Party.ACCOUNT.value, body)
        with book.sheet(connection) as sheet:
            case = book.begin(sheet, case_id, received, subject_id=event.subject_id, reference=event.reference)
            book.add_to(sheet, case_id, case, Event(now, Step.NOTED, Party.ACCOUNT.value), words=words)
        mine = case_receipts.c.code_digest == receipt.code_digest
        connection.execute(update(case_receipts).where(mine).values(case_id=case_id))
        return case_id

    def _own_report(self, receipt: Row[Any]) -> tuple[str, str]:
        if receipt.party != Party.REPORTER.value or receipt.report_id is None:
            raise CaseError(CaseCode.STEP_FORBIDDEN, "This receipt is not for a report.")
        return receipt.case_id, receipt.report_id

    def _count(self, connection: Connection, arrivals: Sequence[Arrival]) -> list[bool]:
        """Whether the source of each has sent unusually many within an hour, these included."""
        now, rules = self._book.clock(), self._book.rules.flood
        sources = [
            self._book.key.digest("report source", one.source.encode("utf-8", "surrogatepass"))
            if one.source and one.draft.route not in rules.exempt_routes
            else ""
            for one in arrivals
        ]
        since = {"sources": list(set(sources)), "since": to_rfc3339(now - _HOUR)}
        sent = Counter({row.source: row.sent for row in connection.execute(_SENT, since)})
        floods, rows = [], []
        for source in sources:
            floods.append(bool(source) and sent[source] >= rules.reports_per_hour)
            if source:
                sent[source] += 1
                rows.append({"id": new_id("src", now), "source": source, "kind": _REPORT, "at": to_rfc3339(now)})
        if rows:
            connection.execute(insert(case_sources), rows)
        return floods

    def _are_new(self, connection: Connection, arrivals: Sequence[Arrival]) -> list[bool]:
        """Which can belong to no case: no picture or place of theirs is known here, nor in another of these."""
        marks = [[*self._prints(one.draft), *self._places(one.draft)] for one in arrivals]
        seen = Counter(mark for mine in marks for mark in set(mine))
        known = set(connection.execute(_KNOWN, {"marks": list(seen)}).scalars())
        return [
            not arrival.near and all(seen[mark] == 1 and mark not in known for mark in mine)
            for arrival, mine in zip(arrivals, marks, strict=True)
        ]

    def _prints(self, draft: ReportDraft) -> list[str]:
        return [self._book.print_digest(one) for one in draft.fingerprints if one.is_usable]

    def _places(self, draft: ReportDraft) -> list[str]:
        return [self._book.place_digest(place) for place in draft.places if is_findable(place)]

    def _find(self, connection: Connection, arrival: Arrival) -> str | None:
        """The case that this report belongs to: by its picture, or by its place where no picture tells otherwise."""
        prints, places = self._prints(arrival.draft), self._places(arrival.draft)
        if arrival.near:
            rows = connection.execute(select(cases).where(cases.c.number.in_(arrival.near)))
            by_number = {row.number: row for row in rows}
            for number in arrival.near:
                if number in by_number and _takes_more(by_number[number]):
                    return str(by_number[number].id)
        if prints:
            for row in self._newest(connection, select(case_prints.c.case_id).where(case_prints.c.digest.in_(prints))):
                if _takes_more(row):
                    return str(row.id)
        if places:
            for row in self._newest(connection, select(case_places.c.case_id).where(case_places.c.digest.in_(places))):
                has_prints = connection.execute(
                    select(case_prints.c.digest).where(case_prints.c.case_id == row.id).limit(1)
                ).first()
                if _takes_more(row) and not (prints and has_prints):
                    return str(row.id)
        return None

    def _newest(self, connection: Connection, query: Select[Any]) -> list[Row[Any]]:
        """The cases that `query` names, newest first. In two steps: in one, the whole table would be read in order."""
        ids = sorted(set(connection.execute(query).scalars()), reverse=True)
        return [self._book.row(connection, case_id) for case_id in ids]

    def _hide_or_order(self, sheet: Sheet, case_id: str, case: Case, draft: ReportDraft, *, is_flood: bool) -> Case:
        """Hide at once where the rules say so; otherwise tell the platform of whatever is new."""
        hides = is_undecided(case) and asks_to_hide(self._book, case, draft, is_flood=is_flood)
        if hides and case.visibility is Visibility.VISIBLE:
            event = Event(self._book.clock(), Step.HIDDEN, RULES_ID, {"why": "reported"})
            hidden = self._book.add_to(sheet, case_id, case, event)
            self._tell_account(sheet, case_id, hidden, LetterKind.HIDDEN)
            return hidden
        if case.state is not CaseState.DECIDED or case.outcome is Outcome.REMOVE:
            self._book.order(sheet, case_id, case)  # of a place that was never hidden, none is to be shown again
        return case

    def _tell_account(self, sheet: Sheet, case_id: str, case: Case, kind: LetterKind) -> None:
        subject_id = self._book.columns(sheet, case_id)["subject_id"]
        receipt = self._mail.account_receipt(sheet, case_id, subject_id)
        code, pin = self._mail.credentials(receipt)
        facts = LetterFacts(
            self._book.clock(),
            received=case.received_at,
            matter=case.matter.value,
            automated=Automated.HIDDEN if kind is LetterKind.HIDDEN else None,
            code=code,
            pin=pin,
        )
        self._mail.write(sheet, receipt, kind, facts)


def _alert(case_id: str, case: Case, said: ReportDraft | Addition) -> None:
    """Nobody has this case before them any more; that somebody is in danger is told all the same."""
    if said.in_danger and not case.is_waiting:
        log.error("danger_in_decided_case", case=case_id)


def _takes_more(row: Row[Any]) -> bool:
    """Whether another report of the same picture belongs here: not to a case that was decided the other way.

    Nor while that is contested: whoever contests has had their clock, and whoever reports has one of their own.
    """
    return bool(row.kind == CaseKind.IMAGE and row.outcome != Outcome.KEEP)


def _about_child(draft: ReportDraft) -> bool:
    return bool(draft.effective_matter is Matter.CHILD or draft.reporter_is_child or draft.person_is_child)
