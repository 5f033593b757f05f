"""One case on one page, and everything that is done with it.

Rules of this module
- A decision is shown before it is made: what follows, and the exact letters.
- A picture is fetched and drawn first, then counted, then shown: what failed to load is no showing.
- Every step goes through `cases/`, which checks it and writes the history; nothing is decided here.
- Where a step is refused, the page comes again as the case stands now, with why, and with what was typed.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from safelight.accounts.permissions import StaffPermission
from safelight.accounts.staff_reviews import draw as draw_for_review
from safelight.accounts.staff_reviews import forget_draw, is_drawn
from safelight.accounts.staff_welfare import Exposure, WelfareRules, check_showing, count_showing, exposure_of
from safelight.cases.draft import Matter, Place, PlaceKind
from safelight.cases.errors import CaseError
from safelight.cases.history import Step
from safelight.cases.model import CaseKind, CaseState, Outcome, ReasonCode
from safelight.cases.service import Cases
from safelight.cases.staff_model import Action, CaseView, Choice, PlaceView, Preview
from safelight.core.errors import BadInput, InputCode, StoreFailed
from safelight.core.limits import DEFAULT_LIMITS, Limits
from safelight.web.console.case_view import just_done, moment, names_of, span, staff_of, told
from safelight.web.console.door import Door, Visit
from safelight.web.console.pictures import Detail, PictureSource, Shown, draw
from safelight.web.console.words import say

PICTURES_MAX_COUNT = 12
"""Pictures of one case that can be asked for; further places are listed."""
WORDS_MAX_CHARS = 4_000


class CasePages:
    """The cases of one Safelight, one at a time."""

    def __init__(
        self,
        door: Door,
        cases: Cases,
        pictures: PictureSource,
        welfare: WelfareRules,
        draw_secret: bytes,
        second_look_share: float,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._door = door
        self._cases = cases
        self._pictures = pictures
        self._welfare = welfare
        self._draw_secret = draw_secret
        self._second_look_share = second_look_share
        self._limits = limits
        self._shown = Shown()

    async def page(self, visit: Visit) -> Response:
        """Everything about a case."""
        return await self._page(visit)

    async def _page(
        self, visit: Visit, typed: Choice | None = None, words: str = "", error: CaseError | None = None
    ) -> Response:
        exposure, names = await self._door.database.read(
            lambda c: (exposure_of(c, visit.member, self._welfare, visit.now), names_of(c))
        )
        if exposure.on_break_since:
            return self._door.go("/break")
        view = await self._cases.open(staff_of(visit.member), case_id_of(visit))
        return self._door.show(
            "case.html",
            visit,
            409 if error else 200,
            **self.around(visit, view, exposure),
            preview=await self._agreed(visit, view),
            names=names,
            choices=numbered(view.allowed_reasons),
            typed=typed,
            words=typed.words if typed else words,
            problem=error,
            done=just_done(visit.request),
            A=Action,
            told=told,
            moment=moment,
        )

    async def _agreed(self, visit: Visit, view: CaseView) -> Preview | None:
        """What agreeing to a proposal would do: who agrees sends the letters, so they see them first."""
        proposals = [entry.body for entry in view.history if entry.kind == Step.PROPOSED]
        if Action.SECOND not in view.actions or not proposals:
            return None
        choice = Choice(Outcome(str(proposals[-1]["outcome"])), ReasonCode(str(proposals[-1]["reason"])))
        try:
            return await self._cases.preview(staff_of(visit.member), view.row.id, choice)
        except (CaseError, StoreFailed):  # it changed under our hands, or many write: the page says to load it again
            return None

    def around(self, visit: Visit, view: CaseView, exposure: Exposure) -> dict[str, Any]:
        """What pages about one case show alike: the case, its pictures, what was asked to be shown of them."""
        asked = visit.request.query_params
        return {
            "view": view,
            "row": view.row,
            "exposure": exposure,
            "pictures": pictures_of(view),
            "shown_number": int(number) if (number := asked.get("shown", "")).isdecimal() else None,
            "shown_name": asked.get("name", ""),
            "shown_detail": asked.get("detail", ""),
            "can_see": Action.VIEW in view.actions,
            # Of a child not even a veil is fetched unasked.
            "has_veil": view.row.matter is not Matter.CHILD,
            "details": [Detail.REDUCED, Detail.GREY, Detail.COLOUR],
            "say": say,
            "span": span,
        }

    async def picture(self, visit: Visit) -> Response:
        """A veil, or what was asked for and counted a moment ago. Raises BadInput."""
        name = visit.request.query_params.get("name", "")
        if name:
            content = self._shown.take(visit.session.csrf, name, visit.now)
        else:
            view = await self._cases.open(staff_of(visit.member), case_id_of(visit))
            if view.row.matter is Matter.CHILD or Action.VIEW not in view.actions:
                raise BadInput(InputCode.FIELD_INVALID, "This picture is shown only when somebody asks for it.")
            content = await self._drawn(view, visit.request.path_params["number"], Detail.VEIL)
        return Response(content, media_type="image/jpeg")

    async def show(self, visit: Visit) -> Response:
        """Have a picture shown: drawn, then counted. Raises NotShown, CaseError, BadInput."""
        case_id, staff = case_id_of(visit), staff_of(visit.member)
        detail, number = _detail(visit.form.get("detail", "")), _number(visit.form.get("number", "0"))
        view = await self._cases.open(staff, case_id)
        matter = view.row.matter.value
        rules, now = self._welfare, visit.now
        await self._door.database.read(
            lambda c: check_showing(c, visit.member, matter, in_full=detail.is_full, rules=rules, now=now)
        )
        content = await self._drawn(view, number, detail)
        await self._cases.view(
            staff,
            case_id,
            lambda c: count_showing(c, visit.member, case_id, matter, in_full=detail.is_full, rules=rules, now=now),
        )
        name = self._shown.keep(visit.session.csrf, content, now)
        where = "/review" if visit.form.get("from") == "review" else f"/cases/{case_id}"
        return self._door.go(f"{where}?shown={number}&detail={detail.value}&name={name}#picture-{number}")

    async def claim(self, visit: Visit) -> Response:
        """Hold the case."""
        row = await self._cases.claim(staff_of(visit.member), case_id_of(visit))
        return self._door.go(f"/cases/{row.id}")

    async def release(self, visit: Visit) -> Response:
        """Give it back, or free it of another."""
        await self._cases.release(staff_of(visit.member), case_id_of(visit))
        return self._door.go("/queue")

    async def hide(self, visit: Visit) -> Response:
        """Hide the picture for the time being. Raises CaseError."""
        view = await self._cases.hide(staff_of(visit.member), case_id_of(visit))
        return self._door.go(f"/cases/{view.row.id}")

    async def note(self, visit: Visit) -> Response:
        """Leave words for colleagues."""
        view = await self._cases.note(staff_of(visit.member), case_id_of(visit), _words(visit, needed=True))
        return self._door.go(f"/cases/{view.row.id}#history")

    async def place(self, visit: Visit) -> Response:
        """Name an address at which the picture is. Raises BadInput, CaseError."""
        place = Place(PlaceKind.ADDRESS, visit.form.get("address", "").strip())
        view = await self._cases.locate(staff_of(visit.member), case_id_of(visit), place)
        return self._door.go(f"/cases/{view.row.id}#places-title")

    async def preview(self, visit: Visit) -> Response:
        """What a decision would do, and the letters, before it is made; or back to the case, with what was typed."""
        choice, version = _choice(visit), _number(visit.form.get("version", ""))
        if visit.form.get("then") == "back":
            return await self._page(visit, choice)
        try:
            preview = await self._cases.preview(staff_of(visit.member), case_id_of(visit), choice)
        except CaseError as error:
            return await self._page(visit, choice, error=error)
        return self._door.show(
            "preview.html",
            visit,
            case_id=case_id_of(visit),
            choice=choice,
            version=version,
            preview=preview,
            say=say,
        )

    async def decide(self, visit: Visit) -> Response:
        """Decide, or propose where two must."""
        choice, version = _choice(visit), _number(visit.form.get("version", ""))
        try:
            view = await self._cases.decide(staff_of(visit.member), case_id_of(visit), choice, version)
        except CaseError as error:
            return await self._page(visit, choice, error=error)
        was_one = view.row.state is CaseState.DECIDED and len(view.deciders) == 1
        if was_one and view.row.kind is CaseKind.IMAGE:
            await self._maybe_draw(visit, view, choice)
        return await self._on(visit, view)

    async def second(self, visit: Visit) -> Response:
        """Agree to what another proposed, or do not."""
        agrees = {"yes": True, "no": False}.get(visit.form.get("agrees", ""))
        if agrees is None:
            raise BadInput(InputCode.FIELD_MISSING, "Say whether you agree.", param="agrees")
        version = _number(visit.form.get("version", ""))
        staff, words = staff_of(visit.member), _words(visit)
        try:
            view = await self._cases.second(staff, case_id_of(visit), version, agrees=agrees, words=words)
        except CaseError as error:
            return await self._page(visit, words=words, error=error)
        return await self._on(visit, view)

    async def undo(self, visit: Visit) -> Response:
        """Take a decision back; before that, what follows and the letters: one key must not show a picture again."""
        if visit.form.get("then") != "undo":
            preview = await self._cases.preview(staff_of(visit.member), case_id_of(visit), None)
            return self._door.show("undo.html", visit, case_id=case_id_of(visit), preview=preview, say=say)
        version, words = _number(visit.form.get("version", "")), _words(visit)
        try:
            view = await self._cases.undo(staff_of(visit.member), case_id_of(visit), version, words)
        except CaseError as error:
            return await self._page(visit, words=words, error=error)
        await self._door.database.write(lambda c: forget_draw(c, view.row.id))
        return self._door.go(f"/cases/{view.row.id}")

    async def _on(self, visit: Visit, view: CaseView) -> Response:
        """To the next case, where that was asked for; otherwise back to the queue. A decision can be undone there."""
        done = case_id_of(visit) + ("" if Action.UNDO in view.actions else "&undo=no")
        if visit.form.get("then") == "next" and visit.may(StaffPermission.CASE_CLAIM):
            row = await self._cases.claim_next(staff_of(visit.member), besides=case_id_of(visit))
            if row is not None:
                return self._door.go(f"/cases/{row.id}?done={done}")
        return self._door.go(f"/queue?done={done}")

    async def _maybe_draw(self, visit: Visit, view: CaseView, choice: Choice) -> None:
        if not is_drawn(self._draw_secret, view.row.id, self._second_look_share):
            return
        answer = f"{choice.outcome.value}/{choice.reason.value}"

        def put_up(connection: Connection) -> None:
            draw_for_review(connection, view.row.id, answer, view.row.matter.value, visit.member, now=visit.now)

        await self._door.database.write(put_up)

    async def _drawn(self, view: CaseView, number: int, detail: Detail) -> bytes:
        found = pictures_of(view)
        if number not in found:
            raise BadInput(InputCode.FIELD_INVALID, "This case has no such picture.", param="number")
        try:
            content = await self._pictures.fetch(found[number].place)
            return await asyncio.to_thread(draw, content, detail, self._limits)
        except BadInput as error:  # its words are for whoever sends a picture, and could send another
            message = "No picture can be shown from this address. Look at it where it is, or decide without."
            raise BadInput(InputCode(error.code), message, param="places") from error


def pictures_of(view: CaseView) -> dict[int, PlaceView]:
    """The places at which a picture can be asked for, by number."""
    places = [place for place in view.places if place.place.kind is PlaceKind.ADDRESS]
    return dict(enumerate(places[:PICTURES_MAX_COUNT]))


def numbered(reasons: Mapping[Outcome, tuple[ReasonCode, ...]]) -> list[tuple[Outcome, list[tuple[int, ReasonCode]]]]:
    """Outcomes with their reasons, each reason with the digit that chooses it."""
    found, digit = [], 0
    for outcome, codes in reasons.items():
        pairs = []
        for code in codes:
            digit += 1
            pairs.append((digit, code))
        found.append((outcome, pairs))
    return found


def case_id_of(visit: Visit) -> str:
    """The case that the address names."""
    case_id: str = visit.request.path_params["case_id"]
    return case_id


def _choice(visit: Visit) -> Choice:
    outcome, _, reason = visit.form.get("choice", "").partition("/")
    try:
        return Choice(Outcome(outcome), ReasonCode(reason), _words(visit))
    except ValueError as error:
        raise BadInput(InputCode.FIELD_MISSING, "Choose what is decided, with its reason.", param="choice") from error


def _words(visit: Visit, *, needed: bool = False) -> str:
    words = visit.form.get("words", "").strip()
    if len(words) > WORDS_MAX_CHARS or "\x00" in words or (needed and not words):
        raise BadInput(InputCode.TEXT_TOO_LONG, f"Between 1 and {WORDS_MAX_CHARS} characters here.", param="words")
    return words


def _detail(text: str) -> Detail:
    try:
        detail = Detail(text)
    except ValueError as error:
        raise BadInput(InputCode.FIELD_INVALID, "There is no such way to show a picture.", param="detail") from error
    if detail is Detail.VEIL:
        raise BadInput(InputCode.FIELD_INVALID, "A veil is not asked for.", param="detail")
    return detail


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise BadInput(InputCode.FIELD_INVALID, "This form cannot be read. Load the page again.")
    return int(text)
