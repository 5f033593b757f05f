"""The console over a real database and the real `cases/`, behind a real server on loopback, with a clock to move.

The platform, the post and the pictures' addresses are twins in memory; everything else is what runs.
"""

import asyncio
import hashlib
import re
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

import safelight.web
from safelight.accounts.permissions import Role
from safelight.accounts.staff import Member, add_member
from safelight.accounts.staff_oidc import Oidc
from safelight.accounts.staff_sessions import SessionRules, sign_in
from safelight.accounts.staff_welfare import WelfareRules
from safelight.cases.draft import Fingerprint, Place, PlaceKind
from safelight.core.errors import BadInput, InputCode
from safelight.matching.fingerprints import HashKind
from safelight.web.console.app import Console, ConsoleRules
from safelight.web.console.door import PREFIX
from tests.cases.house import House, report

T = TypeVar("T")
START_TIMEOUT_S = 30.0
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


class PicturesInMemory:
    """Pictures by address, and how often each was fetched."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.fetched: list[str] = []
        self.meeting: asyncio.Barrier | None = None
        """Where as many fetches as it has seats wait for one another."""

    async def fetch(self, place: Place) -> bytes:
        """The file at `place`."""
        self.fetched.append(place.value)
        if self.meeting:
            await self.meeting.wait()
        if place.value not in self.files:
            raise BadInput(InputCode.URL_FAILED, "There is nothing at this address.")
        return self.files[place.value]


class Browser(httpx2.Client):
    """A browser without scripts: keeps the cookie, sends `Origin`, and the token of the form that it last saw."""

    csrf = ""

    def see(self, path: str) -> httpx2.Response:
        """Open a page."""
        answer = self.get(PREFIX + path)
        self._note(answer)
        return answer

    def press(self, path: str, **fields: str) -> httpx2.Response:
        """Send a form, and go where it leads."""
        answer = self.send_form(path, **fields)
        if answer.is_redirect:
            answer = self.get(answer.headers["location"])
        self._note(answer)
        return answer

    def send_form(self, path: str, **fields: str) -> httpx2.Response:
        """Send a form, and see what it answers."""
        return self.post(PREFIX + path, data={"csrf": self.csrf, **fields})

    def _note(self, answer: httpx2.Response) -> None:
        if found := _CSRF.search(answer.text):
            self.csrf = found[1]


class Studio(House):
    """A house of reports with a console, whose server runs the house's loop in a thread of its own."""

    def __init__(self, folder: Path, port: int, oidc: Oidc | None, **rules: Any) -> None:
        super().__init__(folder)
        self.address = f"http://localhost:{port}"
        self.closing = ExitStack()
        self.pictures = PicturesInMemory()
        self.receipts: dict[str, tuple[str, str]] = {}
        self.rules = ConsoleRules(self.address, **{"second_look_share": 0.0, **rules})
        self.console = Console(
            database=self.database,
            clock=self.clock,
            cases=self.cases,
            pictures=self.pictures,
            rules=self.rules,
            draw_secret=b"\x07" * 32,
            oidc=oidc,
        )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the console's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self.runner.get_loop()).result(30)

    def member(self, name: str, role: Role) -> Member:
        """Somebody of the staff."""
        return self.sql(lambda c: add_member(c, name, role, by="machine", now=self.now))

    def browser(self, member: Member | None = None) -> Browser:
        """A browser, in which `member` is signed in."""
        browser = Browser(
            base_url=self.address, headers={"origin": self.address}, timeout=30, trust_env=False, follow_redirects=False
        )
        self.closing.callback(browser.close)
        if member is not None:
            rules = self.rules.sessions
            session = self.sql(lambda c: sign_in(c, None, member, how="test", rules=rules, now=self.now))
            browser.cookies.set("safelight_console", session.token, domain="localhost.local")
            browser.csrf = session.csrf
        return browser

    def signed_in(self, role: Role, name: str = "") -> Browser:
        """A browser of somebody new with this role."""
        return self.browser(self.member(name or f"{role.value} {time.monotonic_ns()}", role))

    def report(self, *, picture: bytes = b"", **changes: Any) -> str:
        """Have an intimate image reported; returns the case."""
        number = len(self.pictures.files) + time.monotonic_ns()
        address = f"https://pictures.example/{number}.png"
        if picture:
            self.pictures.files[address] = picture
        changes = {
            "places": (Place(PlaceKind.ADDRESS, address),),
            "fingerprints": (Fingerprint(HashKind.PDQ, hashlib.sha256(address.encode()).hexdigest()),),
            **changes,
        }
        receipt = self.run(self.cases.receive(report(**changes), "test"))
        self.receipts[receipt.case_id] = (receipt.code, receipt.pin)
        self.run(self.cases.tick())
        return receipt.case_id


@contextmanager
def studio(folder: Path, oidc: Callable[[str], Oidc] | None = None, **rules: Any) -> Iterator[Studio]:
    """Serve the console until the block ends. `oidc` is given the console's address."""
    # Of the TCP protocol by name: asyncio sends answers at once on such sockets only.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        opened = Studio(folder, port, oidc(f"http://localhost:{port}") if oidc else None, **rules)
        static = StaticFiles(directory=Path(safelight.web.__file__).parent / "static")
        app = Starlette(routes=[Mount("/static", static), *opened.console.routes()])
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))

        def run() -> None:
            loop = opened.runner.get_loop()
            asyncio.set_event_loop(loop)
            loop.run_until_complete(server.serve([listener]))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        deadline = time.monotonic() + START_TIMEOUT_S
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.started, "the console did not start in time"
        try:
            yield opened
        finally:
            opened.closing.close()
            server.should_exit = True
            thread.join(30)
            opened.close()


SHORT = SessionRules(idle=timedelta(minutes=30), longest=timedelta(hours=10))
TIGHT = WelfareRules(shift=timedelta(hours=9), cap_points=6, break_after_points=4, break_length=timedelta(minutes=10))
