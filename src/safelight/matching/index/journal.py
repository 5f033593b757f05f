"""The journal: what was added and revoked since the segments were written, in frames that are whole or not there.

A frame is `SLJ1`, the number of records, a CRC-32 of the records, and the records. It is acknowledged once it is on
disk. A process killed half way leaves a torn frame, which readers leave alone and the next writer cuts off, so a batch
is seen as a whole or not at all.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safelight.matching.index.layout import Hashes

_MAGIC = b"SLJ1"
_HEAD = struct.Struct(">4sII")
_RECORD = np.dtype([("op", "<u8"), ("tag", "<u8"), ("hash", "<u8", 4)])
_MAX_RECORDS = 1 << 17
"""Of one frame; a writer with more to say writes a segment instead."""

Records = NDArray[Any]
"""(n,) with the fields `op`, `tag` and `hash` (4 words)."""


class Op(IntEnum):
    """What a record does."""

    ADD = 1
    REVOKE = 2
    """This hash under this tag."""
    DROP_BANK = 3
    """Every hash whose tag has this bank; the hash says nothing."""
    DROP_ITEM = 4
    """Every hash under this tag."""


def records(op: Op, hashes: Hashes, tags: NDArray[np.uint64]) -> Records:
    """Records that do the same to each hash."""
    made = np.zeros(len(hashes), _RECORD)
    made["op"], made["tag"], made["hash"] = op, tags, hashes
    return made


def append(path: Path, end: int, batch: Records) -> bytes:
    """Write `batch` after `end`, where the last whole frame ends, and have it on disk. Returns what was written."""
    body = batch.tobytes()
    frame = _HEAD.pack(_MAGIC, len(batch), zlib.crc32(body)) + body
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.ftruncate(descriptor, end)
        written = 0
        while written < len(frame):
            written += os.pwrite(descriptor, frame[written:], end + written)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return frame


def frames(content: bytes) -> Iterator[tuple[Records, bytes]]:
    """The whole frames at the start of `content`: their records and their bytes. Ends before the first torn one."""
    start = 0
    while len(content) - start >= _HEAD.size:
        magic, count, crc = _HEAD.unpack_from(content, start)
        end = start + _HEAD.size + count * _RECORD.itemsize
        body = content[start + _HEAD.size : end]
        if magic != _MAGIC or count > _MAX_RECORDS or end > len(content) or zlib.crc32(body) != crc:
            return
        yield np.frombuffer(body, _RECORD), content[start:end]
        start = end
