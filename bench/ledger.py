"""What the log costs: append, integrate, prove and verify by size, and what the leaf adds to the record step.

    python bench/ledger.py [--quick] [--sizes 1000 10000 100000 1000000] [--picture FILE] [--json]

`--json` prints one object on the last line. It runs on uvloop, as `serve` does, with full durability (SQLite, WAL,
synchronous=FULL) on the disk of `--folder`. Where `aics-tlog` is installed, it does the same work in the same
run (`other_…`; see `other_log.py`).
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, select

import curve
import other_log
from record_step import ANSWERED, Figures, RecordStep, clock, part_ms
from safelight.ledger.append import Ledger
from safelight.ledger.draft import Draft
from safelight.ledger.integrate import has_pending, integrate
from safelight.ledger.nodes import KnownNodes
from safelight.ledger.opening import open_log
from safelight.ledger.proofs.audit import Audit
from safelight.ledger.proofs.checkpoint import Checkpoint
from safelight.ledger.proofs.leaf import LeafKind, PublicValue
from safelight.ledger.proofs.merkle import verify_inclusion
from safelight.ledger.proofs.note import SecretKey
from safelight.ledger.proofs.tiles import ENTRIES, TILE_WIDTH, parse_bundle, tile_at
from safelight.ledger.published import read_checkpoint, read_proof, read_tile
from safelight.store.database import Database, sqlite_url
from safelight.store.tables import ledger_leaves

PROOFS = 1000
"""Made and timed at each size, over the whole log; nothing is known at the first of them."""
ANSWERED_OUTPUT = ("image_known", "image_nudity_one", *ANSWERED)
"""Who looks at an ordinary output; the others are asked only where the rules are still open."""
ROUND_COUNT = 2000
"""Leaves appended in one transaction."""
DRAWN = {
    "verify_cpu_s": "verify it all (s of CPU)",
    "integrate_round_p50_ms": "integrate a round (ms)",
    "proof_p50_ms": "one inclusion proof (ms)",
}
"""What the cost curve shows."""


class Bench:
    """One log on one database."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(sqlite_url(folder / "log.db"), timeout_s=60)
        self.database.migrate()
        self.key = SecretKey("bench.example/log", b"\x01" * 32)
        self.ledger = Ledger(self.key, clock)
        self.step = RecordStep(self.database, self.ledger)

    async def begin(self) -> None:
        """Open the log."""
        version = self.step.policy.version
        await self.database.write(lambda c: open_log(c, self.key.public(), None))
        await self.database.write(lambda c: self.ledger.begin(c, release="1", policy=version, models=[]))
        await self.catch_up()

    async def catch_up(self) -> list[float]:
        """Integrate what is pending; seconds of each round."""
        rounds = []
        while await self.database.read(has_pending):
            start = time.perf_counter()
            await self.database.write(lambda c: integrate(c, self.key, clock()))
            rounds.append(time.perf_counter() - start)
        return rounds

    async def head(self) -> Checkpoint:
        """The newest."""
        return Checkpoint.parse((await self.database.read(read_checkpoint)).text)


def fill(bench: Bench, count: int, connection: Connection) -> None:
    """Leaves without decisions, as large as those of ordinary generations: input and output, turn and turn about."""
    committed = {"account": "a", "record": "b", "request": "c", "tier": "free"}
    drafts = []
    for stage, answered in (("input", ANSWERED), ("output", ANSWERED_OUTPUT)):
        public: dict[str, PublicValue] = {
            "answered": list(answered),
            "policy": bench.step.policy.version,
            "stage": stage,
            "verdict": "allow",
        }
        drafts.append(Draft(LeafKind.DECISION, clock(), public, committed, "sub_bench", sort=f"{stage}/allow/-"))
    bench.ledger.append(connection, (drafts * count)[:count])


