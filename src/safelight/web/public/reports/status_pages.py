"""`/report/…/status` and `/contest`: what the holder of a code and a PIN sees, and what they may do.

Rules of this module
- Code and PIN are asked for each time and travel in the form only: never in an address, a cookie or a link.
- Each page is good for one sending (`once.py`): Back and Reload show the empty form to whoever holds the device next.
- Whether a code exists is never said: a wrong code and a wrong PIN have the same words and the same work.
- Where the store fails, the same form is shown again with whatever was in it: nothing that was written is lost.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from safelight.cases.draft import Addition, Matter, Missing
from safelight.cases.errors import CaseError, ReceiptUnknown, ReportInvalid, TooManyTries
from safelight.cases.model import CaseState, Outcome, Party, Visibility
from safelight.cases.reporter_model import Delivery, KnownBy, ReportStatus
from safelight.cases.service import Cases
from safelight.core.clock import Clock
from safelight.core.errors import StoreFailed
from safelight.core.request import Standing
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
_MEANWHILE: Mapping[Visibility, str] = {
    Visibility.VISIBLE: "meanwhile_visible",
    Visibility.HIDDEN: "meanwhile_hidden",
    Visibility.REMOVED: "stays_removed",
}
_OF_DELIVERY: Mapping[Delivery, str] = {
    Delivery.TRYING: "status_trying",
    Delivery.GIVEN_UP: "status_given_up",
    Delivery.NOTHING: "status_trying",
    Delivery.NOT_FOUND: "status_not_found",
    Delivery.NOBODY: "status_no_site",
}
_OF_KNOWN: Mapping[KnownBy, str] = {
    KnownBy.PICTURE: "status_blocked",
    KnownBy.FILE: "status_blocked_file",
    KnownBy.PLACE: "status_blocked_not",
}
_OF_STANDING: Mapping[tuple[Standing | None, bool], str] = {
    (Standing.LIMITED, False): "account_limited",
    (Standing.LIMITED, True): "account_limited_for_good",
    (Standing.SUSPENDED, False): "account_suspended",
    (Standing.SUSPENDED, True): "account_suspended_for_good",
}
"""By whether it is for good."""
_EMPTY: Mapping[str, object] = {"code": "", "pin": "", "carried": {}, "do": ""}
"""The form for code and PIN, before anybody has filled it in."""
_DONE = {"add": "add_done", "withdraw": "withdraw_done", "contest": "contest_done"}
_ERROR_OF_STEP = {
    Step.PLACE: "place_error_invalid",
    Step.MORE: "more_error",
    Step.SAY: "say_error",
    Step.CONTACT: "contact_error",
}


class StatusPages:
    """The pages over `cases`."""

    def __init__(self, pages: Pages, cases: Cases, clock: Clock) -> None:
        self._pages = pages
        self._cases = cases
        self._clock = clock
        self._marks: Once[None] = Once(LASTS)

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
        is_contest = do in ("contest", "contest_here")
        again = partial(self._asking, request, words, is_contest=is_contest, typed_words=fields.get("words", ""))
        found = self._marks.use(fields.get("mark", ""), self._clock())
        if found is Answer.STALE and do == "add":
            return again("status_again", 409, filled=_kept("", "", fields))
        if found is not Answer.FRESH:
            return again("status_again", 409)
        code, pin, source = fields.get("code", ""), fields.get("pin", ""), source_of(request)
        try:
            status, said, error = await self._do(do, code, pin, source, fields)
        except ReceiptUnknown:
            return again("status_unknown", 403)
        except TooManyTries as tries:
            seconds = tries.retry_after_s or 60
            answer = again("status_tries", 429, left_s=seconds)
            answer.headers["retry-after"] = str(seconds)
            return answer
        except StoreFailed:
            return again("error_failed", 503, filled=_kept(code, pin, fields))
        shown = self._shown(status, words) | {
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
            status = await self._cases.status(code, pin, source)
            is_early = do.startswith("contest") and status.outcome is None and not status.is_withdrawn
            return status, "", "not_decided" if is_early else "not_possible"
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
        left_s: int = 0,
        filled: Mapping[str, object] = _EMPTY,
    ) -> Response:
        shown: Shown = {
            **filled,
            "mark": self._marks.issue(self._clock()),
            "is_contest": is_contest,
            "typed_words": typed_words,
            "error": words(error, left=words.span(left_s + 59)) if error else "",
        }
        return self._pages.page(request, words, "ask.html", shown, status_code)

    def _shown(self, status: ReportStatus, words: Words) -> Shown:
        now = self._clock()
        left_s = status.clock.remaining_s(now) if status.clock else 0.0
        is_waiting = status.state in (CaseState.OPEN, CaseState.PROPOSED) and not status.is_withdrawn
        is_visible = status.visibility is Visibility.VISIBLE
        is_contested = status.state is CaseState.CONTESTED and not status.is_withdrawn
        is_removing = status.outcome is Outcome.REMOVE and not status.is_confirmed
        is_late = status.is_late and (is_waiting or is_removing)
        is_reporter = status.party is Party.REPORTER
        return {
            "status": status,
            "now_keys": _now_keys(status),
            "add_key": _add_key(status),
            "withdraw_key": _withdraw_key(status),
            "contact_kinds": self._cases.contact_kinds,
            # Once it is hidden nobody waits for the clock; before that, a clock that has run out is said plainly.
            "shows_clock": status.clock
            and (
                (is_waiting and (left_s > 0 or is_visible))
                or (is_removing and is_reporter and left_s > 0)
                or is_late
                or is_contested
            ),
            "standing_key": _OF_STANDING.get((status.standing, status.standing_until is None), ""),
            "left": words.span(left_s) if left_s > 0 else "",
            "is_reporter": is_reporter,
            "wants": frozenset(status.missing),
            "Missing": Missing,
            "mark": self._marks.issue(now),
        }


def _kept(code: str, pin: str, fields: Fields) -> Mapping[str, object]:
    """The form for code and PIN with what was to be done, and what was written to be added."""
    do = fields.get("do", "show")
    form = {name: text for name, text in asdict(ReportForm.read(fields)).items() if text}
    return {"code": code, "pin": pin, "carried": form if do == "add" else {}, "do": do}


def _now_keys(status: ReportStatus) -> list[str]:
    """What is said of how it stands: the step, whether it got through, and what is refused here."""
    keys = [_now_key(status)]
    is_reporter = status.party is Party.REPORTER
    is_undone = keys[0] in ("status_open_hiding", "status_removing") or status.delivery is Delivery.NOBODY
    if is_reporter and is_undone and keys[0] in ("status_open_visible", "status_open_hiding", "status_removing"):
        keys.append(_OF_DELIVERY[status.delivery])
    if keys[0] in ("status_removed", "status_removing") and (is_reporter or status.known_by is not KnownBy.PLACE):
        keys.append(_OF_KNOWN[status.known_by])
    if status.is_withdrawn and status.outcome is Outcome.REMOVE:
        keys.append("stays_removed")
    elif status.is_withdrawn and status.matter is Matter.CHILD and status.visibility is Visibility.HIDDEN:
        keys.append("meanwhile_hidden")  # nobody has to ask for that
    elif keys[0] == "status_contested" and status.has_picture:
        keys.append(_MEANWHILE[status.visibility])
    if status.is_held_elsewhere:
        keys.append("status_elsewhere")
    return keys


def _withdraw_key(status: ReportStatus) -> str:
    """What is said before a report is taken back."""
    if status.state is CaseState.CONTESTED:
        return "withdraw_lead_contested"
    if status.visibility is Visibility.REMOVED:
        return "withdraw_lead_removed"
    return "withdraw_lead_kept" if status.outcome is Outcome.KEEP else "withdraw_lead"


def _add_key(status: ReportStatus) -> str:
    """What is said of adding where nobody has the report before them; empty where somebody does."""
    if status.state is not CaseState.DECIDED:
        return ""
    if status.outcome is Outcome.REMOVE:
        return "add_removed"
    return "add_kept_contest" if status.can_contest else "add_kept"


def _now_key(status: ReportStatus) -> str:
    if status.is_withdrawn:
        return "status_withdrawn"
    if status.state is CaseState.CONTESTED:
        return "status_contested"
    is_told = status.delivery is not Delivery.NOBODY
    is_sure = status.is_confirmed or (status.party is Party.ACCOUNT and is_told)  # its own post: it sees for itself
    if status.outcome is Outcome.REMOVE and not is_sure:
        return "status_removing"
    if status.outcome is not None:
        return _BY_OUTCOME[status.outcome]
    if not status.has_picture:
        return "status_measure"
    if status.visibility is Visibility.VISIBLE and status.party is Party.ACCOUNT:
        return "step_shown"
    if status.visibility is Visibility.VISIBLE or (not is_told and status.party is Party.REPORTER):
        return "status_open_visible"
    return "status_open_hidden" if is_sure else "status_open_hiding"
