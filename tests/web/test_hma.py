"""HMA's hash and lookup, as its clients send them."""

import base64
from collections.abc import Iterator
from pathlib import Path

import httpx2
import numpy as np
import pytest
from PIL import Image

from safelight.accounts.keys import create_key
from safelight.accounts.model import Permission
from safelight.backends.memory import MemoryBackend
from safelight.core.clock import utc_now
from safelight.gate.known_images import KnownImageDetector
from safelight.matching.banks import bank_named, create_bank
from safelight.matching.fingerprints import HashKind, file_digests
from safelight.matching.model import BankCategory, BankKind
from tests.conftest import png
from tests.detectors import scripted_detectors
from tests.matching.pictures import hash_of, jpeg, photo
from tests.service import Service, serving
from tests.signals.image.samples import encoded


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("hma")
    detectors = [one for one in scripted_detectors().values() if one.name != KnownImageDetector.name]
    backend = MemoryBackend(png(photo("coffee")))
    with serving(folder, detectors=[*detectors, KnownImageDetector()], backend=backend, open=False) as running:
        for name, kind, value in (
            ("SEED", HashKind.PDQ, hash_of(photo())),
            ("files", HashKind.MD5, b"\x01" * 16),
            ("rockets", HashKind.PDQ, hash_of(photo("rocket"))),
            ("not-it", HashKind.PDQ, hash_of(photo("rocket"))),
        ):
            bank_kind = BankKind.NEGATIVE if name == "not-it" else BankKind.KNOWN
            values = {"name": name.lower(), "owner": "o", "source": "s", "kind": bank_kind}
            bank = running.sql(lambda c, v=values: create_bank(c, category=BankCategory.NCII, now=utc_now(), **v))  # type: ignore[misc]
            running.safelight.known.hashes.add(bank.number, kind, [value])
        running.safelight.known._read_at = float("-inf")
        yield running


def client(service: Service, permission: Permission) -> httpx2.Client:
    make = lambda c: create_key(c, name="t", permissions=[permission], requests_per_minute=0, now=utc_now())  # noqa: E731
    return service.http(headers={"authorization": f"Bearer {service.sql(make)[1]}"})


def test_a_file_is_hashed_and_looked_up(service: Service) -> None:
    with client(service, Permission.LOOKUP) as http:
        file = {"photo": ("a.png", png(jpeg(photo(), 60)), "image/png")}
        hashed = http.post("/h/hash", files=file)
        assert hashed.json() == {"pdq": hash_of(jpeg(photo(), 60)).hex()}
        assert http.post("/m/lookup", files=file).json() == {"pdq": ["seed"]}
        found = http.get("/m/lookup", params={"signal_type": "pdq", "signal": hashed.json()["pdq"]})
        assert found.json() == ["seed"]
        assert http.get("/m/lookup", params={"signal_type": "md5", "signal": "01" * 16}).json() == ["files"]
        assert http.get("/m/lookup", params={"signal_type": "video_md5", "signal": "01" * 16}).json() == ["files"]
        assert http.get("/m/lookup", params={"signal_type": "md5", "signal": "02" * 16}).json() == []
        assert http.post("/h/hash?types=pdq", files=file).json() == hashed.json()
        assert http.post("/h/hash?types=pdq,tlsh", files=file).status_code == 400
        rocket = hash_of(photo("rocket")).hex()
        assert http.get("/m/lookup", params={"signal_type": "pdq", "signal": rocket}).json() == []


def test_a_photo_is_looked_for_as_the_gate_does_and_a_hash_by_itself_only(service: Service, flat: bytes) -> None:
    mirrored, turned = np.ascontiguousarray(photo()[:, ::-1]), np.ascontiguousarray(np.rot90(photo()))
    frames = [Image.fromarray(frame) for frame in (photo("grass", 512, 512), photo())]
    later = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])
    bank = service.sql(lambda c: bank_named(c, "files"))
    service.safelight.known.hashes.add(bank.number, HashKind.MD5, [file_digests(flat)[HashKind.MD5]])
    with client(service, Permission.LOOKUP) as http:
        for content, names in (
            (png(mirrored), ["seed"]),
            (png(turned), ["seed"]),
            (later, ["seed"]),
            (flat, ["files"]),
        ):
            found = http.post("/m/lookup", files={"photo": ("a.png", content, "image/png")})
            assert found.json() == {"pdq": names}
        by_hash = {"signal_type": "pdq", "signal": hash_of(mirrored).hex()}
        assert http.get("/m/lookup", params=by_hash).json() == []
    service.safelight.known.hashes.revoke(bank.number, HashKind.MD5, [file_digests(flat)[HashKind.MD5]])


def test_a_match_is_explained_and_drawn_for_whoever_may_see_it(service: Service) -> None:
    known = service.safelight.known
    assert known.copies
    number = service.sql(lambda c: bank_named(c, "seed")).number
    known.copies.add(number, 7, photo("coffee"), utc_now())
    known.copies._looked_at = float("-inf")
    crop = {"photo": ("a.png", png(photo("coffee")[40:, 60:]), "image/png")}
    with client(service, Permission.LOOKUP) as http:
        answer = http.post("/v1/match", files=crop).json()
        assert http.post("/v1/match?picture=true", files=crop).status_code == 403
        assert http.post("/v1/match?picture=maybe", files=crop).status_code == 400
    (found,) = answer["matches"]
    assert (found["bank"], found["by"], found["distance"], found["turned_deg"]) == ("seed", "features", None, 0.0)
    assert answer["overruled_by"] == []
    with client(service, Permission.LOOKUP) as http:
        rocket = {"photo": ("a.png", png(photo("rocket")), "image/png")}
        answer = http.post("/v1/match", files=rocket).json()
    assert (answer["matches"], answer["overruled_by"]) == ([], ["not-it"])
    with client(service, Permission.SEE_COPY) as http:
        drawn = http.post("/v1/match?picture=true", files=crop).json()["picture"]
    assert base64.b64decode(drawn.removeprefix("data:image/png;base64,"))[:4] == b"\x89PNG"
    with client(service, Permission.CHECK) as http:
        assert http.post("/v1/match", files=crop).status_code == 403


def test_what_cannot_be_hashed_is_no_empty_answer(service: Service, flat: bytes) -> None:
    with client(service, Permission.LOOKUP) as http:
        for path in ("/h/hash", "/m/lookup"):
            assert http.post(path, files={"photo": ("a.png", flat, "image/png")}).status_code == 400
            assert http.post(path, files={"photo": ("a.png", b"no picture", "image/png")}).status_code == 400
            assert http.post(path, files={"video": ("a.mp4", flat, "video/mp4")}).status_code == 400
            assert http.post(path, files={}).status_code == 400
        for query in ({}, {"signal_type": "pdq"}, {"signal_type": "pdq", "signal": "0"}, {"signal_type": "tlsh"}):
            assert http.get("/m/lookup", params=query).status_code == 400


def test_addresses_are_fetched_with_care(service: Service) -> None:
    with client(service, Permission.LOOKUP) as http:
        for path in ("/h/hash", "/m/lookup"):
            for url in ("http://127.0.0.1/x.png", "file:///etc/passwd", "https://169.254.169.254/"):
                assert http.get(path, params={"url": url}).status_code == 400


def test_names_of_banks_are_for_nobody_else(service: Service) -> None:
    with client(service, Permission.CHECK) as http:
        assert http.get("/m/lookup", params={"signal_type": "pdq", "signal": "0" * 64}).status_code == 403
    with service.http() as stranger:
        assert stranger.post("/h/hash", files={"photo": ("a.png", b"", "image/png")}).status_code == 401
