"""The same work done by code that we did not write (`aics-tlog`), over the same database: the yardstick beside ours.

What is the same: a proof from tiles, and every tile and entry of the log hashed up to the signed root. Ours finds the
leaf and the head too, and on the way reads each entry, counts it by process and adds the totals up.
"""

import time
from functools import partial
from importlib.util import find_spec
from typing import Any

from sqlalchemy import Connection

from record_step import Figures, part_ms
from safelight.ledger.proofs.checkpoint import Checkpoint
from safelight.ledger.proofs.tiles import ENTRIES, TILE_WIDTH, Tile
from safelight.ledger.published import read_tile
from safelight.store.database import Database

IS_HERE = find_spec("aics_tlog") is not None
other: Any = __import__("aics_tlog") if IS_HERE else None


EVERY = 5
"""It proves one in so many of the places that ours proves: it takes much longer."""


class Tiles:
    """Our tiles as `aics-tlog` asks for them; counts the processor time that reading takes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.reading_s = 0.0

    def read_tile(self, level: int, index: int, width: int | None) -> bytes:
        """A tile of hashes."""
        begun = time.process_time()
        content = read_tile(self._connection, Tile(level, index, width or TILE_WIDTH))
        self.reading_s += time.process_time() - begun
        return content

    def read_entry_bundle(self, index: int, width: int | None) -> bytes:
        """A bundle of entries."""
        return self.read_tile(ENTRIES, index, width)


async def measure(database: Database, head: Checkpoint, places: list[int]) -> Figures:
    """Proofs for the leaves at `places`, and the whole log; nothing where the package is not installed."""
    if not IS_HERE:
        return {}
    seconds, used = [], []
    for place in places[::EVERY]:
        start, begun = time.perf_counter(), time.process_time()
        await database.read(partial(_prove, index=place, size=head.size))
        seconds.append(time.perf_counter() - start)
        used.append(time.process_time() - begun)
    return {
        "other_proof_p50_ms": part_ms(seconds, 50),
        "other_proof_p99_ms": part_ms(seconds, 99),
        "other_proof_cpu_p50_ms": part_ms(used, 50),
        "other_verify_cpu_s": round(await database.read(partial(_verify, head=head)), 3),
    }


def _prove(connection: Connection, index: int, size: int) -> list[bytes]:
    proof: list[bytes] = other.inclusion_proof_from_tiles(Tiles(connection), index, size)
    return proof


def _verify(connection: Connection, head: Checkpoint) -> float:
    tiles, begun = Tiles(connection), time.process_time()
    other.audit_tiles(tiles, head.size, head.root)
    return time.process_time() - begun - tiles.reading_s
