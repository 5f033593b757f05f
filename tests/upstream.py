"""A small OpenAI-compatible image server: what tests and benchmarks put behind the gate.

It reads JSON and forms as strictly as the real one in what matters here, answers at once with canned pictures, and can
be told to misbehave. In a test: `with Upstream().running() as url:`, then set `behaviour` and read `seen`. For a
benchmark: `python tests/upstream.py --port 9000`, where bodies are read but not parsed and nothing is remembered.
"""

import argparse
import asyncio
import base64
import contextlib
import functools
import io
import json
import socket
import threading
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import uvicorn
from PIL import Image, ImageDraw
from starlette.requests import Request

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Behaviour(StrEnum):
    """How the next answers look."""

    HONEST = "honest"
    LINK = "link"
    """Images as links to this server."""
    LINK_ELSEWHERE = "link_elsewhere"
    """Images as links to `elsewhere`."""
    REFUSE_OPENAI = "refuse_openai"
    REFUSE_OLD_OPENAI = "refuse_old_openai"
    REFUSE_AZURE = "refuse_azure"
    REFUSE_GEMINI = "refuse_gemini"
    REFUSE_GEMINI_PROMPT = "refuse_gemini_prompt"
    REFUSE_IMAGEN = "refuse_imagen"
    REFUSE_XAI_EMPTY = "refuse_xai_empty"
    REFUSE_XAI_FLAG = "refuse_xai_flag"
    REFUSE_WORDS = "refuse_words"
    REFUSE_451 = "refuse_451"
    REFUSE_IN_STREAM = "refuse_in_stream"
    BAD_OPTION = "bad_option"
    NO_MODEL = "no_model"
    WRONG_KEY = "wrong_key"
    NO_CREDIT = "no_credit"
    BUSY = "busy"
    BUSY_UNTIL = "busy_until"
    FAILING = "failing"
    REDIRECT = "redirect"
    SILENT = "silent"
    """Accepts the request and never answers."""
    HANG_UP = "hang_up"
    NO_JSON = "no_json"
    NO_BASE64 = "no_base64"
    NO_IMAGES = "no_images"
    TOO_MANY = "too_many"
    HUGE = "huge"
    """Zeros without end, compressed."""
    STREAM_ENDS_EARLY = "stream_ends_early"
    UNKNOWN_FACTS = "unknown_facts"
    """A good answer with things beside the images that nobody asked for."""


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    fields: dict[str, Any]
    """The JSON body, or the text fields of the form (a list where a name is repeated)."""
    files: tuple[tuple[str, str, str, bytes], ...] = ()
    """Field name, file name, media type, content."""


