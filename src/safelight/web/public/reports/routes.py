"""Every page about reports, over one running Safelight."""

from starlette.routing import Route

from safelight.web.public.reports.answer import Pages
from safelight.web.public.reports.hotlines import load_hotlines
from safelight.web.public.reports.report_pages import ReportPages
from safelight.web.public.reports.status_pages import StatusPages
from safelight.wiring import Safelight


def report_routes(safelight: Safelight) -> list[Route]:
    """What lies under `/report`. Raises NotStartable for words or hotlines that cannot be used."""
    settings = safelight.settings
    pages = Pages(safelight.limits, settings.report_exit_url)
    hotlines = load_hotlines(settings.report_hotlines_file)
    report_pages = ReportPages(pages, safelight.cases, hotlines, safelight.clock)
    return [
        *report_pages.routes(),
        *StatusPages(pages, safelight.cases, safelight.clock).routes(),
        report_pages.last_route(),
    ]
