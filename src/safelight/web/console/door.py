"""The console's door: who is there, is the form theirs, what every answer carries.

Rules of this module
- Every page but those of sign-in asks for a session with a member in it, and for a permission.
- Every POST must come from a page of ours (`Origin`) and carry the session's own token, whatever the cookie says.
- Cookies are `HttpOnly` and `SameSite=Strict`; over https also `Secure` and `__Host-`. Plain http is for one machine.
- No page may be kept, framed, or run a script that is not one of our files (Content-Security-Policy, level 3).
- A foreseen error is a page in words, with a way on; JSON where a script asked.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import jinja2
import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from safelight.accounts.permissions import StaffPermission, may
from safelight.accounts.staff import Member
from safelight.accounts.staff_passkeys import Site
from safelight.accounts.staff_sessions import Session, SessionRules, needs_touch, resume, touch
from safelight.core.clock import Clock
from safelight.core.errors import BadInput, InputCode, NotAllowed, NotStartable, SafelightError
from safelight.store.database import Database
from safelight.web.gateway.errors import answer_to

log = structlog.get_logger()

BODY_MAX_BYTES = 64 * 1024
"""One form, or one answer of a passkey."""
FIELDS_MAX_COUNT = 64
PREFIX = "/console"
SIGN_IN = f"{PREFIX}/sign-in"

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), display-capture=()",
    # Not `no-referrer`: browsers would then send forms with `Origin: null`, and could not be told from other sites.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody who is signed in."""

    request: Request
    session: Session
    member: Member
    now: datetime
    form: Mapping[str, str]
    """The fields of a POST; empty otherwise."""
    choices: frozenset[tuple[str, str]] = frozenset()
    """All fields, those included that were given more than once."""

    def may(self, permission: StaffPermission) -> bool:
        """Whether their role has `permission`."""
        return may(self.member.role, permission)


Page = Callable[[Visit], Awaitable[Response]]
Open = Callable[[Request], Awaitable[Response]]


