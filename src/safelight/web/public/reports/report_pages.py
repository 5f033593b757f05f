"""`/report`: the way of a report, one question a page, from the front page to the receipt.

Rules of this module
- Everything works without scripts; only fingerprints need one.
- Two pieces are needed before a report can be sent; whatever else is missing is named before and after sending.
- A report is taken once, however often Send is pressed. Whoever sends the same form again at once sees the same
  receipt; later they are told that it was sent, since by then another may hold the device.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from safelight.cases.draft import Matter, Missing, ReportDraft
from safelight.cases.errors import ReportInvalid
from safelight.cases.reporter_model import Receipt
from safelight.cases.service import Cases
from safelight.core.clock import Clock
from safelight.core.errors import SafelightError
from safelight.web.public.reports.answer import HEADERS, Fields, Pages, Shown, note_surprise, source_of
from safelight.web.public.reports.form import STEP_OF_MISSING, STEP_OF_PART, ReportForm, Step
from safelight.web.public.reports.hotlines import HelpFor, Hotline
from safelight.web.public.reports.once import Answer, Once
from safelight.web.public.reports.words import Words, wished_language

SEND_WITHIN = timedelta(hours=12)
"""How long a page may stay open before its Send has to be pressed again."""


_RECEIPT_AGAIN = timedelta(minutes=2)
"""How long the receipt is given to whoever sends the same form again: a double press, an answer that was lost."""


@dataclass(frozen=True, slots=True)
class _Sending:
    at: datetime
    receipt: asyncio.Task[Receipt]


class ReportPages:
    """The pages over `cases`."""

    def __init__(self, pages: Pages, cases: Cases, hotlines: Sequence[Hotline], clock: Clock) -> None:
        self._pages = pages
        self._cases = cases
        self._help = {whom: [hotline for hotline in hotlines if hotline.whom is whom] for whom in HelpFor}
        self._clock = clock
        self._sent: Once[_Sending] = Once(SEND_WITHIN)

    def routes(self) -> list[Route]:
        """`/report` and what lies under it for a report."""
        return [
            Route("/report", self.choose_language, methods=["GET"]),
            self._pages.get("", self.front),
            self._pages.get("/form", self.begin),
            self._pages.post("/form", self.go_on),
        ]

    def last_route(self) -> Route:
        """Whatever else is asked for under `/report`; it comes after every other route."""
        return self._pages.get("/{rest:path}", self.missing)

    async def choose_language(self, request: Request) -> Response:
        """To the front page in the language that the browser asks for."""
        language = wished_language(request.headers.get("accept-language", ""))
        return RedirectResponse(f"/report/{language}", 303, {**HEADERS, "vary": "accept-language"})

    async def front(self, request: Request, words: Words) -> Response:
        """What this is, how it goes, and who else can help."""
        return self._pages.page(request, words, "front.html", {"help": self._help, **self._reach()})

    async def missing(self, request: Request, words: Words) -> Response:
        """A page that is not there."""
        return self._pages.page(request, words, "error.html", {"key": "error_missing"}, 404)

    async def begin(self, request: Request, words: Words) -> Response:
        """The first question."""
        return self._step(request, words, ReportForm(), Step.MATTER)

    async def go_on(self, request: Request, words: Words, fields: Fields) -> Response:
        """The next page, or the same again where something on it cannot be used."""
        form, at, go = ReportForm.read(fields), _step(fields.get("at", "")), fields.get("go", "next")
        if go == "send":
            return await self._send(request, words, form, fields.get("mark", ""))
        if go == "stay":
            return self._step(request, words, form, at)
        if go.startswith("to-"):
            return self._step(request, words, form, _step(go.removeprefix("to-")))
        if go == "back":
            before = form.steps[: _place(form, at)]
            return self._step(request, words, form, before[-1] if before else Step.MATTER)
        if error := _error_on(form, at, words):
            return self._step(request, words, form, at, error, 422)
        return self._step(request, words, form, form.steps[min(_place(form, at) + 1, len(form.steps) - 1)])

    async def _send(self, request: Request, words: Words, form: ReportForm, mark: str) -> Response:
        try:
            draft = form.draft(words.language)
        except ReportInvalid as error:
            step = STEP_OF_PART.get(error.param or "", Step.MORE)
            return self._step(request, words, form, step, words(_INVALID[step]), 422)
        if any(element.is_needed for element in draft.missing()):
            return self._step(request, words, form, Step.CHECK, status_code=422)
        now = self._clock()
        match self._sent.use(mark, now):
            case Answer.STALE:
                return self._step(request, words, form, Step.CHECK, words("check_again"), 409)
            case Answer.FRESH:
                task = asyncio.create_task(self._cases.receive(draft, source_of(request)))
                self._sent.keep(mark, _Sending(now, task))
                is_again = False
            case Answer.USED:
                is_again = True
        sending = self._sent.result(mark)
        if sending is None or now - sending.at > _RECEIPT_AGAIN:
            return self._pages.page(request, words, "sent.html", {})
        try:
            receipt = await asyncio.shield(sending.receipt)  # who closes the page meanwhile has reported all the same
        except Exception as error:  # noqa: BLE001 (whatever it is, nothing that the person wrote may be lost)
            self._sent.give_back(mark)
            if not isinstance(error, SafelightError):
                note_surprise(error)
            return self._step(request, words, form, Step.CHECK, words("error_store"), 503)
        shown = {
            "receipt": receipt,
            "is_again": is_again,
            # Asked again: what is due at once was due when it came, a moment after Send.
            "is_due_later": receipt.due_at is not None and receipt.due_at > self._clock(),
            **self._reach(),
            "help": self._help,
            "concerns_child": form.concerns_child,
            "in_danger": bool(form.danger),
        }
        return self._pages.page(request, words, "receipt.html", shown)

    def _reach(self) -> Shown:
        """Whom this service can tell anything."""
        return {"has_platform": self._cases.has_platform, "contact_kinds": self._cases.contact_kinds}

    def _step(
        self, request: Request, words: Words, form: ReportForm, step: Step, error: str = "", status_code: int = 200
    ) -> Response:
        steps = form.steps
        step = step if step in steps else Step.MATTER
        draft = form.draft(words.language, strict=False)
        shown: Shown = {
            "form": form,
            "carried": form.carried(step),
            "step": step,
            "number": steps.index(step) + 1,
            "total": len(steps),
            "draft": draft,
            "is_intimate": draft.effective_matter is Matter.INTIMATE,
            "is_child": draft.effective_matter is Matter.CHILD,
            "missing": draft.missing(),
            "step_of_missing": STEP_OF_MISSING,
            "help": self._help,
            **self._reach(),
            "keeps_form": True,
            "error": error,
            "mark": self._sent.issue(self._clock()) if step is Step.CHECK else "",
        }
        return self._pages.page(request, words, f"{step}.html", shown, status_code)


_INVALID = {
    Step.PLACE: "place_error_invalid",
    Step.MORE: "more_error",
    Step.SAY: "say_error",
    Step.CONTACT: "contact_error",
}


def _step(text: str) -> Step:
    return Step(text) if text in Step.__members__.values() else Step.MATTER


def _place(form: ReportForm, step: Step) -> int:
    """Where `step` stands among this person's pages, or would stand."""
    order = list(Step)
    return sum(order.index(one) < order.index(step) for one in form.steps) - (0 if step in form.steps else 1)


def _error_on(form: ReportForm, step: Step, words: Words) -> str:
    """What keeps this person from going on, in words; empty when nothing does."""
    try:
        draft: ReportDraft = form.draft(words.language)
    except ReportInvalid as error:
        if STEP_OF_PART.get(error.param or "") is step:
            return words(_INVALID[step])
        draft = form.draft(words.language, strict=False)
    if step is Step.MATTER and Missing.MATTER in draft.missing():
        return words("matter_error")
    if step is Step.PLACE and Missing.PLACE_OR_FINGERPRINT in draft.missing():
        return words("place_error")
    return ""
