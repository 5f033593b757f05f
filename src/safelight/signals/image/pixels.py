"""From a decoder's image to what detectors look at, and back to bytes that go on.

Transparency must hide nothing. What is transparent is looked at over grey, over white and over black, since it may show
something else over each, and without its transparency where colours differ under transparent pixels.
"""

from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from safelight.signals.image.containers.model import Format

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture with this EXIF orientation upright."""

_GREY, _WHITE, _BLACK = 128, 255, 0
_HIDDEN_BELOW_ALPHA = 128
_SAME_COLOUR = 8
"""Colours that differ by no more than this in any channel are one colour: nothing can be seen in them."""
LOOKS_MAX = 4
"""At one frame."""


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """`image` turned upright, as RGBA where anything in it is transparent, otherwise as RGB."""
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema() == (255, 255):
            image = image.convert("RGB")
    elif image.mode != "RGB":
        image = image.convert("RGB")
    turn = _UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def looks(image: Image.Image) -> list[NDArray[np.uint8]]:
    """Every look at an RGB or RGBA picture that may show something else, each as (height, width, 3) RGB.

    The first is over grey. One in RGB has one look; no picture has more than `LOOKS_MAX`.
    """
    if image.mode == "RGB":
        return [np.asarray(image)]
    bare, alpha = image.convert("RGB"), image.getchannel("A")
    found = [np.asarray(_over(bare, alpha, _GREY))]
    colours = np.asarray(bare)
    if not _is_one_colour(colours, cv2.inRange(np.asarray(alpha), (0,), (_HIDDEN_BELOW_ALPHA - 1,))):
        found.append(colours)
    return found + [np.asarray(_over(bare, alpha, shade)) for shade in (_WHITE, _BLACK)]


def _is_one_colour(colours: NDArray[np.uint8], where: cv2.typing.MatLike) -> bool:
    """Whether the pixels of `colours` at which `where` is not 0 are all alike, or there are none."""
    if not cv2.countNonZero(where):
        return True
    ranges = (cv2.minMaxLoc(colours[..., channel], where)[:2] for channel in range(3))
    return all(high - low <= _SAME_COLOUR for low, high in ranges)


def _over(bare: Image.Image, alpha: Image.Image, shade: int) -> Image.Image:
    ground = Image.new("RGB", bare.size, (shade, shade, shade))
    ground.paste(bare, mask=alpha)
    return ground


def only_transparency(image: Image.Image) -> Image.Image:
    """An RGBA picture of the same transparency with nothing else in it."""
    empty = Image.new("RGBA", image.size)
    empty.putalpha(image.getchannel("A"))
    return empty


def encoded(image: Image.Image, *, lossy: bool) -> tuple[bytes, str]:
    """`image` as bytes without any metadata, and their media type.

    A picture without transparency from a lossy source becomes a JPEG of quality 95 without chroma subsampling, at a
    tenth of the time and a quarter of the bytes of a PNG; everything else a PNG at the fastest compression.
    """
    # Pillow writes colour profile, comment and resolution from `info`, all of it the sender's.
    bare = Image.frombytes(image.mode, image.size, image.tobytes()) if image.info else image
    written = BytesIO()
    if lossy and image.mode == "RGB":
        bare.save(written, "JPEG", quality=95, subsampling=0)
        return written.getvalue(), Format.JPEG.value
    bare.save(written, "PNG", compress_level=1)
    return written.getvalue(), Format.PNG.value