async def grow(bench: Bench, size: int) -> Figures:
    """Append and integrate up to `size` leaves; then prove and verify."""
    has = (await bench.head()).size
    start = time.perf_counter()
    added, rounds = size - has, []
    while has < size:
        count = min(ROUND_COUNT, size - has)
        await bench.database.write(partial(fill, bench, count))
        rounds += await bench.catch_up()
        has += count
    sustained = added / (time.perf_counter() - start)
    head = await bench.head()
    places = [number * head.size // PROOFS for number in range(PROOFS)]
    return {
        "leaves_per_s": round(sustained),
        "integrate_round_p50_ms": part_ms(rounds, 50),
        **await prove(bench, head, places),
        **await verify(bench, head),
        **await other_log.measure(bench.database, head, places),
    }


async def prove(bench: Bench, head: Checkpoint, places: Sequence[int]) -> Figures:
    """A proof for each leaf at `places`, each in a transaction of its own, as the log's page gives them."""
    at = select(ledger_leaves.c.leaf_hash).where(ledger_leaves.c.idx.in_(places))
    hashes = await bench.database.read(lambda c: c.execute(at).scalars().all())
    known, seconds, used = KnownNodes(), [], []
    for leaf_hash in hashes:
        start, begun = time.perf_counter(), time.process_time()
        proof = await bench.database.read(partial(read_proof, leaf_hash=leaf_hash, known=known))
        seconds.append(time.perf_counter() - start)
        used.append(time.process_time() - begun)
        verify_inclusion(proof.index, head.size, leaf_hash, proof.hashes, head.root)
    return {
        "proof_p50_ms": part_ms(seconds, 50),
        "proof_p99_ms": part_ms(seconds, 99),
        "proof_cpu_p50_ms": part_ms(used, 50),
    }


async def verify(bench: Bench, head: Checkpoint) -> Figures:
    """Every entry read, counted and hashed up to the head; reading the database is not counted in."""
    audit, bytes_read, seconds, used = Audit(), 0, 0.0, 0.0
    for number in range((head.size + TILE_WIDTH - 1) // TILE_WIDTH):
        bundle = tile_at(ENTRIES, number, head.size)
        content = await bench.database.read(partial(read_tile, tile=bundle))
        bytes_read += len(content)
        start, begun = time.perf_counter(), time.process_time()
        audit.add_all(parse_bundle(content, bundle.width))
        seconds += time.perf_counter() - start
        used += time.process_time() - begun
    audit.check_root(head)
    return {
        "verify_s": round(seconds, 3),
        "verify_cpu_s": round(used, 3),
        "bytes_a_leaf": round(bytes_read / head.size),
    }


async def measure(folder: Path, count: int, sizes: Sequence[int]) -> dict[str, Figures]:
    """Everything; the record step last, on the log of the largest size."""
    bench = Bench(folder)
    try:
        await bench.begin()
        figures = {}
        for size in sorted(sizes):
            figures[f"{size}"] = await grow(bench, size)
            show(f"{size:,} leaves", figures[f"{size}"])
        figures["record"] = await bench.step.measure(count, bench.catch_up)
        show("record", figures["record"])
        return figures
    finally:
        bench.database.close()


def show(name: str, found: Figures) -> None:
    """Print one table, as soon as it is measured."""
    table = Table(name, "")
    for figure, value in found.items():
        table.add_row(figure, f"{value:g}")
    Console().print(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer requests")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000], help="leaves at which to measure")
    parser.add_argument("--folder", type=Path, help="where the database goes; none: the system's temporary folder")
    parser.add_argument("--picture", type=Path, help="write the cost curve here, as SVG")
    parser.add_argument("--json", action="store_true", help="one object on the last line")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        figures = uvloop.run(measure(Path(folder), 800 if options.quick else 4000, options.sizes))
    if options.picture:
        title = "What a log costs, by its size"
        options.picture.write_text(curve.curve(title, "leaves", curve.of(figures, DRAWN)), "utf-8")
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
