"""Text that travels with an image: EXIF, XMP, IPTC, PNG text, comments. Read so that it can be judged, then left out.

Rules of this module
- Every inflation and every text is bounded; what is larger is refused, never cut short.
- A block that cannot be parsed gives no text: it does not go on with the image, so nobody else will parse it either.
- Only what looks like words is kept: numbers, dates, addresses of namespaces and colour profiles are not.
"""

import html
import re
import struct
import zlib
from collections.abc import Iterator

from safelight.core.errors import BadInput, InputCode
from safelight.core.limits import Limits
from safelight.signals.image.containers.model import Block, BlockKind, corrupt

_ORIENTATION, _EXIF_IFD, _USER_COMMENT = 0x0112, 0x8769, 0x9286
_WINDOWS_TEXT = range(0x9C9B, 0x9CA0)
_ASCII, _SHORT, _BYTE, _UNDEFINED = 2, 3, 1, 7
_MAX_IFDS, _MAX_ENTRIES = 4, 512

_XML_TAG = re.compile(r"<[^>]*>")
_XML_ATTRIBUTE = re.compile(r"=\s*(?:\"([^\"<>]*)\"|'([^'<>]*)')")
_IPTC_RECORD = re.compile(rb"\x1c\x02(.)(..)", re.DOTALL)
_IDENTIFIER = re.compile(r"https?://\S*|[!-~]*[0-9][!-~]*")
"""One word without spaces that is an address or holds a digit: namespaces, document ids, versions."""
_WORDS = re.compile(r"(?:[^\W\d_][\W\d_]*){3}")


def read_orientation(blocks: tuple[Block, ...]) -> int:
    """The EXIF orientation from 1 to 8; 1 where there is none that can be read."""
    for block in blocks:
        if block.kind is BlockKind.EXIF:
            for tag, kind, value, big in _exif_entries(block.body):
                if tag == _ORIENTATION and kind == _SHORT and len(value) >= 2:
                    (orientation,) = struct.unpack_from(">H" if big else "<H", value)
                    return orientation if 1 <= orientation <= 8 else 1
    return 1


def read_text(blocks: tuple[Block, ...], limits: Limits) -> str:
    """All words in `blocks`, one text a line, each once.

    Raises BadInput(METADATA_TOO_LARGE) when the blocks, inflated, exceed `limits.image_max_metadata_bytes`, or their
    words `limits.prompt_max_chars`.
    """
    budget = limits.image_max_metadata_bytes
    texts: dict[str, None] = {}
    for block in blocks:
        body = _inflated(block, budget)
        budget -= len(body)
        if budget < 0:
            raise _too_large()
        for text in _texts(block.kind, body):
            words = " ".join(text.replace("\0", " ").split())
            if _is_words(words):
                texts[words] = None
    joined = "\n".join(texts)
    if len(joined) > limits.prompt_max_chars:
        raise _too_large()
    return joined


def _too_large() -> BadInput:
    return BadInput(
        InputCode.METADATA_TOO_LARGE, "the image carries more metadata than can be judged; save it without metadata"
    )


def _is_words(text: str) -> bool:
    return bool(_WORDS.search(text)) and not _IDENTIFIER.fullmatch(text)


def _inflated(block: Block, budget: int) -> bytes:
    """The body of `block`, its zlib stream inflated where it has one, at most `budget` + 1 bytes of it."""
    body = block.body
    if block.kind not in {BlockKind.PNG_ZTXT, BlockKind.PNG_ITXT, BlockKind.PNG_ICC}:
        return body
    keyword, _, rest = body.partition(b"\0")
    if block.kind is BlockKind.PNG_ITXT:
        compressed, texts = rest[:1] == b"\1", rest[2:].split(b"\0", 2)
        stream = texts[-1]
        if not compressed:
            return b"\n".join([keyword, *texts])
    else:
        stream = rest[1:]
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(stream, max(budget, 0) + 1)
    except zlib.error as error:
        raise corrupt("a text in the PNG does not inflate") from error
    return text if block.kind is BlockKind.PNG_ICC else keyword + b"\n" + text


def _texts(kind: BlockKind, body: bytes) -> Iterator[str]:
    if kind is BlockKind.EXIF:
        yield from _exif_texts(body)
    elif kind is BlockKind.XMP or (kind is BlockKind.PNG_ITXT and body.startswith(b"XML:com.adobe.xmp")):
        packet = body.decode("utf-8", "replace")
        yield from (html.unescape(text) for text in _XML_TAG.split(packet))
        yield from (html.unescape(first or second) for first, second in _XML_ATTRIBUTE.findall(packet))
    elif kind is BlockKind.IPTC:
        for record in _IPTC_RECORD.finditer(body):
            (length,) = struct.unpack(">H", record[2])
            yield body[record.end() : record.end() + length].decode("utf-8", "replace")
    elif kind in {BlockKind.PNG_TEXT, BlockKind.PNG_ZTXT}:
        # The standard says Latin-1; many writers put UTF-8, whose words would be lost.
        yield _utf8_or_latin1(body)
    elif kind is not BlockKind.PNG_ICC:
        yield body.decode("utf-8", "replace")


def _utf8_or_latin1(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("latin-1")


def _exif_texts(body: bytes) -> Iterator[str]:
    for tag, kind, value, big in _exif_entries(body):
        if tag in _WINDOWS_TEXT and kind == _BYTE:
            yield value.decode("utf-16-le", "replace")
        elif tag == _USER_COMMENT:
            wide = "utf-16-be" if big else "utf-16-le"
            yield value[8:].decode(wide if value.startswith(b"UNICODE") else "utf-8", "replace")
        elif kind == _ASCII:
            yield _utf8_or_latin1(value)


def _exif_entries(body: bytes) -> Iterator[tuple[int, int, bytes, bool]]:
    """Tag, type, raw value and whether big-endian, of every byte-wise or short entry (TIFF 6.0 section 2).

    Raises BadInput(METADATA_TOO_LARGE) when the values together are longer than the block: they overlap then, so that
    a small block could stand for gigabytes of text.
    """
    body = body.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(body[:4])
    if order is None:
        return
    sizes = {_BYTE: 1, _ASCII: 1, _SHORT: 2, _UNDEFINED: 1}
    budget = len(body)
    try:
        pending = [*struct.unpack_from(order + "I", body, 4)]
        for _ in range(_MAX_IFDS):
            # The chain of directories ends with 0, which is where the header stands.
            pending = [start for start in pending if start >= 8]
            if not pending:
                return
            start = pending.pop(0)
            (count,) = struct.unpack_from(order + "H", body, start)
            for index in range(min(count, _MAX_ENTRIES)):
                at = start + 2 + 12 * index
                tag, kind, number, where = struct.unpack_from(order + "HHII", body, at)
                if tag == _EXIF_IFD:
                    pending.append(where)
                length = sizes.get(kind, 0) * number
                value = body[at + 8 : at + 8 + length] if length <= 4 else body[where : where + length]
                budget -= len(value)
                if budget < 0:
                    raise _too_large()
                if value:
                    yield tag, kind, value, order == ">"
            pending.extend(struct.unpack_from(order + "I", body, start + 2 + 12 * count))
    except struct.error:
        return
