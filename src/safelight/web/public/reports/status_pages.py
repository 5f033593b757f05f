"""`/report/…/status` and `/contest`: what the holder of a code and a PIN sees, and what they may do.

Rules of this module
- Code and PIN are asked for each time and travel in the form only: never in an address, a cookie or a link.
- Each page is good for one sending (`once.py`): Back and Reload show the empty form to whoever holds the device next.
- Whether a code exists is never said: a wrong code and a wrong PIN have the same words and the same work.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from safelight.cases.draft import Addition, Missing
from safelight.cases.errors import CaseError, ReceiptUnknown, ReportInvalid, TooManyTries
from safelight.cases.model import CaseState, Outcome, Party, Visibility
from safelight.cases.reporter_model import ReportStatus
from safelight.cases.service import Cases
from safelight.core.clock import Clock
from safelight.web.public.reports.answer import Fields, Pages, Shown, source_of
from safelight.web.public.reports.form import STEP_OF_PART, ReportForm, Step
from safelight.web.public.reports.once import Answer, Once
from safelight.web.public.reports.words import Words

LASTS = timedelta(hours=1)
"""How long a page about a report may stay open before code and PIN are asked for again."""

_BY_OUTCOME: Mapping[Outcome, str] = {
    Outcome.REMOVE: "status_removed",
    Outcome.KEEP: "status_kept",
    Outcome.MEASURE_STANDS: "status_measure_stands",
    Outcome.MEASURE_LIFTED: "status_measure_lifted",
}
_DONE = {"add": "add_done", "withdraw": "withdraw_done", "contest": "contest_done"}
_ERROR_OF_STEP = {
    Step.PLACE: "place_error_invalid",
    Step.MORE: "more_error",
    Step.SAY: "say_error",
    Step.CONTACT: "contact_error",
}


class StatusPages:
    """The pages over `cases`. `key` signs the marks in the forms."""

    def __init__(self, pages: Pages, cases: Cases, key: bytes, clock: Clock) -> None:
        self._pages = pages
        self._cases = cases
        self._clock = clock
        self._marks: Once[None] = Once(key, LASTS)

    def routes(self) -> list[Route]:
        """Under `/report/{language}`."""
        return [
            self._pages.get("/status", self.ask),
            self._pages.post("/status", self.show),
            self._pages.get("/contest", self.ask_to_contest),
            self._pages.post("/contest", self.show),
        ]

    async def ask(self, request: Request, words: Words) -> Response:
        """The form for code and PIN."""
        return self._asking(request, words)

    async def ask_to_contest(self, request: Request, words: Words) -> Response:
        """The form for code, PIN and why a decision is wrong."""
        return self._asking(request, words, is_contest=True)

    async def show(self, request: Request, words: Words, fields: Fields) -> Response:
        """A report's page, after what was asked to be done with it."""
        do = fields.get("do", "show")
        again = partial(
            self._asking, request, words, is_contest=do == "contest_here", typed_words=fields.get("words", "")
        )
        if self._marks.use(fields.get("mark", ""), self._clock()) is not Answer.FRESH:
            return again("status_again", 409)
        code, pin, source = fields.get("code", ""), fields.get("pin", ""), source_of(request)
        try:
            status, said, error = await self._do(do, code, pin, source, fields)
        except ReceiptUnknown:
            return again("status_unknown", 403)
        except TooManyTries as tries:
            seconds = tries.retry_after_s or 60
            answer = again("status_tries", 429, minutes=-(-seconds // 60))
            answer.headers["retry-after"] = str(seconds)
            return answer
        shown = self._shown(status) | {
            "code": code,
            "pin": pin,
            "done": words(said) if said else "",
            "error": words(error) if error else "",
            "form": ReportForm.read(fields if error else {}),
            "typed_words": fields.get("words", "") if error else "",
            "open": do if error else "",
        }
        template = "withdraw.html" if do == "withdraw_ask" and status.can_withdraw else "status.html"
        return self._pages.page(request, words, template, shown, 422 if error else 200)

    async def _do(self, do: str, code: str, pin: str, source: str, fields: Fields) -> tuple[ReportStatus, str, str]:
        """The report after the step, and the keys of what to say of it: done, or why not."""
        typed = fields.get("words", "").strip()
        try:
            if do == "add":
                addition = ReportForm.read(fields).addition()
                if addition == Addition():
                    return await self._cases.status(code, pin, source), "", "add_empty"
                return await self._cases.add(code, pin, source, addition), _DONE["add"], ""
            if do == "withdraw":
                return await self._cases.withdraw(code, pin, source), _DONE["withdraw"], ""
            if do in ("contest", "contest_here") and typed:
                return await self._cases.contest(code, pin, source, typed), _DONE["contest"], ""
        except ReportInvalid as error:
            key = _ERROR_OF_STEP[STEP_OF_PART.get(error.param or "", Step.MORE)]
            return await self._cases.status(code, pin, source), "", key
        except CaseError:
            return await self._cases.status(code, pin, source), "", "not_possible"
        status = await self._cases.status(code, pin, source)
        return status, "", "contest_empty" if do in ("contest", "contest_here") else ""

    def _asking(
        self,
        request: Request,
        words: Words,
        error: str = "",
        status_code: int = 200,
        *,
        is_contest: bool = False,
        typed_words: str = "",
        minutes: int = 0,
    ) -> Response:
        shown: Shown = {
            "mark": self._marks.issue(self._clock()),
            "is_contest": is_contest,
            "typed_words": typed_words,
            "error": words(error, minutes=minutes) if error else "",
        }
        return self._pages.page(request, words, "ask.html", shown, status_code)

    def _shown(self, status: ReportStatus) -> Shown:
        now = self._clock()
        left_s = status.clock.remaining_s(now) if status.clock else 0.0
        is_waiting = status.state in (CaseState.OPEN, CaseState.PROPOSED) and not status.is_withdrawn
        is_visible = status.visibility is Visibility.VISIBLE
        is_late = status.is_late and (is_waiting or status.outcome is Outcome.REMOVE)
        return {
            "status": status,
            "now_key": _now_key(status),
            # Once it is hidden nobody waits for the clock; before that, a clock that has run out is said plainly.
            "shows_clock": status.clock and ((is_waiting and (left_s > 0 or is_visible)) or is_late),
            "left_s": left_s,
            "is_reporter": status.party is Party.REPORTER,
            "wants": frozenset(status.missing),
            "Missing": Missing,
            "mark": self._marks.issue(now),
        }


def _now_key(status: ReportStatus) -> str:
    if status.is_withdrawn:
        return "status_withdrawn"
    if status.state is CaseState.CONTESTED:
        return "status_contested"
    is_sure = status.is_confirmed or status.party is Party.ACCOUNT  # its own post: it sees for itself
    if status.outcome is Outcome.REMOVE and not is_sure:
        return "status_removing"
    if status.outcome is not None:
        return _BY_OUTCOME[status.outcome]
    if status.clock is None:
        return "status_measure"  # no picture's clock runs: it is about the account
    if status.visibility is Visibility.VISIBLE:
        return "step_shown" if status.party is Party.ACCOUNT else "status_open_visible"
    return "status_open_hidden" if is_sure else "status_open_hiding"
