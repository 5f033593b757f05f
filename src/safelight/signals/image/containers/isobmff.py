"""AVIF and HEIC: items in ISO base media boxes (ISO/IEC 14496-12, 23008-12).

The boxes cannot be cut down as a PNG can, so such a picture never goes on as it is: it is decoded and encoded anew.
Refused beforehand: boxes that do not belong (a second file, the video of a motion photo), items in codecs that the gate
does not decode, and compressed metadata. Where a file holds both a still picture and a sequence, a reader chooses by
the first brand; both are judged, by writing the other brand into a copy.
"""

import struct
from collections.abc import Iterator

from safelight.signals.image.containers.model import Format, Outline, ambiguous, corrupt, unsupported

_MAX_BOXES = 20_000
_TOP = {b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"wide", b"pdin", b"uuid"}
_CODECS = {b"av01": Format.AVIF, b"hvc1": Format.HEIC}
_DERIVED = {b"grid", b"iden", b"tmap"}
_TEXT = {b"Exif", b"mime", b"uri "}
_STILL_BRAND, _SEQUENCE_BRAND = b"avif", b"avis"


def is_isobmff(content: bytes) -> bool:
    """Whether the file begins with a file type box that names a picture brand."""
    (size,) = struct.unpack_from(">I", content) if len(content) >= 16 else (0,)
    brands = content[8:12] + content[16 : min(size, 256)]
    return content[4:8] == b"ftyp" and any(
        brand in brands for brand in (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
    )


def outline_isobmff(content: bytes) -> Outline:
    """Walk the boxes. Raises BadInput for boxes, items and codecs that the gate would not see through."""
    top = list(_boxes(content, 0, len(content)))
    kinds = [kind for kind, _, _ in top]
    if kinds[:1] != [b"ftyp"] or kinds.count(b"ftyp") != 1 or kinds.count(b"meta") > 1 or kinds.count(b"moov") > 1:
        raise ambiguous("the file begins more than one picture container")
    if strange := set(kinds) - _TOP:
        raise ambiguous(f"the file holds parts that belong to no picture ({sorted(map(repr, strange))[0]})")
    codecs: set[Format] = set()
    width = height = 0
    for kind, start, end in top:
        if kind == b"meta":
            inside = list(_boxes(content, start + 4, end))
            codecs |= _item_codecs(content, inside)
            width, height = _largest(content, inside)
    if b"moov" in kinds:
        codecs |= {Format.AVIF}
    if len(codecs) != 1:
        raise unsupported("the file holds no picture, or pictures in several codecs")
    format_ = codecs.pop()
    if b"moov" in kinds and format_ is not Format.AVIF:
        raise ambiguous("the HEIC holds a moving sequence beside its picture")
    if b"meta" in kinds and not width:
        raise corrupt("the picture does not say how large it is")
    if kinds.count(b"meta") + kinds.count(b"moov") == 2:
        brand = _STILL_BRAND if content[8:12] == _SEQUENCE_BRAND else _SEQUENCE_BRAND
        other = Outline(format_, width, height, 0, content[:8] + brand + content[12:], False)
        return Outline(format_, width, height, 0, content, False, others=(other,))
    return Outline(format_, width, height, 0, content, False)


def _boxes(content: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the body of each box from `start` to exactly `end`."""
    position = start
    for _ in range(_MAX_BOXES):
        if position == end:
            return
        size, kind = struct.unpack_from(">I4s", content, position)
        header = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", content, position + 8)
            header = 16
        elif size == 0:
            size = end - position
        if size < header or position + size > end:
            raise corrupt("the file ends inside one of its parts")
        yield kind, position + header, position + size
        position += size
    raise corrupt("the file is cut into more parts than any picture needs")


def _item_codecs(content: bytes, meta: list[tuple[bytes, int, int]]) -> set[Format]:
    codecs: set[Format] = set()
    for _, start, end in (box for box in meta if box[0] == b"iinf"):
        first = start + (6 if content[start] == 0 else 8)
        for kind, info, info_end in _boxes(content, first, end):
            version = content[info]
            if kind != b"infe" or version not in {2, 3}:
                raise unsupported("the list of items is of an old kind")
            at = info + (8 if version == 2 else 10)
            item = content[at : at + 4]
            if item in _CODECS:
                codecs.add(_CODECS[item])
            elif item not in _DERIVED | _TEXT:
                raise unsupported("the file holds an item in a codec that the gate does not decode")
            # item_name, content_type, content_encoding: a third string means that the item is compressed.
            if item == b"mime" and len([part for part in content[at + 4 : info_end].split(b"\0")[2:] if part]):
                raise unsupported("the file holds compressed metadata")
    return codecs


def _largest(content: bytes, meta: list[tuple[bytes, int, int]]) -> tuple[int, int]:
    """The largest width and the largest height that any item declares (`ispe`), grids included."""
    width = height = 0
    for _, start, end in (box for box in meta if box[0] == b"iprp"):
        for kind, inside, inside_end in _boxes(content, start, end):
            if kind != b"ipco":
                continue
            for name, at, _ in _boxes(content, inside, inside_end):
                if name == b"ispe":
                    item_width, item_height = struct.unpack_from(">4xII", content, at)
                    width, height = max(width, item_width), max(height, item_height)
    return width, height
