"""Stop each part in turn: no image leaves, the error has its own code, `ready` turns false, and nothing hangs."""

import asyncio
import base64
import io
import resource
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from safelight.backends.memory import MemoryBackend
from safelight.backends.ports import Made
from safelight.core.canonical import Json
from safelight.core.errors import BackendCode, BackendFailed, BackendRefused
from safelight.core.limits import DEFAULT_LIMITS
from safelight.signals.model import Found, View
from safelight.store.tables import decisions, outbox
from safelight.wiring import builtin_detectors
from tests.detectors import ScriptedDetector, raises, scripted_detectors, sleeps
from tests.service import Service, serving

LIMITS = replace(
    DEFAULT_LIMITS, ready_max_age_s=0.0, observe_deadline_s=0.5, backend_timeout_s=0.5, store_timeout_s=2.0
)
NOTHING_HANGS_S = 5.0
DETECTORS = [detector.name for detector in builtin_detectors()]


class Stand:
    """A service whose detectors and backend are twins that the test can stop."""

    def __init__(self, service: Service, detectors: dict[str, ScriptedDetector], backend: MemoryBackend) -> None:
        self.service = service
        self.detectors = detectors
        self.backend = backend

    def edit(self, photo: bytes, prompt: str = "make it brighter", **headers: str) -> tuple[int, dict[str, Any], float]:
        files = [("image", ("photo.png", photo, "image/png")), ("mask", ("mask.png", photo, "image/png"))]
        start = time.monotonic()
        with self.service.http() as http:
            answer = http.post("/v1/images/edits", data={"prompt": prompt}, files=files, headers=headers)
        return answer.status_code, answer.json(), time.monotonic() - start

    def ready(self) -> tuple[int, dict[str, str]]:
        with self.service.http() as http:
            answer = http.get("/ready")
        return answer.status_code, answer.json()["troubles"]

    def recorded(self) -> list[Any]:
        return self.service.sql(lambda c: c.execute(select(decisions).order_by(decisions.c.id)).all())


@pytest.fixture
def stand(tmp_path: Path, flat: bytes) -> Iterator[Stand]:
    detectors, backend = scripted_detectors(), MemoryBackend(flat)
    with serving(tmp_path, detectors=list(detectors.values()), backend=backend, limits=LIMITS) as service:
        yield Stand(service, detectors, backend)


def test_with_every_part_in_order_the_image_is_released(stand: Stand, flat: bytes) -> None:
    status, body, _ = stand.edit(flat)
    assert (status, len(body["data"])) == (200, 1)
    assert stand.ready() == (200, {})
    assert [(row.stage, row.verdict) for row in stand.recorded()] == [("input", "allow"), ("output", "allow")]


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("how", ["breaks", "is late"])
def test_without_a_detector_nothing_is_released(stand: Stand, flat: bytes, name: str, how: str) -> None:
    detector = stand.detectors[name]
    detector.before = raises if how == "breaks" else sleeps(1.5)
    status, body, took = stand.edit(flat)
    assert (status, body["error"]["code"]) == (503, "safeguard_unavailable")
    assert "data" not in body
    assert took < NOTHING_HANGS_S
    assert stand.backend.jobs == []
    assert list(stand.ready()[1]) == [name]
    (row,) = stand.recorded()
    assert (row.verdict, row.category) == ("refuse", "unchecked")


def test_a_detector_that_stops_after_the_input_holds_the_output_back(stand: Stand, flat: bytes) -> None:
    detector = stand.detectors["image_nudity_one"]
    detector.before = lambda: raises() if detector.asked > 1 else None
    status, body, _ = stand.edit(flat)
    assert (status, body["error"]["code"]) == (503, "safeguard_unavailable")
    assert len(stand.backend.jobs) == 1
    assert [(row.stage, row.verdict) for row in stand.recorded()] == [("input", "allow"), ("output", "refuse")]


def test_a_detector_that_failed_at_the_start_holds_everything_back(tmp_path: Path, flat: bytes) -> None:
    detectors = scripted_detectors()
    detectors["image_nudity_one"].fit = False
    with serving(tmp_path, detectors=list(detectors.values()), backend=MemoryBackend(flat)) as service:
        stand = Stand(service, detectors, MemoryBackend())
        assert stand.edit(flat)[1]["error"]["code"] == "safeguard_unavailable"
        assert stand.ready()[0] == 503


