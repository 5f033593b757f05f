"""The one safe decoding: bytes from a stranger become a `Picture` here and nowhere else.

Rules of this module
- The order is fixed: bytes are counted, the container is walked (`containers/`), the metadata is read (`metadata.py`),
  sizes and frames are held against the limits, and only then is a pixel decoded.
- Decoded is not the original but the file cut down to its pixels, and the very same bytes go on where they are one
  still, upright picture. Anything else is encoded anew from the pixels that were judged. Metadata never goes on.
- Colour profiles and gamma are ignored, as image models ignore them; they do not go on either.
- Transparency hides nothing: each look at a transparent picture is a frame of its own (`pixels.py`), and counts as one.
- Memory: while it is decoded, at most 24 bytes a pixel of the largest frame, 44 where it is transparent; afterwards
  3 bytes a pixel of every frame kept, and the clean bytes (`tests/signals/image/test_hostile.py` measures it).

Left to others: fetching and base64 (`web/`), what the pictures show (the detectors beside this file).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import cv2
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from safelight.core.errors import BadInput, InputCode
from safelight.core.limits import Limits
from safelight.core.request import Upload
from safelight.signals.image.containers.model import Block, BlockKind, Format, Outline, corrupt
from safelight.signals.image.containers.outline import outline
from safelight.signals.image.metadata import read_orientation, read_text
from safelight.signals.image.pixels import LOOKS_MAX, encoded, looks, only_transparency, upright
from safelight.signals.model import Passage, Picture, PictureRole

_PARAMS = {PictureRole.PHOTO: "image", PictureRole.MASK: "mask", PictureRole.OUTPUT: None}

# The plugins are called by name: `Image.open` would try whatever else is registered in the process, and would hold the
# size against a global of Pillow instead of our limits.
_PLUGINS: dict[Format, type[ImageFile.ImageFile]] = {
    Format.PNG: PngImagePlugin.PngImageFile,
    Format.JPEG: JpegImagePlugin.JpegImageFile,
    Format.WEBP: WebPImagePlugin.WebPImageFile,
    Format.GIF: GifImagePlugin.GifImageFile,
    Format.BMP: BmpImagePlugin.BmpImageFile,
    Format.AVIF: AvifImagePlugin.AvifImageFile,
}
_LOSSY = {Format.JPEG, Format.AVIF, Format.HEIC}
_PLAIN_MODES = {"1", "L", "LA", "P", "RGB", "RGBA"}

_PLAIN_PNG = bytes([8, 2, 0, 0, 0])
"""In a PNG's header: bits, colours, compression, filters, interlacing."""

_MAX_FILE_NAME_CHARS = 1_024
_EMPTY_FILE_NAME = re.compile(
    r"(?:image|img|photo|picture|mask|upload|file|blob|output|untitled|screenshot|dsc)?[-_ .()\d]*(?:\.[a-z]{3,4}\d?)?",
    re.IGNORECASE,
)
"""Names that say nothing, such as `image.png` and `IMG_2041.jpg`: judging them would cost time on every upload."""


def decode(upload: Upload, *, role: PictureRole, where: str, limits: Limits) -> Picture:
    """The picture in `upload`, every frame of it upright and in RGB, and the clean bytes that go on in its place.

    Raises BadInput with the field as `param`: IMAGE_EMPTY, IMAGE_TOO_LARGE, IMAGE_UNSUPPORTED, IMAGE_CORRUPT,
    IMAGE_AMBIGUOUS, IMAGE_TOO_MANY_PIXELS, IMAGE_TOO_MANY_FRAMES or METADATA_TOO_LARGE.
    """
    try:
        return _decode(upload, role, where, limits)
    except BadInput as error:
        raise BadInput(InputCode(error.code), f"{where}: {error.message}", param=_PARAMS[role]) from error


@dataclass(frozen=True, slots=True)
class _Opened:
    """One part of a file after its header was read by the decoder, and before a pixel was."""

    width: int
    height: int
    frames: int
    orientation: int
    blocks: tuple[Block, ...]
    images: Iterator[Image.Image]


