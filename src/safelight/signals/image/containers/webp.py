"""WebP (RFC 9649): RIFF chunks, either one bitstream, or `VP8X` with alpha, animation and metadata around it."""

import struct

from safelight.signals.image.containers.model import Block, BlockKind, Format, Outline, corrupt, require_padding

_MAX_CHUNKS = 8_192
_PIXELS = {b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"}
_ANIMATED = 0x02
_FLAGS_KEPT = 0x12
"""Alpha and animation; the flags for ICC, Exif and XMP go with their chunks."""
_CREDENTIALS = b"C2PA"
"""Content credentials. They have no flag, and signers put them behind a lone bitstream too, with no header around."""


def is_webp(content: bytes) -> bool:
    """Whether the file begins as a WebP."""
    return content[:4] == b"RIFF" and content[8:12] == b"WEBP"


def outline_webp(content: bytes) -> Outline:
    """Walk the chunks. Raises BadInput for what is truncated, contradicts its header, or is followed by more."""
    (size,) = struct.unpack_from("<I", content, 4)
    end = 8 + size
    if end > len(content):
        raise corrupt("the WebP ends before its picture does")
    require_padding(content[end:])
    chunks = _chunks(content, 12, end)
    kinds = [kind for kind, _ in chunks]
    extended = kinds[:1] == [b"VP8X"]
    streams = [_size(kind, body) for kind, body in chunks if kind in {b"VP8 ", b"VP8L"}]
    frames = [body for kind, body in chunks if kind == b"ANMF"]
    if kinds.count(b"VP8X") != extended or (not extended and kinds[1:] not in ([], [_CREDENTIALS])):
        raise corrupt("the WebP has parts that its header does not announce")
    if extended:
        flags, *canvas = chunks[0][1][:1] + b"\0", *_canvas(chunks[0][1])
        width, height = canvas
        animated = bool(flags[0] & _ANIMATED)
    else:
        (width, height), animated = streams[0], False
    if animated != bool(frames) or len(streams) != (not animated):
        raise corrupt("the WebP announces another number of pictures than it holds")
    if any(stream != (width, height) for stream in streams):
        raise corrupt("the picture in the WebP is not as large as its header says")
    for body in frames:
        left, top, frame_width, frame_height = (int.from_bytes(body[at : at + 3], "little") for at in (0, 3, 6, 9))
        if 2 * left + frame_width + 1 > width or 2 * top + frame_height + 1 > height:
            raise corrupt("a frame of the animation lies outside the WebP")
        inner = [_size(kind, part) for kind, part in _chunks(body, 16, len(body)) if kind in {b"VP8 ", b"VP8L"}]
        if inner != [(frame_width + 1, frame_height + 1)]:
            raise corrupt("a frame of the WebP is not as large as it says")
    kinds_of_text = {b"EXIF": BlockKind.EXIF, b"XMP ": BlockKind.XMP}
    return Outline(
        format=Format.WEBP,
        width=width,
        height=height,
        frames=len(frames) or 1,
        pixels=_rebuilt([(kind, body) for kind, body in chunks if kind in _PIXELS]),
        still=not animated,
        blocks=tuple(Block(kinds_of_text[kind], body) for kind, body in chunks if kind in kinds_of_text),
    )


def _chunks(content: bytes, start: int, end: int) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    position = start
    while position < end:
        kind, length = struct.unpack_from("<4sI", content, position)
        if position + 8 + length > end:
            raise corrupt("the WebP ends inside a chunk")
        found.append((kind, content[position + 8 : position + 8 + length]))
        position += 8 + length + (length & 1)
        if len(found) > _MAX_CHUNKS:
            raise corrupt("the WebP is cut into more chunks than any picture needs")
    return found


def _canvas(body: bytes) -> tuple[int, int]:
    if len(body) < 10:
        raise corrupt("the header of the WebP is too short")
    return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1


def _size(kind: bytes, body: bytes) -> tuple[int, int]:
    """Width and height that the bitstream itself declares (RFC 6386 section 9.1, RFC 9649 section 3.4)."""
    if kind == b"VP8 ":
        tag, width, height = struct.unpack_from("<3x3sHH", body)
        if tag != b"\x9d\x01\x2a":
            raise corrupt("the picture in the WebP does not begin as one")
        return width & 0x3FFF, height & 0x3FFF
    mark, bits = struct.unpack_from("<BI", body)
    if mark != 0x2F:
        raise corrupt("the picture in the WebP does not begin as one")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _rebuilt(chunks: list[tuple[bytes, bytes]]) -> bytes:
    parts = [b"WEBP"]
    for kind, body in chunks:
        kept = bytes([body[0] & _FLAGS_KEPT]) + body[1:] if kind == b"VP8X" else body
        parts.append(struct.pack("<4sI", kind, len(kept)) + kept + b"\0" * (len(kept) & 1))
    joined = b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(joined)) + joined
