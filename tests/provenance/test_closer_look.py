"""Where nothing leads home at once, a trace looks closer: at turned pictures, and for details of the newest outputs."""

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import c2pa
import cv2
import httpx2
import numpy as np
import pytest
import skimage.data
from PIL import Image

from safelight.accounts.keys import create_key
from safelight.accounts.model import Permission
from safelight.backends.memory import MemoryBackend
from safelight.core.clock import utc_now
from safelight.provenance.credentials.chain import KEY_FILE, load_key, load_or_make
from safelight.provenance.credentials.signer import LocalSigner
from safelight.wiring import MARKS_FOLDER
from tests.conftest import png
from tests.detectors import scripted_detectors
from tests.service import Service, serving


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    backend = MemoryBackend(png(cv2.resize(skimage.data.astronaut(), (768, 768), interpolation=cv2.INTER_CUBIC)))
    detectors = list(scripted_detectors().values())
    folder: Path = tmp_path_factory.mktemp("closer")
    with serving(folder, open=False, detectors=detectors, backend=backend, verify_per_minute=1000) as running:
        yield running


@pytest.fixture(scope="module")
def http(service: Service) -> Iterator[httpx2.Client]:
    permissions = [Permission.MAKE, Permission.TRACE]
    key = service.sql(
        lambda c: create_key(c, name="all", permissions=permissions, requests_per_minute=0, now=utc_now())[1]
    )
    with service.http(headers={"authorization": f"Bearer {key}"}) as client:
        client.timeout = 300
        yield client


@pytest.fixture(scope="module")
def made(http: httpx2.Client) -> tuple[str, Any]:
    """The request, and the pixels that left."""
    answer = http.post("/v1/images/generations", json={"prompt": "a picture", "user": "somebody"})
    content = base64.b64decode(answer.json()["data"][0]["b64_json"])
    return answer.headers["x-request-id"], np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def turned(pixels: Any, degrees: float) -> bytes:
    size = pixels.shape[1::-1]
    matrix = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), degrees, 1.0)
    white = (255, 255, 255)
    return png(np.asarray(cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_CUBIC, borderValue=white), np.uint8))


def both(http: httpx2.Client, content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a trace says and what anybody is told."""
    traced, verified = (http.post(path, files={"image": ("x", content)}) for path in ("/v1/trace", "/v1/verify"))
    assert traced.status_code == verified.status_code == 200, traced.text
    return traced.json(), verified.json()


def test_a_picture_that_was_turned_a_little_leads_to_its_request(http: httpx2.Client, made: tuple[str, Any]) -> None:
    request, pixels = made
    told, verified = both(http, turned(pixels, 2))
    assert (told["answer"], told["output"]["request"]) == ("yes", request)
    assert "in a picture turned by" in json.dumps(told["clues"])
    assert verified["answer"] == "no"  # the public door does not take the seconds


def test_a_copy_that_has_lost_its_mark_is_unsure_by_its_details_and_names_no_account(
    http: httpx2.Client, made: tuple[str, Any]
) -> None:
    request, pixels = made
    told, _ = both(http, turned(np.ascontiguousarray(pixels[:, ::-1]), 12))
    assert (told["answer"], told["output"]) == ("unsure", None)
    assert [one["request"] for one in told["candidates"]] == [request]
    assert "features" in {clue["means"] for clue in told["clues"]}
    assert "account" not in json.dumps(told)


@pytest.mark.usefixtures("made")
def test_a_foreign_picture_is_a_no_that_is_not_certain(http: httpx2.Client) -> None:
    told, verified = both(http, png(skimage.data.coffee()))
    assert (told["answer"], verified["answer"]) == ("no", "no")
    assert 0.5 < told["confidence"] <= 0.8


@pytest.mark.usefixtures("made")
def test_of_a_picture_too_small_for_a_mark_neither_says_no(http: httpx2.Client) -> None:
    told, verified = both(http, png(np.full((8, 8, 3), 90, np.uint8)))
    assert (told["answer"], verified["answer"], verified["watermark"]) == ("unsure", "unsure", "too_small")


def test_a_file_signed_with_our_certificate_and_not_by_the_gate_is_unsure_in_both(
    service: Service, http: httpx2.Client
) -> None:
    """An operator may sign other things with it, such as photos of the press."""
    folder = service.safelight.settings.data_dir / MARKS_FOLDER
    chain, key = load_or_make(folder, utc_now(), production=False)
    local = LocalSigner(load_key(key, chain, KEY_FILE), chain)
    created = {
        "action": "c2pa.created",
        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
    }
    manifest = {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}]}
    signer = c2pa.Signer.from_callback(local.sign, c2pa.C2paSigningAlg.ES256, chain.pem)
    file = io.BytesIO()
    with c2pa.Builder.from_json(manifest) as builder:
        builder.sign(signer, "image/png", io.BytesIO(png(skimage.data.coffee())), file)
    told, verified = both(http, file.getvalue())
    assert verified["credentials"]["state"] == "trusted"
    assert (told["answer"], verified["answer"]) == ("unsure", "unsure")
    assert "not as a picture" in http.post("/verify", files={"image": ("x.png", file.getvalue())}).text