class Door:
    """What all pages of the console share."""

    def __init__(self, database: Database, clock: Clock, address: str, rules: SessionRules) -> None:
        """Raises NotStartable for an address that browsers would not keep a session safe at."""
        parts = urlsplit(address)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise NotStartable("SAFELIGHT_CONSOLE_ORIGIN must be https, or http://localhost on one machine.")
        self.database = database
        self.clock = clock
        self.rules = rules
        self.site = Site(address)
        self._is_https = parts.scheme == "https"
        self._cookie = "__Host-safelight" if self._is_https else "safelight_console"
        self._pages = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._pages.globals.update(P=StaffPermission, prefix=PREFIX)

    def guard(self, page: Page, permission: StaffPermission | None) -> Open:
        """`page`, for who is signed in and has `permission`; none: for anybody who is signed in."""

        async def guarded(request: Request) -> Response:
            now = self.clock()
            session = await self.session(request)
            if session is None or session.member is None:
                return self._to_sign_in(request)
            visit = Visit(request, session, session.member, now, {})
            try:
                if request.method == "POST":
                    fields = await self.fields(request)
                    visit = Visit(request, session, session.member, now, dict(fields), frozenset(fields))
                    session.check_csrf(request.headers.get("x-csrf") or visit.form.get("csrf", ""))
                if permission is not None:
                    session.member.require(permission)
                if await self.database.read(lambda c: needs_touch(c, session, now)):
                    await self.database.write(lambda c: touch(c, session, now))
                return self._finish(await page(visit))
            except SafelightError as error:
                return self.refuse(request, error, visit)

        return guarded

    def unguarded(self, page: Open) -> Open:
        """`page`, for anybody: sign-in itself. A POST must still come from a page of ours."""

        async def answered(request: Request) -> Response:
            try:
                if request.method == "POST":
                    self._check_origin(request)
                return self._finish(await page(request))
            except SafelightError as error:
                return self.refuse(request, error, None)

        return answered

    async def session(self, request: Request) -> Session | None:
        """The session of this browser, signed in or not."""
        token = request.cookies.get(self._cookie, "")
        now = self.clock()
        return await self.database.read(lambda c: resume(c, token, rules=self.rules, now=now)) if token else None

    async def body(self, request: Request) -> bytes:
        """The body of a POST. Raises BadInput above the bound."""
        chunks, count = [], 0
        async for chunk in request.stream():
            count += len(chunk)
            if count > BODY_MAX_BYTES:
                raise BadInput(InputCode.BODY_TOO_LARGE, f"At most {BODY_MAX_BYTES} bytes; shorten what you wrote.")
            chunks.append(chunk)
        return b"".join(chunks)

    async def fields(self, request: Request) -> list[tuple[str, str]]:
        """The fields of a form. Raises BadInput, NotAllowed."""
        self._check_origin(request)
        body = await self.body(request)
        if request.headers.get("content-type", "").split(";")[0] != "application/x-www-form-urlencoded":
            return [("body", body.decode("utf-8", "replace"))]
        try:
            return parse_qsl(
                body.decode("ascii"),
                keep_blank_values=True,
                strict_parsing=bool(body),
                errors="strict",
                max_num_fields=FIELDS_MAX_COUNT,
            )
        except ValueError as error:
            raise BadInput(InputCode.BODY_INVALID, "This form cannot be read. Load the page again.") from error

    def show(self, template: str, visit: Visit | None, status_code: int = 200, **shown: Any) -> Response:
        """A page."""
        return HTMLResponse(self._pages.get_template(template).render(visit=visit, **shown), status_code)

    def go(self, path: str) -> Response:
        """Send the browser to another page of the console."""
        return RedirectResponse(f"{PREFIX}{path}", 303)

    def with_cookie(self, answer: Response, session: Session | None) -> Response:
        """`answer`, after which the browser holds `session`, or none."""
        if session is None:
            answer.delete_cookie(self._cookie, path="/", secure=self._is_https, httponly=True, samesite="strict")
        else:
            answer.set_cookie(
                self._cookie, session.token, path="/", secure=self._is_https, httponly=True, samesite="strict"
            )
        return answer

    def refuse(self, request: Request, error: SafelightError, visit: Visit | None) -> Response:
        """The answer to a foreseen error."""
        status_code = 409 if error.code.startswith("case_") else answer_to(error).status_code
        if status_code >= 500:
            log.error("console_failed", code=error.code, error=type(error).__name__)
        if "application/json" in request.headers.get("accept", ""):
            answer: Response = JSONResponse({"code": error.code, "message": error.message}, status_code)
        else:
            code = "" if isinstance(error, NotAllowed) else error.code
            answer = self.show(
                "error.html", visit, status_code, message=error.message, code=code, way_back=_way_back(request)
            )
        return self._finish(answer)

    def _to_sign_in(self, request: Request) -> Response:
        if "application/json" in request.headers.get("accept", "") or request.method == "POST":
            return self.refuse(request, NotAllowed("You are signed out. Sign in again; what you wrote is lost."), None)
        return self._finish(RedirectResponse(f"{SIGN_IN}?next={quote(request.url.path)}", 303))

    def _check_origin(self, request: Request) -> None:
        # Browsers send `Origin` with every POST; what sends none is no page of ours.
        if request.headers.get("origin") != self.site.origin:
            raise NotAllowed(f"This did not come from the console. Open it at {self.site.origin}{PREFIX}.")

    def _finish(self, answer: Response) -> Response:
        for name, value in _HEADERS.items():
            answer.headers.setdefault(name, value)
        if self._is_https:
            answer.headers["strict-transport-security"] = "max-age=31536000"
        return answer


def _way_back(request: Request) -> str:
    parts = request.url.path.split("/")
    if len(parts) > 3 and parts[2] == "undelivered":
        return f"{PREFIX}/undelivered"
    return "/".join(parts[:4]) if len(parts) > 4 and parts[2] == "cases" else f"{PREFIX}/queue"
