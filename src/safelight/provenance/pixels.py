"""A picture written again, in the format and quality in which it arrived.

Rules of this module
- The format is told by content. What was lossless stays so; a JPEG is written with its own tables and subsampling; WebP
  and AVIF do not say with what quality they were made, so they are written at one that shows no difference.
- Formats that no marked picture leaves in (GIF, BMP, HEIC) become what the gate makes of them elsewhere: PNG, or JPEG
  where they were lossy.
- Transparency stays, and so do the colours under it: the gate has looked at those too.
- Nothing but pixels is written: no profile, no comment, no resolution.

Left to others: what the pixels carry (`watermark/`), what the file says of itself (`credentials/`).
"""

import io
import struct
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

Pixels = NDArray[np.uint8]
"""(height, width, 3) RGB or (height, width, 4) RGBA."""


class FileFormat(StrEnum):
    """What marked pictures leave in. The value is a media type."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"
    AVIF = "image/avif"


@dataclass(frozen=True, slots=True)
class Form:
    """How a picture was encoded, and will be again."""

    format: FileFormat
    is_lossless: bool
    """Whether its pixels come back exactly as they were written."""
    tables: tuple[tuple[int, ...], ...] = ()
    """Of a JPEG: its quantisation tables."""
    subsampling: int = field(default=0)
    """Of a JPEG, as Pillow counts: 0 none, 1 half across, 2 half across and down."""


_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_SIGNATURE = b"\xff\xd8\xff"
_JPEG_QUALITY, _WEBP_QUALITY, _AVIF_QUALITY = 95, 90, 85
_WEBP_EFFORT, _AVIF_SPEED = 1, 9
"""Little effort: files some percent larger, in a third of the time."""
_UP = 2
"""PNG's filter type: each byte less the one above."""


def media_type_of(content: bytes) -> str:
    """The media type of a picture by its first bytes; `application/octet-stream` for anything else."""
    if content.startswith(_PNG_SIGNATURE):
        return FileFormat.PNG
    if content.startswith(_JPEG_SIGNATURE):
        return FileFormat.JPEG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return FileFormat.WEBP
    if content[4:8] == b"ftyp":
        return FileFormat.AVIF if b"avi" in content[8:40] else "image/heic"
    return "image/gif" if content.startswith(b"GIF8") else "application/octet-stream"


def form_of(content: bytes) -> Form:
    """How `content`, a picture that the gate has already decoded, is to be encoded again."""
    match media_type_of(content):
        case FileFormat.JPEG:
            image = JpegImagePlugin.JpegImageFile(io.BytesIO(content))
            tables = tuple(tuple(table) for _, table in sorted(image.quantization.items()))
            sampling = JpegImagePlugin.get_sampling(image)
            # CMYK and odd samplings are written again as the usual kind, at a quality that shows no difference.
            usual = image.mode in {"L", "RGB"} and 1 <= len(tables) <= 2 and sampling in {-1, 0, 1, 2}
            return Form(FileFormat.JPEG, False, tables if usual else (), max(sampling, 0) if usual else 0)
        case FileFormat.WEBP:
            return Form(FileFormat.WEBP, content[12:16] == b"VP8L" or b"VP8L" in content[16:64])
        case FileFormat.AVIF:
            return Form(FileFormat.AVIF, False)
        case "image/heic":
            return Form(FileFormat.JPEG, False)
        case _:
            return Form(FileFormat.PNG, True)


def encoded(pixels: Pixels, form: Form) -> tuple[bytes, FileFormat]:
    """`pixels` as a file in `form`, and its format: a JPEG holds no transparency, so that becomes a PNG."""
    format_ = form.format
    if format_ is FileFormat.PNG or (format_ is FileFormat.JPEG and pixels.shape[2] == 4):
        return png(pixels), FileFormat.PNG
    file = io.BytesIO()
    image = Image.fromarray(pixels)
    match format_:
        case FileFormat.JPEG if form.tables:
            image.save(file, "JPEG", qtables=[list(table) for table in form.tables], subsampling=form.subsampling)
        case FileFormat.JPEG:
            image.save(file, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
        case FileFormat.WEBP if form.is_lossless:
            image.save(file, "WEBP", lossless=True, exact=True, quality=0, method=0)
        case FileFormat.WEBP:
            image.save(file, "WEBP", quality=_WEBP_QUALITY, method=_WEBP_EFFORT, exact=True)
        case _:
            image.save(file, "AVIF", quality=_AVIF_QUALITY, speed=_AVIF_SPEED)
    return file.getvalue(), format_


def png(pixels: Pixels) -> bytes:
    """`pixels` as PNG (ISO/IEC 15948), each row less the one above, deflated by ISA-L.

    A fifth of the time that libpng takes at its fastest, for a file of the same size: marked pixels are a little noisy,
    so no searching for the best filter pays.
    """
    height, width, channels = pixels.shape
    flat = pixels.reshape(height, width * channels)
    rows = np.empty((height, 1 + width * channels), np.uint8)
    rows[:, 0] = _UP
    rows[0, 1:] = flat[0]
    np.subtract(flat[1:], flat[:-1], out=rows[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 8, 6 if channels == 4 else 2, 0, 0, 0)
    body = isal_zlib.compress(rows, 1)
    return b"".join([_PNG_SIGNATURE, *_chunk(b"IHDR", header), *_chunk(b"IDAT", body), *_chunk(b"IEND", b"")])


def _chunk(kind: bytes, body: bytes) -> tuple[bytes, ...]:
    checksum = isal_zlib.crc32(body, isal_zlib.crc32(kind))
    return struct.pack(">I", len(body)), kind, body, struct.pack(">I", checksum)
