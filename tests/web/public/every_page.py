"""Every public page about reports, one after the other, as a person comes to it: for axe, and for pictures of them."""

from collections.abc import Iterator

from playwright.sync_api import Page

from tests.web.public.person import Person

_SEND_AGAIN = """([address, fields]) => {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: address });
  for (const [name, value] of Object.entries(fields)) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  document.body.append(form);
  form.submit();
}"""
"""As a browser does that is asked to send a form once more."""


def every_page(page: Page, address: str, language: str) -> Iterator[str]:
    """Brings `page` to each in turn and gives its name."""
    person = Person(page, address, language).visit()
    yield "front"
    person.press("main a.button")
    yield "matter"
    person.go_on()
    yield "matter-error"
    person.choose("matter", "intimate")
    person.go_on()
    person.choose("reporter", "subject")
    yield "who"
    person.go_on()
    person.choose("person_age", "unsure")
    yield "age"
    person.go_on()
    yield "child"
    person.press("[name=go][value=back]")
    person.choose("person_age", "over")
    person.go_on()
    person.type("links", "https://images.example/p1")
    yield "place"
    page.context.set_offline(True)
    person.go_on()
    yield "offline"
    page.context.set_offline(False)
    person.go_on()
    yield "more"
    person.go_on()
    person.choose("shows", "yes")
    person.choose("no_consent", "yes")
    person.type("signature", "A. Person")
    yield "say"
    person.go_on()
    yield "contact"
    person.go_on()
    yield "check"
    whole = page.evaluate("Object.fromEntries(new FormData(document.getElementById('answers')))")
    person.press("[name=go][value=send]")
    code, pin = person.receipt()
    yield "receipt"
    with page.expect_navigation():
        page.evaluate(_SEND_AGAIN, [f"{address}/report/{language}/form", whole | {"go": "send"}])
    yield "receipt-again"
    person.visit("/status")
    yield "status-ask"
    person.type("code", code)
    person.type("pin", "000000" if pin != "000000" else "111111")
    person.press("main button")
    yield "status-error"
    person.look(code, pin)
    yield "status"
    person.press(".quiet-form button")
    yield "withdraw"
    person.press("[value=withdraw]")
    yield "withdrawn"
    person.visit("/contest")
    yield "contest"
    person.visit("/nothing-here")
    yield "error"
