"""How every page here is asked for and answered: one way to read a form, one set of headers, one way to fail.

Rules of this module
- No script, style or picture from elsewhere, none in the page itself, and no frame around it.
- Nothing is kept: no cookie is set, and no answer may be stored, so that Back shows nothing to whoever comes next.
- A form is taken from our own pages only. Browsers say where it was sent from, and no page elsewhere can change that.
- Every error is a page in the person's language that says what to do next.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jinja2
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from safelight.core.errors import BadInput, InputCode, SafelightError
from safelight.core.limits import Limits
from safelight.web.public.reports.words import Words, load_words

HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; worker-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    # Not `no-referrer`: browsers then hide from us, too, that a form comes from our own page.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
log = structlog.get_logger()

_FORM_TYPE = "application/x-www-form-urlencoded"

Fields = dict[str, str]
Shown = dict[str, Any]
Ask = Callable[[Request, Words], Awaitable[Response]]
Take = Callable[[Request, Words, Fields], Awaitable[Response]]


class Pages:
    """What all pages share: templates, words and headers."""

    def __init__(self, limits: Limits, exit_url: str) -> None:
        self._limits = limits
        self._exit_url = exit_url
        self.words = load_words()
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent.parent / "templates" / "report"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def get(self, path: str, ask: Ask) -> Route:
        """A page that is asked for; `path` begins after the language."""
        return self._route(path, "GET", ask)

    def post(self, path: str, take: Take) -> Route:
        """A form that is sent."""

        async def ask(request: Request, words: Words) -> Response:
            if _is_from_elsewhere(request):
                return self.page(request, words, "error.html", {"key": "error_elsewhere"}, 403)
            return await take(request, words, await self._fields(request))

        return self._route(path, "POST", ask)

    def _route(self, path: str, method: str, ask: Ask) -> Route:
        async def answer(request: Request) -> Response:
            words = self.words.get(request.path_params["language"])
            if words is None:
                return self.page(request, self.words["en"], "error.html", {"key": "error_missing"}, 404)
            try:
                return await ask(request, words)
            except Exception as error:  # noqa: BLE001 (whatever it is, the person gets a page in their language)
                key, status_code = _key_and_status(error)
                return self.page(request, words, "error.html", {"key": key}, status_code)

        return Route(f"/report/{{language}}{path}", answer, methods=[method])

    def page(self, request: Request, words: Words, template: str, shown: Shown, status_code: int = 200) -> Response:
        """A page in one language."""
        text = self._templates.get_template(template).render(
            {
                "t": words,
                "languages": self.words,
                "here": request.url.path.split("/", 3)[3:],
                "base": f"/report/{words.language}",
                "exit_url": self._exit_url,
                "keeps_form": False,
                "error": "",
                **shown,
            }
        )
        return HTMLResponse(text, status_code, {**HEADERS, "content-language": words.language})

    async def _fields(self, request: Request) -> Fields:
        """The fields of the form, each once. Raises BadInput."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM_TYPE:
            raise BadInput(InputCode.BODY_INVALID, f"Send the form as {_FORM_TYPE}.")
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.body_timeout_s):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > self._limits.report_form_max_bytes:
                        raise BadInput(InputCode.BODY_TOO_LARGE, "The form is too long; shorten it.")
            return dict(
                parse_qsl(
                    body.decode("ascii"),
                    keep_blank_values=True,
                    errors="strict",
                    max_num_fields=self._limits.form_max_fields,
                )
            )
        except (TimeoutError, ClientDisconnect, ValueError) as error:
            raise BadInput(InputCode.BODY_INVALID, "The form cannot be read; send it again.") from error


def note_surprise(error: BaseException) -> None:
    """Log what nobody foresaw: its kind and place, never its message, which may quote the person."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.name}:{frame.lineno}" for frame in frames[-4:]]
    log.error("report_page_failed", error=type(error).__name__, where=where)


def _key_and_status(error: Exception) -> tuple[str, int]:
    if isinstance(error, BadInput):
        return ("error_large", 413) if error.code == InputCode.BODY_TOO_LARGE else ("error_form", 400)
    if not isinstance(error, SafelightError):
        note_surprise(error)
    return "error_failed", 503


def source_of(request: Request) -> str:
    """What tells one sender from another; behind a proxy, the address that the proxy vouches for."""
    return request.client.host if request.client else ""


def _is_from_elsewhere(request: Request) -> bool:
    """Whether another website sent this form (Fetch Metadata; Origin for browsers without it)."""
    if site := request.headers.get("sec-fetch-site"):
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")
