"""What a page of the console costs with many open cases: the queue in every order and filter, the next case, figures.

    python bench/console.py [--quick] [--cases 50000] [--json]

Over HTTP on loopback, one request after the other, with the real database (SQLite) and the real `cases/`. Cases are
copies of a few that were received, moved in time. Wall time and processor time of the whole process, client included.
The goal: the queue within 150 ms at the median.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, func, insert, select

from machine import machine

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.cases.house import START
from tests.web.console.studio import Browser, Studio, studio

from safelight.accounts.permissions import Role
from safelight.cases.draft import Declarations, Matter, Route
from safelight.core.clock import to_rfc3339
from safelight.core.ids import new_id
from safelight.store.cases_tables import case_events, cases

GOAL_MS = 150.0
BATCH = 2_000
_QUEUE = {
    "queue": "/queue",
    "queue, by clock": "/queue?sort=due",
    "queue, newest": "/queue?sort=newest",
    "queue, one matter": "/queue?matter=other",
    "queue, one route": "/queue?route=hotline",
    "queue, contested": "/queue?state=contested",
    "queue, under 4 h": "/queue?clock=under_4_h&sort=due",
    "queue, mine": "/queue?held=mine",
    "queue, by nobody": "/queue?held=free",
}


def seed(desk: Studio, count: int) -> None:
    """`count` open cases, received over the last two days."""
    draw = random.Random(20261122)
    said = Declarations(true_and_in_good_faith=True)
    models = [desk.report(matter=Matter.INTIMATE), desk.report(matter=Matter.OTHER, declarations=said)]
    models += [desk.report(matter=Matter.CHILD, declarations=said)]

    def read(connection: Connection) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        pairs = []
        for case_id in models:
            row = connection.execute(select(cases).where(cases.c.id == case_id)).one()
            event = connection.execute(select(case_events).where(case_events.c.case_id == case_id)).first()
            pairs.append((dict(row._mapping), dict(event._mapping)))  # type: ignore[union-attr]
        return pairs

    pairs = desk.sql(read)
    number = desk.sql(lambda c: c.execute(select(func.max(cases.c.number))).scalar_one())

    def copies() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        for one in range(count):
            row, event = pairs[draw.choices([0, 1, 2], [80, 15, 5])[0]]
            back = timedelta(seconds=draw.randrange(47 * 3600))
            case_id = new_id("case", START - back)
            route = draw.choice(list(Route)).value
            moved = {name: _moved(row[name], back) for name in ("received_at", "due_at", "rank_at")}
            body = json.loads(event["body"]) | {"route": route, "due_at": moved["due_at"]}
            row = row | moved | {"id": case_id, "number": number + 1 + one, "route": route, "version": 1}
            row |= {"visibility": "visible", "hidden_at": None, "next_at": None}
            step = event | {"case_id": case_id, "seq": 1, "at": moved["received_at"], "body": json.dumps(body)}
            yield row, step

    whole = list(copies())
    for at in range(0, count, BATCH):
        part = whole[at : at + BATCH]

        def write(connection: Connection, part: list[tuple[dict[str, Any], dict[str, Any]]] = part) -> None:
            connection.execute(insert(cases), [row for row, _ in part])
            connection.execute(insert(case_events), [step for _, step in part])

        desk.sql(write)


def _moved(moment: str, back: timedelta) -> str:
    return to_rfc3339(datetime.fromisoformat(moment) - back)


def measured(ask: Callable[[], Any], count: int) -> dict[str, float]:
    """Wall and processor time of one request, in ms, over `count` of them after one that does not count."""
    ask()
    walls, cpus = [], []
    for _ in range(count):
        wall, cpu = time.perf_counter(), time.process_time()
        ask()
        walls.append((time.perf_counter() - wall) * 1000)
        cpus.append((time.process_time() - cpu) * 1000)
    walls.sort()
    return {
        "p50_ms": round(statistics.median(walls), 1),
        "p95_ms": round(walls[min(count - 1, int(count * 0.95))], 1),
        "cpu_p50_ms": round(statistics.median(cpus), 1),
    }


def run(case_count: int, requests: int) -> dict[str, Any]:
    """Every page, measured."""
    with tempfile.TemporaryDirectory() as folder, studio(Path(folder)) as desk:
        began = time.perf_counter()
        seed(desk, case_count)
        browser = desk.signed_in(Role.SENIOR)
        found: dict[str, Any] = {"cases": case_count, "seeding_s": round(time.perf_counter() - began, 1)}
        found["machine"] = machine()

        def page(path: str) -> Callable[[], None]:
            def ask() -> None:
                answer = browser.see(path)
                assert answer.status_code == 200, answer.text[-500:]

            return ask

        def counted_page() -> None:
            desk.now += timedelta(seconds=6)  # the backlog is counted anew
            page("/queue")()

        def deep() -> str:
            path = "/queue"
            for _ in range(20):
                path = browser.see(path).text.split('class="button second" href="/console')[-1].split('"')[0]
                path = path.replace("&amp;", "&")
            return path

        pages = {name: measured(page(path), requests) for name, path in _QUEUE.items()}
        pages["queue, backlog counted anew"] = measured(counted_page, requests)
        pages["queue, page 21"] = measured(page(deep()), requests)
        pages["take the next case"] = measured(lambda: _next(browser), requests)
        pages["figures of 30 days"] = measured(page("/figures"), max(1, requests // 5))
        found["pages"] = pages
        return found


def _next(browser: Browser) -> None:
    page = browser.press("/next")
    assert "/cases/" in str(page.url), page.url
    browser.press(str(page.url).split("/console")[1].split("?")[0] + "/release")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="ten requests for each page")
    parser.add_argument("--cases", type=int, default=50_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = run(options.cases, 10 if options.quick else 50)
    if options.json:
        print(json.dumps(found))
        return
    table = Table("page", "p50 ms", "p95 ms", "CPU ms", title=f"{found['cases']:,} open cases, {found['machine']}")
    for name, one in found["pages"].items():
        late = one["p50_ms"] > GOAL_MS and name.startswith("queue")
        table.add_row(name, f"{one['p50_ms']}{' over' if late else ''}", str(one["p95_ms"]), str(one["cpu_p50_ms"]))
    Console().print(table)


if __name__ == "__main__":
    main()
