"""Settings that do not go together, or not in service: found before anything is opened."""

import ipaddress

import structlog

from safelight.core.errors import NotStartable
from safelight.settings import BackendName, Settings

log = structlog.get_logger()


def refuse_unsafe(settings: Settings) -> None:
    """Raises NotStartable with the setting to change; warns of what is for trying things out."""
    if settings.open and not _is_loopback(settings.host):
        raise NotStartable("`open` asks for no API key, so it is for a loopback address only: drop it, or the host.")
    if settings.open:
        log.warning("open_door", message="No API key is asked for. This is for trying things out, never for service.")
    if settings.try_page and not settings.open:
        raise NotStartable("The page at /try has no sign-in: it needs `open`, on a loopback address.")
    if settings.open and settings.production:
        raise NotStartable("`production` and `open` do not go together: drop one of them.")
    if settings.backend is BackendName.OPENAI and not settings.upstream_url:
        raise NotStartable("The backend `openai` needs SAFELIGHT_UPSTREAM_URL, such as http://127.0.0.1:9000/v1.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
