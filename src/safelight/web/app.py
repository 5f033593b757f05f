"""The HTTP application: the gateway's routes over a running Safelight."""

from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from safelight import __version__
from safelight.web.console.routes import console_routes
from safelight.web.gateway import check, consent, health, hma, images, match, moderations, protect, reports, trace
from safelight.web.gateway.bodies import BodyReader
from safelight.web.gateway.door import Door
from safelight.web.gateway.errors import SurpriseMiddleware, add_error_handlers
from safelight.web.gateway.translate import Translator
from safelight.web.public.front_page import FrontPage
from safelight.web.public.ledger_pages import LedgerPages
from safelight.web.public.reports.routes import report_routes
from safelight.web.public.try_page import TryPage
from safelight.web.public.verify_page import VerifyPage
from safelight.wiring import Safelight


def create_app(safelight: Safelight) -> FastAPI:
    """The application in front of `safelight`, which the caller starts and closes."""
    app = FastAPI(
        title="Safelight",
        version=__version__,
        summary="The safeguard in front of an image model.",
        # The pages of Swagger and ReDoc load scripts from elsewhere; the description itself is at /openapi.json.
        docs_url=None,
        redoc_url=None,
    )
    app.state.safelight = safelight
    bodies = BodyReader(safelight.limits)
    app.state.door = Door(
        gate=safelight.gate,
        accounts=safelight.accounts,
        consents=safelight.consents,
        bodies=bodies,
        translator=Translator(safelight.fetcher, safelight.limits, safelight.files),
    )
    app.add_middleware(SurpriseMiddleware)
    add_error_handlers(app)
    if safelight.settings.open:
        # Without a key, a page elsewhere could have its visitor's browser ask this address under another name.
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"])
    app.router.routes.append(Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")))
    app.router.routes.extend(FrontPage(safelight.settings).routes())
    app.router.routes.extend(LedgerPages(safelight).routes())
    if safelight.settings.verify_per_minute:
        app.router.routes.extend(VerifyPage(safelight, bodies).routes())
    app.router.routes.extend(report_routes(safelight))
    app.router.routes.extend(console_routes(safelight))
    if safelight.settings.try_page:
        app.router.routes.extend(TryPage(safelight, bodies).routes())
    for module in (images, moderations, check, consent, protect, hma, match, reports, trace, health):
        app.include_router(module.router)
    return app
