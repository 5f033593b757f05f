"""JPEG (ITU T.81) with JFIF, Exif and the multi-picture format (CIPA DC-007).

Kept are tables, frame, scans, and the two application segments that say what the colours mean (JFIF, Adobe). What may
stand behind the end of the picture is settled here:
- zeros and line ends, which cameras pad with: accepted;
- further JPEG pictures that an MPF segment announces (previews, HDR gain maps): accepted, and each is judged too;
- a Samsung trailer of at most 4 KiB that holds no other file: accepted, cut off, its text read;
- everything else, the video of a motion photo included: refused, because nobody would have looked at it.
"""

import re
import struct

from safelight.signals.image.containers.model import (
    Block,
    BlockKind,
    Format,
    Outline,
    ambiguous,
    corrupt,
    require_padding,
    unsupported,
)

SIGNATURE = b"\xff\xd8\xff"

_MAX_SEGMENTS = 4_096
_MAX_SCANS = 64
"""A progressive file has about ten; thousands over one large frame are a known way to burn hours of decoding."""
_MAX_OTHERS = 8
_MAX_TRAILER_BYTES = 4_096

_SOF, _DROPPED_SOF = {0xC0, 0xC1, 0xC2}, {0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)}
_TABLES = {0xC4, 0xDB, 0xDD}
_SOS, _EOI = 0xDA, 0xD9
_MARKER_AFTER_SCAN = re.compile(rb"\xff+[^\xff\x00\xd0-\xd7]")
_OTHER_FILES = re.compile(rb"PK[\x01-\x08]|%PDF|ftyp|\xff\xd8\xff|\x89PNG|GIF8|RIFF|Rar!|7z\xbc|\x1f\x8b|<[!a-zA-Z?]")

_EXIF, _XMP, _IPTC, _MPF = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"Photoshop 3.0\0", b"MPF\0"


def outline_jpeg(content: bytes) -> Outline:
    """Walk the segments and everything behind the end. Raises BadInput for what does not belong there."""
    outline, end, announced = _outline_one(content)
    rest = content[end:]
    others: list[Outline] = []
    while announced and rest.lstrip(b"\0").startswith(SIGNATURE):
        if len(others) == _MAX_OTHERS:
            raise ambiguous("the JPEG announces too many further pictures")
        rest = rest.lstrip(b"\0")
        other, end, _ = _outline_one(rest)
        others.append(other)
        rest = rest[end:]
    blocks = outline.blocks
    if rest.endswith(b"SEFT") and len(rest) <= _MAX_TRAILER_BYTES and not _OTHER_FILES.search(rest):
        blocks = (*blocks, Block(BlockKind.TEXT, rest))
    else:
        require_padding(rest)
    return Outline(
        format=outline.format,
        width=outline.width,
        height=outline.height,
        frames=1,
        pixels=outline.pixels,
        still=True,
        blocks=(*blocks, *(block for other in others for block in other.blocks)),
        others=tuple(others),
    )


def _outline_one(content: bytes) -> tuple[Outline, int, bool]:
    """One picture at the start of `content`; where it ends; whether it announces others behind it."""
    kept = [b"\xff\xd8"]
    blocks: list[Block] = []
    width = height = scans = 0
    announced = False
    position = 2
    for _ in range(_MAX_SEGMENTS):
        if content[position] != 0xFF:
            raise corrupt("the JPEG has bytes between its segments")
        while content[position] == 0xFF:
            position += 1
        marker = content[position]
        position += 1
        if marker == _EOI:
            if not scans:
                raise corrupt("the JPEG holds no picture")
            kept.append(b"\xff\xd9")
            pixels = b"".join(kept)
            return Outline(Format.JPEG, width, height, 1, pixels, True, tuple(blocks)), position, announced
        (length,) = struct.unpack_from(">H", content, position)
        end = position + length
        if length < 2 or end > len(content):
            raise corrupt("the JPEG ends inside a segment")
        body = content[position + 2 : end]
        if marker in _SOF:
            if width:
                raise corrupt("the JPEG has two frames")
            precision, height, width = struct.unpack_from(">BHH", body)
            if precision != 8 or not height:
                raise unsupported("the JPEG is of a kind that few readers draw")
        elif marker in _DROPPED_SOF:
            raise unsupported("the JPEG is of a kind that few readers draw")
        elif marker == _SOS:
            scans += 1
            if not width or scans > _MAX_SCANS:
                raise corrupt("the JPEG has scans without a frame, or too many of them")
            after = _MARKER_AFTER_SCAN.search(content, end)
            if after is None:
                raise corrupt("the JPEG ends before its picture does")
            end = after.start()
        elif 0xE0 <= marker <= 0xEF or marker == 0xFE:
            blocks.extend(_blocks(marker, body))
            announced = announced or (marker == 0xE2 and body.startswith(_MPF))
        elif marker not in _TABLES:
            raise corrupt("the JPEG has a segment that may not stand there")
        if 0xC0 <= marker <= 0xDD:
            kept.append(b"\xff" + content[position - 1 : end])
        elif marker in {0xE0, 0xEE}:
            kept.append(_colour_segment(marker, body))
        position = end
    raise corrupt("the JPEG is cut into more segments than any picture needs")


def _colour_segment(marker: int, body: bytes) -> bytes:
    """The part of a JFIF or Adobe segment that says what the colours mean; the thumbnail is left out."""
    if marker == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 14:
        return b"\xff\xe0\x00\x10" + body[:12] + b"\0\0"
    if marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
        return b"\xff\xee\x00\x0e" + body[:12]
    return b""


def _blocks(marker: int, body: bytes) -> list[Block]:
    if marker == 0xE1 and body.startswith(_EXIF):
        return [Block(BlockKind.EXIF, body[len(_EXIF) :])]
    if marker == 0xE1 and body.startswith(_XMP):
        return [Block(BlockKind.XMP, body[len(_XMP) :])]
    if marker == 0xED and body.startswith(_IPTC):
        return [Block(BlockKind.IPTC, body[len(_IPTC) :])]
    if marker == 0xFE:
        return [Block(BlockKind.TEXT, body)]
    return []
