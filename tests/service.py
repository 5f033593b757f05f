"""A running Safelight behind a real HTTP server on loopback, for tests that go through the door."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import uvicorn
from openai import OpenAI
from sqlalchemy import Connection, text

from safelight.backends.ports import Backend
from safelight.cases.takedown.ports import Platform, Post
from safelight.core.clock import Clock, utc_now
from safelight.core.errors import StoreFailed
from safelight.core.limits import DEFAULT_LIMITS, Limits
from safelight.gate.fetch import FetchRules
from safelight.provenance.credentials.signer import Signer
from safelight.settings import Settings
from safelight.signals.ports import Detector
from safelight.web.app import create_app
from safelight.wiring import Safelight
from tests.database import lay_empty

T = TypeVar("T")
START_TIMEOUT_S = 60.0


@dataclass
class Service:
    """What a test may ask of a running Safelight."""

    address: str
    safelight: Safelight
    loop: asyncio.AbstractEventLoop
    closing: ExitStack
    """Closes the clients when the service ends."""

    def client(self, api_key: str = "none", **more: Any) -> OpenAI:
        """The real OpenAI client, unchanged but for its base address."""
        client = OpenAI(base_url=f"{self.address}/v1", api_key=api_key, max_retries=0, timeout=30, **more)
        self.closing.callback(client.close)
        return client

    def http(self, **more: Any) -> httpx2.Client:
        """A plain HTTP client."""
        return httpx2.Client(base_url=self.address, timeout=30, trust_env=False, **more)

    def sql(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on the service's own database, on the service's own loop."""
        return asyncio.run_coroutine_threadsafe(self.safelight.database.write(work), self.loop).result(10)

    @contextmanager
    def without(self, table: str) -> Iterator[None]:
        """While the service works on, `table` is not to be found: whatever reads or writes it fails."""
        self._rename(table, "elsewhere")
        try:
            yield
        finally:
            self._rename("elsewhere", table)

    def _rename(self, table: str, name: str) -> None:
        statement = text(f"ALTER TABLE {table} RENAME TO {name}")
        for attempt in range(10):  # a transaction of the service may stand in the way for a moment
            try:
                self.sql(lambda connection: connection.execute(statement).close())
            except StoreFailed:
                if attempt == 9:
                    raise
                time.sleep(0.3)
            else:
                return


@contextmanager
def serving(
    folder: Path,
    *,
    detectors: Sequence[Detector] | None = None,
    backend: Backend | None = None,
    limits: Limits = DEFAULT_LIMITS,
    fetch_rules: FetchRules | None = None,
    signer: Signer | None = None,
    platform: Platform | None = None,
    post: Post | None = None,
    clock: Clock = utc_now,
    **settings: Any,
) -> Iterator[Service]:
    """Run Safelight and its HTTP server in a thread of their own until the block ends."""
    if folder.is_dir() and not settings.get("database_url"):
        lay_empty(folder / "safelight.db")
    chosen: dict[str, Any] = {"data_dir": folder, "database_url": "", "open": True, "host": "127.0.0.1", "cores": 2}
    names = ("observe_deadline_s", "backend_timeout_s", "in_flight_max_count")
    chosen |= {name: getattr(limits, name) for name in names}
    safelight = Safelight(
        Settings(_env_file=None, **(chosen | settings)),
        detectors=detectors,
        backend=backend,
        limits=limits,
        fetch_rules=fetch_rules,
        signer=signer,
        platform=platform,
        post=post,
        clock=clock,
    )
    closing = ExitStack()
    started: list[Service] = []
    failed: list[BaseException] = []
    servers: list[uvicorn.Server] = []

    async def run() -> None:
        async with safelight:
            server = uvicorn.Server(uvicorn.Config(create_app(safelight), port=0, log_level="error"))
            servers.append(server)
            task = asyncio.create_task(server.serve())
            while not server.started and not task.done():
                await asyncio.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            started.append(Service(f"http://127.0.0.1:{port}", safelight, asyncio.get_running_loop(), closing))
            await task

    def run_and_note() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:  # noqa: BLE001 (handed to the test's own thread below)
            failed.append(error)

    thread = threading.Thread(target=run_and_note, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_TIMEOUT_S
    while not started and not failed and time.monotonic() < deadline:
        time.sleep(0.01)
    if failed:
        raise failed[0]
    assert started, "the service did not start in time"
    try:
        yield started[0]
    finally:
        closing.close()
        servers[0].should_exit = True
        thread.join(30)
    if failed:
        raise failed[0]
