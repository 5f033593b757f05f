"""How exchanges speak HTTP: bounded answers, retries with back-off, no redirects, and production only on purpose."""

import hashlib
import random
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2

from safelight.core.errors import NotStartable
from safelight.matching.errors import ExchangeFailed

PRODUCTION_HOSTS = frozenset(
    {"api.stopncii.org", "report.cybertip.org", "hashsharing.ncmec.org", "shield.projectarachnid.com"}
)
"""Real lists and real reports: nobody talks to these by trying things out."""
_ANSWER_MAX_BYTES = 32 * 1024 * 1024
_ANSWER_MAX_S = 120.0
_ATTEMPTS = 5
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class ExchangeClient:
    """A client for one exchange. Close it when done."""

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        production: bool = False,
        sleep: Callable[[float], object] = time.sleep,
        timeout_s: float = 20.0,
    ) -> None:
        """Raises NotStartable for a production host without `production`, and for plain HTTP beyond this machine."""
        address = urlsplit(base_url)
        if address.hostname in PRODUCTION_HOSTS and not production:
            raise NotStartable(f"{address.hostname} is a production host: say so with `--production` if it is meant.")
        if address.scheme != "https" and address.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise NotStartable("An exchange is spoken to over https.")
        self._origin = (address.scheme, address.netloc)
        self._base = base_url.rstrip("/")
        self.mark = mark_of(base_url)
        self._sleep = sleep
        self._client = httpx2.Client(
            headers=dict(headers or {}), auth=auth, timeout=timeout_s, trust_env=False, follow_redirects=False
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def send(self, method: str, path: str, **more: Any) -> bytes:
        """The body of a good answer to `path` under the base address, or to a whole address on the same host.

        Raises ExchangeFailed after a few attempts, or at once for an answer that trying again does not change.
        """
        address = path if "://" in path else self._base + path
        if urlsplit(address)[:2] != self._origin:
            raise ExchangeFailed("The exchange named an address on another host; nothing was sent there.")
        trouble = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                # Half of the wait is chance, so that many clients do not come back at the same moment.
                wait_s = min(_FIRST_WAIT_S * 2 ** (attempt - 1), _LONGEST_WAIT_S)
                self._sleep(wait_s * (0.5 + random.random() / 2))  # noqa: S311 (no secret)
            try:
                with self._client.stream(method, address, **more) as answer:
                    if answer.status_code in _TRY_AGAIN:
                        trouble = f"it answered {answer.status_code}"
                        continue
                    if answer.status_code >= 300:
                        message = f"The exchange answered {answer.status_code}; look at its address and credentials."
                        raise ExchangeFailed(message)
                    return _read(answer)
            except httpx2.TransportError as error:
                trouble = f"no whole answer ({type(error).__name__})"
        raise ExchangeFailed(f"The exchange failed {_ATTEMPTS} times, at last because {trouble}; try again later.")


def _read(answer: httpx2.Response) -> bytes:
    """The whole body, within a bound on bytes and time. Raises ExchangeFailed."""
    body = bytearray()
    deadline = time.monotonic() + _ANSWER_MAX_S
    for part in answer.iter_bytes():
        body += part
        if len(body) > _ANSWER_MAX_BYTES or time.monotonic() > deadline:
            raise ExchangeFailed(f"The answer has no end within {_ANSWER_MAX_BYTES} bytes and {_ANSWER_MAX_S:g} s.")
    return bytes(body)


def mark_of(base_url: str) -> str:
    """Stands for the list at an address: a test environment is not the list, and its checkpoint not the list's."""
    return hashlib.sha256(base_url.rstrip("/").encode()).hexdigest()[:16]
