"""Cases: the one door to reports, review and takedown. Pages, API, console and command line all come through here.

The way of a report: receive ▶ hide where the rules say so ▶ claim, open, decide (two people where severe) ▶ take down
with copies ▶ tell both sides ▶ contest ▶ decide again, by somebody else ▶ restore, if it was wrong.

Rules of this module
- Every step is one transaction: history, row, effects to run and the ledger's leaf are committed together or not at
  all. Effects run after the commit, by id, as often as needed (`effects.py`).
- Time comes in with the clock and the state from the history: whoever restarts finds the same deadlines.
- Who may do what is checked here, whatever door it came by.
"""

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, Row, select

from safelight.accounts.permissions import StaffPermission, may, require
from safelight.cases.decisions import Decisions
from safelight.cases.desk import Desk, to_effect, to_row
from safelight.cases.draft import Addition, Fingerprint, Place, ReportDraft
from safelight.cases.effects import Courier
from safelight.cases.errors import CaseCode, CaseError, ReceiptUnknown, ReportIncomplete
from safelight.cases.figures import Figures, read_figures
from safelight.cases.giving_back import give_back
from safelight.cases.held_up import held_up, in_sight, retry_effect
from safelight.cases.intake import Arrival, Intake
from safelight.cases.letters.compose import FALLBACK
from safelight.cases.mailroom import Mailroom
from safelight.cases.model import Visibility
from safelight.cases.preview import try_out
from safelight.cases.public_status import read_status
from safelight.cases.receipts import find_receipt, new_code, new_pin, note_wrong, refuse_guessing
from safelight.cases.records import PLACES, Book
from safelight.cases.reporter_model import Letter, Receipt, ReportStatus
from safelight.cases.retention import Retention
from safelight.cases.rounds import Rounds
from safelight.cases.rules import CaseRules
from safelight.cases.runner import Runner
from safelight.cases.staff_model import (
    CaseRow,
    CaseView,
    Choice,
    EffectView,
    Preview,
    QueueCounts,
    QueueFilter,
    QueuePage,
    QueueSort,
    Staff,
)
from safelight.cases.stay_down import Copies
from safelight.cases.takedown.memory import NoPlatform
from safelight.cases.takedown.ports import Platform, Post
from safelight.cases.visible import is_visible
from safelight.core.clock import Clock
from safelight.core.errors import StoreFailed
from safelight.ledger.append import Ledger
from safelight.store.cases_tables import case_receipts, cases
from safelight.store.database import Database
from safelight.store.digest_key import DigestKey
from safelight.store.group import GroupCommit

T = TypeVar("T")

QUEUE_PAGE_COUNT = 50
AT_ONCE = 32
"""Reports received in one transaction: one takes about two milliseconds of a core."""
_PREVIEW_TRIES = 3


