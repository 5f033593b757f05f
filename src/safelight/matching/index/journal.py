"""The journal: what was added and revoked since the segments were written, in frames that are whole or not there.

A frame is `SLJ2`, the number of records, twelve random bytes, and the records, encrypted (AES-256-GCM, with a key of
the journal's own, those bytes as the nonce, and the frame's place authenticated). It is acknowledged once it is on
disk. A process killed half way leaves a torn frame, which readers leave alone and the next writer cuts off, so a batch
is seen as a whole or not at all. A frame that cannot be read before one that can was not torn but damaged: an error.
"""

import os
import secrets
import struct
from collections.abc import Iterator, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from safelight.matching.index.layout import Hashes
from safelight.matching.index.segment import Segment

_MAGIC = b"SLJ2"
_HEAD = struct.Struct(">4sI12s")
_PLACE = struct.Struct(">Q")
_TAG = 16
RECORD = np.dtype([("op", "<u8"), ("tag", "<u8"), ("hash", "<u8", 4)])
_MAX_RECORDS = 1 << 17
"""Of one frame; a writer with more to say writes a segment instead."""
BANK_SHIFT = np.uint64(40)

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
    made = np.zeros(len(hashes), RECORD)
    made["op"], made["tag"], made["hash"] = op, tags, hashes
    return made


def append(path: Path, end: int, batch: Records, cipher: AESGCM) -> None:
    """Write `batch` after `end`, where the last whole frame ends, and have it on disk. Raises OSError."""
    nonce = secrets.token_bytes(12)
    head = _HEAD.pack(_MAGIC, len(batch), nonce)
    frame = head + cipher.encrypt(nonce, batch.tobytes(), head + _PLACE.pack(end))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.ftruncate(descriptor, end)
        written = 0
        while written < len(frame):
            written += os.pwrite(descriptor, frame[written:], end + written)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def frames(content: bytes, begins: int, cipher: AESGCM) -> Iterator[tuple[Records, int]]:
    """The whole frames of `content`, which stands at `begins` of the journal: their records, and where each ends.

    Ends before a torn one. Raises ValueError at one that is damaged.
    """
    start = 0
    while frame := _frame(content, start, begins, cipher):
        yield frame
        start = frame[1] - begins
    later = content.find(_MAGIC, start + 1)
    while later >= 0:
        if _frame(content, later, begins, cipher):
            raise ValueError("its journal was changed; restore the folder from backup")
        later = content.find(_MAGIC, later + 1)


def _frame(content: bytes, start: int, begins: int, cipher: AESGCM) -> tuple[Records, int] | None:
    """The frame at `start` and where it ends in the journal; none where there is no whole one."""
    if len(content) - start < _HEAD.size:
        return None
    head = content[start : start + _HEAD.size]
    magic, count, nonce = _HEAD.unpack(head)
    end = start + _HEAD.size + count * RECORD.itemsize + _TAG
    if magic != _MAGIC or count > _MAX_RECORDS or end > len(content):
        return None
    try:
        body = cipher.decrypt(nonce, content[start + _HEAD.size : end], head + _PLACE.pack(begins + start))
    except InvalidTag:
        return None
    return np.frombuffer(body, RECORD), begins + end


def applied(parts: Sequence[Segment], batch: Records) -> tuple[Segment, ...]:
    """`parts`, whose last one has the journal's rows, after one frame, all of whose records do the same."""
    hashes, tags = np.ascontiguousarray(batch["hash"]), np.ascontiguousarray(batch["tag"])
    match Op(int(batch["op"][0])):
        case Op.ADD:
            tail = parts[-1]
            dead = None if tail.dead is None else np.concatenate([tail.dead, np.zeros(len(batch), np.bool_)])
            grown = Segment(np.concatenate([tail.hashes, hashes]), np.concatenate([tail.tags, tags]), dead=dead)
            return (*parts[:-1], grown)
        case Op.REVOKE:
            for part in parts:
                found = part.same(hashes)
                part.revoke(found.row[part.tags[found.row] == tags[found.query]])
        case Op.DROP_BANK:
            for part in parts:
                part.revoke(np.flatnonzero(part.tags >> BANK_SHIFT == tags[0] >> BANK_SHIFT))
        case Op.DROP_ITEM:
            for part in parts:
                part.revoke(np.flatnonzero(part.tags == tags[0]))
    return tuple(parts)
