"""Whatever a stranger sends: a 4xx with a stable code, in the one shape, and the service goes on."""

import base64

import numpy as np
import pytest

from safelight.core.errors import BackendCode, InputCode
from tests.conftest import png
from tests.gate.hostile_urls import HOSTILE_URLS
from tests.service import Service
from tests.signals.image.hostile import HOSTILE
from tests.web.hostile import CHECK, EDIT, HOSTILE_BODIES

KNOWN_CODES = {code.value for code in InputCode} | {code.value for code in BackendCode}


def expect(answer: object, status: int, code: str) -> None:
    body = answer.json()  # type: ignore[attr-defined]
    assert (answer.status_code, body["error"]["code"]) == (status, code), body  # type: ignore[attr-defined]
    assert set(body) == {"error"}
    assert set(body["error"]) >= {"message", "type", "param", "code"}
    assert body["error"]["code"] in KNOWN_CODES


def test_there_are_at_least_sixty() -> None:
    assert len(HOSTILE_BODIES) + len(HOSTILE) + len(HOSTILE_URLS) >= 60


@pytest.mark.parametrize("name", HOSTILE_BODIES)
def test_a_hostile_body_is_one_clear_error(real: Service, flat: bytes, name: str) -> None:
    sent = HOSTILE_BODIES[name]
    with real.http() as http:
        if sent.form:
            answer = http.post(sent.path, **sent.form(flat))
        else:
            assert sent.content
            answer = http.post(sent.path, content=sent.content(), headers=dict(sent.headers))
    expect(answer, sent.status, sent.code)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_image_is_one_clear_error(real: Service, name: str) -> None:
    make, code = HOSTILE[name]
    with real.http() as http:
        answer = http.post(EDIT, data={"prompt": "make it brighter"}, files={"image": ("a.png", make(), "image/png")})
    expect(answer, 413 if code is InputCode.IMAGE_TOO_LARGE else 400, code.value)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_image_is_no_better_as_an_address(real: Service, name: str) -> None:
    make, _ = HOSTILE[name]
    url = "data:image/png;base64," + base64.b64encode(make()).decode()
    with real.http() as http:
        answer = http.post(EDIT, json={"prompt": "make it brighter", "images": [{"image_url": url}]})
    assert answer.status_code in (400, 413)
    assert answer.json()["error"]["code"] in KNOWN_CODES


@pytest.mark.parametrize("name", HOSTILE_URLS)
def test_a_hostile_address_is_not_fetched(real: Service, name: str) -> None:
    url, code = HOSTILE_URLS[name]
    part = {"type": "image_url", "image_url": {"url": url}}
    with real.http() as http:
        answer = http.post(CHECK, json={"messages": [{"role": "user", "content": [part]}]})
    expect(answer, 400, code.value)


def test_after_all_of_them_the_service_still_serves_in_bounded_memory(real: Service) -> None:
    with real.http() as http:
        assert http.get("/ready").json() == {"status": "ready", "troubles": {}}
        assert http.post("/v1/images/generations", json={"prompt": "a red bus", "size": "256x256"}).status_code == 200


def test_many_large_images_together_are_too_many_pixels(real: Service) -> None:
    large = png(np.zeros((4000, 4000, 3), np.uint8))
    files = [("image[]", (f"{number}.png", large, "image/png")) for number in range(5)]
    with real.http() as http:
        answer = http.post(EDIT, data={"prompt": "make it brighter"}, files=files)
    expect(answer, 400, InputCode.IMAGE_TOO_MANY_PIXELS.value)
