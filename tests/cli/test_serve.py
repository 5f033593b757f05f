"""Being told to stop, at any moment: what is under way is answered and recorded, the log hears of it, and the process
ends well. What it leaves in its folder is its owner's alone."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import uvicorn
from typer.testing import CliRunner

from safelight.backends.memory import MemoryBackend
from safelight.backends.ports import Job, Made
from safelight.cli.main import app
from safelight.cli.serve import make_server, serve_until_signal
from safelight.settings import Settings
from safelight.web.app import create_app
from safelight.wiring import Safelight
from tests.database import lay_empty
from tests.detectors import scripted_detectors

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def deadly() -> Iterator[list[int]]:
    """The signals that would have ended this process, were it the service's."""
    died: list[int] = []
    before = {one: signal.signal(one, lambda number, _frame: died.append(number)) for one in SIGNALS}
    yield died
    for one, handler in before.items():
        signal.signal(one, handler)


class Slow(MemoryBackend):
    """Takes `seconds` for a picture, and tells the process to stop meanwhile."""

    def __init__(self, image: bytes, seconds: float, told: signal.Signals) -> None:
        super().__init__(image)
        self.seconds = seconds
        self.told = told

    async def make(self, job: Job, *, stream: bool = False) -> Made:
        signal.raise_signal(self.told)
        await asyncio.sleep(self.seconds)
        return await super().make(job, stream=stream)


async def ask(server: uvicorn.Server) -> httpx2.Response:
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as http:
        return await http.post(f"http://127.0.0.1:{port}/v1/images/generations", json={"prompt": "a lighthouse"})


async def stopped(folder: Path, backend: Slow, stop_s: int) -> httpx2.Response:
    """What is answered to somebody whose request is under way when the service is told to stop."""
    lay_empty(folder / "safelight.db")
    settings = Settings(_env_file=None, data_dir=folder, port=0, open=True, cores=2)
    detectors = list(scripted_detectors().values())
    async with Safelight(settings, detectors=detectors, backend=backend) as safelight:
        server = make_server(create_app(safelight), settings)
        server.config.timeout_graceful_shutdown = stop_s
        asking = asyncio.create_task(ask(server))
        await serve_until_signal(server)
        return await asking


def recorded(folder: Path) -> tuple[list[str], str]:
    """The stages that were recorded, and the kind of the log's last leaf."""
    with sqlite3.connect(folder / "safelight.db") as database:
        stages = [stage for (stage,) in database.execute("SELECT stage FROM decisions ORDER BY id")]
        (leaf,) = database.execute("SELECT content FROM ledger_leaves ORDER BY id DESC LIMIT 1").fetchone()
    database.close()
    return stages, json.loads(leaf)["kind"]


@pytest.mark.parametrize("told", SIGNALS)
def test_what_is_nearly_done_is_answered_and_the_log_hears_of_the_stop(
    tmp_path: Path, flat: bytes, deadly: list[int], told: signal.Signals
) -> None:
    answer = asyncio.run(stopped(tmp_path, Slow(flat, 0.2, told), stop_s=10))
    assert answer.status_code == 200
    assert recorded(tmp_path) == (["input", "output"], "process_end")
    assert deadly == []


def test_what_takes_too_long_is_told_so_and_recorded_before_the_log_ends(tmp_path: Path, flat: bytes) -> None:
    answer = asyncio.run(stopped(tmp_path, Slow(flat, 60, signal.SIGTERM), stop_s=0))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"]
    assert recorded(tmp_path) == (["input"], "process_end")


@pytest.mark.parametrize("told", SIGNALS)
def test_told_to_stop_while_it_loads_it_closes_what_is_open_and_ends_well(tmp_path: Path, told: signal.Signals) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SAFELIGHT_")}
    words = [sys.executable, "-m", "safelight", "serve", "--open", "--port", "0", "--data-dir", "data"]
    with subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as service:  # noqa: S603 (our own)
        assert service.stdout
        assert json.loads(service.stdout.readline())["event"] == "open_door"  # said before anything is loaded
        service.send_signal(told)
        events = [json.loads(line)["event"] for line in service.stdout]
    assert (service.returncode, events) == (0, ["stopped_early"])
    assert not list((tmp_path / "data").glob("*-wal"))


def test_whatever_stands_in_the_data_folder_is_its_owners_alone(tmp_path: Path) -> None:
    folder, names, hashes = tmp_path / "data", tmp_path / "names.csv", tmp_path / "list.csv"
    names.write_text("name,kind,aliases\nMarielle Velkonova,protected,\n")
    hashes.write_text(f"PDQ\n{'0f' * 32}\n")

    async def run() -> None:
        settings = Settings(_env_file=None, data_dir=folder, open=True, cores=2)
        detectors = list(scripted_detectors().values())
        async with Safelight(settings, detectors=detectors, backend=MemoryBackend(b"")):
            pass

    before = os.umask(0o022)
    try:
        asyncio.run(run())
        for words in (
            ("banks", "add", "list", "--owner", "o", "--source", "s", "--category", "ncii"),
            ("banks", "import", "list", str(hashes), "--column", "PDQ=pdq"),
            ("names", "import", str(names)),
        ):
            done = CliRunner().invoke(app, [*words, "--data-dir", str(folder)])
            assert done.exit_code == 0, done.output
    finally:
        os.umask(before)
    assert (folder / "ledger.head").is_file()
    assert list((folder / "banks").rglob("manifest.json"))
    open_to_others = [path for path in (folder, *folder.rglob("*")) if path.stat().st_mode & 0o077]
    assert open_to_others == []
