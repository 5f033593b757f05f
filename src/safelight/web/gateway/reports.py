"""`/v1/reports`: reports for platforms with a form of their own, and what their people do with a receipt.

Rules of this module
- Code and PIN travel in bodies, never in addresses: addresses stand in logs.
- `Safelight-Subject` names whoever reports, as the platform knows them: floods and wrong PINs are counted by it, and it
  is kept as a keyed digest. Without it a platform's people count as one where PINs are guessed, and no flood is seen.
- No report is turned away for its language: the answer says in which of ours the letters go out.
- What is missing is said in the answer, each element by its code: 400 where there is no report without it, and beside
  the receipt where there is one.

A figure is served in `/v1/reports/figures`; the letters to an account, for its platform to hand on, in
`/v1/reports/letters`; whether something may be shown, in `/v1/reports/visible`.
"""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from safelight.accounts.model import ApiKey, Permission
from safelight.cases.draft import (
    CONTACT_MAX_CHARS,
    EXPLANATION_MAX_CHARS,
    FINGERPRINTS_MAX_COUNT,
    PLACE_MAX_CHARS,
    PLACES_MAX_COUNT,
    SIGNATURE_MAX_CHARS,
    Addition,
    Contact,
    ContactKind,
    Declarations,
    Fingerprint,
    Matter,
    Place,
    PlaceKind,
    ReportDraft,
    Reporter,
    Route,
)
from safelight.cases.figures import Figures, RouteFigures
from safelight.cases.letters.compose import language_of
from safelight.cases.reporter_model import Letter, Receipt, ReportStatus
from safelight.cases.service import Cases
from safelight.core.clock import to_rfc3339, utc_now
from safelight.core.errors import BadInput, InputCode
from safelight.matching.fingerprints import HashKind
from safelight.web.gateway.caller import caller_of
from safelight.web.gateway.door import door_of
from safelight.web.gateway.openapi import ERRORS, json_body

router = APIRouter(prefix="/v1/reports", tags=["reports"])
_NO_STORE = {"cache-control": "no-store"}
_FIGURES_DAYS = 90


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


B = TypeVar("B", bound=_Body)


class PlaceBody(_Body):
    """Where the image is."""

    kind: PlaceKind
    value: str = Field(max_length=PLACE_MAX_CHARS)

    def to_place(self) -> Place:
        """Raises ReportInvalid."""
        return Place(self.kind, self.value)


class FingerprintBody(_Body):
    """What it is known by, as 64 hexadecimal digits for PDQ."""

    kind: HashKind = HashKind.PDQ
    hex: str = Field(max_length=128)
    quality: int = Field(100, ge=0, le=100)

    def to_fingerprint(self) -> Fingerprint:
        """Raises ReportInvalid."""
        return Fingerprint(self.kind, self.hex, self.quality)


class ContactBody(_Body):
    """One way to reach the person."""

    kind: ContactKind
    value: str = Field("", max_length=CONTACT_MAX_CHARS)


class DeclarationsBody(_Body):
    """What the law asks a person to say; leave out what they did not answer."""

    shows_intimate_content: bool | None = None
    no_consent: bool | None = None
    true_and_in_good_faith: bool | None = None
    signature: str = Field("", max_length=SIGNATURE_MAX_CHARS)


class _Said(_Body):
    places: list[PlaceBody] = Field(default_factory=list, max_length=PLACES_MAX_COUNT)
    fingerprints: list[FingerprintBody] = Field(default_factory=list, max_length=FINGERPRINTS_MAX_COUNT)
    explanation: str = Field("", max_length=EXPLANATION_MAX_CHARS)
    reporter: Reporter | None = None
    person_is_child: bool | None = None
    in_danger: bool = False
    contact: ContactBody | None = None
    declarations: DeclarationsBody = DeclarationsBody()

    def said(self) -> dict[str, Any]:
        """The fields that a report and an addition share. Raises ReportInvalid."""
        return {
            "places": tuple(place.to_place() for place in self.places),
            "fingerprints": tuple(one.to_fingerprint() for one in self.fingerprints),
            "explanation": self.explanation,
            "reporter": self.reporter,
            "person_is_child": self.person_is_child,
            "in_danger": self.in_danger,
            "contact": Contact(self.contact.kind, self.contact.value) if self.contact else None,
            "declarations": Declarations(**self.declarations.model_dump()),
        }


