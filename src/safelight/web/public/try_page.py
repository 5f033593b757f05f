"""`/try`: ask the gate by hand, with a photo. For a laptop: it has no sign-in, so it is served on loopback only."""

import base64
import importlib.util
import io
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from safelight.accounts.service import Caller
from safelight.core.errors import BadInput, InputCode, SafelightError
from safelight.core.request import ImageRequest, Operation, Role, Turn, Upload
from safelight.gate.model import Outcome
from safelight.policy.explain import explain_to_person
from safelight.web.gateway.bodies import BodyReader
from safelight.web.gateway.errors import answer_to
from safelight.web.gateway.schemas import Prompt
from safelight.wiring import Safelight

_HERE = Path(__file__).parent


class TryFields(BaseModel):
    """The form's text."""

    prompt: Prompt
    photo_choice: Literal["none", "sample", "own"] = "none"


class TryPage:
    """The page over one running Safelight."""

    def __init__(self, safelight: Safelight, bodies: BodyReader) -> None:
        self._safelight = safelight
        self._bodies = bodies
        self._templates = Jinja2Templates(_HERE / "templates")
        self._sample = _sample_portrait()

    def routes(self) -> list[Route]:
        """`/try`."""
        return [
            Route("/try", self.show, methods=["GET"]),
            Route("/try", self.ask, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The empty form."""
        return self._page(request, {"choice": "sample" if self._sample else "none"})

    async def ask(self, request: Request) -> Response:
        """The form with what came of it."""
        shown: dict[str, Any] = {"choice": "none"}
        try:
            async with self._bodies.hold(request):
                form = await self._bodies.form(request, TryFields)
                shown = {"prompt": form.fields.prompt, "choice": form.fields.photo_choice}
                photos = self._photos(form.fields, form.images)
                turn = Turn(Role.USER, form.fields.prompt, photos)
                asked = ImageRequest(Operation.EDIT if photos else Operation.GENERATE, (turn,))
                outcome = await self._safelight.gate.make(asked, Caller(None))
        except SafelightError as error:
            return self._page(request, shown | {"error": error}, status_code=answer_to(error).status_code)
        return self._page(request, shown | self._result(outcome))

    def _photos(self, fields: TryFields, images: tuple[Upload, ...]) -> tuple[Upload, ...]:
        if fields.photo_choice == "none":
            return ()
        if fields.photo_choice == "sample" and self._sample:
            return (Upload(self._sample, "portrait.png"),)
        chosen = tuple(image for image in images if image.content)
        if not chosen:  # a browser sends an empty file where none was chosen
            raise BadInput(InputCode.FIELD_MISSING, "Choose a photo, or ask without one.", param="image")
        return chosen

    def _result(self, outcome: Outcome) -> dict[str, Any]:
        decision = outcome.decision
        return {
            "outcome": outcome,
            "category": decision.category.value if decision.category else "",
            "explanation": explain_to_person(decision, self._safelight.policy),
            "pictures": [
                f"data:{image.media_type};base64,{base64.b64encode(image.content).decode()}" for image in outcome.images
            ],
        }

    def _page(self, request: Request, shown: dict[str, Any], status_code: int = 200) -> Response:
        settings = self._safelight.settings
        shown |= {
            "is_sketch": self._safelight.backend.name == "sketch",
            "has_sample": bool(self._sample),
            "keeps_words_hours": settings.edit_chain_hours if settings.edit_chain_words else 0,
        }
        return self._templates.TemplateResponse(request, "try.html", shown, status_code=status_code)


def _sample_portrait() -> bytes:
    """A photograph that may be shown to anyone, where scikit-image is installed; otherwise nothing."""
    if importlib.util.find_spec("skimage") is None:
        return b""
    import skimage.data
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(skimage.data.astronaut()).save(file, "PNG")
    return file.getvalue()
