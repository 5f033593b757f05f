"""One report, through the door: copies that are published go, and the next upload and the next generation of each is
refused. A decision that it stays undoes all of it."""

import asyncio
import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openai
import pytest
from sqlalchemy import select

from safelight.accounts.permissions import Role
from safelight.backends.memory import MemoryBackend
from safelight.cases.draft import Route
from safelight.cases.model import Outcome, ReasonCode
from safelight.cases.records import WAITING
from safelight.cases.staff_model import CaseView, Choice, Staff
from safelight.cases.takedown.memory import MemoryPlatform
from safelight.core.clock import utc_now
from safelight.gate.known_images import KnownImageDetector
from safelight.matching.banks import create_bank
from safelight.matching.fingerprints import HashKind
from safelight.matching.intake import take_in
from safelight.matching.model import BankCategory, Entry
from safelight.matching.past import StoredOutputs
from safelight.matching.pdq import Frame
from safelight.store.cases_tables import case_effects
from tests.conftest import png
from tests.detectors import scripted_detectors
from tests.matching.pictures import hash_of, jpeg, photo
from tests.service import Service, serving
from tests.web.test_reports import COMPLETE, send

SENIOR = Staff("carol", Role.SENIOR)
KEEP = Choice(Outcome.KEEP, ReasonCode.NOT_INTIMATE_CONTENT)


