"""What anybody may read of the log: heads, tiles, bundles, proofs. Reads only, straight from the store."""

from functools import lru_cache

from sqlalchemy import Connection, and_, bindparam, literal_column, select, true, union_all

from safelight.ledger.nodes import KnownNodes, from_middle
from safelight.ledger.proofs.errors import Malformed, Unavailable
from safelight.ledger.proofs.merkle import HASH_BYTES, Subtree, consistency_proof, inclusion_proof, root
from safelight.ledger.proofs.note import Note
from safelight.ledger.proofs.tiles import ENTRIES, TILE_WIDTH, Tile, TileReader, tile_at, write_bundle
from safelight.ledger.proofs.tlog_proof import TlogProof
from safelight.store.ledger_tables import ledger_timestamps
from safelight.store.tables import ledger_checkpoints, ledger_head, ledger_leaves, ledger_tiles

# Built once. A proof asks the database once or, where its path leads through tiles that are not known yet, once more.
_LATEST = (
    select(ledger_checkpoints.c.note, ledger_checkpoints.c.size).order_by(ledger_checkpoints.c.size.desc()).limit(1)
)
# Spelt out, so that SQLite sees that the index of the witnessed heads will do.
_WITNESSED = _LATEST.where(ledger_checkpoints.c.witnesses > literal_column("0"))
_EITHER = union_all(select(_WITNESSED.subquery()), select(_LATEST.subquery())).subquery("heads")
_LEAF = (
    select(
        ledger_leaves.c.idx,
        ledger_leaves.c.content,
        ledger_tiles.c.hashes,
        ledger_tiles.c.middle,
        _EITHER.c.note,
        _EITHER.c.size,
    )
    .select_from(
        ledger_leaves.join(
            ledger_tiles, and_(ledger_tiles.c.level == 0, ledger_tiles.c.number == ledger_leaves.c.idx // TILE_WIDTH)
        ).join(_EITHER, true())
    )
    .where(ledger_leaves.c.leaf_hash == bindparam("hashed"))
)
"""A leaf of the tree with its lowest tile, beside each of the heads that a proof may lead to."""
_TILE = select(ledger_tiles.c.hashes).where(
    ledger_tiles.c.level == bindparam("at"), ledger_tiles.c.number == bindparam("place")
)


def size_of(connection: Connection) -> int:
    """How many leaves the tree has."""
    return int(connection.execute(select(ledger_head.c.size)).scalar_one())


def read_checkpoint(connection: Connection, *, witnessed: bool = False) -> Note:
    """The latest head, or the latest that a witness has signed. Raises Unavailable before there is one."""
    note = connection.execute(_WITNESSED if witnessed else _LATEST).scalar()
    if note is None:
        raise Unavailable("There is no such head yet; try again in a moment.")
    return Note.parse(note)


def read_stamped(connection: Connection) -> tuple[Note, bytes]:
    """The latest head that an authority has stamped, and the time stamp. Raises Unavailable before there is one."""
    latest = (
        select(ledger_checkpoints.c.note, ledger_timestamps.c.token)
        .join(ledger_timestamps, ledger_timestamps.c.size == ledger_checkpoints.c.size)
        .order_by(ledger_timestamps.c.size.desc())
        .limit(1)
    )
    row = connection.execute(latest).first()
    if row is None:
        raise Unavailable("No head has a time stamp yet.")
    return Note.parse(row.note), row.token


def read_tile(connection: Connection, tile: Tile) -> bytes:
    """A tile or bundle of the current tree, full or partial. Raises Unavailable for one that it has not."""
    if not tile.is_within(size_of(connection)):
        raise Unavailable("The log has no such tile yet.")
    return _tile(connection, tile)


def read_proof(connection: Connection, leaf_hash: bytes, known: KnownNodes | None = None) -> TlogProof:
    """Where the leaf with this hash stands, proved up to the latest witnessed head that has it, or else the latest.

    `known`: what earlier proofs of this log have worked out. Raises Unavailable while the leaf waits.
    """
    # A leaf has its index from the transaction that made the head over it.
    found = [row for row in connection.execute(_LEAF, {"hashed": leaf_hash}) if row.idx < row.size]
    if not found:
        raise Unavailable("No leaf with this hash stands in the tree. If the receipt is new, try again in a second.")
    row = min(found, key=lambda one: one.size)
    own = tile_at(0, row.idx // TILE_WIDTH, row.size)

    def fetch(tile: Tile) -> bytes:
        return _cut(row.hashes, tile) if tile == own else _tile(connection, tile)

    subtree: Subtree = TileReader(row.size, known.before_tiles(fetch) if known else fetch).subtree
    if row.middle and own.width == TILE_WIDTH:
        subtree = from_middle(subtree, own, row.middle)
    proof = inclusion_proof(row.idx, row.size, known.before(subtree, own) if known else subtree)
    return TlogProof(row.idx, tuple(proof), _note(row.note), row.content)


def prove_consistency(connection: Connection, old: int, new: int) -> list[bytes]:
    """From the tree of `old` leaves to that of `new`, both of them not larger than the current one."""
    return consistency_proof(old, new, _reader(connection, new).subtree)


def root_at(connection: Connection, size: int) -> bytes:
    """The root of the tree when it had `size` leaves. Raises Unavailable or Malformed where tiles are gone or cut."""
    return root(size, _reader(connection, size).subtree)


def latest_leaves(connection: Connection, count: int) -> list[tuple[int, bytes]]:
    """The newest leaves of the tree, the newest first, with their indices."""
    newest = (
        select(ledger_leaves.c.idx, ledger_leaves.c.content)
        .where(ledger_leaves.c.idx.is_not(None))
        .order_by(ledger_leaves.c.idx.desc())
        .limit(count)
    )
    return [(row.idx, row.content) for row in connection.execute(newest)]


@lru_cache(8)
def _note(content: bytes) -> Note:
    """A head, read once for all the proofs up to it."""
    return Note.parse(content)


def _reader(connection: Connection, size: int) -> TileReader:
    return TileReader(size, lambda tile: _tile(connection, tile))


def _tile(connection: Connection, tile: Tile) -> bytes:
    if tile.level == ENTRIES:
        first = tile.index * TILE_WIDTH
        entries = (
            connection.execute(
                select(ledger_leaves.c.content)
                .where(ledger_leaves.c.idx >= first, ledger_leaves.c.idx < first + tile.width)
                .order_by(ledger_leaves.c.idx)
            )
            .scalars()
            .all()
        )
        if len(entries) != tile.width:
            raise Unavailable("Entries of this bundle are gone.")
        return write_bundle(entries)
    hashes: bytes | None = connection.execute(_TILE, {"at": tile.level, "place": tile.index}).scalar()
    if hashes is None:
        raise Unavailable("This tile is gone.")
    return _cut(hashes, tile)


def _cut(hashes: bytes, tile: Tile) -> bytes:
    """As many of the stored hashes as the tile had. Raises Malformed where there are fewer now."""
    if len(hashes) < tile.width * HASH_BYTES:
        raise Malformed("This tile is shorter than it was.")
    return hashes[: tile.width * HASH_BYTES]
