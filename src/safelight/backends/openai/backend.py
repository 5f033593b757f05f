"""Any OpenAI-compatible upstream over HTTP: OpenAI itself, a model server, another Safelight.

Rules
- One POST a job. It is not repeated once a byte may have arrived: an image costs money, and a repeated edit may differ.
  Only a connection that could not be opened is tried a second time.
- Redirects are not followed: they would carry photos to an address that nobody configured.
- An answer is read up to its limit and no further; a stream is collected to its end before anything is returned.
- A link in an answer is fetched from the upstream's own origin, or through the guarded fetcher, or not at all.
- The upstream's key stands in one header; it is in no message, no log line and no repr.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from safelight.backends.openai.answer import Gathered, Item, add_event, invalid, read_json
from safelight.backends.openai.ask import Ask, ask_of
from safelight.backends.openai.failure import failure_of
from safelight.backends.ports import IMAGE_TYPES, ImageFetcher, Job, Made
from safelight.core.clock import Clock, utc_now
from safelight.core.errors import BackendCode, BackendFailed, NotStartable, SafelightError
from safelight.core.limits import DEFAULT_LIMITS, Limits

_CONNECT_TIMEOUT_S = 10.0
_READY_TIMEOUT_S = 5.0
_ERROR_MAX_BYTES = 64 * 1024
# Shorter than the 5 s after which uvicorn closes an idle connection, so that no POST meets a closing one.
_KEEPALIVE_S = 4.0


class OpenAIBackend:
    """The upstream at `base_url`, such as `https://api.openai.com/v1`."""

    name = "openai"

    def __init__(
        self,
        base_url: str,
        api_key: str = "",
        *,
        fetcher: ImageFetcher | None = None,
        limits: Limits = DEFAULT_LIMITS,
        proxy: str | None = None,
        now: Clock = utc_now,
    ) -> None:
        """Opens no connection. Raises NotStartable for an address or a key that cannot be meant."""
        self._base = _checked_base(base_url)
        if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
            raise NotStartable("the upstream's key holds characters that no key has; set it again, without quotes")
        self._secret = api_key
        self._fetcher = fetcher
        self._limits = limits
        self._now = now
        pool = httpx2.Limits(
            max_connections=limits.in_flight_max_count,
            max_keepalive_connections=limits.in_flight_max_count,
            keepalive_expiry=_KEEPALIVE_S,
        )
        self._client = httpx2.AsyncClient(
            base_url=self._base,
            headers={"authorization": f"Bearer {api_key}"} if api_key else {},
            # `trust_env` would read proxies and .netrc passwords from wherever the service was started.
            transport=httpx2.AsyncHTTPTransport(retries=1, limits=pool, proxy=proxy, trust_env=False),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(limits.backend_timeout_s, connect=_CONNECT_TIMEOUT_S),
        )

    def __repr__(self) -> str:
        return f"OpenAIBackend({self._base!r})"

    async def make(self, job: Job, *, stream: bool = False) -> Made:
        """One POST; see `Backend.make`."""
        ask = ask_of(job, stream=stream)
        async with self._in_time(self._limits.backend_timeout_s):
            gathered = await self._post(ask)
            if not gathered.items:
                raise invalid("ended without an image")
            if len(gathered.items) > job.count:
                raise invalid(f"holds {len(gathered.items)} images where {job.count} were asked for")
            images = await self._images(gathered.items)
        if any(len(image) > self._limits.image_max_bytes for image in (*images, *gathered.partials)):
            raise invalid("holds an image over the limit")
        return Made(
            images=images,
            partials=tuple(gathered.partials),
            revised_prompts=tuple(item.revised_prompt for item in gathered.items),
            extra=gathered.extra,
        )

    async def ready(self) -> None:
        """Ask for the list of models. An upstream without such a list counts as ready when it answers at all."""
        async with self._in_time(_READY_TIMEOUT_S), self._client.stream("GET", "models") as response:
            if response.status_code in {401, 403} or response.status_code >= 500:
                raise await self._failure(response)

    async def close(self) -> None:
        """Close the pooled connections."""
        await self._client.aclose()

    async def _post(self, ask: Ask) -> Gathered:
        if ask.body is not None:
            request = self._client.build_request("POST", ask.path, json=ask.body)
        else:
            request = self._client.build_request("POST", ask.path, data=dict(ask.form), files=list(ask.files))
        response = await self._client.send(request, stream=True)
        try:
            if response.status_code != 200:
                raise await self._failure(response)
            if _media_type(response) == "text/event-stream":
                return await self._read_stream(response)
            return read_json(await _read(response, self._limits.backend_answer_max_bytes))
        finally:
            await response.aclose()

    async def _read_stream(self, response: httpx2.Response) -> Gathered:
        gathered = Gathered()
        room = self._limits.backend_answer_max_bytes
        async for event in httpx2.EventSource(response, max_event_size=room):
            room -= len(event.data)
            if room < 0:
                raise _too_large()
            if event.data.strip() == "[DONE]":
                break
            if event.data:
                add_event(gathered, event.event, event.data)
        return gathered

    async def _images(self, items: list[Item]) -> tuple[bytes, ...]:
        """Every item's bytes, links fetched side by side; the first that fails stops the others."""
        tasks = [asyncio.ensure_future(self._image(item)) for item in items]
        try:
            return tuple(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()

    async def _image(self, item: Item) -> bytes:
        if item.content:
            return item.content
        try:
            url = httpx2.URL(self._base).join(item.url)
        except httpx2.InvalidURL as error:
            raise invalid("links to an address that is none") from error
        if _origin(url) == _origin(httpx2.URL(self._base)):
            async with self._client.stream("GET", url) as response:
                if response.status_code != 200 or _media_type(response) not in IMAGE_TYPES:
                    raise invalid("links to something that is no image")
                return await _read(response, self._limits.image_max_bytes)
        if self._fetcher is None:
            raise invalid("links to another server, which the gate does not fetch from")
        try:
            return await self._fetcher.fetch(str(url), max_bytes=self._limits.image_max_bytes, allow_types=IMAGE_TYPES)
        except BackendFailed:
            raise
        except SafelightError as error:
            raise invalid(f"links to an image that could not be fetched ({error.code})") from error

    async def _failure(self, response: httpx2.Response) -> BackendFailed:
        body = await _read(response, _ERROR_MAX_BYTES, cut=True)
        return failure_of(response.status_code, response.headers, body, secret=self._secret, now=self._now)

    @asynccontextmanager
    async def _in_time(self, timeout_s: float) -> AsyncIterator[None]:
        """Turn what the network does into errors of ours, and never wait longer than `timeout_s` in all."""
        if self._client.is_closed:
            raise BackendFailed("the image model was let go of; start the service again", code=BackendCode.UNREACHABLE)
        try:
            async with asyncio.timeout(timeout_s):
                yield
        except httpx2.ConnectError as error:
            raise BackendFailed(
                "the image model cannot be reached; the operator has to look at its address and whether it runs",
                code=BackendCode.UNREACHABLE,
            ) from error
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise BackendFailed("the image model was not done in time; try again", code=BackendCode.TIMEOUT) from error
        except (httpx2.SSEError, httpx2.DecodingError) as error:
            raise invalid("cannot be read") from error
        except httpx2.TransportError as error:
            raise BackendFailed(
                "the image model broke the connection off; try again", code=BackendCode.UNREACHABLE
            ) from error


async def _read(response: httpx2.Response, max_bytes: int, *, cut: bool = False) -> bytes:
    """The body up to `max_bytes`, decompressed; beyond that it is cut off there, or refused."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > max_bytes:
            if cut:
                return bytes(body[:max_bytes])
            raise _too_large()
    return bytes(body)


def _too_large() -> BackendFailed:
    return invalid("is larger than the gate reads")


def _media_type(response: httpx2.Response) -> str:
    content_type: str = response.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower()


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def _checked_base(base_url: str) -> str:
    advice = "give the upstream's address as in https://api.openai.com/v1"
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL as error:
        raise NotStartable(f"the upstream's address cannot be read; {advice}") from error
    is_host = bool(re.fullmatch(r"[\w.:-]+", url.host))
    if url.scheme not in {"http", "https"} or not is_host or url.userinfo or url.query or url.fragment:
        raise NotStartable(f"the upstream's address needs a scheme and a host, and no password or query; {advice}")
    return base_url.rstrip("/") + "/"
