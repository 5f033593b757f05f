"""Debian's chromium, driven by Playwright: the pages are tested in a real browser, and without one they are not."""

import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

import safelight.web

CHROMIUM = shutil.which("chromium") or ""
STATIC = Path(safelight.web.__file__).parent / "static"

needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="Debian's package chromium is not installed")


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser of its own until the block ends. Playwright holds the thread's loop meanwhile: no `asyncio.run`."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def serving_files(files: Mapping[str, Callable[[], bytes]]) -> Iterator[str]:
    """The address of a server on loopback: an empty page at `/`, our static modules, and `files` by their path."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.lstrip("/")
            kind, content = "text/html", b"<!doctype html><title>Empty</title>"
            if path in files:
                kind, content = "application/octet-stream", files[path]()
            elif path.endswith(".mjs"):
                kind, content = "text/javascript", (STATIC / Path(path).name).read_bytes()
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
