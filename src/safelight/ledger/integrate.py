"""Leaves into the tree, and a new signed head: one transaction, whichever gate process does it.

Rules of this module
- The head's row is changed first, which locks it: of several processes one integrates, the others find nothing left.
- Index, tiles, head and checkpoint are committed together, so a process that is killed leaves the tree as it was. No
  index is ever used twice, because it follows from the size in the locked row.
- A checkpoint is signed over a tree that extends the last one by construction: only new leaves are added at its end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from safelight.core.clock import to_rfc3339
from safelight.ledger.nodes import middle_of
from safelight.ledger.proofs.checkpoint import Checkpoint, sign_checkpoint
from safelight.ledger.proofs.merkle import HASH_BYTES, perfect_root, root
from safelight.ledger.proofs.note import Note, SecretKey
from safelight.ledger.proofs.tiles import TILE_WIDTH, Tile, TileReader, count_at, parse_tile
from safelight.store.tables import ledger_checkpoints, ledger_head, ledger_leaves, ledger_tiles

ROUND_MAX_COUNT = 2048
"""Leaves integrated in one transaction; the writer is free for others in between."""

Edges = dict[int, tuple[int, list[bytes]]]
"""By tile level, the rightmost tile: its number, and its hashes."""


@dataclass(frozen=True, slots=True)
class Integrated:
    """A new head."""

    count: int
    checkpoint: Note


def has_pending(connection: Connection) -> bool:
    """Whether a leaf waits for its place."""
    return (
        connection.execute(select(ledger_leaves.c.id).where(ledger_leaves.c.idx.is_(None)).limit(1)).first() is not None
    )


def integrate(connection: Connection, key: SecretKey, now: datetime) -> Integrated | None:
    """Give the oldest pending leaves their indices and sign the new head; None when there are none."""
    locked = update(ledger_head).values(rounds=ledger_head.c.rounds + 1).returning(ledger_head.c.size)
    size = connection.execute(locked).scalar_one()
    pending = connection.execute(
        select(ledger_leaves.c.id, ledger_leaves.c.leaf_hash)
        .where(ledger_leaves.c.idx.is_(None))
        .order_by(ledger_leaves.c.id)
        .limit(ROUND_MAX_COUNT)
    ).all()
    if not pending:
        return None
    placed = [{"row": row.id, "place": size + offset} for offset, row in enumerate(pending)]
    connection.execute(
        update(ledger_leaves).where(ledger_leaves.c.id == bindparam("row")).values(idx=bindparam("place")), placed
    )
    edges = _read_edges(connection, size)
    changed = extend(edges, [row.leaf_hash for row in pending])
    _write_tiles(connection, changed)
    checkpoint = Checkpoint(key.name, size + len(pending), _root(edges, size + len(pending)))
    note = sign_checkpoint(checkpoint, key)
    row = {"size": checkpoint.size, "note": note.to_bytes(), "at": to_rfc3339(now)}
    connection.execute(insert(ledger_checkpoints), [row])
    connection.execute(update(ledger_head).values(size=checkpoint.size, root=checkpoint.root))
    return Integrated(len(pending), note)


def extend(edges: Edges, hashes: list[bytes]) -> Mapping[tuple[int, int], bytes]:
    """Add leaf hashes at the right edge; returns the tiles that have changed, by level and number."""
    changed: dict[tuple[int, int], bytes] = {}
    level = 0
    while hashes:
        number, tile = edges.get(level, (0, []))
        upwards = []
        while hashes:
            room = TILE_WIDTH - len(tile)
            tile, hashes = [*tile, *hashes[:room]], hashes[room:]
            changed[level, number] = b"".join(tile)
            if len(tile) == TILE_WIDTH:
                upwards.append(perfect_root(tile))
                number, tile = number + 1, []
        edges[level] = number, tile
        level, hashes = level + 1, upwards
    return changed


def _root(edges: Edges, size: int) -> bytes:
    """Of the whole tree: its peaks all stand in the rightmost tiles."""

    def fetch(tile: Tile) -> bytes:
        number, hashes = edges[tile.level]
        if tile.index != number:
            raise AssertionError("a peak of the tree does not stand at its edge")
        return b"".join(hashes)

    return root(size, TileReader(size, fetch).subtree)


def _read_edges(connection: Connection, size: int) -> Edges:
    edges: Edges = {}
    level = 0
    while count := count_at(level, size):
        number, width = divmod(count, TILE_WIDTH)
        hashes: list[bytes] = []
        if width:
            where = (ledger_tiles.c.level == level) & (ledger_tiles.c.number == number)
            hashes = parse_tile(connection.execute(select(ledger_tiles.c.hashes).where(where)).scalar_one(), width)
        edges[level] = number, hashes
        level += 1
    return edges


def _write_tiles(connection: Connection, changed: Mapping[tuple[int, int], bytes]) -> None:
    for level, number in changed:
        where = (ledger_tiles.c.level == level) & (ledger_tiles.c.number == number)
        connection.execute(delete(ledger_tiles).where(where))
    rows = [
        {"level": level, "number": number, "hashes": hashes, "middle": _middle(level, hashes)}
        for (level, number), hashes in changed.items()
    ]
    connection.execute(insert(ledger_tiles), rows)


def _middle(level: int, hashes: bytes) -> bytes | None:
    return middle_of(hashes) if level == 0 and len(hashes) == TILE_WIDTH * HASH_BYTES else None
