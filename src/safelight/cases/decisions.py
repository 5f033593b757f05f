"""What members of the staff do with a case. Each step is one transaction.

Rules of this module
- Who may do what in general is the table of `accounts/permissions.py`; what the state of the case allows is
  `machine.py`; here both are asked, and nowhere else.
- A decision, its letters, the orders to platform and banks, what follows for the account, and the ledger's leaves are
  one work: either all of it stands, or none.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from safelight.accounts.permissions import StaffPermission, may, require
from safelight.cases.consequences import log_appeal, reinstate, reverse, take_measure
from safelight.cases.draft import Matter, Place, Route
from safelight.cases.elsewhere import elsewhere, letter_once_shown
from safelight.cases.errors import CaseCode, CaseError
from safelight.cases.history import Case, Event, Step
from safelight.cases.letters.compose import Automated, LetterFacts, LetterKind, MeasureWords
from safelight.cases.mailroom import Mailroom
from safelight.cases.model import RULES_ID, CaseKind, CaseState, Outcome, Party, ReasonCode, Visibility
from safelight.cases.records import Book
from safelight.cases.reporter_model import Letter
from safelight.cases.rules import Measure
from safelight.cases.staff_model import Action, Choice, Staff
from safelight.cases.undoing import can_undo, hides_once_undone, refuse_undo
from safelight.core.clock import to_rfc3339
from safelight.store.cases_tables import case_events, case_places

_P = StaffPermission


class Decisions:
    """The staff's side."""

    def __init__(self, book: Book, mail: Mailroom) -> None:
        self._book = book
        self._mail = mail

    def actions(self, case: Case, staff: Staff, now: datetime) -> frozenset[Action]:
        """What this member may do with this case now."""
        can = {Action.OPEN} if may(staff.role, _P.CASE_READ) else set()
        is_held, is_own = case.is_held(now), case.held_by == staff.id
        is_other = is_held and not is_own
        works = may(staff.role, _P.CASE_CLAIM) and case.matter not in staff.opted_out
        if is_held and is_own:
            can.add(Action.RELEASE)
        elif is_held and may(staff.role, _P.CASE_FREE):
            can.add(Action.FREE)
        if may(staff.role, _P.MEDIA_VIEW) and case.matter not in staff.opted_out:
            can.add(Action.VIEW)
        if may(staff.role, _P.CASE_READ) and works:
            can.add(Action.NOTE)
        if works and not is_other:
            if case.state is CaseState.OPEN and may(staff.role, _P.CASE_DECIDE):
                can.add(Action.DECIDE)
            is_judge = may(staff.role, _P.APPEAL_DECIDE) and staff.id not in case.deciders
            if case.state is CaseState.CONTESTED and is_judge and not case.proposed:
                can.add(Action.DECIDE)
            if Action.DECIDE in can and case.kind is CaseKind.IMAGE and case.visibility is Visibility.VISIBLE:
                can.add(Action.HIDE)
            if case.proposed and may(staff.role, _P.CASE_SECOND) and staff.id != case.proposed_by:
                can |= {Action.SECOND} if is_judge or case.state is not CaseState.CONTESTED else set()
            if case.is_waiting and can & {Action.DECIDE, Action.SECOND}:
                can.add(Action.CLAIM)  # whoever can do nothing there would only keep others from it
            if can_undo(case, staff, self._book.rules, now):
                can.add(Action.UNDO)
            if case.can_be_located:
                can.add(Action.LOCATE)
        return frozenset(can)

    def claim(self, connection: Connection, staff: Staff, case_id: str) -> Case:
        """Hold it for a while."""
        require(staff.role, _P.CASE_CLAIM)
        case, now = self._case(connection, staff, case_id), self._book.clock()
        case.refuse_held(staff.id, now)
        if case.is_waiting and Action.CLAIM not in self.actions(case, staff, now):
            message = "There is nothing in this case that you may decide: somebody else does. Take another one."
            raise CaseError(CaseCode.SAME_PERSON, message)
        until = now + timedelta(minutes=self._book.rules.times.claim_min)
        return self._book.add(
            connection, case_id, case, Event(now, Step.CLAIMED, staff.id, {"until": to_rfc3339(until)})
        )

    def release(self, connection: Connection, staff: Staff, case_id: str) -> Case:
        """Give it back, or free it of another."""
        case, now = self._book.load(connection, case_id), self._book.clock()
        is_freed = case.held_by not in ("", staff.id)
        require(staff.role, _P.CASE_FREE if is_freed else _P.CASE_CLAIM)
        return self._book.add(connection, case_id, case, Event(now, Step.RELEASED, staff.id, {"freed": is_freed}))

    def look(self, connection: Connection, staff: Staff, case_id: str) -> Case:
        """The first look is a step; later ones leave nothing."""
        require(staff.role, _P.CASE_READ)
        case = self._case(connection, staff, case_id)
        if case.first_look_at is None and case.held_by == staff.id:
            case = self._book.add(connection, case_id, case, Event(self._book.clock(), Step.LOOKED, staff.id))
        return case

    def view(self, connection: Connection, staff: Staff, case_id: str) -> int:
        """Count a picture that is about to be shown."""
        require(staff.role, _P.MEDIA_VIEW)
        case, now = self._case(connection, staff, case_id), self._book.clock()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        seen = connection.execute(
            select(func.count()).where(
                case_events.c.by == staff.id,
                case_events.c.step == Step.VIEWED.value,
                case_events.c.at >= to_rfc3339(midnight),
            )
        ).scalar_one()
        cap = self._book.rules.welfare.pictures_per_day
        if seen >= cap:
            raise CaseError(
                CaseCode.EXPOSURE_SPENT, f"You have seen {cap} pictures today, and that is enough; others go on."
            )
        self._book.add(connection, case_id, case, Event(now, Step.VIEWED, staff.id))
        return int(seen) + 1

    def note(self, connection: Connection, staff: Staff, case_id: str, words: str) -> Case:
        """Words for colleagues."""
        require(staff.role, _P.CASE_CLAIM)
        case = self._case(connection, staff, case_id)
        return self._book.add(connection, case_id, case, Event(self._book.clock(), Step.NOTED, staff.id), words=words)

    def locate(self, connection: Connection, staff: Staff, case_id: str, place: Place) -> Case:
        """Name a place where it is: the platform is told, and what holds of the case holds there."""
        require(staff.role, _P.CASE_CLAIM)
        case, now = self._case(connection, staff, case_id), self._book.clock()
        case.refuse_held(staff.id, now)
        with self._book.sheet(connection) as sheet:
            if not self._book.add_places(sheet, case_id, [place], is_copy=False):
                raise CaseError(CaseCode.STEP_FORBIDDEN, "This place is known already.")
            case = self._book.add_to(sheet, case_id, case, Event(now, Step.LOCATED, staff.id))
            self._book.order(sheet, case_id, case)
        return case

    def hide(self, connection: Connection, staff: Staff, case_id: str) -> Case:
        """Hide for the time being: whoever may decide it may, before they do."""
        case, now = self._case(connection, staff, case_id), self._book.clock()
        require(staff.role, _P.APPEAL_DECIDE if case.state is CaseState.CONTESTED else _P.CASE_DECIDE)
        case.refuse_held(staff.id, now)
        if Action.HIDE not in self.actions(case, staff, now):
            raise CaseError(CaseCode.STEP_FORBIDDEN, "Only what can be seen, and waits for you to decide, is hidden.")
        case = self._book.add(connection, case_id, case, Event(now, Step.HIDDEN, staff.id, {"why": "staff"}))
        self.tell_hidden(connection, case_id, case, _by_hand(case, {staff.id}))
        return case

    def needs_second(self, case: Case, choice: Choice) -> bool:
        """Whether a second person has to agree.

        To find that a child is sexualised weighs the same whatever was reported, and so does to decide that anew.
        """
        found = (choice.reason, case.reason if case.state is CaseState.CONTESTED else None)
        matter = Matter.CHILD if ReasonCode.CHILD_SEXUALISED in found else case.matter
        return (
            case.kind is CaseKind.IMAGE
            and not case.proposed
            and choice.outcome in self._book.rules.matter[matter].second
        )

    def decide(
        self,
        connection: Connection,
        staff: Staff,
        case_id: str,
        choice: Choice,
        version: int,
        *,
        preview: bool = False,
    ) -> Case:
        """Decide, propose, or decide what is contested. A `preview` shows the whole way, without the second person."""
        case, now = self._case(connection, staff, case_id), self._book.clock()
        if case.proposed:
            raise CaseError(CaseCode.STEP_FORBIDDEN, "Somebody has proposed a decision; agree to it, or reject it.")
        require(staff.role, _P.APPEAL_DECIDE if case.state is CaseState.CONTESTED else _P.CASE_DECIDE)
        case.refuse_held(staff.id, now)
        self._refuse_changed(case, version)
        if choice.reason is ReasonCode.OTHER_ILLEGAL and not choice.words.strip():
            message = "Name the law in the words for colleagues: the letter says that the record names it."
            raise CaseError(CaseCode.WORDS_MISSING, message)
        body = {"outcome": choice.outcome.value, "reason": choice.reason.value}
        if self.needs_second(case, choice) and not preview:
            after = self._book.add(
                connection, case_id, case, Event(now, Step.PROPOSED, staff.id, body), words=choice.words
            )
            if choice.outcome is Outcome.REMOVE and after.visibility is Visibility.VISIBLE:
                hidden = Event(now, Step.HIDDEN, staff.id, {"why": "proposed"})
                after = self._book.add(connection, case_id, after, hidden)
                self.tell_hidden(connection, case_id, after, _by_hand(after, {staff.id}))
            return after
        after = self._book.add(connection, case_id, case, Event(now, Step.DECIDED, staff.id, body), words=choice.words)
        how = _by_hand(after, {staff.id}, by_two=self.needs_second(case, choice))
        self._follow(connection, case_id, case, after, how)
        return after

    def second(
        self, connection: Connection, staff: Staff, case_id: str, version: int, *, agrees: bool, words: str
    ) -> Case:
        """Agree or reject."""
        require(staff.role, _P.CASE_SECOND)
        case, now = self._case(connection, staff, case_id), self._book.clock()
        if case.state is CaseState.CONTESTED:
            require(staff.role, _P.APPEAL_DECIDE)
        case.refuse_held(staff.id, now)
        self._refuse_changed(case, version)
        if case.proposed is None:
            raise CaseError(CaseCode.STEP_FORBIDDEN, "Nothing was proposed.")
        if not agrees:
            return self._book.add(connection, case_id, case, Event(now, Step.REJECTED, staff.id), words=words)
        outcome, reason = case.proposed
        body = {"outcome": outcome.value, "reason": reason.value}
        after = self._book.add(connection, case_id, case, Event(now, Step.DECIDED, staff.id, body), words=words)
        how = _by_hand(after, {staff.id, case.proposed_by}, by_two=True)
        self._follow(connection, case_id, case, after, how)
        return after

    def undo(self, connection: Connection, staff: Staff, case_id: str, version: int, words: str) -> Case:
        """Take a decision back, within the rules' time; later, a contest is the way."""
        case, now = self._case(connection, staff, case_id), self._book.clock()
        refuse_undo(case, staff, self._book.rules, now)
        self._refuse_changed(case, version)
        with self._book.sheet(connection) as sheet:
            after = self._book.add_to(sheet, case_id, case, Event(now, Step.UNDONE, staff.id), words=words)
            by_rule = case.before is not None and hides_once_undone(self._book, connection, case.before, after)
            if by_rule:
                hidden = Event(now, Step.HIDDEN, RULES_ID, {"why": "reported"})
                after = self._book.add_to(sheet, case_id, after, hidden)
            self._book.order(sheet, case_id, after)
        row = self._book.row(connection, case_id)
        done = self._measures_as_before(connection, row, case, after, staff.id) if row.subject_id else ()
        told = self._mail.told_of_decision(connection, case_id, case.decided_at or now)
        is_moved = after.visibility is not case.visibility
        is_held = after.visibility is Visibility.VISIBLE and elsewhere(connection, case_id).held > 0
        to_account = LetterFacts(
            now, measures=done, brought_back_to=after.visibility if is_moved else None, is_held_elsewhere=is_held
        )
        # What happens to the account, and what other cases do, is told to nobody else.
        to_reporter = LetterFacts(now, brought_back_to=after.visibility if is_moved and not is_held else None)
        with self._book.sheet(connection) as sheet:
            for party in Party:
                facts = to_account if party is Party.ACCOUNT else to_reporter
                for receipt in self._mail.receipts(connection, case_id, party):
                    stands = party is Party.ACCOUNT or receipt.report_id in after.reports
                    if stands and receipt.code_digest in told:
                        self._mail.write(sheet, receipt, LetterKind.UNDONE, facts)
        if after.visibility is Visibility.HIDDEN and case.visibility is Visibility.VISIBLE:
            how = Automated.HIDDEN if by_rule else _by_hand(after, {staff.id})
            self.tell_hidden(connection, case_id, after, how)
        return after

    def tell_hidden(self, connection: Connection, case_id: str, case: Case, how: Automated) -> None:
        """Tell the account what was hidden for the time being (DSA Art. 17: no later than the restriction)."""
        self._to_account(connection, self._book.row(connection, case_id), case, LetterKind.HIDDEN, how)

    # What follows from a decision

    def _follow(self, connection: Connection, case_id: str, before: Case, after: Case, how: Automated) -> None:
        row = self._book.row(connection, case_id)
        by = min(after.decided_by)
        was_contested = before.state is CaseState.CONTESTED
        if after.kind is CaseKind.ACCOUNT:
            is_reversed = after.outcome is Outcome.MEASURE_LIFTED
            done = reverse(self._book, connection, row.subject_id, row.reference, by) if is_reversed else ()
            kind = LetterKind.APPEAL_REVERSED if is_reversed else LetterKind.APPEAL_UPHELD
            self._to_account(connection, row, after, kind, how, done)
            log_appeal(self._book, connection, row, after, by, "standing", is_reversed=is_reversed)
            return
        done = ()
        if row.subject_id:
            if after.outcome is Outcome.REMOVE and before.outcome is not Outcome.REMOVE:
                assert after.reason is not None  # noqa: S101 (a decision has one)
                measure = self._book.rules.measures.removed.get(after.reason, Measure.NONE)
                done = take_measure(self._book, connection, row.subject_id, measure, after.reason.value, case_id, by)[0]
            elif after.outcome is Outcome.KEEP and before.outcome is Outcome.REMOVE:
                done = reverse(self._book, connection, row.subject_id, case_id, by)
        is_reversed = was_contested and after.outcome is not before.outcome
        if was_contested:
            log_appeal(self._book, connection, row, after, by, "takedown", is_reversed=is_reversed)
        contested_by = before.contested_by if was_contested else None
        if contested_by is not Party.ACCOUNT or is_reversed:  # otherwise nothing has changed for them
            contester = before.contested_report if contested_by is Party.REPORTER else ""
            self._tell_reporters(connection, row, after, how, contester, is_reversed=is_reversed)
        if contested_by is Party.ACCOUNT:
            kind = LetterKind.APPEAL_REVERSED if is_reversed else LetterKind.APPEAL_UPHELD
            self._to_account(connection, row, after, kind, how, done)
        elif after.outcome is Outcome.REMOVE and before.outcome is not Outcome.REMOVE:
            self._to_account(connection, row, after, LetterKind.REASONS, how, done)
        elif after.outcome is Outcome.KEEP and before.visibility is not Visibility.VISIBLE:
            self._to_account(connection, row, after, letter_once_shown(connection, case_id), how, done)
        elif after.outcome is Outcome.KEEP and self._mail.awaits_word(connection, case_id):
            self._to_account(connection, row, after, LetterKind.STAYS, how, done)

    def _tell_reporters(
        self,
        connection: Connection,
        row: Row[Any],
        after: Case,
        how: Automated,
        contester: str,
        *,
        is_reversed: bool,
    ) -> None:
        """What was decided. `contester`: whose report the objection came with; the others objected to nothing."""
        outcome = LetterKind.REMOVED if after.outcome is Outcome.REMOVE else LetterKind.KEPT
        appeal = LetterKind.APPEAL_REVERSED if is_reversed else LetterKind.APPEAL_UPHELD
        facts = self._facts(connection, row, after, how)
        if Party.REPORTER in after.has_contested:
            facts = replace(facts, until=None, is_contested=True)
        facts = replace(facts, is_overturned=is_reversed and after.outcome is Outcome.KEEP)
        with self._book.sheet(connection) as sheet:
            for receipt in self._mail.receipts(connection, row.id, Party.REPORTER):
                if receipt.report_id in after.reports:
                    is_contester = receipt.report_id == contester
                    told = replace(facts, comes_down=is_contester and after.outcome is Outcome.REMOVE)
                    self._mail.write(sheet, receipt, appeal if is_contester else outcome, told)

    def _to_account(
        self,
        connection: Connection,
        row: Row[Any],
        after: Case,
        kind: LetterKind,
        how: Automated,
        done: tuple[MeasureWords, ...] = (),
    ) -> Letter:
        with self._book.sheet(connection) as sheet:
            receipt = self._mail.account_receipt(sheet, row.id, row.subject_id)
            code, pin = self._mail.credentials(receipt)
            facts = self._facts(connection, row, after, how, done, code, pin)
            return self._mail.write(sheet, receipt, kind, facts)

    def _facts(
        self,
        connection: Connection,
        row: Row[Any],
        after: Case,
        how: Automated,
        done: tuple[MeasureWords, ...] = (),
        code: str = "",
        pin: str = "",
    ) -> LetterFacts:
        now = self._book.clock()
        copies = connection.execute(
            select(func.count()).where(case_places.c.case_id == row.id, case_places.c.is_copy)
        ).scalar_one()
        return LetterFacts(
            now,
            received=after.received_at,
            matter=after.matter.value,
            reason=after.reason.value if after.reason else "",
            automated=how,
            is_child=after.matter is Matter.CHILD,
            was_detected=after.route is Route.DETECTION,
            copies=copies,
            until=now + timedelta(days=self._book.rules.times.contest_days),
            is_held_elsewhere=after.visibility is Visibility.VISIBLE and elsewhere(connection, row.id).held > 0,
            measures=done,
            code=code,
            pin=pin,
        )

    def _measures_as_before(
        self, connection: Connection, row: Row[Any], undone: Case, after: Case, by: str
    ) -> tuple[MeasureWords, ...]:
        """What followed for the account goes with a decision that is taken back; what it had ended comes back."""
        reference = row.reference or row.id
        if after.kind is CaseKind.IMAGE and after.outcome is not Outcome.REMOVE:
            return reverse(self._book, connection, row.subject_id, reference, by)
        if undone.outcome in (Outcome.KEEP, Outcome.MEASURE_LIFTED) and undone.decided_at:
            return reinstate(self._book, connection, row.subject_id, reference, undone.decided_at, by)
        return ()

    # Refusals

    def _case(self, connection: Connection, staff: Staff, case_id: str) -> Case:
        case = self._book.load(connection, case_id)
        if case.matter in staff.opted_out:
            message = "You have said that you do not work on this matter. Leave it to others, or change that under You."
            raise CaseError(CaseCode.OPTED_OUT, message)
        return case

    def _refuse_changed(self, case: Case, version: int) -> None:
        if not case.substance <= version <= case.version:
            raise CaseError(CaseCode.CHANGED, "This case has changed since you looked at it; look again.")


def _by_hand(case: Case, deciders: set[str], *, by_two: bool = False) -> Automated:
    """Who decided, and whether each of them had the picture shown (DSA Art. 17(3)(c) wants true words)."""
    if deciders <= case.viewers:
        return Automated.TWO_LOOKED if by_two else Automated.PERSON_LOOKED
    return Automated.TWO if by_two else Automated.PERSON
