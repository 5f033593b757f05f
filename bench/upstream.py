"""The image model of the benchmark: answers every job with one canned picture, for next to no processor time.

    python bench/upstream.py --port 9000

Every answer is made before the first question. Which one is given stands in the request: `256x256` asks for a small
photograph, `"output_format": "jpeg"` for a large one as JPEG, `drawing` in the prompt for a large drawing, and all
others get a large photograph as PNG. Only HTTP/1.1 with `content-length` is understood.
"""

import argparse
import asyncio
import base64
import io
import json
from collections.abc import Mapping
from typing import cast

import numpy as np
import skimage.data
import uvloop
from PIL import Image, ImageDraw

LARGE, SMALL = 1024, 256
"""Pixels of a side."""


def photograph(side_px: int, format_: str = "PNG") -> bytes:
    """scikit-image's photograph of a coffee cup, square."""
    return _encoded(
        Image.fromarray(skimage.data.coffee()).resize((side_px, side_px), Image.Resampling.LANCZOS), format_
    )


def drawing(side_px: int) -> bytes:
    """Discs on a shaded ground, as PNG: large areas of one colour, as in drawings and icons."""
    shade = np.linspace(90, 220, side_px).astype(np.uint8)
    ground = np.repeat(np.repeat(shade[:, None, None], side_px, axis=1), 3, axis=2)
    image = Image.fromarray(ground)
    draw = ImageDraw.Draw(image)
    for number in range(1, 13):
        x, y, radius = (side_px * (number * step % 97) // 97 for step in (31, 53, 5))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(20 * number, 250 - 18 * number, 120))
    return _encoded(image, "PNG")


def _encoded(image: Image.Image, format_: str) -> bytes:
    written = io.BytesIO()
    image.save(written, format_)
    return written.getvalue()


def answer(body: bytes) -> bytes:
    """A whole HTTP response with a JSON body."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def canned() -> Mapping[str, bytes]:
    """The answers, whole, by a word for each."""
    pictures = {
        "photograph": photograph(LARGE),
        "jpeg": photograph(LARGE, "JPEG"),
        "drawing": drawing(LARGE),
        "small": photograph(SMALL),
    }
    bodies = {
        name: {"created": 1_800_000_000, "data": [{"b64_json": base64.b64encode(picture).decode()}]}
        for name, picture in pictures.items()
    }
    return {name: answer(json.dumps(body).encode()) for name, body in bodies.items()}


class Upstream(asyncio.Protocol):
    """One connection."""

    def __init__(self, answers: Mapping[str, bytes]) -> None:
        self._answers = answers
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it to answer on."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer as soon as a request is whole."""
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        while end >= 0:
            head = bytes(self._received[:end]).lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if len(self._received) < end + 4 + length:
                return
            body = bytes(self._received[end + 4 : end + 4 + length])
            del self._received[: end + 4 + length]
            self._transport.write(self._answer(head, body))
            end = self._received.find(b"\r\n\r\n")

    def _answer(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"get "):
            return answer(b'{"object": "list", "data": [{"id": "canned", "object": "model"}]}')
        start = body[:65_536]
        if b"256x256" in start:
            return self._answers["small"]
        if b'"output_format":"jpeg"' in start.replace(b" ", b""):
            return self._answers["jpeg"]
        return self._answers["drawing" if b"drawing" in start else "photograph"]


async def serve(port: int) -> None:
    """Until the process is stopped."""
    answers = canned()
    server = await asyncio.get_running_loop().create_server(lambda: Upstream(answers), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))