class Cases:
    """Reports and cases of one Safelight."""

    def __init__(
        self,
        database: Database,
        rules: CaseRules,
        key: DigestKey,
        clock: Clock,
        ledger: Ledger,
        *,
        copies: Copies,
        platform: Platform,
        post: Post,
        language: str = FALLBACK,
        page: str = "",
    ) -> None:
        """Nothing runs by itself before `start`. `language`: of accounts whose platform has not said theirs.

        `page`: where the report pages are, for letters.
        """
        self.rules = rules
        self._database = database
        self._clock = clock
        self._key = key
        self._copies = copies
        self._book = Book(rules, key, clock, ledger.append)
        self.has_platform = not isinstance(platform, NoPlatform)
        self._mail = Mailroom(self._book, post.takes, language, page, has_platform=self.has_platform)
        self.contact_kinds = self._mail.contact_kinds()
        self._intake = Intake(self._book, self._mail)
        self._decisions = Decisions(self._book, self._mail)
        self._desk = Desk(self._book, self._mail, self._decisions)
        rounds = Rounds(self._book, self._mail, self._decisions)
        courier = Courier(database, self._book, self._mail, copies, platform, post)
        self._arrivals = GroupCommit(database, self._intake.take_all, AT_ONCE)
        self._waiting = 0
        self._few_wait = asyncio.Event()
        self._count_waiting(0)
        self._runner = Runner(database, rounds, courier, Retention(self._book), self._few_wait)

    # Running

    async def start(self) -> None:
        """Begin to look for what is due."""
        await self._runner.start()

    async def close(self) -> None:
        """Stop looking. What is due stays in the store."""
        await self._runner.close()

    def trouble(self) -> str:
        """What keeps the clocks from running; empty when nothing does."""
        return self._runner.trouble()

    async def tick(self) -> int:
        """Do everything that is due now, and say how much that was. Raises StoreFailed."""
        return await self._runner.tick()

    # People with a receipt. `source` is whatever tells one sender from another, such as an address: only a keyed digest
    # of it is kept. Empty where nothing does; then nothing is counted.

    async def receive(self, draft: ReportDraft, source: str, *, subject_id: str | None = None) -> Receipt:
        """Take a report: from here on its clock runs. Raises ReportIncomplete, StoreFailed.

        What the rules say is hidden at once. A flood is received like any other, and waits behind the others' reports.
        `subject_id`: the pseudonym of the account that published it, where the caller can tell.
        """
        missing = draft.missing()
        if any(element.is_needed for element in missing):
            raise ReportIncomplete([element.value for element in missing])
        self._count_waiting(1)
        try:
            near, known = await asyncio.to_thread(self._look, draft.fingerprints)
            arrival = Arrival(draft, source, new_code(), new_pin(), near, bool(known), subject_id)
            receipt = await self._arrivals.add(arrival)
        finally:
            self._count_waiting(-1)
        self._runner.wake()
        return receipt

    def _count_waiting(self, more: int) -> None:
        """Reports between their arrival and their receipt: from half a group on, effects give way (`runner.py`)."""
        self._waiting += more
        (self._few_wait.set if self._waiting < AT_ONCE // 2 else self._few_wait.clear)()

    def _look(self, prints: tuple[Fingerprint, ...]) -> tuple[tuple[int, ...], tuple[str, ...]]:
        usable = tuple(one for one in prints if one.is_usable)
        return (tuple(self._copies.find(usable)), self._copies.known_in(usable)) if usable else ((), ())

    async def status(self, code: str, pin: str, source: str) -> ReportStatus:
        """What the holder of a receipt may see. Raises ReceiptUnknown, TooManyTries."""
        receipt = await self._receipt(code, pin, source)
        return await self._database.read(lambda c: self._status(c, receipt.code_digest))

    async def add(self, code: str, pin: str, source: str, more: Addition) -> ReportStatus:
        """Add details to a report. Raises as `status`, and CaseError once nothing can be added."""
        return await self._as_holder(code, pin, source, lambda c, receipt: self._intake.add(c, receipt, more))

    async def withdraw(self, code: str, pin: str, source: str) -> ReportStatus:
        """Take a report back. What was hidden for it alone is shown again, unless it concerns a child."""
        return await self._as_holder(code, pin, source, self._intake.withdraw)

    async def contest(self, code: str, pin: str, source: str, words: str) -> ReportStatus:
        """Contest a decision or a measure, free of charge, for six months (DSA Art. 20). Raises as `add`."""
        return await self._as_holder(code, pin, source, lambda c, receipt: self._intake.contest(c, receipt, words))

    async def _as_holder(
        self, code: str, pin: str, source: str, step: Callable[[Connection, Row[tuple[object, ...]]], None]
    ) -> ReportStatus:
        receipt = await self._receipt(code, pin, source)

        def work(connection: Connection) -> ReportStatus:
            # Read again: between looking it up and here, an earlier step of the same person may have changed it.
            row = connection.execute(
                select(case_receipts).where(case_receipts.c.code_digest == receipt.code_digest)
            ).one()
            step(connection, row)
            return self._status(connection, receipt.code_digest)

        status = await self._database.write(work)
        self._runner.wake()
        return status

    async def _receipt(self, code: str, pin: str, source: str) -> Row[tuple[object, ...]]:
        guesses, now = self.rules.guesses, self._clock()

        def look(connection: Connection) -> Row[tuple[object, ...]] | None:
            refuse_guessing(connection, self._key, guesses, code, source, now)
            return find_receipt(connection, self._key, code, pin)

        found = await self._database.read(look)
        if found is None:
            await self._database.write(lambda c: note_wrong(c, self._key, guesses, code, source, now))
            raise ReceiptUnknown
        return found

    def _status(self, connection: Connection, digest: str) -> ReportStatus:
        row = connection.execute(select(case_receipts).where(case_receipts.c.code_digest == digest)).one()
        return read_status(connection, self._book, self._mail, self._intake, row)

    # The platform

    async def is_visible(self, place: Place | None = None, fingerprint: Fingerprint | None = None) -> bool:
        """Whether the platform may show this: asked before showing, it needs no command to have arrived.

        Near copies by PDQ count like the picture itself.
        """
        near: list[int] = []
        if fingerprint is not None and fingerprint.is_usable:
            near = await asyncio.to_thread(self._copies.find, (fingerprint,))
        return await self._database.read(lambda c: is_visible(c, self._book, place, fingerprint, near))

    def note_made_here(self, connection: Connection, numbers: Collection[int]) -> None:
        """More was made here of these cases' pictures than was known: have the platform told of it after the commit."""
        hidden = cases.c.visibility != Visibility.VISIBLE.value
        with self._book.sheet(connection) as sheet:
            for case_id in connection.execute(select(cases.c.id).where(cases.c.number.in_(numbers), hidden)).scalars():
                self._book.enqueue(sheet, PLACES, case_id)

    async def account_letters(self, subject_id: str) -> tuple[Letter, ...]:
        """The letters to an account, with its receipts in them, for its platform to hand on; oldest first."""

        def read(connection: Connection) -> tuple[Letter, ...]:
            query = select(case_receipts.c.code_digest).where(case_receipts.c.subject_id == subject_id)
            digests = connection.execute(query.order_by(case_receipts.c.created_at)).scalars().all()
            found = (letter for digest in digests for letter in self._mail.letters(connection, digest=digest))
            return tuple(sorted(found, key=lambda letter: letter.at))

        return await self._database.read(read)

    # Staff

    async def queue(
        self,
        staff: Staff,
        which: QueueFilter = QueueFilter(),  # noqa: B008 (frozen)
        sort: QueueSort = QueueSort.RANK,
        limit: int = QUEUE_PAGE_COUNT,
        after: str | None = None,
    ) -> QueuePage:
        """One page of the queue; matters that the member has opted out of are left out."""
        return await self._database.read(lambda c: self._desk.queue(c, staff, which, sort, limit, after))

    async def counts(self, staff: Staff) -> QueueCounts:
        """The backlog."""
        return await self._database.read(lambda c: self._desk.counts(c, staff))

    async def claim(self, staff: Staff, case_id: str) -> CaseRow:
        """Hold a case for a while, so that nobody else works on it. Raises CaseError where somebody does."""
        return await self._step(case_id, lambda c: self._decisions.claim(c, staff, case_id))

    async def claim_next(
        self,
        staff: Staff,
        which: QueueFilter = QueueFilter(),  # noqa: B008
        *,
        besides: str = "",
    ) -> CaseRow | None:
        """Hold the first of the queue, besides this one, that this member may work on and no other holds; or None."""

        def work(connection: Connection) -> CaseRow | None:
            require(staff.role, StaffPermission.CASE_CLAIM)
            case_id = self._desk.first_free(connection, staff, which, besides=besides)
            if case_id is None:
                return None
            self._decisions.claim(connection, staff, case_id)
            return to_row(self._book.row(connection, case_id))

        return await self._database.write(work)

    async def release(self, staff: Staff, case_id: str) -> CaseRow:
        """Give a case back; with the permission, also one that another holds."""
        return await self._step(case_id, lambda c: self._decisions.release(c, staff, case_id))

    async def open(self, staff: Staff, case_id: str) -> CaseView:
        """Everything about a case, on one page. The first opening by whoever holds it is the first look."""
        await self._database.write(lambda c: self._decisions.look(c, staff, case_id))
        return await self._view(staff, case_id)

    def give_back(self, connection: Connection, staff: Staff) -> None:
        """Release what they hold of the matters that they have opted out of, in that transaction."""
        give_back(connection, self._book, staff)

    async def view(self, staff: Staff, case_id: str, count: Callable[[Connection], object] = lambda _: None) -> int:
        """Count that a picture is shown to this member; returns how many today. Raises CaseError above the day's cap.

        To be called before the picture is shown, every time. `count`: what else counts it, in the same transaction.
        Where either refuses, neither has counted it.
        """

        def work(connection: Connection) -> int:
            count(connection)
            return self._decisions.view(connection, staff, case_id)

        return await self._database.write(work)

    async def note(self, staff: Staff, case_id: str, words: str) -> CaseView:
        """Leave words for colleagues in the history."""
        await self._database.write(lambda c: self._decisions.note(c, staff, case_id, words))
        return await self._view(staff, case_id)

    async def locate(self, staff: Staff, case_id: str, place: Place) -> CaseView:
        """Name a place where somebody has found the picture, by the words of a report for example. Raises CaseError."""
        await self._step(case_id, lambda c: self._decisions.locate(c, staff, case_id, place))
        return await self._view(staff, case_id)

    async def hide(self, staff: Staff, case_id: str) -> CaseView:
        """Hide the picture for the time being."""
        await self._step(case_id, lambda c: self._decisions.hide(c, staff, case_id))
        return await self._view(staff, case_id)

    async def preview(self, staff: Staff, case_id: str, choice: Choice | None) -> Preview:
        """What a decision would do, or (None) to take the last one back, with the exact letters. Changes nothing.

        Codes and PINs of accounts stand as dots: whoever decides need not know them.
        """

        def work(connection: Connection) -> Preview:
            return try_out(connection, self._book, self._mail, self._decisions, staff, case_id, choice)

        for _ in range(_PREVIEW_TRIES - 1):
            try:
                return await self._database.read(work)
            except StoreFailed:
                continue  # somebody wrote in between: SQLite does not let a reader try to write on what is old
        return await self._database.read(work)

    async def decide(self, staff: Staff, case_id: str, choice: Choice, version: int) -> CaseView:
        """Decide, or propose where two must agree, or decide what is contested. `version`: of the case as it was seen.

        Raises CaseError: held by another, changed since, a reason that the law does not allow, the same person again.
        """
        await self._step(case_id, lambda c: self._decisions.decide(c, staff, case_id, choice, version))
        return await self._view(staff, case_id)

    async def second(self, staff: Staff, case_id: str, version: int, *, agrees: bool, words: str = "") -> CaseView:
        """Agree to what another proposed, and it counts; or disagree, and the case is open again."""
        await self._step(
            case_id, lambda c: self._decisions.second(c, staff, case_id, version, agrees=agrees, words=words)
        )
        return await self._view(staff, case_id)

    async def undo(self, staff: Staff, case_id: str, version: int, words: str) -> CaseView:
        """Take back the decision that was seen, as of `version`: the case is open again.

        The picture is as visible as before it, or hidden where a report says so that came since.
        """
        await self._step(case_id, lambda c: self._decisions.undo(c, staff, case_id, version, words))
        return await self._view(staff, case_id)

    async def dead_letters(self, staff: Staff) -> tuple[EffectView, ...]:
        """Commands and letters that failed for good, are in doubt, or tried in vain: somebody has to look."""
        require(staff.role, StaffPermission.QUEUE_READ)
        rows = await self._database.read(lambda c: [*in_sight(c), *held_up(c)])
        return tuple(to_effect(row) for row in rows)

    async def retry(self, staff: Staff, effect_id: str) -> None:
        """Try what failed, is doubtful, or is tried in vain, again at once, on this member's word."""
        require(staff.role, StaffPermission.CASE_FREE)
        await self.retry_here(effect_id)

    async def retry_here(self, effect_id: str) -> None:
        """As `retry`, for whoever is on call at the machine itself."""
        if not await self._database.write(lambda c: retry_effect(c, effect_id, self._clock())):
            raise CaseError(
                CaseCode.CHANGED, "This was tried again already, or waits no longer. Look at the list again."
            )
        self._runner.wake()

    async def figures(self, since: datetime, until: datetime, staff: Staff | None = None) -> Figures:
        """Figures of the cases received in a period; exposure only for staff who may read it."""
        if staff is not None:
            require(staff.role, StaffPermission.FIGURES_READ)
        with_exposure = staff is not None and may(staff.role, StaffPermission.STAFF_FIGURES_READ)
        return await self._database.read(
            lambda c: read_figures(c, since, until, self._clock(), self._desk.counts(c), with_exposure=with_exposure)
        )

    async def _step(self, case_id: str, step: Callable[[Connection], object]) -> CaseRow:
        def work(connection: Connection) -> CaseRow:
            step(connection)
            return to_row(self._book.row(connection, case_id))

        row = await self._database.write(work)
        self._runner.wake()
        return row

    async def _view(self, staff: Staff, case_id: str) -> CaseView:
        prints = await self._database.read(lambda c: self._book.prints(c, case_id))
        banks = await asyncio.to_thread(self._copies.known_in, prints)
        return await self._database.read(lambda c: self._desk.case(c, staff, case_id, banks))
