"""What the log costs: the record step with and without its leaf, in one run, and then append, integrate, prove, verify.

    python bench/ledger.py [--quick] [--sizes 1000 10000 100000 1000000] [--picture FILE] [--json]

`--json` prints one object on the last line. Full durability (SQLite, WAL, synchronous=FULL) on the disk of `--folder`.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, insert, select

import curve
from safelight.core.category import Stage, Verdict
from safelight.core.decision import Decision
from safelight.core.facts import Facts
from safelight.core.ids import new_id
from safelight.core.request import ImageRequest, Operation, Role, Standing, Subject, Surface, Turn
from safelight.core.signal import Observed
from safelight.gate.record import Recorder
from safelight.ledger.append import Ledger
from safelight.ledger.draft import Draft
from safelight.ledger.integrate import has_pending, integrate
from safelight.ledger.opening import open_log
from safelight.ledger.proofs.audit import Audit
from safelight.ledger.proofs.checkpoint import Checkpoint
from safelight.ledger.proofs.leaf import LeafKind, PublicValue
from safelight.ledger.proofs.merkle import verify_inclusion
from safelight.ledger.proofs.note import SecretKey
from safelight.ledger.proofs.tiles import ENTRIES, TILE_WIDTH, parse_bundle, tile_at
from safelight.ledger.published import read_checkpoint, read_proof, read_tile
from safelight.lineage.service import Lineage
from safelight.policy.load import load_policy, profile_text
from safelight.policy.model import Policy
from safelight.store.database import Database, sqlite_url
from safelight.store.digest_key import DigestKey
from safelight.store.tables import decisions, ledger_leaves
from safelight.wiring import builtin_vocabulary

AT_ONCE = 50
PROOFS = 200
"""Made and timed at each size, over the whole log."""
ANSWERED = ("text_deception", "text_garments", "text_meaning", "text_names")
"""Who looks at a request without a picture."""
ANSWERED_OUTPUT = ("image_known", "image_nudity_one", *ANSWERED)
"""Who looks at an ordinary output; the others are asked only where the rules are still open."""
Figures = dict[str, float]
DRAWN = {
    "verify_cpu_s": "verify it all (s of CPU)",
    "integrate_round_p50_ms": "integrate a round (ms)",
    "proof_p50_ms": "one inclusion proof (ms)",
}
"""What the cost curve shows."""


def clock() -> datetime:
    """The machine's."""
    return datetime.now(UTC)