@dataclass(frozen=True, slots=True)
class _Read:
    """A whole file, decoded."""

    frames: tuple[NDArray[np.uint8], ...]
    first: Image.Image
    """The first frame, upright, with its transparency."""
    is_plain: bool
    """Whether the first frame stands in the file as it is seen: upright, and in a mode that needs no conversion."""
    blocks: tuple[Block, ...]


def _decode(upload: Upload, role: PictureRole, where: str, limits: Limits) -> Picture:
    if len(upload.content) > limits.image_max_bytes:
        raise BadInput(
            InputCode.IMAGE_TOO_LARGE, f"the image has more than {limits.image_max_bytes} bytes; send a smaller one"
        )
    found = outline(upload.content)
    parts = (found, *found.others)
    for part in parts:
        _require_room(part.width, part.height, part.frames, limits)
    text = read_text(found.blocks, limits)
    if _is_plain_png(found):
        return Picture(
            role=role,
            where=where,
            frames=(_read_plain_png(found),),
            alpha=None,
            clean=found.pixels,
            media_type=found.format.value,
            passages=_passages(upload, "" if role is PictureRole.OUTPUT else text, where),
            owner=upload.owner,
        )
    try:
        read = _read(parts, limits)
        text = "" if role is PictureRole.OUTPUT else read_text(read.blocks, limits)
        clean, media_type = _clean(found, read.first, found.still and read.is_plain, role)
    except BadInput:
        raise
    except Exception as error:
        # The decoders raise nearly anything on malformed files: OSError, SyntaxError, ValueError, struct.error,
        # EOFError, KeyError. All of it means the same to the person who sent the file.
        raise corrupt("the picture cannot be decoded") from error
    return Picture(
        role=role,
        where=where,
        frames=read.frames,
        alpha=np.asarray(read.first.getchannel("A")) if read.first.mode == "RGBA" else None,
        clean=clean,
        media_type=media_type,
        passages=_passages(upload, text, where),
        owner=upload.owner,
    )


def _read(parts: Sequence[Outline], limits: Limits) -> _Read:
    """Every frame of every part, its size known to be within the limits. Raises BadInput, and what decoders raise."""
    frames: list[NDArray[np.uint8]] = []
    blocks = parts[0].blocks
    first: Image.Image | None = None
    is_plain = False
    for part in parts:
        opened = _open(part)
        _require_room(opened.width, opened.height, len(frames) + opened.frames, limits)
        blocks += opened.blocks
        for image in opened.images:
            turned = upright(image, opened.orientation)
            if first is None:
                first, is_plain = turned, opened.orientation == 1 and image.mode in _PLAIN_MODES
            frames += looks(turned)
            _require_room(turned.width, turned.height, len(frames), limits)
    if first is None:
        raise corrupt("the file holds no picture")
    return _Read(tuple(frames), first, is_plain, blocks)


def _is_plain_png(found: Outline) -> bool:
    """Whether this is a still of eight bits in RGB, upright, without transparency or interlacing: what models make."""
    return (
        found.format is Format.PNG
        and found.still
        and found.pixels[24:29] == _PLAIN_PNG
        and found.pixels[37:41] == b"IDAT"  # right behind the header, so no chunk makes a colour transparent
        and read_orientation(found.blocks) == 1
    )


def _read_plain_png(found: Outline) -> NDArray[np.uint8]:
    """By OpenCV, straight into the array that detectors look at: two thirds of Pillow's time. Raises BadInput.

    It says nothing of why it fails, and writes a line of libpng's to standard error; damaged chunks do not come so far.
    """
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        read = cv2.imdecode(np.frombuffer(found.pixels, np.uint8), flags)
    except cv2.error as error:
        raise corrupt("the picture cannot be decoded") from error
    if read is None or read.shape != (found.height, found.width, 3):
        raise corrupt("the picture cannot be decoded")
    return np.asarray(read, np.uint8)


