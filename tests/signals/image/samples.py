"""Valid pictures in every format and mode that the gate reads, made by code from scikit-image's sample photographs."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pillow_heif
import skimage.data
from PIL import Image

from safelight.core.category import Stage
from safelight.core.limits import DEFAULT_LIMITS, Limits
from safelight.core.request import Upload
from safelight.signals.image.decode import decode
from safelight.signals.model import Found, Picture, PictureRole, View


def portrait(side_px: int = 96) -> Image.Image:
    """A photograph of a clothed adult (NASA's portrait of Eileen Collins), square, RGB."""
    return Image.fromarray(skimage.data.astronaut()).resize((side_px, side_px))


def encoded(image: Image.Image, format_: str, **options: Any) -> bytes:
    """`image` as Pillow writes it."""
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def animation(format_: str, frames: int = 4, side_px: int = 32, **options: Any) -> bytes:
    """An animation whose frames are shifted photographs, so that each differs."""
    first, *rest = (Image.fromarray(np.roll(np.asarray(portrait(side_px)), 5 * n, axis=1)) for n in range(frames))
    return encoded(first, format_, save_all=True, append_images=rest, **options)


def heic(*images: Image.Image, **options: Any) -> bytes:
    """The images as one HEIC file."""
    file, written = pillow_heif.HeifFile(), io.BytesIO()
    for image in images:
        file.add_from_pillow(image)
    file.save(written, **options)
    return written.getvalue()


def deep_grey() -> Image.Image:
    """A 16-bit greyscale photograph."""
    return Image.fromarray(skimage.data.camera()[:96, :96].astype(np.uint16) * 257)


STILLS: Mapping[str, Callable[[], bytes]] = {
    **{
        f"PNG {mode}": lambda mode=mode: encoded(portrait().convert(mode), "PNG")
        for mode in ("1", "L", "LA", "P", "RGB", "RGBA")
    },
    "PNG 16 bit": lambda: encoded(deep_grey(), "PNG"),
    **{f"JPEG {mode}": lambda mode=mode: encoded(portrait().convert(mode), "JPEG") for mode in ("L", "RGB", "CMYK")},
    "JPEG progressive": lambda: encoded(portrait(), "JPEG", progressive=True),
    "WebP lossy": lambda: encoded(portrait(), "WEBP"),
    "WebP lossless": lambda: encoded(portrait(), "WEBP", lossless=True),
    "WebP RGBA": lambda: encoded(portrait().convert("RGBA"), "WEBP", exact=True),
    "GIF": lambda: encoded(portrait(), "GIF"),
    **{
        f"BMP {mode}": lambda mode=mode: encoded(portrait().convert(mode), "BMP")
        for mode in ("1", "L", "P", "RGB", "RGBA")
    },
    "AVIF": lambda: encoded(portrait(), "AVIF"),
    "AVIF RGBA": lambda: encoded(portrait().convert("RGBA"), "AVIF"),
    "HEIC": lambda: heic(portrait()),
    "HEIC L": lambda: heic(portrait().convert("L")),
}
"""One picture each of 96 × 96 pixels, by a name for the test's id."""

ANIMATIONS: Mapping[str, Callable[[], bytes]] = {
    "GIF": lambda: animation("GIF"),
    "APNG": lambda: animation("PNG"),
    "WebP": lambda: animation("WEBP"),
    "AVIF": lambda: animation("AVIF"),
    "HEIC": lambda: heic(*(portrait(32 + n) for n in range(4))),
}
"""Files with at least four different pictures."""


def picture(
    content: bytes,
    role: PictureRole = PictureRole.PHOTO,
    where: str = "photo 1",
    *,
    file_name: str = "",
    limits: Limits = DEFAULT_LIMITS,
) -> Picture:
    """`content` after the one safe decoding."""
    return decode(Upload(content, file_name), role=role, where=where, limits=limits)


def shown(*frames: np.ndarray | Image.Image, role: PictureRole = PictureRole.PHOTO, where: str = "") -> Picture:
    """A picture as if it had been decoded to these frames."""
    arrays = tuple(np.ascontiguousarray(np.asarray(frame), np.uint8) for frame in frames)
    where = where or {PictureRole.PHOTO: "photo 1", PictureRole.MASK: "mask", PictureRole.OUTPUT: "output 1"}[role]
    return Picture(role, where, arrays, None, b"", "image/png")


def seen(*pictures: Picture, stage: Stage = Stage.INPUT) -> View:
    """A view of these pictures and no texts."""
    return View(stage, (), pictures, photos_count=sum(one.role is PictureRole.PHOTO for one in pictures))


def photograph(name: str) -> Image.Image:
    """One of the photographs that the scikit-image wheel carries, RGB."""
    return Image.fromarray(getattr(skimage.data, name)()).convert("RGB")


def values(found: Found) -> dict[str, float]:
    """The signals of one picture by name."""
    return {signal.name: signal.value for signal in found.signals}


def _behind(low: int, base: int, spread: int) -> Callable[[Image.Image, Image.Image], Image.Image]:
    """Colours that show the decoy, and an alpha that shows the picture, in greys from `low` on, over white."""

    def hide(shown: Image.Image, decoy: Image.Image) -> Image.Image:
        wanted = low + np.asarray(shown.convert("L")) / 255 * (255 - low)
        colours = base + np.asarray(decoy.convert("L")) / 255 * spread
        alpha = np.round(255 * (255 - wanted) / (255 - colours))
        return Image.fromarray(np.stack([colours] * 3 + [alpha], axis=2).astype(np.uint8))

    return hide


def _in_alpha(shown: Image.Image, _: Image.Image) -> Image.Image:
    """One grey everywhere; the picture, at half its brightness, is what alpha lets through over black."""
    image = Image.new("RGBA", shown.size, (128, 128, 128, 255))
    image.putalpha(shown.convert("L"))
    return image


HIDDEN: Mapping[str, tuple[Callable[[Image.Image, Image.Image], Image.Image], int]] = {
    "light": (_behind(195, 60, 70), 255),
    "over dark colours": (_behind(130, 20, 60), 255),
    "over one grey": (_behind(195, 128, 0), 255),
    "in alpha alone": (_in_alpha, 0),
}
"""Ways in which transparency shows one picture and hides it in another, each with the grey that it shows it over."""
