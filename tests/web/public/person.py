"""A person at the pages of a report: what they press and type, whatever their language and with scripts on or off."""

import itertools
from dataclasses import dataclass

from playwright.sync_api import Page

_NUMBERS = itertools.count(1)


def from_elsewhere() -> dict[str, str]:
    """Headers of somebody whom the service has not seen before: who sends much from one address is hidden later."""
    number = next(_NUMBERS)
    return {"x-forwarded-for": f"198.51.{number // 250}.{number % 250}"}


@dataclass
class Person:
    """Somebody in front of one page of a browser."""

    page: Page
    address: str
    language: str = "en"
    pressed: int = 0
    """How often they pressed or typed something."""

    def visit(self, path: str = "") -> "Person":
        """One of the pages, by its address."""
        self.page.goto(f"{self.address}/report/{self.language}{path}")
        return self

    def press(self, selector: str) -> None:
        self.page.click(selector)
        self.page.wait_for_selector("body:not([aria-busy])", state="attached")  # the answer takes the page's place
        self.pressed += 1

    def choose(self, name: str, value: str) -> None:
        self.page.check(f"[name={name}][value={value}]")
        self.pressed += 1

    def type(self, name: str, text: str) -> None:
        self.page.fill(f"[name={name}]", text)
        self.pressed += 1

    def go_on(self) -> None:
        self.press("[name=go][value=next]")

    def report(self, *, adult: bool = True, links: str = "https://images.example/p1") -> tuple[str, str]:
        """From the front page to a receipt, one question after the other: its code and PIN."""
        self.visit()
        self.press("main a.button")
        self.choose("matter", "intimate")
        self.go_on()
        self.choose("reporter", "subject")
        self.go_on()
        self.choose("person_age", "over" if adult else "under")
        self.choose("my_age", "over" if adult else "under")
        self.go_on()
        if not adult:
            self.go_on()
        self.type("links", links)
        self.go_on()
        self.go_on()
        if adult:
            self.choose("shows", "yes")
            self.choose("no_consent", "yes")
            self.type("signature", "A. Person")
        self.choose("good_faith", "yes")
        self.go_on()
        self.choose("contact_kind", "receipt")
        self.go_on()
        self.press("[name=go][value=send]")
        return self.receipt()

    def receipt(self) -> tuple[str, str]:
        """What the page shows."""
        return self.page.inner_text("#code"), self.page.inner_text("#pin")

    def look(self, code: str, pin: str) -> None:
        """At the status of a report."""
        self.visit("/status")
        self.type("code", code)
        self.type("pin", pin)
        self.press("main button")
