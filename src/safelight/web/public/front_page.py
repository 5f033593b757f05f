"""`/`: which doors this service has, for whoever types its address."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from safelight.settings import Settings


class FrontPage:
    """The doors that `settings` open."""

    def __init__(self, settings: Settings) -> None:
        self._shown = {"has_verify": bool(settings.verify_per_minute), "has_try": settings.try_page}
        self._templates = Jinja2Templates(Path(__file__).parent / "templates")

    def routes(self) -> list[Route]:
        """`/`."""
        return [Route("/", self.show, methods=["GET"])]

    async def show(self, request: Request) -> Response:
        """The page."""
        return self._templates.TemplateResponse(request, "front.html", self._shown)