def test_without_the_database_nothing_is_released(stand: Stand, flat: bytes, tmp_path: Path) -> None:
    lock = sqlite3.connect(tmp_path / "safelight.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    try:
        status, body, took = stand.edit(flat)
        assert (status, body["error"]["code"]) == (503, "record_failed")
        assert took < NOTHING_HANGS_S
        assert list(stand.ready()[1]) == ["store"]
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    assert stand.edit(flat)[0] == 200
    assert stand.ready() == (200, {})


def test_a_full_disk_is_told_from_the_first_record_that_fails_until_there_is_room(
    stand: Stand, flat: bytes, tmp_path: Path
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    room = (tmp_path / "safelight.db-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        status, body, took = stand.edit(flat)
        assert (status, body["error"]["code"]) == (503, "record_failed")
        assert took < NOTHING_HANGS_S
        assert "(SQLITE_" in body["error"]["message"]
        assert list(stand.ready()[1]) == ["store"]
        assert stand.ready()[0] == 503
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert stand.ready() == (200, {})
    assert stand.edit(flat)[0] == 200


def test_nothing_is_released_into_a_database_that_was_replaced(stand: Stand, flat: bytes, tmp_path: Path) -> None:
    file, aside = tmp_path / "safelight.db", tmp_path / "aside.db"
    file.rename(aside)
    file.write_bytes(b"a backup")
    status, body, _ = stand.edit(flat)
    assert (status, body["error"]["code"]) == (503, "record_failed")
    assert "replaced" in body["error"]["message"]
    assert list(stand.ready()[1]) == ["store"]
    aside.rename(file)
    assert stand.edit(flat)[0] == 200
    assert stand.ready() == (200, {})


def test_a_picture_that_this_machine_has_no_time_for_is_not_the_models_fault(stand: Stand, flat: bytes) -> None:
    gate = stand.service.safelight.gate
    large = io.BytesIO()
    Image.effect_noise((1500, 1500), 50).save(large, "PNG", compress_level=0)

    async def make_and_hurry(*_: object, **__: object) -> Made:
        gate._limits = replace(LIMITS, decode_deadline_s=0.0)
        return Made((large.getvalue(),))

    stand.backend.make = make_and_hurry  # type: ignore[method-assign]
    status, body, _ = stand.edit(flat)
    assert (status, body["error"]["code"]) == (503, "overloaded")
    assert [row.verdict for row in stand.recorded()] == ["allow"]


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (BackendFailed("no answer", code=BackendCode.UNREACHABLE), 502, "backend_unreachable"),
        (BackendFailed("no room", code=BackendCode.BUSY, retry_after_s=7), 503, "backend_busy"),
        (BackendFailed("no such size", code=BackendCode.REJECTED), 400, "backend_rejected"),
        (BackendRefused("the model refused"), 400, "moderation_blocked"),
        (Made(images=()), 502, "backend_answer_invalid"),
        (Made(images=(b"not an image",)), 502, "backend_answer_invalid"),
    ],
)
def test_a_backend_that_fails_releases_nothing(
    stand: Stand, flat: bytes, failure: Made | BackendFailed, status: int, code: str
) -> None:
    stand.backend.answers.append(failure)
    got, body, _ = stand.edit(flat)
    assert (got, body["error"]["code"]) == (status, code)
    assert "data" not in body
    assert [row.verdict for row in stand.recorded()] == ["allow"]  # what was decided is kept all the same


def test_a_backend_that_is_slow_is_given_up(stand: Stand, flat: bytes) -> None:

    async def dawdle(*_: object, **__: object) -> Made:
        await asyncio.sleep(30)
        raise AssertionError

    stand.backend.make = dawdle  # type: ignore[method-assign]
    status, body, took = stand.edit(flat)
    assert (status, body["error"]["code"]) == (504, "backend_timeout")
    assert took < NOTHING_HANGS_S


def test_a_backend_that_is_gone_shows_in_ready(stand: Stand) -> None:
    stand.backend.closed = True
    assert list(stand.ready()[1]) == ["backend"]


def test_one_refused_output_stops_the_whole_batch(tmp_path: Path, flat: bytes) -> None:
    detectors = scripted_detectors(output_nudity_one=0.99, output_nudity_two=0.99)
    with serving(tmp_path, detectors=list(detectors.values()), backend=MemoryBackend(flat)) as service:
        with service.http() as http:
            answer = http.post("/v1/images/generations", json={"prompt": "a lighthouse", "n": 3})
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert error["code"] == "moderation_blocked"
        assert error["moderation_details"]["moderation_stage"] == "output"
        assert service.sql(lambda c: c.execute(select(outbox.c.kind)).scalars().all()) == ["request_refused"]


class OnlyWhere(ScriptedDetector):
    """Answers `values` only when a picture or a text stands where the test says."""

    where = ""

    def observe(self, view: View) -> Found:
        places = [picture.where for picture in view.pictures] + [text.passage.where for text in view.texts]
        return super().observe(view) if any(place.startswith(self.where) for place in places) else Found()


@pytest.mark.parametrize(
    ("name", "where", "values"),
    [
        ("image_nudity_one", "partial", {"output_nudity_one": 0.99}),
        ("text_meaning", "revised prompt", {"text_sexual": 0.99, "text_undress": 0.99}),
    ],
    ids=["a partial image", "a revised prompt"],
)
def test_what_rides_along_with_an_output_is_judged_too(
    tmp_path: Path, flat: bytes, name: str, where: str, values: dict[str, float]
) -> None:
    detectors = scripted_detectors(output_nudity_two=0.99)
    detectors[name] = only = OnlyWhere(name, detectors[name].emits, dict(values))
    only.where = where
    backend = MemoryBackend(flat)
    with serving(tmp_path, detectors=list(detectors.values()), backend=backend) as service, service.http() as http:
        calm = http.post("/v1/images/generations", json={"prompt": "a lighthouse"})
        backend.answers.append(Made((flat,), partials=(flat,), revised_prompts=("told otherwise",)))
        answer = http.post("/v1/images/generations", json={"prompt": "a lighthouse", "stream": True})
    assert calm.status_code == 200
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "moderation_blocked")