@functools.lru_cache
def picture(side_px: int = 64, image_format: str = "PNG", seed: int = 1) -> bytes:
    """A harmless picture: coloured discs on a gradient, with enough detail to have a photograph's weight."""
    noise = np.random.default_rng(seed).normal(128, 24, (side_px, side_px)).clip(0, 255).astype(np.uint8)
    gradient = Image.linear_gradient("L").resize((side_px, side_px))
    image = Image.blend(Image.fromarray(noise), gradient, 0.6).convert("RGB")
    draw = ImageDraw.Draw(image)
    for number in range(6):
        x, y, r = (side_px * ((seed * 37 + number * k) % 100) // 100 for k in (23, 41, 7))
        draw.ellipse((x - r, y - r, x + r + 4, y + r + 4), fill=(40 * number, 200 - 30 * number, 120))
    out = io.BytesIO()
    image.save(out, image_format)
    return out.getvalue()


@dataclass
class Upstream:
    """The server; an ASGI application."""

    image: bytes = field(default_factory=picture)
    key: str = ""
    """Asked for as `Authorization: Bearer …` when set."""
    behaviour: Behaviour = Behaviour.HONEST
    elsewhere: str = ""
    parse: bool = True
    """Read and remember what arrives; off for benchmarks."""
    delay_s: float = 0.0
    seen: list[Seen] = field(default_factory=list)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        path, method = scope["path"], scope["method"]
        if method == "GET":
            await self._get(scope, send)
            return
        if not self.parse:
            await self._reply_at_once(receive, send)
            return
        seen = await self._read(Request(scope, receive))
        self.seen.append(seen)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.key and seen.headers.get("authorization") != f"Bearer {self.key}":
            await _reply_json(send, 401, _openai_error("Incorrect API key provided.", code="invalid_api_key"))
        elif path.rpartition("/images/")[2] not in {"generations", "edits", "variations"}:
            await _reply_json(send, 404, _openai_error("Unknown request URL."))
        else:
            await self._make(seen, scope, send)

    async def _reply_at_once(self, receive: Receive, send: Send) -> None:
        """The canned picture; a small one where the JSON body asks for `256x256`."""
        is_small, more = False, True
        while more:
            message = await receive()
            body, more = message.get("body", b""), message.get("more_body", False)
            is_small = is_small or b'"256x256"' in body[:65536]
        await _reply(send, 200, _canned(picture(256) if is_small else self.image))

    def _entry(self) -> dict[str, str]:
        return {"b64_json": base64.b64encode(self.image).decode()}

    async def _get(self, scope: dict[str, Any], send: Send) -> None:
        if scope["path"].endswith("/models"):
            if self.behaviour is Behaviour.WRONG_KEY:
                await _reply_json(send, 401, _openai_error("Incorrect API key provided."))
            elif self.behaviour is Behaviour.FAILING:
                await _reply_json(send, 500, {})
            else:
                await _reply_json(send, 200, {"object": "list", "data": [{"id": "canned", "object": "model"}]})
        elif scope["path"].endswith("/made.png"):
            await _reply(send, 200, self.image, "image/png")
        else:
            await _reply_json(send, 404, _openai_error("Unknown request URL."))

    async def _read(self, request: Request) -> Seen:
        headers = dict(request.headers)
        if headers.get("content-type", "").startswith("application/json"):
            return Seen(request.method, request.url.path, headers, json.loads(await request.body()))
        fields: dict[str, Any] = {}
        files: list[tuple[str, str, str, bytes]] = []
        async with request.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, str):
                    earlier = fields.get(name, [])
                    earlier = earlier if isinstance(earlier, list) else [earlier]
                    fields[name] = [*earlier, value] if earlier else value
                else:
                    files.append((name, value.filename or "", value.content_type or "", await value.read()))
        return Seen(request.method, request.url.path, headers, fields, tuple(files))

    async def _make(self, seen: Seen, scope: dict[str, Any], send: Send) -> None:
        host, port = scope["server"]
        count = int(seen.fields.get("n", 1))
        match self.behaviour:
            case Behaviour.HONEST | Behaviour.STREAM_ENDS_EARLY | Behaviour.REFUSE_IN_STREAM if (
                str(seen.fields.get("stream", "")).lower() == "true"
            ):
                await self._stream(seen, count, send)
            case Behaviour.LINK:
                await self._answer(send, [{"url": f"http://{host}:{port}/made.png"}] * count)
            case Behaviour.LINK_ELSEWHERE:
                await self._answer(send, [{"url": self.elsewhere}] * count)
            case Behaviour.TOO_MANY:
                await self._answer(send, [self._entry()] * (count + 1))
            case Behaviour.NO_BASE64:
                await self._answer(send, [{"b64_json": "no base64 at all!"}])
            case Behaviour.NO_IMAGES:
                await self._answer(send, [{"revised_prompt": "a picture"}])
            case Behaviour.REFUSE_XAI_FLAG:
                await self._answer(send, [self._entry() | {"respect_moderation": False}])
            case Behaviour.UNKNOWN_FACTS:
                await self._answer(send, [self._entry() | {"thumbnail": "AAAA"}], preview="AAAA", size="so < big")
            case Behaviour.NO_JSON:
                await _reply(send, 200, b"<html>hello</html>", "text/html")
            case Behaviour.SILENT:
                await asyncio.sleep(30)
            case Behaviour.HANG_UP:
                await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"999")]})
                await send({"type": "http.response.body", "body": b'{"data": [', "more_body": True})
                raise ConnectionAbortedError
            case Behaviour.HUGE:
                await self._flood(send)
            case Behaviour.REDIRECT:
                await _reply(send, 307, b"", "text/plain", {"location": "http://192.0.2.1/v1/images/generations"})
            case Behaviour.HONEST:
                await self._answer(send, [self._entry() | {"revised_prompt": "a picture"}] * count)
            case _:
                status, body, headers = _ERRORS[self.behaviour]
                await _reply_json(send, status, body, headers)

    async def _answer(self, send: Send, data: list[dict[str, Any]], **facts: Any) -> None:
        usage = {"input_tokens": 7, "output_tokens": 9, "total_tokens": 16, "input_tokens_details": {"text_tokens": 7}}
        body = {
            "created": 1_800_000_000,
            "data": data,
            "size": "64x64",
            "output_format": "png",
            "usage": usage,
            **facts,
        }
        await _reply_json(send, 200, body)

    async def _stream(self, seen: Seen, count: int, send: Send) -> None:
        kind = "image_edit" if seen.path.endswith("edits") else "image_generation"
        facts = {"created_at": 1_800_000_000, "output_format": "png", "size": "64x64", "quality": "high"}
        events: list[dict[str, Any]] = [
            {"type": f"{kind}.partial_image", "partial_image_index": index, **self._entry(), **facts}
            for index in range(int(seen.fields.get("partial_images", 0)))
        ]
        if self.behaviour is Behaviour.REFUSE_IN_STREAM:
            events.append({"type": "error", **_REFUSAL})
        elif self.behaviour is Behaviour.HONEST:
            usage = {"input_tokens": 7, "output_tokens": 9, "total_tokens": 16}
            events += [{"type": f"{kind}.completed", **self._entry(), **facts, "usage": usage}] * count
        await _start(send, 200, "text/event-stream")
        for event in events:
            text = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _flood(self, send: Send) -> None:
        await _start(send, 200, "application/json", {"content-encoding": "gzip"})
        compressor = zlib.compressobj(wbits=31)
        head = compressor.compress(b"") + compressor.flush(zlib.Z_FULL_FLUSH)
        mebibyte = compressor.compress(bytes(1 << 20)) + compressor.flush(zlib.Z_FULL_FLUSH)
        for chunk in (head, *[mebibyte] * 1024):  # blocks after a full flush stand alone, so one may be repeated
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": compressor.flush()})

    def reset(self) -> None:
        """Honest again, with nothing seen: for a server that several tests share."""
        self.image, self.behaviour, self.elsewhere, self.delay_s = picture(), Behaviour.HONEST, "", 0.0
        self.seen.clear()

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        """Serve on a free loopback port, in a thread of its own; gives the base address, ending in `/v1`."""
        with serving(self) as origin:
            yield f"{origin}/v1"


