"""A log in memory, made the long way: the oracle of the proofs, and what a verifier's folder is written from."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from safelight.ledger.proofs.checkpoint import Checkpoint, sign_checkpoint
from safelight.ledger.proofs.leaf import Leaf, LeafKind, PublicValue
from safelight.ledger.proofs.note import SecretKey
from safelight.ledger.proofs.tiles import ENTRIES, Tile, tiles_between, write_bundle

ORIGIN = "log.example/test"
KEY = SecretKey(ORIGIN, b"\x07" * 32)
WITNESS = SecretKey("witness.example/one", b"\x08" * 32)
AT = "2026-11-22T12:00:00.000000Z"


def naive_root(entries: Sequence[bytes]) -> bytes:
    """MTH as RFC 6962 section 2.1 defines it, word for word."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(entries[:k]) + naive_root(entries[k:])).digest()


def naive_path(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D) of RFC 6962 section 2.1.1."""
    if len(entries) == 1:
        return []
    k = 1
    while k * 2 < len(entries):
        k *= 2
    if m < k:
        return [*naive_path(m, entries[:k]), naive_root(entries[k:])]
    return [*naive_path(m - k, entries[k:]), naive_root(entries[:k])]


def naive_subproof(m: int, entries: Sequence[bytes], known: bool) -> list[bytes]:
    """SUBPROOF(m, D, b) of RFC 6962 section 2.1.2."""
    if m == len(entries):
        return [] if known else [naive_root(entries)]
    k = 1
    while k * 2 < len(entries):
        k *= 2
    if m <= k:
        return [*naive_subproof(m, entries[:k], known), naive_root(entries[k:])]
    return [*naive_subproof(m - k, entries[k:], False), naive_root(entries[:k])]


def naive_subtree(entries: Sequence[bytes], level: int, index: int) -> bytes:
    """The root over one perfect subtree."""
    part = entries[index << level : (index + 1) << level]
    assert len(part) == 1 << level
    return naive_root(part)


def naive_tile(entries: Sequence[bytes], tile: Tile) -> bytes:
    """The bytes that the specification says stand at `tile`."""
    first = tile.index * 256
    if tile.level == ENTRIES:
        return write_bundle(entries[first : first + tile.width])
    return b"".join(naive_subtree(entries, 8 * tile.level, at) for at in range(first, first + tile.width))


def write_log(folder: Path, entries: Sequence[bytes], key: SecretKey = KEY) -> bytes:
    """Lay a log out as files below `folder`; returns its signed head."""
    for tile in tiles_between(0, len(entries)):
        path = folder / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(naive_tile(entries, tile))
    head = sign_checkpoint(Checkpoint(key.name, len(entries), naive_root(entries)), key).to_bytes()
    folder.mkdir(exist_ok=True)
    (folder / "checkpoint").write_bytes(head)
    return head


def leaf(seq: int, kind: LeafKind = LeafKind.DECISION, process: str = "a" * 16, **public: PublicValue) -> bytes:
    """One entry of a gate process."""
    if kind is LeafKind.DECISION:
        public = {"stage": "input", "verdict": "allow", "category": None, **public}
    return Leaf(kind, AT, process, seq, public).to_bytes()


def honest_entries(decisions: int) -> list[bytes]:
    """A process that starts, decides, counts what it decided, and ends."""
    sorts = {"input/allow/-": decisions} if decisions else {}
    return [
        leaf(0, LeafKind.PROCESS_START, heartbeat_s=30),
        *(leaf(seq) for seq in range(1, decisions + 1)),
        leaf(decisions + 1, LeafKind.TOTALS, first_seq=0, last_seq=decisions, counts=sorts),
        leaf(decisions + 2, LeafKind.PROCESS_END),
    ]