class ReportBody(_Said):
    """`POST /v1/reports`. Nothing is required by the form of the body: what is missing is said in the answer."""

    matter: Matter | None = None
    route: Route = Route.PLATFORM
    language: str = Field("en", max_length=35)
    reporter_is_child: bool | None = None
    was_made: bool | None = None
    views: int = Field(0, ge=0, le=10**12)
    about_account: str = Field("", max_length=200)
    about_language: str = Field("", max_length=35)


class ReceiptBody(_Body):
    """A receipt."""

    code: str = Field(max_length=40)
    pin: str = Field(max_length=20)


class AddBody(_Said, ReceiptBody):
    """`POST /v1/reports/add`."""


class ContestBody(ReceiptBody):
    """`POST /v1/reports/contest`."""

    explanation: str = Field("", max_length=EXPLANATION_MAX_CHARS)


class VisibleBody(_Body):
    """`POST /v1/reports/visible`: one of the two, or both. Neither is an error: nothing was asked about."""

    place: PlaceBody | None = None
    fingerprint: FingerprintBody | None = None


@router.post("", status_code=201, openapi_extra=json_body(ReportBody), responses=ERRORS)
async def send(request: Request) -> JSONResponse:
    """Report an image. The clock runs from the moment of this answer's `received_at`."""
    door = door_of(request)
    key = await _key(request, Permission.REPORT)
    body = await _body(request, ReportBody)
    draft = ReportDraft(
        matter=body.matter,
        route=body.route,
        language=body.language,
        reporter_is_child=body.reporter_is_child,
        was_made=body.was_made,
        views=body.views,
        about_account=body.about_account,
        **body.said(),
    )
    account = door.accounts.pseudonym(key.platform, body.about_account) if body.about_account else None
    if account and body.about_language:
        await door.accounts.languages.note(account, body.about_language)
    user = caller_of(request).user
    receipt = await _cases(request).receive(draft, f"{key.id}/{user}" if user else "", subject_id=account)
    answer = _receipt(receipt) | {"language": language_of(body.language)}
    if body.about_language:
        answer["about_language"] = language_of(body.about_language)
    return JSONResponse(answer, status_code=201, headers=_NO_STORE)


@router.post("/status", openapi_extra=json_body(ReceiptBody), responses=ERRORS)
async def status(request: Request) -> JSONResponse:
    """Say what was done."""
    source, body = await _source(request), await _body(request, ReceiptBody)
    return _status(await _cases(request).status(body.code, body.pin, source))


@router.post("/add", openapi_extra=json_body(AddBody), responses=ERRORS)
async def add(request: Request) -> JSONResponse:
    """Add to a report."""
    source, body = await _source(request), await _body(request, AddBody)
    return _status(await _cases(request).add(body.code, body.pin, source, Addition(**body.said())))


@router.post("/withdraw", openapi_extra=json_body(ReceiptBody), responses=ERRORS)
async def withdraw(request: Request) -> JSONResponse:
    """Take a report back."""
    source, body = await _source(request), await _body(request, ReceiptBody)
    return _status(await _cases(request).withdraw(body.code, body.pin, source))


@router.post("/contest", openapi_extra=json_body(ContestBody), responses=ERRORS)
async def contest(request: Request) -> JSONResponse:
    """Contest a decision, or a measure against an account."""
    source, body = await _source(request), await _body(request, ContestBody)
    return _status(await _cases(request).contest(body.code, body.pin, source, body.explanation))


@router.post("/visible", openapi_extra=json_body(VisibleBody), responses=ERRORS)
async def visible(request: Request) -> JSONResponse:
    """Say whether this may be shown: for a platform that asks before it shows, whatever became of the orders to it."""
    await _key(request, Permission.TAKEDOWN_READ)
    body = await _body(request, VisibleBody)
    if body.place is None and body.fingerprint is None:
        raise BadInput(
            InputCode.FIELD_MISSING, "Name the `place` or the `fingerprint` that it is about.", param="place"
        )
    place = body.place.to_place() if body.place else None
    fingerprint = body.fingerprint.to_fingerprint() if body.fingerprint else None
    return JSONResponse({"visible": await _cases(request).is_visible(place, fingerprint)}, headers=_NO_STORE)


@router.get("/letters", responses=ERRORS)
async def letters(request: Request) -> JSONResponse:
    """The letters to the account that `Safelight-Subject` names, with its receipts: for its eyes only."""
    key = await _key(request, Permission.TAKEDOWN_READ)
    user = caller_of(request).user
    if not user:
        raise BadInput(InputCode.FIELD_MISSING, "Name the account in `Safelight-Subject`.", param="safelight-subject")
    found = await _cases(request).account_letters(door_of(request).accounts.pseudonym(key.platform, user))
    return JSONResponse({"letters": [_letter(one) for one in found]}, headers=_NO_STORE)


