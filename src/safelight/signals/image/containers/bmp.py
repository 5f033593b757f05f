"""BMP: a file header, an information header, perhaps a palette, then rows. It carries no text."""

import struct

from safelight.signals.image.containers.model import Format, Outline, corrupt, require_padding, unsupported

SIGNATURE = b"BM"

_HEADERS = {40, 52, 56, 108, 124}
_UNCOMPRESSED, _RLE8, _RLE4, _BITFIELDS = 0, 1, 2, 3


def outline_bmp(content: bytes) -> Outline:
    """Read the headers. Raises BadInput for rare variants, truncated rows, and data behind the rows."""
    offset, header, width, height, _, bits, compression, packed = struct.unpack_from("<10xIIiiHHII", content)
    if header not in _HEADERS or compression not in {_UNCOMPRESSED, _RLE8, _RLE4, _BITFIELDS}:
        raise unsupported("the BMP is of a kind that few readers draw")
    height = abs(height)
    if width <= 0 or not height:
        raise corrupt("the BMP has no size")
    rows = packed if compression in {_RLE8, _RLE4} else ((width * bits + 31) // 32) * 4 * height
    if offset < 14 + header or offset + rows > len(content):
        raise corrupt("the BMP ends before its picture does")
    require_padding(content[offset + rows :])
    return Outline(Format.BMP, width, height, 1, content[: offset + rows], False)