def copies_of(frame: Frame) -> dict[str, Frame]:
    """A picture and its copies, as people make them."""
    height, width = frame.shape[:2]
    cropped = np.ascontiguousarray(frame[height // 5 :, : width * 4 // 5])
    return {
        "original": frame,
        "resized": np.asarray(cv2.resize(frame, (width * 2 // 3, height * 2 // 3)), np.uint8),
        "recompressed": jpeg(frame, 40),
        "flipped": np.ascontiguousarray(frame[:, ::-1]),
        "cropped": cropped,
    }


class Town:
    """A service, and the platform that shows what it makes."""

    def __init__(self, service: Service, platform: MemoryPlatform, backend: MemoryBackend) -> None:
        self.service = service
        self.platform = platform
        self.backend = backend

    def make(self, frame: Frame) -> tuple[Frame, str]:
        """What the door releases for `frame`, and the request's id."""
        self.backend.image = png(frame)
        answer = self.service.client().images.with_raw_response.generate(prompt="a picture", model="m")
        file = base64.b64decode(answer.parse().data[0].b64_json or "")  # type: ignore[index]
        made = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
        return np.ascontiguousarray(np.asarray(made, np.uint8)[..., ::-1]), answer.headers["x-request-id"]

    def publish(self, prefix: str, frame: Frame) -> set[str]:
        """Post a picture and its copies; returns the posts."""
        copies = copies_of(frame)
        for name, copy in copies.items():
            self.platform.publish(prefix + name, copy)
        return {prefix + name for name in copies}

    def shown(self) -> set[str]:
        return {name for name in self.platform.posts if self.platform.shows(name)}

    def settle(self) -> None:
        """Wait until the service has done everything that is due, and have the banks read anew."""
        waiting = select(case_effects.c.id).where(case_effects.c.state == WAITING)
        deadline = time.monotonic() + 30
        while self.service.sql(lambda c: c.execute(waiting).first()):
            assert time.monotonic() < deadline, "something waits for ever"
            time.sleep(0.02)
        known = self.service.safelight.known
        assert known.copies
        known._read_at = known.copies._looked_at = float("-inf")

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.service.loop).result(60)

    def case(self, case_id: str) -> CaseView:
        view: CaseView = self.run(self.service.safelight.cases.open(SENIOR, case_id))
        return view

    def refuses(self, frame: Frame) -> tuple[bool, bool]:
        """Whether an upload of `frame` is refused, and an output of it."""
        client = self.service.client()
        self.backend.image = png(photo("coffee"))
        is_upload = is_refused(lambda: client.images.edit(image=("i.png", png(frame), "image/png"), prompt="brighter"))
        self.backend.image = png(frame)
        return is_upload, is_refused(lambda: client.images.generate(prompt="a picture", model="m"))


def is_refused(ask: Any) -> bool:
    try:
        ask()
    except openai.BadRequestError as error:
        return bool(error.body["safelight"]["reasons"] == ["known_image"])  # type: ignore[index]
    return False


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Every detector but `image_known` is scripted, and finds nothing."""
    detectors = [one for one in scripted_detectors().values() if one.name != KnownImageDetector.name]
    folder: Path = tmp_path_factory.mktemp("down")
    platform, backend = MemoryPlatform(utc_now), MemoryBackend()
    with serving(folder, detectors=[*detectors, KnownImageDetector()], backend=backend, platform=platform) as service:
        yield Town(service, platform, backend)


def test_a_report_by_its_place_takes_down_and_keeps_down_every_copy_of_a_picture_from_anywhere(town: Town) -> None:
    """The platform hands out what it has hidden, so that nobody needs a fingerprint."""
    town.platform.hands_out = True
    rocket = photo("rocket", 384, 256)
    posts = town.publish("launch ", rocket)
    others = {"retina", "coffee"}
    for name in others:
        town.platform.publish(name, photo(name, 300, 300))
    body = COMPLETE | {"places": [{"kind": "post", "value": "launch original"}]}
    receipt = send(town.service, **body)[1]
    town.settle()
    assert town.shown() == others
    assert {name: town.refuses(frame) for name, frame in copies_of(rocket).items()} == dict.fromkeys(
        copies_of(rocket), (True, True)
    )
    assert town.refuses(photo("coffee", 300, 200)) == (False, False)
    status = send(town.service, "/status", code=receipt["code"], pin=receipt["pin"])[1]
    assert status["copies"] == len(posts) - 1

    view = town.case(receipt["case"])
    town.run(town.service.safelight.cases.decide(SENIOR, view.row.id, KEEP, view.row.version))
    town.settle()
    assert town.shown() == posts | others
    assert town.refuses(copies_of(rocket)["cropped"]) == (False, False)


def test_a_report_by_fingerprint_finds_what_was_made_here_and_keeps_down_its_crops(town: Town) -> None:
    """Nobody sends the picture: the register of outputs knows its features and the request that it came from."""
    town.platform.hands_out = False
    made, request_id = town.make(photo("astronaut", 320, 320))
    posts = town.publish("made ", made)
    # Another post of the same request, of which too little is left for any hash.
    town.platform.publish("made torn", np.ascontiguousarray(made[:40, :40]), request_id=request_id)
    fingerprints = [{"kind": "pdq", "hex": hash_of(jpeg(made, 50)).hex(), "quality": 100}]
    places = [{"kind": "post", "value": "made original"}]
    receipt = send(town.service, **(COMPLETE | {"fingerprints": fingerprints, "places": places}))[1]
    town.settle()
    assert not town.shown() & (posts | {"made torn"})
    assert town.refuses(copies_of(made)["cropped"]) == (True, True)
    (found,) = town.case(receipt["case"]).made_here
    assert found.request_id == request_id
    assert found.subject_id
    assert found.distance is not None
    assert found.distance <= 31


def test_a_crop_that_was_made_here_before_the_whole_was_reported_goes_too(town: Town) -> None:
    """No hash finds it; its features stand in the register, and those of the whole are kept with the report."""
    town.platform.hands_out = True
    whole = photo("immunohistochemistry", 400, 400)
    part, request_id = town.make(np.ascontiguousarray(whole[90:, :310]))
    # Too little is left for the platform to find it by itself.
    town.platform.publish("part", np.ascontiguousarray(part[:40, :40]), request_id=request_id)
    town.platform.publish("whole", whole)
    receipt = send(town.service, **(COMPLETE | {"places": [{"kind": "post", "value": "whole"}]}))[1]
    town.settle()
    while town.service.safelight.past_copies.look() is not None:
        pass
    town.settle()
    assert "part" not in town.shown()
    (found,) = town.case(receipt["case"]).made_here
    assert (found.request_id, found.distance) == (request_id, None)


def test_what_a_list_knows_of_what_was_made_here_is_hidden_and_becomes_a_case_once(town: Town) -> None:
    """Nobody has reported it: a hotline's hash arrives after the picture was published."""
    made, request_id = town.make(np.ascontiguousarray(photo("coffee")[100:, 150:]))
    town.platform.publish("listed", made, request_id=request_id)
    known, now = town.service.safelight.known, utc_now()
    bank = town.service.sql(
        lambda c: create_bank(c, name="hotline", owner="o", source="s", category=BankCategory.CSAM, now=now)
    )
    entry = Entry(HashKind.PDQ, hash_of(jpeg(made, 60)), item=1)
    finds = town.service.safelight.past_finds
    for _ in range(2):
        past = StoredOutputs(known.database)
        taken = take_in(known.database, known.hashes, bank, [entry], now=utc_now(), past=past)
        assert not taken.held_back
        town.run(finds.work())
        town.settle()
    assert "listed" not in town.shown()
    found = [row for row in town.run(town.service.safelight.cases.queue(SENIOR)).rows if row.route == Route.DETECTION]
    (case,) = [town.case(row.id) for row in found]
    assert [one.request_id for one in case.made_here] == [request_id]
