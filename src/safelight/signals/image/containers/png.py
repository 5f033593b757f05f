"""PNG and APNG (W3C PNG, third edition): a signature, then chunks of length, type, body, CRC.

The pixel stream is the decoder's to check. Of the ancillary chunks only transparency is kept: gamma,
chromaticities and colour profiles can make two viewers show two different pictures, so they do not go on.
"""

import struct

from isal import isal_zlib

from safelight.signals.image.containers.model import (
    Block,
    BlockKind,
    Format,
    Outline,
    corrupt,
    require_padding,
    unsupported,
)

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_MAX_CHUNKS = 65_536
"""A 50 MB picture in the usual 8 KiB chunks has 6,400; more is a way to keep the reader busy."""

_STILL = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_ANIMATION = {b"acTL", b"fcTL", b"fdAT"}
_ONCE = {b"IHDR", b"PLTE", b"tRNS", b"acTL", b"eXIf", b"iCCP"}
_TEXT = {
    b"tEXt": BlockKind.PNG_TEXT,
    b"zTXt": BlockKind.PNG_ZTXT,
    b"iTXt": BlockKind.PNG_ITXT,
    b"eXIf": BlockKind.EXIF,
    b"iCCP": BlockKind.PNG_ICC,
}


def outline_png(content: bytes) -> Outline:
    """Walk the chunks. Raises BadInput for what is truncated, out of order, or followed by more."""
    kept = [SIGNATURE]
    blocks: list[Block] = []
    seen: set[bytes] = set()
    width = height = announced = controls = 0
    default_shown = False
    previous = b""
    position = len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        length, kind = struct.unpack_from(">I4s", content, position)
        end = position + 12 + length
        if end > len(content) or not kind.isalpha():
            raise corrupt("the PNG ends inside a chunk")
        body = content[position + 8 : end - 4]
        _require_order(kind, previous, seen)
        if kind == b"IHDR":
            width, height = struct.unpack_from(">II", body)
        elif kind == b"acTL":
            (announced,) = struct.unpack_from(">I", body)
        elif kind == b"fcTL":
            _, frame_width, frame_height, left, top = struct.unpack_from(">5I", body)
            if left + frame_width > width or top + frame_height > height:
                raise corrupt("a frame of the animation lies outside the PNG")
            controls += 1
            default_shown = default_shown or b"IDAT" not in seen
        elif kind in _TEXT:
            blocks.append(Block(_TEXT[kind], body))
        if kind in _STILL or kind in _ANIMATION:
            if isal_zlib.crc32(content[position + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
                raise corrupt("a chunk of the PNG was damaged on its way")
            kept.append(content[position:end])
        seen.add(kind)
        previous = kind
        position = end
        if kind == b"IEND":
            break
    else:
        raise corrupt("the PNG is cut into more chunks than any picture needs")
    if b"IDAT" not in seen:
        raise corrupt("the PNG holds no picture")
    require_padding(content[position:])
    animated = b"acTL" in seen
    if controls != announced or (animated and not announced):
        raise corrupt("the PNG announces another number of frames than it holds")
    return Outline(
        format=Format.PNG,
        width=width,
        height=height,
        # The default image counts as one more where it is not itself the first frame of the animation.
        frames=announced + (not default_shown) if animated else 1,
        pixels=b"".join(kept),
        still=not animated,
        blocks=tuple(blocks),
    )


def _require_order(kind: bytes, previous: bytes, seen: set[bytes]) -> None:
    """The order that makes a PNG mean one thing only (section 5.6)."""
    if (kind == b"IHDR") is bool(seen):
        raise corrupt("the PNG does not begin with its one header")
    if kind in _ONCE and kind in seen:
        raise corrupt("a chunk that may stand only once stands twice in the PNG")
    if kind == b"IDAT" and kind in seen and previous != b"IDAT":
        raise corrupt("the pixels of the PNG are not in one piece")
    if kind in {b"PLTE", b"tRNS", b"acTL"} and b"IDAT" in seen:
        raise corrupt("a chunk of the PNG comes after the pixels that it is for")
    if kind in {b"fcTL", b"fdAT"} and b"acTL" not in seen:
        raise corrupt("the PNG holds animation frames that it does not announce")
    if kind[:1].isupper() and kind not in _STILL:
        raise unsupported("the PNG holds a critical chunk that is not in the standard")
