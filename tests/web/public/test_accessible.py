"""WCAG 2.2 AA as far as a machine can tell: axe on every page, in both directions and both sizes, and a few by hand."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.service import Service
from tests.web.public.browser import browsing, needs_chromium
from tests.web.public.every_page import every_page
from tests.web.public.person import Person, from_elsewhere

pytestmark = needs_chromium

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
NARROWEST_PX = 320
"""WCAG 1.4.10: without scrolling in two directions."""
SMALLEST_TARGET_PX = 24
"""WCAG 2.5.8."""
TARGETS = f"""() =>
  [...document.querySelectorAll('button, input:not([type=hidden]), textarea, summary, a.button, .leave')]
  .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
  .filter(([, box]) => box.width && Math.min(box.width, box.height) < {SMALLEST_TARGET_PX}).map(([html]) => html)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


def test_axe_finds_no_fault_on_any_page(service: Service, browser: Browser) -> None:
    axe, faults, seen = Axe(), dict[str, Any](), 0
    with browser.new_context(extra_http_headers=from_elsewhere()) as context:
        page = context.new_page()
        for name in every_page(page, service.address, "ar"):
            seen += 1
            found = axe.run(page, options=RULES).response["violations"]
            faults |= {f"{name}: {fault['id']}": [node["target"] for node in fault["nodes"]] for fault in found}
    assert seen >= 19
    assert not faults


def test_every_page_fits_the_narrowest_screen_with_targets_large_enough(service: Service, browser: Browser) -> None:
    """In German, whose words are the longest."""
    faults: dict[str, Any] = {}
    size = {"width": NARROWEST_PX, "height": 600}
    with browser.new_context(viewport=size, extra_http_headers=from_elsewhere()) as context:  # type: ignore[arg-type]
        page = context.new_page()
        for name in every_page(page, service.address, "de"):
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                faults[f"{name}: wider than the screen"] = NARROWEST_PX
            if small := page.evaluate(TARGETS):
                faults[f"{name}: targets under {SMALLEST_TARGET_PX} px"] = small
    assert not faults


def test_the_whole_way_can_be_gone_by_keyboard(service: Service, browser: Browser) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        Person(page, service.address).visit("/form")
        page.keyboard.press("Tab")
        expect(page.locator(".home")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.locator("#leave")).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        expect(page.locator("[value=intimate]")).to_be_checked()
        page.keyboard.press("Enter")
        expect(page.locator("[name=at]")).to_have_value("who")
