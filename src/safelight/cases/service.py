"""Cases: the one door to reports, review and takedown. Pages, API, console and command line all come through here.

The way of a report: receive ▶ hide where the rules say so ▶ claim, open, decide (two people where severe) ▶ take down
with copies ▶ tell both sides ▶ contest ▶ decide again, by somebody else ▶ restore, if it was wrong.

Rules of this module
- Every step is one transaction: history, row, effects to run and the ledger's leaf are committed together or not at
  all. Effects run after the commit, by id, as often as needed (`effects.py`).
- Time comes in with the clock and the state from the history: whoever restarts finds the same deadlines.
- Who may do what is checked here, whatever door it came by.
"""

from datetime import datetime

from safelight.cases.draft import Addition, ReportDraft
from safelight.cases.model import (
    CaseRow,
    CaseView,
    Choice,
    EffectView,
    Figures,
    Preview,
    QueueCounts,
    QueueFilter,
    QueuePage,
    QueueSort,
    Receipt,
    ReportStatus,
    Staff,
)

QUEUE_PAGE_COUNT = 50


class Cases:
    """Reports and cases of one Safelight."""

    # People with a receipt. `source` is whatever tells one sender from another, such as an address: only a keyed digest
    # of it is kept, for as long as floods and guesses are counted.

    async def receive(self, draft: ReportDraft, source: str) -> Receipt:
        """Take a report: from here on its clock runs. Raises ReportIncomplete, StoreFailed.

        What the rules say is hidden at once. A flood is received like any other, and waits behind the others' reports.
        """
        raise NotImplementedError

    async def status(self, code: str, pin: str, source: str) -> ReportStatus:
        """What the holder of a receipt may see. Raises ReceiptUnknown, TooManyTries."""
        raise NotImplementedError

    async def add(self, code: str, pin: str, source: str, more: Addition) -> ReportStatus:
        """Add details to a report. Raises as `status`, and CaseError once nothing can be added."""
        raise NotImplementedError

    async def withdraw(self, code: str, pin: str, source: str) -> ReportStatus:
        """Take a report back. What was hidden for it alone is shown again, unless it concerns a child."""
        raise NotImplementedError

    async def contest(self, code: str, pin: str, source: str, words: str) -> ReportStatus:
        """Contest a decision or a measure, free of charge, for six months (DSA Art. 20). Raises as `add`."""
        raise NotImplementedError

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
        raise NotImplementedError

    async def counts(self, staff: Staff) -> QueueCounts:
        """The backlog."""
        raise NotImplementedError

    async def claim(self, staff: Staff, case_id: str) -> CaseRow:
        """Hold a case for a while, so that nobody else works on it. Raises CaseError where somebody does."""
        raise NotImplementedError

    async def claim_next(self, staff: Staff, which: QueueFilter = QueueFilter()) -> CaseRow | None:  # noqa: B008
        """Hold the first of the queue that this member may work on and nobody holds; None when there is none."""
        raise NotImplementedError

    async def release(self, staff: Staff, case_id: str) -> CaseRow:
        """Give a case back; with the permission, also one that another holds."""
        raise NotImplementedError

    async def open(self, staff: Staff, case_id: str) -> CaseView:
        """Everything about a case, on one page. The first opening by whoever holds it is the first look."""
        raise NotImplementedError

    async def view(self, staff: Staff, case_id: str) -> int:
        """Count that a picture is shown to this member; returns how many today. Raises CaseError above the day's cap.

        To be called before the picture is shown, every time.
        """
        raise NotImplementedError

    async def note(self, staff: Staff, case_id: str, words: str) -> CaseView:
        """Leave words for colleagues in the history."""
        raise NotImplementedError

    async def hide(self, staff: Staff, case_id: str) -> CaseView:
        """Hide the picture for the time being."""
        raise NotImplementedError

    async def preview(self, staff: Staff, case_id: str, choice: Choice) -> Preview:
        """What a decision would do, with the exact letters. Changes nothing."""
        raise NotImplementedError

    async def decide(self, staff: Staff, case_id: str, choice: Choice, version: int) -> CaseView:
        """Decide, or propose where two must agree, or decide what is contested. `version`: of the case as it was seen.

        Raises CaseError: held by another, changed since, a reason that the law does not allow, the same person again.
        """
        raise NotImplementedError

    async def second(self, staff: Staff, case_id: str, version: int, *, agrees: bool, words: str = "") -> CaseView:
        """Agree to what another proposed, and it counts; or disagree, and the case is open again."""
        raise NotImplementedError

    async def undo(self, staff: Staff, case_id: str, words: str) -> CaseView:
        """Take back a decision: the case is open again, and the picture as visible as before it."""
        raise NotImplementedError

    async def dead_letters(self, staff: Staff) -> tuple[EffectView, ...]:
        """Commands and letters that failed for good or are in doubt: somebody has to look."""
        raise NotImplementedError

    async def retry(self, staff: Staff, effect_id: str) -> None:
        """Try a dead or doubtful command again, on this member's word."""
        raise NotImplementedError

    async def figures(self, since: datetime, until: datetime, staff: Staff | None = None) -> Figures:
        """Figures of the cases received in a period; exposure only for staff who may read it."""
        raise NotImplementedError