@contextlib.contextmanager
def serving(app: Any, **options: Any) -> Iterator[str]:
    """Serve any ASGI `app` on a free loopback port; gives its origin, `http://127.0.0.1:…` (https with TLS options)."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1, **options)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 10
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.005)
        try:
            scheme = "https" if config.ssl_certfile else "http"
            yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


@functools.lru_cache
def _canned(image: bytes) -> bytes:
    entry = {"b64_json": base64.b64encode(image).decode()}
    return json.dumps({"created": 1_800_000_000, "data": [entry]}).encode()


def _openai_error(message: str, *, code: str | None = None, **facts: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code, **facts}}


_REFUSAL = _openai_error(
    "Your request was rejected by the safety system.",
    code="moderation_blocked",
    type="image_generation_user_error",
    moderation_details={"moderation_stage": "input", "categories": ["violence"]},
)
_ERRORS: dict[Behaviour, tuple[int, object, dict[str, str]]] = {
    Behaviour.REFUSE_OPENAI: (400, _REFUSAL, {}),
    Behaviour.REFUSE_IN_STREAM: (400, _REFUSAL, {}),
    Behaviour.REFUSE_OLD_OPENAI: (400, _openai_error("Not made.", code="content_policy_violation"), {}),
    Behaviour.REFUSE_AZURE: (
        400,
        _openai_error("Not made.", code="bad", innererror={"code": "ResponsibleAIPolicyViolation"}),
        {},
    ),
    Behaviour.REFUSE_GEMINI: (200, {"candidates": [{"finishReason": "IMAGE_SAFETY", "content": {}}]}, {}),
    Behaviour.REFUSE_GEMINI_PROMPT: (200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, {}),
    Behaviour.REFUSE_IMAGEN: (200, {"predictions": [{"raiFilteredReason": "Filtered, code 58061214."}]}, {}),
    Behaviour.REFUSE_XAI_EMPTY: (200, {"created": 1, "data": []}, {}),
    Behaviour.REFUSE_WORDS: (400, {"code": "bad", "error": "Generated image rejected by content moderation."}, {}),
    Behaviour.REFUSE_451: (451, {}, {}),
    Behaviour.BAD_OPTION: (
        400,
        _openai_error("Invalid size '3x3'.\nSupported: 1024x1024.", code="invalid_value", param="size"),
        {},
    ),
    Behaviour.NO_MODEL: (404, _openai_error("The model does not exist.", code="model_not_found"), {}),
    Behaviour.WRONG_KEY: (401, _openai_error("Incorrect API key provided: sk-secret.", code="invalid_api_key"), {}),
    Behaviour.NO_CREDIT: (429, _openai_error("You exceeded your quota.", code="insufficient_quota"), {}),
    Behaviour.BUSY: (429, _openai_error("Rate limit reached."), {"retry-after": "7"}),
    Behaviour.BUSY_UNTIL: (503, {}, {"retry-after": "Fri, 01 Jan 2027 00:01:00 GMT"}),
    Behaviour.FAILING: (500, _openai_error("The server had an error."), {}),
}


async def _start(send: Send, status: int, media_type: str, headers: dict[str, str] | None = None) -> None:
    pairs = {"content-type": media_type, **(headers or {})}
    raw = [(name.encode(), value.encode()) for name, value in pairs.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _reply(
    send: Send, status: int, body: bytes, media_type: str = "application/json", headers: dict[str, str] | None = None
) -> None:
    await _start(send, status, media_type, {"content-length": str(len(body)), **(headers or {})})
    await send({"type": "http.response.body", "body": body})


async def _reply_json(send: Send, status: int, body: object, headers: dict[str, str] | None = None) -> None:
    await _reply(send, status, json.dumps(body).encode(), headers=headers)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--side", type=int, default=1024, help="pixels of the canned square picture")
    parser.add_argument("--format", choices=["PNG", "JPEG"], default="PNG")
    asked = parser.parse_args()
    canned = Upstream(image=picture(asked.side, asked.format), parse=False)
    uvicorn.run(canned, host="127.0.0.1", port=asked.port, log_level="critical", lifespan="off")
