"""The browser's fingerprint is the server's, bit for bit, whatever the file: otherwise a report would find nothing."""

import hashlib
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from urllib.parse import quote

import pytest
from playwright.sync_api import Page

from safelight.core.limits import DEFAULT_LIMITS
from safelight.core.request import Upload
from safelight.matching.pdq import Pdq, Turn, pdq
from safelight.signals.image.decode import decode
from safelight.signals.model import PictureRole
from tests.web.public.browser import browsing, needs_chromium, serving_files
from tests.web.public.picture_files import picture_files

pytestmark = needs_chromium

FILES: dict[str, Callable[[], bytes]] = {name: lru_cache(1)(make) for name, make in picture_files()}
BROKEN = {"text.jpg": lambda: b"no picture", "half.png": lambda: FILES["astronaut 64x64.png"]()[:900], "empty": bytes}
IN_A_WORKER = """async (name) => {
  const file = await (await fetch("/" + encodeURIComponent(name))).blob();
  window.worker ??= new Worker("/fingerprint-worker.mjs", { type: "module" });
  return new Promise((done, fail) => {
    worker.onmessage = (message) => done(message.data);
    worker.onerror = (error) => fail(error.message);
    worker.postMessage(file);
  });
}"""
IN_THE_PAGE = """async (name) => {
  window.OffscreenCanvas = undefined;
  const { fingerprint } = await import("/fingerprint.mjs");
  return fingerprint(await (await fetch("/" + encodeURIComponent(name))).blob());
}"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with (
        serving_files({quote(name): make for name, make in (FILES | BROKEN).items()}) as address,
        browsing() as browser,
    ):
        page = browser.new_page()
        page.goto(address)
        yield page


def test_two_hundred_files_have_the_servers_fingerprint_in_all_eight_forms(page: Page) -> None:
    """Every format, size and turn. Exactly: chromium's decoders and ours agree, so nothing is allowed for them.

    Only the turn that EXIF asks for in a WebP is not obeyed by chromium; a match looks at all eight forms anyway.
    """
    names_of_turns = page.evaluate("import('/pdq.mjs').then((module) => module.TURNS)")
    assert names_of_turns == [turn.name for turn in Turn]
    compared, different = 0, []
    for name, make in FILES.items():
        content = make()
        seen = FILES["turn 1.webp"]() if re.fullmatch(r"turn \d\.webp", name) else content
        frame = decode(Upload(seen), role=PictureRole.PHOTO, where="file", limits=DEFAULT_LIMITS).frames[0]
        ours = pdq(frame)
        theirs = page.evaluate(IN_A_WORKER, name)
        expected = (
            {"quality": ours.quality, "forms": [form.hex() for _, form in ours.forms]}
            if isinstance(ours, Pdq)
            else {"quality": ours.quality, "why": ours.why.value}
        )
        compared += 1
        if theirs != expected | {"sha256": hashlib.sha256(content).hexdigest()}:
            different.append(name)
    assert compared >= 200
    assert not different


def test_without_a_canvas_for_workers_it_is_made_in_the_page(page: Page) -> None:
    name = "astronaut 512x512.png"
    assert page.evaluate(IN_THE_PAGE, name) == page.evaluate(IN_A_WORKER, name)
    page.reload()


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_read_says_so(page: Page, name: str) -> None:
    assert page.evaluate(IN_A_WORKER, name)["why"] == "undecodable"
