"""Photographs that may be shown to anyone, as files of every format, size and turn that browsers read."""

import io
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import cv2
import numpy as np
from PIL import Image

from tests.matching.pictures import photo

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "camera", "page", "retina", "immunohistochemistry")
_SIZES = ((512, 512), (64, 64), (70, 40), (517, 333), (333, 517), (129, 130), (577, 630), (40, 400), (5, 90))
_EXIF_ORIENTATION = 0x0112
_LARGE = ((600, 3000), (2100, 2060), (3080, 3100), (4100, 4110))
"""One of them is shrunk by each of the factors 1 to 4 first."""


def picture_files() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Name and maker of more than two hundred files."""
    for name in PHOTOS:
        for width, height in _SIZES:
            yield f"{name} {width}x{height}.png", partial(_file, name, (width, height), "PNG")
        for form, fmt, options in _FORMS:
            yield f"{name} {form}", partial(_file, name, (380, 301), fmt, form, **options)
    for orientation in range(1, 9):
        for fmt in ("JPEG", "PNG"):
            turned = partial(_file, "coffee", (400, 300), fmt, orientation=orientation)
            yield f"turn {orientation}.{fmt.lower()}", turned
    for orientation in (1, 3, 6):
        yield f"turn {orientation}.webp", partial(_file, "coffee", (400, 300), "WEBP", orientation=orientation)
    for size in _LARGE:
        yield f"large {size[0]}x{size[1]}.jpg", partial(_file, "coffee", size, "JPEG", quality=60)


_FORMS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("q95.jpg", "JPEG", {"quality": 95}),
    ("q30.jpg", "JPEG", {"quality": 30}),
    ("no subsampling.jpg", "JPEG", {"subsampling": 0}),
    ("progressive.jpg", "JPEG", {"progressive": True}),
    ("grey.jpg", "JPEG", {}),
    ("four inks.jpg", "JPEG", {}),
    ("profile.jpg", "JPEG", {}),
    ("lossy.webp", "WEBP", {"quality": 70}),
    ("lossless.webp", "WEBP", {"lossless": True, "method": 0}),
    ("whole.gif", "GIF", {}),
    ("whole.bmp", "BMP", {}),
    ("whole.avif", "AVIF", {"speed": 10}),
    ("palette.png", "PNG", {}),
    ("grey.png", "PNG", {}),
    ("fading.png", "PNG", {}),
    ("fading.webp", "WEBP", {"lossless": True, "method": 0}),
)


def _file(name: str, size: tuple[int, int], fmt: str, form: str = "", orientation: int = 0, **options: Any) -> bytes:
    picture = Image.fromarray(np.asarray(cv2.resize(_photo(name), size, interpolation=cv2.INTER_AREA), np.uint8))
    if form.startswith("grey"):
        picture = picture.convert("L")
    elif form.startswith("four inks"):
        picture = picture.convert("CMYK")
    elif form.startswith("palette") or fmt == "GIF":
        picture = picture.quantize(200)
    elif form.startswith("fading"):
        slope = np.linspace(0, 255, size[0]).astype(np.uint8)
        picture.putalpha(Image.fromarray(np.tile(slope, (size[1], 1))))
    elif form.startswith("profile"):
        options["icc_profile"] = _wide_profile()
    if orientation:
        options["exif"] = Image.Exif()
        options["exif"][_EXIF_ORIENTATION] = orientation
    if fmt == "PNG":
        options["compress_level"] = 1
    file = io.BytesIO()
    picture.save(file, fmt, **options)
    return file.getvalue()


_photo = cache(photo)


@cache
def _wide_profile() -> bytes:
    """A colour profile that changes colours a good deal where it is obeyed: what is red in it is blue elsewhere."""
    from PIL import ImageCms

    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {}
    for index in range(int.from_bytes(profile[128:132])):
        entry = profile[132 + 12 * index : 144 + 12 * index]
        tags[bytes(entry[:4])] = int.from_bytes(entry[4:8])
    red, blue = (slice(tags[tag], tags[tag] + 20) for tag in (b"rXYZ", b"bXYZ"))
    profile[red], profile[blue] = profile[blue], profile[red]
    return bytes(profile)
