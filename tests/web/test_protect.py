"""`/v1/protect`: by fingerprint in, by receipt out, with a permission of its own."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import numpy as np
import pytest

from safelight.accounts.keys import create_key
from safelight.accounts.model import Permission
from safelight.backends.memory import MemoryBackend
from safelight.core.clock import utc_now
from safelight.gate.known_images import KnownImageDetector
from safelight.matching.protect import list_protections
from tests.conftest import png
from tests.detectors import scripted_detectors
from tests.matching.pictures import hash_of, photo
from tests.service import Service, serving


@pytest.fixture
def service(tmp_path: Path, flat: bytes) -> Iterator[Service]:
    """A service that asks for a key."""
    detectors = [one for one in scripted_detectors().values() if one.name != KnownImageDetector.name]
    backend = MemoryBackend(flat)
    with serving(tmp_path, detectors=[*detectors, KnownImageDetector()], backend=backend, open=False) as running:
        yield running


def http(service: Service, *permissions: Permission) -> httpx2.Client:
    make = lambda c: create_key(c, name="t", permissions=permissions, requests_per_minute=0, now=utc_now())  # noqa: E731
    return service.http(headers={"authorization": f"Bearer {service.sql(make)[1]}"})


def test_a_photo_is_protected_refused_told_and_taken_off(service: Service) -> None:
    with http(service, Permission.PROTECT, Permission.MAKE) as client:
        answer = client.post("/v1/protect", json={"pdq": hash_of(photo()).hex(), "quality": 100})
        assert answer.status_code == 201
        receipt = answer.json()["receipt"]
        form = {"prompt": "make it brighter", "user": "somebody"}
        service.safelight.known._read_at = float("-inf")
        refused = client.post("/v1/images/edits", data=form, files={"image": ("a.png", png(photo()), "image/png")})
        assert refused.json()["error"]["code"] == "moderation_blocked"
        told = client.post("/v1/protect/status", json={"receipt": receipt}).json()
        assert [attempt["stage"] for attempt in told["attempts"]] == ["input"]
        assert "somebody" not in str(told)
        assert set(told["attempts"][0]) == {"at", "stage"}
        assert client.post("/v1/protect/remove", json={"receipt": receipt}).json() == {"removed": True}
        passed = client.post("/v1/images/edits", data=form, files={"image": ("a.png", png(photo()), "image/png")})
        assert passed.status_code == 200
        assert client.post("/v1/protect/status", json={"receipt": receipt}).json()["removed_at"]


def test_a_photo_that_is_sent_protects_its_crops_and_leaves_no_trace_of_itself(
    service: Service, tmp_path: Path
) -> None:
    file = png(photo())
    crop = png(np.ascontiguousarray(photo()[100:, 60:460]))
    with http(service, Permission.PROTECT, Permission.MAKE) as client:
        answer = client.post("/v1/protect", files={"photo": ("me.png", file, "image/png")})
        assert (answer.status_code, answer.json()["finds_crops"]) == (201, True)
        known = service.safelight.known
        assert known.copies
        known._read_at = known.copies._looked_at = float("-inf")  # news is seen within a second; not to wait for it
        form = {"prompt": "make it brighter"}
        refused = client.post("/v1/images/edits", data=form, files={"image": ("a.png", crop, "image/png")})
        assert refused.json()["error"]["code"] == "moderation_blocked"
        assert client.post("/v1/protect/remove", json={"receipt": answer.json()["receipt"]}).json() == {"removed": True}
    assert not any(file[1000:1064] in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_photo_without_detail_or_a_form_without_a_photo_protects_nothing(service: Service, flat: bytes) -> None:
    with http(service, Permission.PROTECT) as client:
        for name, content in (("photo", flat), ("picture", png(photo())), ("photo", b"no picture")):
            answer = client.post("/v1/protect", files={name: ("me.png", content, "image/png")})
            assert answer.status_code == 400
    assert service.sql(list_protections) == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("", {"pdq": "0" * 64, "quality": 100}, 400),
        ("", {"pdq": "a" * 63, "quality": 100}, 400),
        ("", {"pdq": hash_of(photo()).hex(), "quality": 49}, 400),
        ("", {"pdq": hash_of(photo("chelsea")).hex(), "quality": 100}, 400),
        ("/status", {"receipt": "protect_" + "A" * 32}, 400),
        ("/remove", {"receipt": "x"}, 400),
        ("/remove", {}, 400),
    ],
)
def test_what_cannot_be_is_refused(service: Service, path: str, body: dict[str, object], status: int) -> None:
    with http(service, Permission.PROTECT) as client:
        assert client.post(f"/v1/protect{path}", json=body).status_code == status


@pytest.mark.parametrize("path", ["", "/status", "/remove"])
def test_a_key_needs_the_permission(service: Service, path: str) -> None:
    with http(service, Permission.MAKE) as client:
        assert client.post(f"/v1/protect{path}", json={}).status_code == 403
    with service.http() as stranger:
        assert stranger.post(f"/v1/protect{path}", json={}).status_code == 401
