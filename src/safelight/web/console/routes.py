"""The console of a running Safelight: what the settings say, handed to its parts."""

from datetime import timedelta

from starlette.routing import Route

from safelight.accounts.staff_sessions import SessionRules
from safelight.accounts.staff_welfare import WelfareRules
from safelight.settings import Settings
from safelight.web.console.app import Console, ConsoleRules
from safelight.web.console.pictures import FetchedPictures
from safelight.wiring import Safelight


def console_routes(safelight: Safelight) -> list[Route]:
    """Every route of the console. Raises NotStartable for an address at which no session would be safe."""
    console = Console(
        database=safelight.database,
        clock=safelight.clock,
        cases=safelight.cases,
        pictures=FetchedPictures(safelight.fetcher, safelight.limits),
        rules=console_rules(safelight.settings),
        draw_secret=safelight.second_look_key,
        oidc=safelight.oidc,
    )
    return console.routes()


def console_rules(settings: Settings) -> ConsoleRules:
    """The operator's choices for the console."""
    return ConsoleRules(
        settings.console_address,
        SessionRules(
            idle=timedelta(minutes=settings.console_idle_minutes),
            longest=timedelta(hours=settings.console_session_hours),
        ),
        WelfareRules(
            shift=timedelta(hours=settings.shift_hours),
            cap_points=settings.shift_cap_points,
            break_after_points=settings.break_after_points,
            break_length=timedelta(minutes=settings.break_minutes),
        ),
        settings.second_look_share,
    )
