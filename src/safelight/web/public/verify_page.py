"""`/verify` and `POST /v1/verify`: anybody asks whether a picture was made here, and is told yes, no or unsure.

Rules of this module
- The picture is looked at in memory and not kept, nor is who asked.
- Nothing is told of accounts, requests, times, banks or look-alikes; of a mark only that it is there. What credentials
  in the file say is told, since anybody can read it there.
"""

import asyncio
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from safelight.core.errors import Overloaded, SafelightError
from safelight.provenance.model import Credentials, CredentialState
from safelight.provenance.service import Verified, verified_to_json
from safelight.signals.image.decode import decode
from safelight.signals.model import PictureRole
from safelight.web.gateway.bodies import BodyReader
from safelight.web.gateway.errors import answer_to
from safelight.web.gateway.trace import one_picture
from safelight.web.public.throttle import Throttle
from safelight.wiring import Safelight

_FIELD = "image"
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class _NoFields(BaseModel):
    """The form has a picture and nothing else."""

    model_config = ConfigDict(extra="forbid")


class VerifyPage:
    """The public door of one running Safelight."""

    def __init__(self, safelight: Safelight, bodies: BodyReader) -> None:
        self._safelight = safelight
        self._bodies = bodies
        self._templates = Jinja2Templates(Path(__file__).parent / "templates")
        limits = safelight.limits
        self._throttle = Throttle(safelight.settings.verify_per_minute, limits.verify_all_per_minute)
        self._places = limits.verify_at_once_max_count

    def routes(self) -> list[Route]:
        """The page and the route for programs."""
        return [
            Route("/verify", self.show, methods=["GET"]),
            Route("/verify", self.ask, methods=["POST"]),
            Route("/v1/verify", self.answer, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The empty form."""
        return self._page(request, {})

    async def ask(self, request: Request) -> Response:
        """The form with the answer."""
        try:
            verified = await self._verified(request)
        except SafelightError as error:
            return self._page(request, {"error": _sentence(error.message)}, answer_to(error).status_code)
        return self._page(request, {"verified": verified, "words": words_of(verified.credentials)})

    async def answer(self, request: Request) -> Response:
        """The answer as JSON. The form's one file is `image`."""
        try:
            verified = await self._verified(request)
        except SafelightError as error:
            return answer_to(error)
        return JSONResponse(verified_to_json(verified), headers=_HEADERS)

    async def _verified(self, request: Request) -> Verified:
        # Counted before a byte of the body is read.
        self._throttle.take(request.client.host if request.client else "")
        if not self._places:
            raise Overloaded("Too many pictures at this moment; try again soon.", retry_after_s=5)
        self._places -= 1
        try:
            async with self._bodies.hold(request):
                upload = one_picture((await self._bodies.form(request, _NoFields)).images)
                limits = self._safelight.limits
                role = PictureRole.PHOTO
                picture = await asyncio.to_thread(decode, upload, role=role, where=_FIELD, limits=limits)
                return await self._safelight.provenance.verify(upload.content, picture.frames[0])
        finally:
            self._places += 1

    def _page(self, request: Request, shown: dict[str, Any], status_code: int = 200) -> Response:
        return self._templates.TemplateResponse(
            request, "verify.html", shown, status_code=status_code, headers=_HEADERS
        )


def _sentence(message: str) -> str:
    """An error as a person reads it, who has sent one file and knows no field's name."""
    said = message.removeprefix(f"{_FIELD}: ").rstrip(".")
    return f"{said[:1].upper()}{said[1:]}."


def words_of(told: Credentials) -> list[str]:
    """What the credentials in a file come to, in sentences for anybody."""
    if told.state is CredentialState.NONE:
        return [
            "The file carries no content credentials. That says nothing by itself: most pictures have none, and they "
            "are lost when a picture is sent through an app or a screenshot is taken."
        ]
    signer = f"“{told.signer}”" if told.signer else "somebody who does not say their name"
    words = [
        {
            CredentialState.TRUSTED: f"The file carries content credentials. They were signed by {signer}, whom this "
            "service trusts, and nothing was changed since.",
            CredentialState.VALID: f"The file carries content credentials. Nothing was changed since they were signed, "
            f"but this service does not know who {signer} is.",
            CredentialState.EXPIRED: "The file carries content credentials. They are whole, but the certificate of "
            "their signer is past its time, so it cannot be told any more who signed.",
            CredentialState.BROKEN: "The file carries content credentials that do not fit the picture: it was changed "
            "after it was signed, or the credentials come from another picture.",
        }.get(told.state, "The file carries something that looks like content credentials and cannot be read.")
    ]
    if told.state in {CredentialState.TRUSTED, CredentialState.VALID, CredentialState.EXPIRED}:
        if says := _SOURCES.get(told.digital_source):
            words.append(f"They say that {says}.")
        if told.ingredients:
            words.append(
                "They say that one other picture went into it."
                if told.ingredients == 1
                else f"They say that {told.ingredients} other pictures went into it."
            )
        if told.forbids_ai:
            words.append("They say that AI may not use it.")
    return words


_SOURCES = {
    "trainedAlgorithmicMedia": "the picture was made by a generative AI model",
    "compositeWithTrainedAlgorithmicMedia": "a picture was changed with a generative AI model",
    "algorithmicMedia": "the picture was made by a computer program",
    "digitalCapture": "the picture was taken with a digital camera",
    "digitalArt": "the picture was drawn by a person with digital tools",
    "humanEdits": "a person edited the picture",
}
"""IPTC digital source types, in words."""