@router.get("/figures", responses=ERRORS)
async def figures(request: Request) -> JSONResponse:
    """Times to first look, hiding, removal, and until it was gone, by route; overturn rate; backlog.

    Of cases received from `since` to before `until` (RFC 3339 with a zone); the last ninety days by default.
    """
    await _key(request, Permission.FIGURES_READ)
    until = _asked_moment(request, "until") or utc_now()
    since = _asked_moment(request, "since") or until - timedelta(days=_FIGURES_DAYS)
    return JSONResponse(figures_json(await _cases(request).figures(since, until)))


def figures_json(found: Figures) -> dict[str, Any]:
    """Figures as the API and the command line give them; seconds, and shares from 0 to 1."""
    return {
        "since": to_rfc3339(found.since),
        "until": to_rfc3339(found.until),
        "all": _route(found.all),
        "by_route": {route.value: _route(one) for route, one in found.by_route.items()},
        "by_outcome": {outcome.value: count for outcome, count in found.by_outcome.items()},
        "appeals": found.appeals,
        "overturned": found.overturned,
        "overturn_rate": found.overturn_rate,
        "breaches": found.breaches,
        "backlog": asdict(found.backlog),
    }


async def _key(request: Request, permission: Permission) -> ApiKey:
    return await door_of(request).accounts.check_key(caller_of(request), permission)


async def _body(request: Request, form: type[B]) -> B:
    bodies = door_of(request).bodies
    async with bodies.hold(request):
        return await bodies.json(request, form)


async def _source(request: Request) -> str:
    """Whoever tries a code and a PIN, as far as the platform says."""
    key = await _key(request, Permission.REPORT)
    return f"{key.id}/{caller_of(request).user}"


def _cases(request: Request) -> Cases:
    cases: Cases = request.app.state.safelight.cases
    return cases


def _receipt(receipt: Receipt) -> dict[str, Any]:
    return {
        "code": receipt.code,
        "pin": receipt.pin,
        "case": receipt.case_id,
        "due_at": _moment(receipt.due_at),
        "hidden_at": _moment(receipt.hidden_at),
        "removed_at": _moment(receipt.removed_at),
        "is_flood": receipt.is_flood,
        "letters_wait": receipt.letters_wait,
        "missing": [element.value for element in receipt.missing],
    }


def _status(found: ReportStatus) -> JSONResponse:
    body = {
        "party": found.party.value,
        "matter": found.matter.value if found.matter else None,
        "state": found.state.value,
        "visibility": found.visibility.value,
        "is_confirmed": found.is_confirmed,
        "delivery": found.delivery.value,
        "known_by": found.known_by.value,
        "is_flood": found.is_flood,
        "letters_wait": found.letters_wait,
        "outcome": found.outcome.value if found.outcome else None,
        "received_at": _moment(found.received_at),
        "clock": {"law": found.clock.law.value, "due_at": _moment(found.clock.due_at)} if found.clock else None,
        "steps": [{"at": _moment(at), "step": step.value} for at, step in found.steps],
        "copies": found.copies,
        "missing": [element.value for element in found.missing],
        "letters": [_letter(letter) for letter in found.letters],
        "is_withdrawn": found.is_withdrawn,
        "can_add": found.can_add,
        "can_withdraw": found.can_withdraw,
        "can_contest": found.can_contest,
        "contest_until": _moment(found.contest_until),
        "standing": found.standing.value if found.standing else None,
        "standing_until": _moment(found.standing_until),
    }
    return JSONResponse(body, headers=_NO_STORE)


def _letter(letter: Letter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "at": _moment(letter.at),
        "kind": letter.kind,
        "language": letter.language,
        "subject": letter.subject,
        "body": letter.body,
    }


def _asked_moment(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(InputCode.FIELD_INVALID, "A moment such as 2026-11-22T00:00:00Z.", param=name) from error
    if moment.tzinfo is None:
        raise BadInput(InputCode.FIELD_INVALID, "A moment needs its zone, such as a Z at its end.", param=name)
    return moment


def _route(found: RouteFigures) -> dict[str, Any]:
    return asdict(found)


def _moment(moment: datetime | None) -> str | None:
    return to_rfc3339(moment) if moment else None
