"""Reports and queues under load: one page of a queue of 50,000 open cases, and 100 reports a second.

    python bench/cases.py [--json]      50,000 cases, 60 seconds of reports
    python bench/cases.py --quick       5,000 cases, 5 seconds

Reports arrive evenly, each with a fingerprint of its own and a place of its own, from as many people; the latency is
from the moment at which one was due to arrive to its receipt, so waiting counts. While they arrive, everything that
follows from them (indexing, the platform's orders, letters) runs as in service, against a platform in memory; the CPU
of a report is that of everything up to its last effect.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from rich.console import Console
from rich.table import Table
from sqlalchemy import ColumnElement, Connection, func, insert, select

from machine import machine

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.cases.house import MODERATOR, House, post, report

from safelight.cases.draft import Fingerprint
from safelight.cases.records import WAITING
from safelight.cases.service import Cases
from safelight.core.clock import to_rfc3339
from safelight.matching.fingerprints import HashKind
from safelight.store.cases_tables import case_effects, case_events, cases

PER_S = 100
LASTS_S = 1_800
"""At most, for what comes before the first report and after the last."""


def fill(connection: Connection, count: int, now: datetime) -> None:
    """Open cases of the last twenty hours, so that nothing is due but new reports."""
    rows = []
    for number in range(count):
        received = now - timedelta(seconds=random.uniform(0, 20 * 3600))
        at = to_rfc3339(received)
        rows.append(
            {
                "id": f"case_{number:026d}",
                "number": number + 1,
                "kind": "image",
                "matter": random.choice(["intimate", "other"]),
                "route": "page",
                "state": "open",
                "visibility": "visible",
                "law": "uk_osa_s10",
                "received_at": at,
                "due_at": to_rfc3339(received + timedelta(hours=48)),
                "rank_at": to_rfc3339(received + timedelta(hours=random.choice([0, 24, 96]))),
                "is_waiting": True,
                "in_danger": False,
                "is_flood": False,
                "is_known": False,
                "next_at": None,
                "reports": 1,
                "places": 1,
                "views": 0,
                "held_by": "",
                "was_contested": False,
                "was_overturned": False,
                "is_breached": False,
                "version": 1,
            }
        )
    connection.execute(insert(cases), rows)
    body = {"kind": "image", "route": "page", "report": "rep_1", "law": "uk_osa_s10"}
    connection.execute(
        insert(case_events),
        [
            {
                "case_id": row["id"],
                "seq": 1,
                "at": row["received_at"],
                "step": "received",
                "by": "reporter",
                "body": json.dumps(body | {"matter": row["matter"], "due_at": row["due_at"]}),
            }
            for row in rows
        ],
    )


async def pages(service: Cases) -> tuple[list[float], list[float]]:
    """Milliseconds for pages of the queue, and for the counts beside it."""
    took, counted, after = [], [], None
    for _ in range(40):
        start = time.perf_counter()
        page = await service.queue(MODERATOR, after=after)
        took.append((time.perf_counter() - start) * 1000)
        start = time.perf_counter()
        await service.counts(MODERATOR)
        counted.append((time.perf_counter() - start) * 1000)
        after = page.next_after
    return took, counted


async def reports(home: House, seconds: int) -> tuple[list[float], float, float]:
    """Milliseconds from when each report was due to its receipt; then of all of them, from the first report to the last
    effect: seconds of CPU, and seconds after the last receipt.
    """
    took: list[float] = []
    service = home.cases
    await service.start()
    await none_left(home, cases.c.next_at.is_(None))  # what every start works out anew
    cpu, start = time.process_time(), time.perf_counter()

    async def one(number: int) -> None:
        due = start + number / PER_S
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        fingerprint = Fingerprint(HashKind.PDQ, random.randbytes(32).hex())
        draft = report(places=(post(f"p{number}"),), fingerprints=(fingerprint,))
        await service.receive(draft, f"person {number}")
        took.append((time.perf_counter() - due) * 1000)

    await asyncio.gather(*(one(number) for number in range(seconds * PER_S)))
    received = time.perf_counter()
    await none_left(home, case_effects.c.state == WAITING)
    found = took, time.process_time() - cpu, time.perf_counter() - received
    await service.close()
    return found


async def none_left(home: House, which: ColumnElement[bool]) -> None:
    """Wait until there is no such row. Raises TimeoutError."""
    async with asyncio.timeout(LASTS_S):
        query = select(func.count()).where(which)
        while await home.database.read(lambda c: c.execute(query).scalar_one()):  # noqa: ASYNC110 (a table tells nobody)
            await asyncio.sleep(0.5)


def spread(took: list[float]) -> dict[str, float]:
    """Median, 95th and 99th percentile, in ms."""
    ordered = sorted(took)
    found = {"p50_ms": statistics.median(ordered)}
    found |= {f"p{part}_ms": ordered[int(len(ordered) * part / 100)] for part in (95, 99)}
    return {name: round(ms, 1) for name, ms in found.items()}


def run(count: int, seconds: int) -> dict[str, Any]:
    """The queue of `count` cases, and then reports for so many seconds; what was acknowledged must be there."""
    random.seed(1)
    with tempfile.TemporaryDirectory() as folder:
        now = datetime.now(UTC)
        home = House(Path(folder), now=now)
        home.sql(lambda c: fill(c, count, now))
        found: dict[str, Any] = {"machine": machine(), "cases": count}
        pages_took, counts_took = home.run(pages(home.cases))
        found |= {"page of 50": spread(pages_took), "counts": spread(counts_took)}
        took, cpu, effects_after = home.run(reports(home, seconds))
        received = len(took)
        kept = home.sql(lambda c: c.execute(select(func.count()).select_from(cases)).scalar_one()) - count
        found["report to receipt"] = spread(took)
        found |= {"reports": received, "per_s": PER_S, "lost": received - kept}
        found["cpu_ms_a_report"] = round(cpu / received * 1000, 1)
        found["last_effect_after_s"] = round(effects_after, 1)
        home.close()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="5,000 cases, 5 seconds")
    parser.add_argument("--cases", type=int, default=50_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--json", action="store_true", help="one object on the last line")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    found = run(5_000, 5) if asked.quick else run(asked.cases, asked.seconds)
    if asked.json:
        print(json.dumps(found))
        return
    table = Table("of which", "p50 ms", "p95 ms", "p99 ms", title=f"{found['cases']:,} open cases, {found['machine']}")
    for name in ("page of 50", "counts", "report to receipt"):
        table.add_row(name, *(str(ms) for ms in found[name].values()))
    Console().print(table)
    cost = f"{found['reports']} reports at {PER_S} a second, {found['cpu_ms_a_report']} ms of CPU each"
    print(f"{cost}: {found['lost']} lost")


if __name__ == "__main__":
    main()