@pytest.mark.parametrize(
    "made",
    [
        lambda flat: Made((flat, flat)),
        lambda flat: Made((flat,), revised_prompts=("half a \ud800 character",)),
        lambda flat: Made((flat,), revised_prompts=("a" * 40_000,)),
    ],
    ids=["more images than asked", "half a character", "words without end"],
)
def test_an_answer_beside_the_agreement_is_the_models_fault(
    stand: Stand, flat: bytes, made: Callable[[bytes], Made]
) -> None:
    stand.backend.answers.append(made(flat))
    status, body, _ = stand.edit(flat)
    assert (status, body["error"]["code"]) == (502, "backend_answer_invalid")


def test_nobody_is_told_what_the_backend_says_besides(stand: Stand, flat: bytes) -> None:
    said = 'a "flat" square,\nin grey \u2028 \\ ☂'
    usage: dict[str, Json] = {"total_tokens": 3, "input_tokens_details": {"text_tokens": 1}}
    extra: dict[str, Json] = {"note": "unseen", "size": "64x64", "usage": usage}
    stand.backend.answers.append(Made((flat,), revised_prompts=(said,), extra=extra))
    _, body, _ = stand.edit(flat)
    assert body.keys() == {"created", "data", "size", "usage"}
    assert body["usage"] == usage
    (item,) = body["data"]
    assert item.keys() == {"b64_json", "revised_prompt"}
    assert item["revised_prompt"] == said
    assert base64.b64decode(item["b64_json"], validate=True).startswith(b"\x89PNG")


def test_a_full_gate_says_so(tmp_path: Path, flat: bytes) -> None:
    detectors = scripted_detectors()
    backend = MemoryBackend(flat)
    with serving(tmp_path, detectors=list(detectors.values()), backend=backend, in_flight_max_count=1) as service:
        detectors["text_meaning"].before = sleeps(1.0)
        with service.http() as http, service.http() as other:
            first = threading.Thread(
                target=http.post, args=["/v1/images/generations"], kwargs={"json": {"prompt": "a"}}
            )
            first.start()
            time.sleep(0.4)
            answer = other.post("/v1/images/generations", json={"prompt": "a"})
            first.join()
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded")
        assert answer.headers["retry-after"]
