"""The outline of an image file, and how a defect in one is reported."""

from dataclasses import dataclass, field
from enum import StrEnum

from safelight.core.errors import BadInput, InputCode


class Format(StrEnum):
    """The formats that the gate reads. The value is a media type."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"
    GIF = "image/gif"
    BMP = "image/bmp"
    AVIF = "image/avif"
    HEIC = "image/heic"


class BlockKind(StrEnum):
    """How a block of metadata is to be read (`image/metadata.py`)."""

    EXIF = "exif"
    """A TIFF structure, beginning with its byte order."""
    XMP = "xmp"
    IPTC = "iptc"
    """Photoshop image resources that may hold IPTC records."""
    TEXT = "text"
    """A comment, as bytes."""
    PNG_TEXT = "png_text"
    """The body of a `tEXt` chunk: keyword, NUL, Latin-1."""
    PNG_ZTXT = "png_ztxt"
    """The body of a `zTXt` chunk: keyword, NUL, method, zlib stream."""
    PNG_ITXT = "png_itxt"
    """The body of an `iTXt` chunk: keyword, NUL, flag, method, language, NUL, translation, NUL, UTF-8 or zlib."""
    PNG_ICC = "png_icc"
    """The body of an `iCCP` chunk. Never used; only its inflated size is checked."""


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of metadata, not yet read."""

    kind: BlockKind
    body: bytes


@dataclass(frozen=True, slots=True)
class Outline:
    """What a file holds, before a single pixel is decoded."""

    format: Format
    width: int
    """Pixels of the canvas that any frame needs at most."""
    height: int
    frames: int
    """Pictures in `pixels`, shown in turn; 0 where only the decoder can count them (AVIF, HEIC)."""
    pixels: bytes
    """The file cut down to what is needed to draw it: this is what is decoded, never the original."""
    still: bool
    """Whether `pixels` is one picture that every reader draws alike, so that it may go on as it is."""
    blocks: tuple[Block, ...] = ()
    others: tuple["Outline", ...] = field(default=())
    """Further pictures that the file declares (JPEG multi-picture format)."""


def corrupt(why: str) -> BadInput:
    """The refusal of a truncated or malformed file."""
    return BadInput(InputCode.IMAGE_CORRUPT, f"{why}; save the picture again and send the whole file")


def unsupported(why: str) -> BadInput:
    """The refusal of a file that the gate does not read."""
    return BadInput(InputCode.IMAGE_UNSUPPORTED, f"{why}; send a PNG, JPEG, WebP, GIF, BMP, AVIF or HEIC picture")


def ambiguous(why: str) -> BadInput:
    """The refusal of a file that another reader might see differently."""
    return BadInput(InputCode.IMAGE_AMBIGUOUS, f"{why}; save the picture alone, as a still, and send that")


def require_padding(rest: bytes) -> None:
    """Accept nothing behind the end of a picture but zeros and line ends, which some writers leave.

    Raises BadInput(IMAGE_AMBIGUOUS) for anything else: a reader that looks from the end (ZIP, PDF) or searches for a
    signature would find a file there that nobody has judged.
    """
    if rest.strip(b"\0\r\n "):
        raise ambiguous("more data follows the end of the picture")
