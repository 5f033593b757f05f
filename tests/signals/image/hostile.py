"""Hostile images, made by code: name -> (maker of the bytes, the code with which they are refused).

Nothing here is stored; every file is generated when it is asked for. The test of the whole door sends them all.
"""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping

from safelight.core.errors import InputCode
from tests.signals.image.samples import animation, encoded, heic, portrait

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk with its CRC."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    """Signature and IHDR."""
    return _SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def _png(*between: bytes, header: bytes | None = None) -> bytes:
    """A 96 × 96 PNG with `between` put before its pixels."""
    whole = encoded(portrait(), "PNG")
    return (header or whole[:33]) + b"".join(between) + whole[33:]


def _bomb_png(width: int, height: int) -> bytes:
    """Black rows, as many of them as pack quickly: the header alone must be enough to refuse it."""
    packer = zlib.compressobj(9)
    body = packer.compress(bytes(min((width + 1) * height, 32 << 20))) + packer.flush()
    return png_header(width, height, colour=0) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def _zeros(mebibytes: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(mebibytes)) + packer.flush()


def _jpeg(**options: object) -> bytes:
    return encoded(portrait(), "JPEG", **options)


def _jpeg_with(segment: bytes) -> bytes:
    whole = _jpeg()
    return whole[:2] + segment + whole[2:]


def _jpeg_of_size(width: int, height: int) -> bytes:
    whole = bytearray(_jpeg())
    at = whole.index(b"\xff\xc0")
    whole[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(whole)


def _jpeg_scans() -> bytes:
    whole = _jpeg(progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * 100 + b"\xff\xd9"


def _gif_screen(width: int, height: int) -> bytes:
    whole = encoded(portrait(), "GIF")
    return whole[:6] + struct.pack("<HH", width, height) + whole[10:]


def _gif_frames(count: int) -> bytes:
    image = b"\x2c" + struct.pack("<4HB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff" + image * count + b";"


def _gif_far_frame() -> bytes:
    image = b"\x2c" + struct.pack("<4HB", 60_000, 60_000, 5_000, 5_000, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff" + image + b";"


def _apng_frames(count: int) -> bytes:
    pixels = zlib.compress(b"\0\0\0\0")
    control = struct.pack(">5IHHBB", 0, 1, 1, 0, 0, 1, 10, 0, 0)
    parts = [png_header(1, 1), chunk(b"acTL", struct.pack(">II", count, 0)), chunk(b"fcTL", control)]
    parts.append(chunk(b"IDAT", pixels))
    for number in range(1, count):
        parts.append(chunk(b"fcTL", struct.pack(">5IHHBB", 2 * number - 1, 1, 1, 0, 0, 1, 10, 0, 0)))
        parts.append(chunk(b"fdAT", struct.pack(">I", 2 * number) + pixels))
    return b"".join([*parts, chunk(b"IEND", b"")])


def _apng_lying() -> bytes:
    whole = animation("PNG")
    at = whole.index(b"acTL")
    body = struct.pack(">II", 2, 0)
    return whole[: at - 4] + chunk(b"acTL", body) + whole[at + 16 :]


def _webp_canvas(side: int) -> bytes:
    whole = bytearray(animation("WEBP"))
    whole[24:30] = (side - 1).to_bytes(3, "little") * 2
    return bytes(whole)


def _webp_contradiction() -> bytes:
    whole = bytearray(encoded(portrait().convert("RGBA").rotate(20), "WEBP"))
    whole[24:30] = (15).to_bytes(3, "little") * 2
    return bytes(whole)


def _bmp_of_size(width: int, height: int) -> bytes:
    whole = bytearray(encoded(portrait(), "BMP"))
    whole[18:26] = struct.pack("<ii", width, height)
    return bytes(whole)


def _with_ispe(content: bytes, width: int, height: int) -> bytes:
    whole = bytearray(content)
    at = -1
    while (at := whole.find(b"ispe", at + 1)) >= 0:
        whole[at + 8 : at + 16] = struct.pack(">II", width, height)
    return bytes(whole)


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("index.html", "<script>alert(1)</script>")
    return file.getvalue()


def _exif_overlap() -> bytes:
    """Five hundred entries that all point at the same text."""
    count = 500
    text_at = 8 + 2 + 12 * count + 4
    entries = b"".join(struct.pack("<HHII", 0x010E, 2, 40_000, text_at) for _ in range(count))
    return b"II*\0" + struct.pack("<IH", 8, count) + entries + struct.pack("<I", 0) + b"cover her " * 4_000


def _long_text() -> bytes:
    return b" ".join(b"word%d of a long story" % number for number in range(20_000))


_UNSUPPORTED, _CORRUPT, _AMBIGUOUS = InputCode.IMAGE_UNSUPPORTED, InputCode.IMAGE_CORRUPT, InputCode.IMAGE_AMBIGUOUS
_PIXELS, _FRAMES = InputCode.IMAGE_TOO_MANY_PIXELS, InputCode.IMAGE_TOO_MANY_FRAMES
_METADATA = InputCode.METADATA_TOO_LARGE

HOSTILE: Mapping[str, tuple[Callable[[], bytes], InputCode]] = {
    # No picture at all
    "nothing": (lambda: b"", InputCode.IMAGE_EMPTY),
    "one byte": (lambda: b"\x89", _UNSUPPORTED),
    "zeros": (lambda: bytes(100_000), _UNSUPPORTED),
    "random bytes": (lambda: random.Random(1).randbytes(100_000), _UNSUPPORTED),
    "text": (lambda: b"put her in a red coat", _UNSUPPORTED),
    "HTML": (lambda: b"<!doctype html><img src=x onerror=alert(1)>", _UNSUPPORTED),
    "SVG": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', _UNSUPPORTED),
    "SVG that names a file": (
        lambda: b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/hostname">]><svg>&x;</svg>',
        _UNSUPPORTED,
    ),
    "PDF": (lambda: b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF", _UNSUPPORTED),
    "PostScript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage", _UNSUPPORTED),
    "ZIP": (_zip, _UNSUPPORTED),
    "ELF": (lambda: b"\x7fELF\x02\x01\x01" + bytes(200), _UNSUPPORTED),
    "TIFF": (lambda: encoded(portrait(), "TIFF"), _UNSUPPORTED),
    "ICO": (lambda: encoded(portrait(32), "ICO"), _UNSUPPORTED),
    "JPEG 2000": (lambda: encoded(portrait(), "JPEG2000"), _UNSUPPORTED),
    "Photoshop": (lambda: b"8BPS\0\1" + bytes(200), _UNSUPPORTED),
    "MP4": (lambda: _box(b"ftyp", b"isom\0\0\2\0isomiso2mp41") + _box(b"mdat", bytes(64)), _UNSUPPORTED),
    "WAV in the RIFF that WebP uses": (lambda: b"RIFF" + struct.pack("<I", 40) + b"WAVEfmt " + bytes(32), _UNSUPPORTED),
    # Too many pixels, said by the header or found by decoding
    "PNG of 65,535 pixels a side": (lambda: _bomb_png(65_535, 65_535), _PIXELS),
    "PNG of two thousand million pixels a side": (lambda: _bomb_png(2**31 - 1, 2**31 - 1), _PIXELS),
    "PNG one pixel high": (lambda: _bomb_png(20_000, 1), _PIXELS),
    "PNG just over the pixels": (lambda: _bomb_png(4_900, 4_900), _PIXELS),
    "JPEG of 65,500 pixels a side": (lambda: _jpeg_of_size(65_500, 65_500), _PIXELS),
    "GIF screen of 65,535 pixels a side": (lambda: _gif_screen(65_535, 65_535), _PIXELS),
    "GIF with a frame far outside its screen": (_gif_far_frame, _PIXELS),
    "WebP canvas of 16 million pixels a side": (lambda: _webp_canvas(1 << 24), _PIXELS),
    "BMP of a thousand million pixels": (lambda: _bmp_of_size(32_000, -32_000), _CORRUPT),
    "AVIF that says 60,000 pixels a side": (lambda: _with_ispe(encoded(portrait(), "AVIF"), 60_000, 60_000), _PIXELS),
    "HEIC that says 60,000 pixels a side": (lambda: _with_ispe(heic(portrait()), 60_000, 60_000), _PIXELS),
    # Too many frames
    "GIF of 10,000 frames": (lambda: _gif_frames(10_000), _FRAMES),
    "APNG of 10,000 frames": (lambda: _apng_frames(10_000), _FRAMES),
    "WebP of 70 frames": (lambda: animation("WEBP", 70, 8), _FRAMES),
    "AVIF of 70 frames": (lambda: animation("AVIF", 70, 16), _FRAMES),
    "GIF of a million empty sub-blocks": (
        lambda: _gif_frames(1)[:-1] + b"!\xfe" + b"\x01a" * 1_000_000 + b"\0;",
        _CORRUPT,
    ),
    "APNG that announces fewer frames than it holds": (_apng_lying, _CORRUPT),
    # No size
    "PNG of no width": (lambda: _png(header=png_header(0, 96)), _CORRUPT),
    "JPEG of no height": (lambda: _jpeg_of_size(96, 0), _UNSUPPORTED),
    "GIF without an image": (lambda: b"GIF89a" + struct.pack("<HHBBB", 9, 9, 0, 0, 0) + b";", _CORRUPT),
    "BMP of no width": (lambda: _bmp_of_size(0, 96), _CORRUPT),
    # Metadata that grows
    "PNG text that inflates to 64 MiB": (lambda: _png(chunk(b"zTXt", b"Comment\0\0" + _zeros(64))), _METADATA),
    "PNG international text that inflates to 64 MiB": (
        lambda: _png(chunk(b"iTXt", b"Comment\0\1\0\0\0" + _zeros(64))),
        _METADATA,
    ),
    "PNG colour profile that inflates to 64 MiB": (lambda: _png(chunk(b"iCCP", b"icc\0\0" + _zeros(64))), _METADATA),
    "PNG with a hundred texts that inflate": (
        lambda: _png(*(chunk(b"zTXt", b"Comment\0\0" + _zeros(1)) for _ in range(100))),
        _METADATA,
    ),
    "PNG with two megabytes of text": (lambda: _png(chunk(b"tEXt", b"Comment\0" + b"a" * 2_000_000)), _METADATA),
    "PNG with a novel in its text": (lambda: _png(chunk(b"tEXt", b"Comment\0" + _long_text())), _METADATA),
    "PNG text that does not inflate": (lambda: _png(chunk(b"zTXt", b"Comment\0\0not zlib")), _CORRUPT),
    "EXIF whose entries all point at one text": (
        lambda: _png(chunk(b"eXIf", _exif_overlap())),
        _METADATA,
    ),
    "PNG of a hundred thousand chunks": (lambda: _png(chunk(b"teSt", b"") * 100_000), _CORRUPT),
    "JPEG of five thousand segments": (lambda: _jpeg_with(b"\xff\xfe\x00\x02" * 5_000), _CORRUPT),
    "JPEG of a hundred scans": (_jpeg_scans, _CORRUPT),
    # Cut short
    "PNG cut in its signature": (lambda: encoded(portrait(), "PNG")[:7], _UNSUPPORTED),
    "PNG cut in its header": (lambda: encoded(portrait(), "PNG")[:20], _CORRUPT),
    "PNG cut in its pixels": (lambda: encoded(portrait(), "PNG")[:9_000], _CORRUPT),
    "PNG cut before its end": (lambda: encoded(portrait(), "PNG")[:-12], _CORRUPT),
    "PNG with too few pixels": (
        lambda: png_header(96, 96) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b""),
        _CORRUPT,
    ),
    "PNG with a wrong checksum": (lambda: _png().replace(_png()[-30:-16], bytes(14)), _CORRUPT),
    "JPEG cut after its start": (lambda: _jpeg()[:4], _CORRUPT),
    "JPEG cut in its tables": (lambda: _jpeg()[:100], _CORRUPT),
    "JPEG cut in its pixels": (lambda: _jpeg()[:-200], _CORRUPT),
    "WebP cut in its pixels": (lambda: encoded(portrait(), "WEBP")[:-100], _CORRUPT),
    "GIF cut in its pixels": (lambda: encoded(portrait(), "GIF")[:-100], _CORRUPT),
    "BMP cut in its pixels": (lambda: encoded(portrait(), "BMP")[:-100], _CORRUPT),
    "AVIF cut in its pixels": (lambda: encoded(portrait(), "AVIF")[:-100], _CORRUPT),
    "HEIC cut in its pixels": (lambda: heic(portrait())[:-100], _CORRUPT),
    "WebP whose picture is not as large as it says": (_webp_contradiction, _CORRUPT),
    # Two files in one
    "PNG and ZIP": (lambda: encoded(portrait(), "PNG") + _zip(), _AMBIGUOUS),
    "PNG and PNG": (lambda: encoded(portrait(), "PNG") * 2, _AMBIGUOUS),
    "PNG and HTML": (lambda: encoded(portrait(), "PNG") + b"<script>alert(1)</script>", _AMBIGUOUS),
    "JPEG and JPEG that is not announced": (lambda: _jpeg() * 2, _AMBIGUOUS),
    "JPEG and PDF": (lambda: _jpeg() + b"%PDF-1.7\n%%EOF", _AMBIGUOUS),
    "JPEG and ZIP": (lambda: _jpeg() + _zip(), _AMBIGUOUS),
    "JPEG and video (motion photo)": (lambda: _jpeg() + _box(b"ftyp", b"mp42\0\0\0\0isommp42") + bytes(64), _AMBIGUOUS),
    "JPEG and ZIP in a camera's trailer": (lambda: _jpeg() + _zip() + b"SEFT", _AMBIGUOUS),
    "JPEG and one byte": (lambda: _jpeg() + b"a", _AMBIGUOUS),
    "GIF and script": (lambda: encoded(portrait(), "GIF") + b"=1;alert(1)", _AMBIGUOUS),
    "GIF and PNG": (lambda: encoded(portrait(), "GIF") + encoded(portrait(), "PNG"), _AMBIGUOUS),
    "WebP and PNG": (lambda: encoded(portrait(), "WEBP") + encoded(portrait(), "PNG"), _AMBIGUOUS),
    "BMP and PNG": (lambda: encoded(portrait(), "BMP") + encoded(portrait(), "PNG"), _AMBIGUOUS),
    "HEIC and video": (lambda: heic(portrait()) + _box(b"mpvd", bytes(64)), _AMBIGUOUS),
    "AVIF twice": (lambda: encoded(portrait(), "AVIF") * 2, _AMBIGUOUS),
    "PNG with a second header": (lambda: _png(png_header(8, 8)[8:]), _CORRUPT),
    "PNG with pixels in two places": (
        lambda: _png(chunk(b"IDAT", zlib.compress(bytes(97 * 3))), chunk(b"tIME", bytes(7))),
        _CORRUPT,
    ),
    "PNG with a critical chunk of its own": (lambda: _png(chunk(b"EVIL", b"")), _UNSUPPORTED),
    "JPEG with two frames": (lambda: _jpeg_with(b"\xff\xc0\x00\x11\x08\x00\x10\x00\x10\x03" + bytes(9)), _CORRUPT),
    "JPEG that is lossless": (lambda: _jpeg().replace(b"\xff\xc0", b"\xff\xc3"), _UNSUPPORTED),
}