class Bench:
    """One log on one database."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(sqlite_url(folder / "log.db"), timeout_s=60)
        self.database.migrate()
        self.key = SecretKey("bench.example/log", b"\x01" * 32)
        self.ledger = Ledger(self.key, clock)
        self.policy: Policy = load_policy(profile_text("general"), builtin_vocabulary())
        digest_key = DigestKey(b"\x02" * 32)
        chain = Lineage(self.database, digest_key, clock, lambda _frame: (), None, keep=timedelta(0))
        self.recorder = Recorder(
            self.database,
            digest_key,
            self.policy,
            clock,
            self.ledger,
            edit_chain=chain,
            keep_outputs=timedelta(days=1),
        )

    async def begin(self) -> None:
        """Open the log."""
        await self.database.write(lambda c: open_log(c, self.key.public(), None))
        await self.database.write(lambda c: self.ledger.begin(c, release="1", policy=self.policy.version, models=[]))
        await self.recorder.keep_policy()

    def decision(self) -> Decision:
        """An ordinary one."""
        now = clock()
        facts = Facts(Stage.INPUT, Operation.GENERATE, Surface.API, Standing.GOOD)
        observed = Observed(asked=ANSWERED, answered=ANSWERED)
        return Decision(
            new_id("dec", now),
            new_id("req", now),
            Stage.INPUT,
            Verdict.ALLOW,
            None,
            (),
            self.policy.version,
            now,
            facts,
            observed,
        )

    async def with_leaf(self) -> None:
        """The record step as it is."""
        request = ImageRequest(Operation.GENERATE, (Turn(Role.USER, "a lighthouse"),))
        await self.recorder.record((self.decision(),), request, Subject("sub_bench", "key_bench"), ())

    async def without_leaf(self) -> None:
        """The record step as it was before the log: the decision alone, each in a transaction of its own."""
        digest_key = DigestKey(b"\x02" * 32)
        decision = self.decision()
        prompt = await asyncio.to_thread(digest_key.digest, "prompt", b"a lighthouse")
        row = {
            "id": decision.id,
            "request_id": decision.request_id,
            "at": decision.to_json()["at"],
            "stage": "input",
            "verdict": "allow",
            "category": None,
            "policy_version": decision.policy_version,
            "key_id": "key_bench",
            "subject_id": "sub_bench",
            "tier": "free",
            "prompt_digest": prompt,
            "image_digests": "[]",
            "body": json.dumps(decision.to_json()),
        }
        await self.database.write(lambda c: c.execute(insert(decisions), [row]).close())

    async def catch_up(self) -> list[float]:
        """Integrate what is pending; seconds of each round."""
        rounds = []
        while await self.database.read(has_pending):
            start = time.perf_counter()
            await self.database.write(lambda c: integrate(c, self.key, clock()))
            rounds.append(time.perf_counter() - start)
        return rounds


async def timed(ask: Callable[[], Awaitable[None]], count: int, at_once: int) -> list[float]:
    """Seconds of each of `count` calls, `at_once` of them under way."""
    seconds: list[float] = []
    left = count

    async def one_after_another() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            start = time.perf_counter()
            await ask()
            seconds.append(time.perf_counter() - start)

    await asyncio.gather(*(one_after_another() for _ in range(at_once)))
    return seconds


def part_ms(seconds: Sequence[float], percent: int) -> float:
    """A percentile in milliseconds; nothing was measured: 0."""
    if len(seconds) < 2:
        return round(sum(seconds) * 1000, 3)
    return round(statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1] * 1000, 3)


async def record_step(bench: Bench, count: int) -> Figures:
    """With and without the leaf, turn and turn about."""
    figures: Figures = {}
    for at_once in (1, AT_ONCE):
        found: dict[str, list[float]] = {"without": [], "with": []}
        for _ in range(4):
            found["without"] += await timed(bench.without_leaf, count // 4, at_once)
            found["with"] += await timed(bench.with_leaf, count // 4, at_once)
        for name, seconds in found.items():
            for percent in (50, 99):
                figures[f"record_{name}_leaf_{at_once}_at_once_p{percent}_ms"] = part_ms(seconds, percent)
    return figures


def fill(bench: Bench, count: int, connection: Connection) -> None:
    """Leaves without decisions, as large as those of ordinary generations: input and output, turn and turn about."""
    committed = {"account": "a", "record": "b", "request": "c", "tier": "free"}
    drafts = []
    for stage, answered in (("input", ANSWERED), ("output", ANSWERED_OUTPUT)):
        public: dict[str, PublicValue] = {
            "answered": list(answered),
            "category": None,
            "missing": [],
            "policy": bench.policy.version,
            "stage": stage,
            "verdict": "allow",
        }
        drafts.append(Draft(LeafKind.DECISION, clock(), public, committed, "sub_bench", sort=f"{stage}/allow/-"))
    bench.ledger.append(connection, (drafts * count)[:count])


async def grow(bench: Bench, size: int) -> Figures:
    """Append and integrate up to `size` leaves; then prove and verify."""
    has = Checkpoint.parse((await bench.database.read(read_checkpoint)).text).size
    start = time.perf_counter()
    added, rounds = size - has, []
    while has < size:
        await bench.database.write(partial(fill, bench, min(2000, size - has)))
        rounds += await bench.catch_up()
        has += min(2000, size - has)
    sustained = added / (time.perf_counter() - start)
    head = Checkpoint.parse((await bench.database.read(read_checkpoint)).text)
    places = [number * head.size // PROOFS for number in range(PROOFS)]
    sample = select(ledger_leaves.c.leaf_hash).where(ledger_leaves.c.idx.in_(places))
    hashes = await bench.database.read(lambda c: c.execute(sample).scalars().all())
    proofs = []
    for leaf_hash in hashes:
        start = time.perf_counter()
        proof = await bench.database.read(partial(read_proof, leaf_hash=leaf_hash))
        proofs.append(time.perf_counter() - start)
        verify_inclusion(proof.index, head.size, leaf_hash, proof.hashes, head.root)
    bundles = []
    for number in range((head.size + TILE_WIDTH - 1) // TILE_WIDTH):
        bundles.append(tile_at(ENTRIES, number, head.size))
    contents = [await bench.database.read(partial(read_tile, tile=bundle)) for bundle in bundles]
    bytes_read = sum(map(len, contents))
    audit, start, begun = Audit(), time.perf_counter(), time.process_time()
    for bundle, content in zip(bundles, contents, strict=True):
        audit.add_all(parse_bundle(content, bundle.width))
    audit.check_root(head)
    return {
        "leaves_per_s": round(sustained),
        "integrate_round_p50_ms": part_ms(rounds, 50),
        "proof_p50_ms": part_ms(proofs, 50),
        "proof_p99_ms": part_ms(proofs, 99),
        "verify_s": round(time.perf_counter() - start, 3),
        "verify_cpu_s": round(time.process_time() - begun, 3),
        "bytes_a_leaf": round(bytes_read / head.size),
    }


async def measure(folder: Path, count: int, sizes: Sequence[int]) -> dict[str, Figures]:
    """Everything."""
    bench = Bench(folder)
    try:
        await bench.begin()
        figures = {"record": await record_step(bench, count)}
        await bench.catch_up()
        show("record", figures["record"])
        for size in sizes:
            figures[f"{size}"] = await grow(bench, size)
            show(f"{size:,} leaves", figures[f"{size}"])
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
        figures = asyncio.run(measure(Path(folder), 400 if options.quick else 2000, options.sizes))
    if options.picture:
        title = "What a log costs, by its size"
        options.picture.write_text(curve.curve(title, "leaves", curve.of(figures, DRAWN)), "utf-8")
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
