"""Reads an index as it was kept before it was encrypted, so that whoever opens it first can write it anew.

Then a segment was a folder of `.npy` files, revoked rows were plain bits, the manifest had no code, and a frame of the
journal was `SLJ1`, the number of records, a CRC-32 of the records, and the records.
"""

import hashlib
import struct
import zlib
from pathlib import Path

import numpy as np

from safelight.matching.index.journal import RECORD, applied
from safelight.matching.index.layout import WORDS
from safelight.matching.index.manifest import FILE, Manifest
from safelight.matching.index.segment import Segment

_MAGIC = b"SLJ1"
_FRAME = struct.Struct(">4sII")


def stands(folder: Path) -> bool:
    """Whether the folder's index is such a one. Raises OSError; a manifest that cannot be read is left to others."""
    try:
        text = (folder / FILE).read_text("ascii")
    except FileNotFoundError:
        return _begins_unsealed(folder / Manifest().journal)
    try:
        return not Manifest.parsed(text)[1]
    except ValueError:
        return False


def left_over(folder: Path) -> bool:
    """Whether files of such an index still stand beside what replaced it: its conversion was killed at the end."""
    return any(
        path.is_dir() if path.name.startswith("segment-") else _begins_unsealed(path)
        for pattern in ("segment-*", "journal-*")
        for path in folder.glob(pattern)
    )


def read(folder: Path) -> tuple[Manifest, tuple[Segment, ...], str]:
    """Its manifest, its segments with the journal's rows as the last, and its head. Raises OSError, ValueError."""
    path = folder / FILE
    manifest = Manifest.parsed(path.read_text("ascii"))[0] if path.exists() else Manifest()
    parts = [_segment(folder, name, dead) for name, dead in manifest.segments]
    parts.append(Segment(np.empty((0, WORDS), np.uint64), np.empty(0, np.uint64)))
    head, journal = manifest.head, folder / manifest.journal
    content = journal.read_bytes() if journal.exists() else b""
    while len(content) >= _FRAME.size:
        magic, count, crc = _FRAME.unpack_from(content)
        end = _FRAME.size + count * RECORD.itemsize
        body = content[_FRAME.size : end]
        if magic != _MAGIC or end > len(content) or zlib.crc32(body) != crc:
            break
        parts = list(applied(parts, np.frombuffer(body, RECORD)))
        head = hashlib.sha256(bytes.fromhex(head) + content[:end]).hexdigest()
        content = content[end:]
    return manifest, tuple(parts), head


def _segment(folder: Path, name: str, dead: str) -> Segment:
    stored = {path.stem: np.asarray(np.load(path, mmap_mode="r")) for path in sorted((folder / name).glob("*.npy"))}
    if {"hashes", "tags"} - stored.keys():
        raise ValueError("its manifest names files that are not there; restore the folder from backup")
    segment = Segment(stored["hashes"], stored["tags"], name=name)
    if dead:
        bits = np.frombuffer((folder / dead).read_bytes(), np.uint8)
        segment.dead = np.unpackbits(bits, count=len(segment)).astype(np.bool_)
    return segment


def _begins_unsealed(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except (FileNotFoundError, IsADirectoryError):
        return False
