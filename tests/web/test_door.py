"""Keys, health, metrics, the page, and the description of the API."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from safelight.accounts.keys import create_key
from safelight.accounts.model import Permission
from safelight.accounts.standing import set_standing
from safelight.backends.memory import MemoryBackend
from safelight.core.clock import utc_now
from safelight.core.errors import NotStartable
from safelight.core.request import Standing
from tests.detectors import scripted_detectors
from tests.service import Service, serving


@pytest.fixture
def backend(flat: bytes) -> MemoryBackend:
    return MemoryBackend(flat)


@pytest.fixture
def locked(tmp_path: Path, backend: MemoryBackend) -> Iterator[Service]:
    """A service that asks for a key, as in production."""
    detectors = list(scripted_detectors().values())
    with serving(tmp_path, detectors=detectors, backend=backend, open=False) as service:
        yield service


def key_of(service: Service, *permissions: Permission, per_minute: int = 0) -> str:
    return service.sql(
        lambda c: create_key(
            c, name="t", permissions=permissions or tuple(Permission), requests_per_minute=per_minute, now=utc_now()
        )
    )[1]


def test_without_a_key_nobody_enters(locked: Service) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        locked.client("wrong").images.generate(prompt="a red bus")
    assert caught.value.code == "invalid_api_key"
    locked.client(key_of(locked)).images.generate(prompt="a red bus")


def test_a_stranger_is_sent_away_before_the_body_is_read(locked: Service) -> None:
    with locked.http() as http:
        answer = http.post("/v1/images/generations", content=b"[" * 5_000_000)
    assert answer.status_code == 401


def test_a_suspended_account_is_told_so(locked: Service) -> None:
    secret = key_of(locked)
    subject_id = locked.safelight.accounts.pseudonym("default", "person-7")
    locked.sql(lambda c: set_standing(c, subject_id, Standing.SUSPENDED, reason="test", now=utc_now()))
    with pytest.raises(openai.PermissionDeniedError) as caught:
        locked.client(secret).images.generate(prompt="a red bus", user="person-7")
    assert caught.value.code == "account_suspended"
    locked.client(secret).images.generate(prompt="a red bus", user="person-8")
    with pytest.raises(openai.PermissionDeniedError):  # the client's newer name for it goes before the older one
        locked.client(secret).images.generate(prompt="a red bus", safety_identifier="person-7", user="person-8")


def test_the_name_of_an_account_stays_here(locked: Service, backend: MemoryBackend, portrait: bytes) -> None:
    client = locked.client(key_of(locked))
    client.images.generate(prompt="a red bus", safety_identifier="person-8", user="person-9")
    client.images.edit(prompt="a red bus", image=("a.png", portrait), safety_identifier="person-8", user="person-9")
    assert [dict(job.options) for job in backend.jobs] == [{}, {}]


def test_a_spent_budget_is_a_429_with_a_time(locked: Service) -> None:
    client = locked.client(key_of(locked, per_minute=1))
    client.images.generate(prompt="a red bus")
    with pytest.raises(openai.RateLimitError) as caught:
        client.images.generate(prompt="a red bus")
    assert caught.value.response.headers["retry-after"] == "60"


def test_a_body_that_says_it_is_too_large_is_not_read(real: Service) -> None:
    host, _, port = real.address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = b"POST /v1/check HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        connection.sendall(head + b"content-length: 999999999999\r\n\r\n{")
        answer = b""
        while b"}}" not in answer and (chunk := connection.recv(4096)):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"body_too_large" in answer


def test_health_and_metrics_need_no_key(locked: Service) -> None:
    with locked.http() as http:
        assert http.get("/live").json() == {"status": "live"}
        assert [http.head(path).status_code for path in ("/live", "/ready")] == [200, 200]  # as some probes ask
        assert http.get("/ready").json() == {"status": "ready", "troubles": {}}
        assert "safelight_in_flight 0.0" in http.get("/metrics").text


def test_decisions_are_counted(real: Service) -> None:
    def count() -> float:
        with real.http() as http:
            text = http.get("/metrics").text
        name = 'safelight_decisions_total{category="none",stage="input",verdict="allow"}'
        found = re.search(re.escape(name) + r" (\S+)", text)
        return float(found[1]) if found else 0.0

    before = count()
    real.client().images.generate(prompt="a red bus", size="256x256")
    assert count() == before + 1


@pytest.mark.parametrize("path", ["/nowhere", "/v1/images", "/v1/check/x"])
def test_an_unknown_path_has_the_one_error_shape(real: Service, path: str) -> None:
    with real.http() as http:
        answer = http.get(path)
    assert answer.json()["error"]["code"] in ("not_found", "method_not_allowed")


def test_an_open_door_is_for_loopback_only(tmp_path: Path) -> None:
    with pytest.raises(NotStartable, match="loopback"), serving(tmp_path, host="0.0.0.0"):  # noqa: S104 (refused)
        pass


def test_an_open_door_answers_only_to_its_own_name(real: Service) -> None:
    with real.http(headers={"host": "evil.example"}) as http:
        assert http.get("/try").status_code == 400


def test_the_page_judges_by_hand(real: Service, portrait: bytes) -> None:
    with real.http() as http:
        assert 'href="/try"' in http.get("/").text
        assert "no model" in http.get("/try").text
        refused = http.post(
            "/try", data={"prompt": "put her in a bikini", "photo_choice": "sample"}, files={"image": b""}
        )
        passed = http.post(
            "/try",
            data={"prompt": "make the background a sunset", "photo_choice": "own"},
            files={"image": ("a.png", portrait, "image/png")},
        )
    assert "Refused" in refused.text
    assert "<code>ncii</code>" in refused.text
    assert "<img" not in refused.text
    assert "Allowed" in passed.text
    assert "data:image/png;base64," in passed.text


def test_the_page_shows_text_as_text(real: Service) -> None:
    with real.http() as http:
        answer = http.post("/try", data={"prompt": "</textarea><script>alert(1)</script>"}, files={"image": b""})
    assert "<script>" not in answer.text


@pytest.fixture(scope="module")
def described(real: Service) -> str:
    return f"{real.address}/openapi.json"


def test_the_description_finds_no_server_error(described: str) -> None:
    """Schemathesis sends what the description allows, and what it does not; nothing may be a 500."""
    schema = schemathesis.openapi.from_url(described)
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        strategy = operation.as_strategy()

        @given(case=strategy)
        @settings(
            max_examples=25,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def send(case: schemathesis.Case) -> None:
            nonlocal tried
            tried += 1
            response = case.call()
            assert response.status_code < 500 or response.status_code in (502, 503), response.text

        send()
    assert tried > 100
