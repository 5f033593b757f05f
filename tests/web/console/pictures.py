"""Takes the pictures of the console that the documents show.

Run `python -m tests.web.console.pictures` after a change of the pages, on a machine with chromium, and look at each of
them. The pictures that are "reported" in them are a cup of coffee and an astronaut's portrait.
"""

import io
import random
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import skimage.data
from PIL import Image
from playwright.sync_api import Page

from safelight.accounts.permissions import Role
from safelight.cases.draft import Matter, Route
from tests.conftest import png
from tests.web.console.studio import Browser, Studio, studio
from tests.web.public.browser import browsing

FOLDER = Path(__file__).parents[3] / "docs" / "pictures"
PHONE_PX, DESKTOP_PX = 390, 1280
TALLEST_PX = 1_500
COLOURS = 96
"""Enough for text on plain ground, and for a grey picture."""
REPORTED = 24


@dataclass(frozen=True, slots=True)
class Scene:
    """A day's work: what the pages show."""

    open_case: str
    child: str
    decided: str


def work_a_day(desk: Studio) -> Scene:
    """Have things reported over two days, and some of them decided."""
    draw = random.Random(4)
    photos = [png(skimage.data.astronaut()), png(skimage.data.coffee())]
    reported: list[tuple[str, Matter]] = []
    for number in range(REPORTED):
        matter = draw.choices(list(Matter), [1, 6, 1])[0]
        case_id = desk.report(
            picture=photos[number % 2],
            matter=matter,
            route=draw.choice([Route.PAGE, Route.PLATFORM, Route.COPYRIGHT, Route.HOTLINE]),
            explanation="Somebody I used to know put it up. I never agreed to it.",
            views=draw.choice([0, 0, 120, 4_800]),
            person_is_child=matter is Matter.CHILD or None,
        )
        reported.append((case_id, matter))
        desk.now += timedelta(minutes=draw.choice([20, 90, 150]))
    moderator = desk.signed_in(Role.MODERATOR, "Bo Tarn")
    for number, (case_id, matter) in enumerate(reported[:14]):
        if matter is Matter.INTIMATE:
            choice = "keep/not_intimate_content" if number % 5 == 4 else "remove/intimate_without_consent"
            decide(desk, moderator, case_id, choice)
            decided = case_id
            desk.now += timedelta(minutes=9)
    child = next(case_id for case_id, matter in reported if matter is Matter.CHILD)
    decide(desk, moderator, child, "remove/child_sexualised", words="Clear to me.")
    desk.travel(minutes=2)
    return Scene(next(case_id for case_id, matter in reported[14:] if matter is Matter.INTIMATE), child, decided)


def decide(desk: Studio, browser: Browser, case_id: str, choice: str, **fields: str) -> None:
    """Decide a case."""
    version = str(desk.row(case_id).version)
    assert browser.press(f"/cases/{case_id}/decide", choice=choice, version=version, **fields).status_code == 200


def signed_in(page: Page, desk: Studio, role: Role, name: str) -> None:
    """Have `page` be somebody's."""
    cookie = desk.signed_in(role, name).cookies["safelight_console"]
    page.context.clear_cookies()
    page.context.add_cookies([{"name": "safelight_console", "value": cookie, "url": desk.address}])


def take(page: Page, name: str) -> None:
    """Write what the page shows as WebP without loss, in both sizes."""
    for width, suffix in ((DESKTOP_PX, ""), (PHONE_PX, "-phone")):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_load_state("networkidle")
        shot = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
        shot = shot.crop((0, 0, shot.width, min(shot.height, TALLEST_PX)))
        shot.quantize(COLOURS).convert("RGB").save(FOLDER / f"console-{name}{suffix}.webp", lossless=True, method=6)
    page.set_viewport_size({"width": DESKTOP_PX, "height": 800})


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        studio(Path(folder), second_look_share=1.0) as desk,
        browsing() as browser,
        browser.new_context() as context,
    ):
        scene, page = work_a_day(desk), context.new_page()

        def at(path: str) -> Page:
            page.goto(f"{desk.address}/console{path}")
            return page

        take(at("/sign-in"), "sign-in")
        take(at("/enrol"), "enrol")
        signed_in(page, desk, Role.SENIOR, "Ada Quill")
        take(at("/queue"), "queue")
        page.keyboard.press("?")
        take(page, "keys")
        take(at(f"/cases/{scene.open_case}"), "case")
        with page.expect_navigation():
            page.keyboard.press("v")
        take(page, "case-less-detail")
        page.keyboard.press("1")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        take(page, "before")
        take(at(f"/cases/{scene.child}"), "second")
        at(f"/cases/{scene.decided}")
        with page.expect_navigation():
            page.keyboard.press("u")
        take(page, "undo")
        take(at("/review"), "review")
        take(at("/me"), "me")
        take(at("/undelivered"), "undelivered")
        page.keyboard.press("g")
        with page.expect_navigation():
            page.keyboard.press("m")
        with page.expect_navigation():
            page.keyboard.press("b")
        take(page, "break")
        signed_in(page, desk, Role.LEAD, "Lena Ost")
        take(at("/figures"), "figures")
        signed_in(page, desk, Role.ADMIN, "Rui Dahl")
        take(at("/staff"), "staff")


if __name__ == "__main__":
    main()
