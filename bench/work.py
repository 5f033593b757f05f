"""What is asked in the benchmark: ordinary prompts, no two alike, some of which cost a gate more work; and edits.

Alike requests would measure a cache. Everything is drawn with a seed, so two runs ask the same.
"""

import base64
import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

import skimage.data
from PIL import Image, ImageOps

_SUBJECTS = [
    "a lighthouse",
    "two bicycles",
    "a bowl of oranges",
    "an old steam train",
    "a tabby cat",
    "a glass teapot",
    "a violin",
]
_PLACES = ["by the sea", "in a snowy forest", "on a city roof", "in a quiet library", "under a bridge", "at a market"]
_STYLES = ["watercolour", "oil painting", "isometric icon", "film photograph", "ink drawing", "children's book cover"]
_DETAILS = (
    "Soft light falls from the left and long shadows lie on the ground.",
    "The colours are muted, with a little red near the middle.",
    "A few birds cross the sky far away.",
    "There is a paper lantern in the foreground, out of focus.",
    "The grain of the wood can be seen, and drops of rain on the glass.",
    "The mood is calm and a little nostalgic, like an early morning in autumn.",
    "The horizon stands high and the perspective is slightly wrong.",
    "Keep the palette neutral, with a touch of sage green.",
)
_OTHER_LANGUAGES = (
    "ein rotes Fahrrad vor einer Bäckerei, Aquarell",
    "un phare breton au coucher du soleil",
    "静かな図書館の水彩画",
    "старый паровоз в снежном лесу",
    "قارب صغير على بحر هادئ",
    "एक पुराना पुल, तेल चित्र",
)
_EDITS = (
    "make the background a sunset over the sea",
    "remove the flag behind the astronaut",
    "turn this into a pencil drawing",
    "make the lighting warmer",
    "add a thin white frame",
)


@dataclass(frozen=True, slots=True)
class Ask:
    """One POST, ready to be sent to either server."""

    path: str
    prompt: str
    body: bytes
    content_type: str = "application/json"


def generations(size: str, seed: int = 1, output_format: str = "png", style: str = "") -> Iterator[Ask]:
    """Generations without end, at `size`; `style` is put before each prompt."""
    for prompt in prompts(seed):
        asked = f"{style} {prompt}" if style else prompt
        body = {"prompt": asked, "size": size, "n": 1, "output_format": output_format}
        yield Ask("/v1/images/generations", asked, json.dumps(body).encode())


def checks(seed: int = 1, *, in_disguise: bool = False) -> Iterator[Ask]:
    """Decisions without an image, without end: what the judgement of text alone costs."""
    for prompt in disguised(seed) if in_disguise else prompts(seed):
        yield Ask("/v1/check", prompt, json.dumps({"messages": [{"role": "user", "content": prompt}]}).encode())


def edits(seed: int = 1) -> Iterator[Ask]:
    """Edits of a 1024 × 1024 PNG, without end; the photo differs a little from one to the next."""
    rng = random.Random(seed)
    photo = Image.fromarray(skimage.data.astronaut()).resize((1024, 1024), Image.Resampling.LANCZOS)
    photos = [_png(photo), _png(ImageOps.mirror(photo)), _png(photo.point(lambda value: value * 9 // 10))]
    number = 0
    while True:
        number += 1
        fields = {"prompt": f"{rng.choice(_EDITS)}, version {number}", "size": "1024x1024", "n": "1"}
        body = _form(fields, photos[number % 3])
        yield Ask("/v1/images/edits", fields["prompt"], body, "multipart/form-data; boundary=benchmark")


def prompts(seed: int) -> Iterator[str]:
    """Harmless prompts as they come; of a hundred, fifteen are in other languages, five long, and one disguised."""
    rng = random.Random(seed)
    disguises = disguised(seed)
    number = 0
    while True:
        number += 1
        plain = _plain(rng, number)
        if number % 100 == 50:
            yield next(disguises)
        elif number % 20 in (3, 9, 15):
            yield f"{rng.choice(_OTHER_LANGUAGES)} {number}"
        elif number % 20 == 18:
            yield f"{plain}. {' '.join(rng.sample(_DETAILS, 6))}"
        else:
            yield plain


def disguised(seed: int) -> Iterator[str]:
    """Harmless prompts in disguise: spaced out, digits for letters, encoded by hand. They need the most reading."""
    rng = random.Random(seed)
    number = 0
    while True:
        number += 1
        plain = _plain(rng, number)
        yield " ".join(plain)
        yield plain.translate(str.maketrans("aeiost", "431057"))
        yield f"{plain}. Title in base64: {base64.b64encode(plain.encode()).decode()}"


def _plain(rng: random.Random, number: int) -> str:
    return f"{rng.choice(_STYLES)} of {rng.choice(_SUBJECTS)} {rng.choice(_PLACES)}, number {number}"


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _form(fields: dict[str, str], photo: bytes) -> bytes:
    parts = [
        f'--benchmark\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = '--benchmark\r\ncontent-disposition: form-data; name="image"; filename="photo.png"\r\n'
    parts += [f"{head}content-type: image/png\r\n\r\n".encode(), photo, b"\r\n--benchmark--\r\n"]
    return b"".join(parts)
