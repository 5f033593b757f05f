"""A process killed at any moment of intake, decision and takedown: nothing acknowledged is lost or half done."""

import os
import random
import selectors
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from safelight.cases.model import CaseState, Visibility
from safelight.cases.records import WAITING
from safelight.store.cases_tables import case_effects, case_letters
from tests.cases.house import EVERYTHING, SENIOR, house
from tests.cases.kill_worker import FilePlatform

KILLS = int(os.environ.get("SAFELIGHT_TEST_CASE_KILLS", "4"))
"""How often the process is killed; 200 before a release (docs/how-to/reports.md)."""
STEPS_MAX = 30
"""Steps acknowledged before a kill: one at least, so that none comes before there is anything to lose."""
ROOT = Path(__file__).parents[2]
_ORDER_OF = {Visibility.REMOVED: "remove", Visibility.HIDDEN: "hide", Visibility.VISIBLE: "restore"}


def run_and_kill(folder: Path, dice: random.Random) -> list[str]:
    """What one process acknowledged before it was killed: in the middle of its next steps, after some that it is not
    told, so that a slow machine is killed at its work as a fast one is."""
    command = [sys.executable, "-m", "tests.cases.kill_worker", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)  # noqa: S603 (our own command)
    assert process.stdout
    said = b""
    steps = dice.randint(1, STEPS_MAX)
    deadline = time.monotonic() + 60
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while said.count(b"\n") < steps and time.monotonic() < deadline:
            if selector.select(timeout=0.5):
                said += os.read(process.stdout.fileno(), 65536)
            assert process.poll() is None, "the process did not start"
    time.sleep(dice.random() * 0.05)
    process.send_signal(signal.SIGKILL)
    said += process.stdout.read()
    process.wait(10)
    process.stdout.close()
    return said.decode().split("\n")[:-1]


@pytest.mark.slow
def test_killed_processes_lose_no_report_send_no_letter_twice_and_leave_nothing_half_done(tmp_path: Path) -> None:
    dice = random.Random(7)
    with house(tmp_path):
        pass
    said: list[str] = []
    for _ in range(KILLS):
        said += run_and_kill(tmp_path, dice)
    # As a process that goes on does: effects that were leased are run again after their lease.
    files = FilePlatform(tmp_path)
    now = datetime.now(UTC)
    with closing(files), house(tmp_path, now=now, begin=False, platform=files, post_=files) as home:
        home.travel(minutes=30)

        assert len(said) >= KILLS
        receipts = [line.split()[1:] for line in said if line.startswith("receipt")]
        assert receipts
        for code, pin, _ in receipts:
            home.run(home.cases.status(code, pin, ""))

        rows = {}
        after = None
        while True:
            page = home.run(home.cases.queue(SENIOR, EVERYTHING, limit=200, after=after))
            rows |= {row.id: row for row in page.rows}
            after = page.next_after
            if after is None:
                break
        decided = {line.split()[1]: line.split()[2] for line in said if line.startswith("decided")}
        assert all(rows[case].outcome == outcome for case, outcome in decided.items())

        # What the platform heard last of each case is what holds; and nothing waits any more.
        last: dict[str, tuple[int, str]] = {}
        for line in (tmp_path / "orders.log").read_text().splitlines():
            case, sequence, order, _ = line.split()
            last[case] = max(last.get(case, (0, "")), (int(sequence), order))
        for case, row in rows.items():
            assert last[case][1] == _ORDER_OF[row.visibility]
            assert (row.state is CaseState.DECIDED) == (row.outcome is not None)
        waiting = select(case_effects.c.id).where(case_effects.c.state == WAITING)
        assert home.sql(lambda c: c.execute(waiting).all()) == []

        # Each letter stands once; it may be handed over again with its id, by which the other side knows it.
        letters = home.sql(lambda c: c.execute(select(case_letters.c.effect_id)).scalars().all())
        sent = {line.split()[0] for line in (tmp_path / "letters.log").read_text().splitlines()}
        assert sent == set(letters)
        told = select(case_letters.c.code_digest, case_letters.c.kind)
        kinds = Counter((row.code_digest, row.kind) for row in home.sql(lambda c: c.execute(told).all()))
        assert set(kinds.values()) == {1}