def _require_room(width: int, height: int, frames: int, limits: Limits) -> None:
    """Hold what is about to be decoded against the limits. Frames of unknown number count as one until it is known."""
    if frames > limits.image_max_frames:
        raise BadInput(
            InputCode.IMAGE_TOO_MANY_FRAMES,
            f"the image has more than {limits.image_max_frames} frames, each as up to {LOOKS_MAX} where it is "
            "transparent; send a still or a shorter animation",
        )
    pixels = width * height
    if (
        max(width, height) > limits.image_max_side_px
        or pixels > limits.image_max_pixels
        or pixels * max(frames, 1) > limits.image_max_total_pixels
    ):
        raise BadInput(
            InputCode.IMAGE_TOO_MANY_PIXELS,
            f"the image is larger than {limits.image_max_side_px} pixels a side, {limits.image_max_pixels} pixels a "
            f"frame or {limits.image_max_total_pixels} pixels in all, where transparent frames count up to {LOOKS_MAX} "
            "times; scale it down",
        )


def _open(part: Outline) -> _Opened:
    if part.format is Format.HEIC:
        return _open_heic(part)
    image = _PLUGINS[part.format](BytesIO(part.pixels))
    count = part.frames or int(getattr(image, "n_frames", 1))
    if part.format is not Format.GIF and count != getattr(image, "n_frames", 1):
        raise corrupt("the animation has another number of frames than it announces")
    grown = (part.width, part.height) if part.format is Format.GIF else image.size
    if part.format is not Format.AVIF and grown != (part.width, part.height):
        raise corrupt("the picture is not as large as its header says")
    blocks = part.blocks
    orientation = read_orientation(blocks)
    if part.format is Format.AVIF:
        blocks = _info_blocks(image.info)
        # Pillow writes the turn that the AVIF itself asks for into the EXIF orientation.
        orientation = int(image.getexif().get(0x0112, 1))
    return _Opened(
        image.width,
        image.height,
        count,
        orientation,
        blocks if part.format is Format.AVIF else (),
        _sought(image, count),
    )


def _sought(image: ImageFile.ImageFile, count: int) -> Iterator[Image.Image]:
    for index in range(count):
        image.seek(index)
        image.load()
        # The next frame is drawn over this one; a still is not copied, which saves a sixth of the memory.
        yield image.copy() if count > 1 else image


def _open_heic(part: Outline) -> _Opened:
    """Every top-level picture of a HEIC. libheif turns them upright itself, as the file says; EXIF has no voice."""
    file = pillow_heif.open_heif(part.pixels, convert_hdr_to_8bit=True)
    primary = file[file.primary_index]
    pictures = [primary, *(picture for picture in file if picture is not primary)]
    width, height = (max(picture.size[axis] for picture in pictures) for axis in (0, 1))
    blocks = tuple(block for picture in pictures for block in _info_blocks(picture.info))
    return _Opened(width, height, len(pictures), 1, blocks, (picture.to_pillow() for picture in pictures))


def _info_blocks(info: Mapping[Any, object]) -> tuple[Block, ...]:
    kinds = {"exif": BlockKind.EXIF, "xmp": BlockKind.XMP}
    bodies = {kind: info.get(key) for key, kind in kinds.items()}
    return tuple(Block(kind, body) for kind, body in bodies.items() if isinstance(body, bytes))


def _clean(found: Outline, first: Image.Image, plain: bool, role: PictureRole) -> tuple[bytes, str]:
    """The bytes that go on, and their media type."""
    if role is PictureRole.MASK and first.mode == "RGBA":
        # The colours of such a mask mean nothing, so they are no place for a picture to travel in.
        return encoded(only_transparency(first), lossy=False)
    if plain:
        return found.pixels, found.format.value
    return encoded(first, lossy=found.format in _LOSSY)


def _passages(upload: Upload, text: str, where: str) -> tuple[Passage, ...]:
    name = upload.file_name
    if len(name) > _MAX_FILE_NAME_CHARS:
        raise BadInput(
            InputCode.METADATA_TOO_LARGE, f"the file name has more than {_MAX_FILE_NAME_CHARS} characters; shorten it"
        )
    passages = []
    if not _EMPTY_FILE_NAME.fullmatch(name):
        passages.append(Passage(f"{where} file name", name))
    if text:
        passages.append(Passage(f"{where} metadata", text))
    return tuple(passages)
