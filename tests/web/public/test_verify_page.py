"""The public door: yes, no or unsure, in plain words, for anybody, and nothing about anybody."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import httpx2
import numpy as np
import pytest
import skimage.data
from PIL import Image
from sqlalchemy import func, select

from safelight.backends.memory import MemoryBackend
from safelight.core.errors import BudgetSpent
from safelight.core.limits import Limits
from safelight.provenance.model import Credentials, CredentialState
from safelight.provenance.watermark import embed
from safelight.store.provenance_tables import outputs, traces
from safelight.web.public.throttle import Throttle
from safelight.web.public.verify_page import words_of
from tests.conftest import png
from tests.detectors import scripted_detectors
from tests.service import Service, serving
from tests.web.public.browser import browsing, needs_chromium


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("verify")
    backend = MemoryBackend(png(skimage.data.astronaut()))
    detectors = list(scripted_detectors().values())
    with serving(folder, detectors=detectors, backend=backend, verify_per_minute=1000) as running:
        yield running


@pytest.fixture(scope="module")
def http(service: Service) -> Iterator[httpx2.Client]:
    with service.http() as client:
        yield client


@pytest.fixture(scope="module")
def made(http: httpx2.Client) -> bytes:
    answer = http.post("/v1/images/generations", json={"prompt": "a picture", "user": "secretive"})
    return base64.b64decode(answer.json()["data"][0]["b64_json"])


def stripped(content: bytes) -> bytes:
    file = io.BytesIO()
    Image.open(io.BytesIO(content)).convert("RGB").save(file, "JPEG", quality=70)
    return file.getvalue()


def asked(http: httpx2.Client, content: bytes) -> dict[str, object]:
    answer = http.post("/v1/verify", files={"image": ("x", content)})
    assert answer.status_code == 200, answer.text
    told: dict[str, object] = answer.json()
    return told


def test_the_file_that_left_is_a_yes_with_its_credentials_explained(http: httpx2.Client, made: bytes) -> None:
    told = asked(http, made)
    assert (told["answer"], told["watermark"]) == ("yes", "found")
    credentials = told["credentials"]
    assert isinstance(credentials, dict)
    assert (credentials["state"], credentials["digital_source"]) == ("trusted", "trainedAlgorithmicMedia")
    page = http.post("/verify", files={"image": ("x.png", made)}).text
    assert "<h2>Yes</h2>" in page
    assert "made by a generative AI model" in page


def test_a_copy_without_metadata_is_a_yes_by_its_hidden_mark(http: httpx2.Client, made: bytes) -> None:
    told = asked(http, stripped(made))
    assert told == {"answer": "yes", "watermark": "found", "credentials": {"state": "none"}}
    assert "hidden mark" in http.post("/verify", files={"image": ("x.jpg", stripped(made))}).text


@pytest.mark.parametrize(
    ("pixels", "answer"),
    [
        pytest.param(skimage.data.coffee(), "no", id="a foreign picture"),
        pytest.param(skimage.data.astronaut(), "no", id="the unmarked picture: looking alike is nobody's business"),
        pytest.param(np.full((32, 32, 3), 90, np.uint8), "unsure", id="too small to hold a mark"),
    ],
)
@pytest.mark.usefixtures("made")
def test_other_pictures_are_a_no_or_unsure(
    http: httpx2.Client, pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", answer: str
) -> None:
    told = asked(http, png(pixels))
    assert told["answer"] == answer
    page = http.post("/verify", files={"image": ("x.png", png(pixels))}).text
    assert f"<h2>{answer.capitalize()}</h2>" in page


def test_nothing_is_told_of_anybody_and_nothing_is_kept(service: Service, http: httpx2.Client, made: bytes) -> None:
    rows = service.sql(lambda c: c.execute(select(func.count()).select_from(outputs)).scalar_one())
    row = service.sql(lambda c: c.execute(select(outputs)).first())
    assert row is not None
    for path in ("/v1/verify", "/verify"):
        answer = http.post(path, files={"image": ("x.png", made)})
        for secret in (row.request_id, row.decision_id, row.receipt, row.made_at[:16], "secretive", "sub_", "key_"):
            assert secret not in answer.text
        assert answer.headers["cache-control"] == "no-store"
    assert service.sql(lambda c: c.execute(select(func.count()).select_from(traces)).scalar_one()) == 0
    assert service.sql(lambda c: c.execute(select(func.count()).select_from(outputs)).scalar_one()) == rows


def test_on_the_page_an_error_is_a_sentence_without_the_name_of_a_field(http: httpx2.Client) -> None:
    page = http.post("/verify", files={"image": ("x.png", b"no picture")})
    assert page.status_code == 400
    assert "<p>The file is no picture that the gate reads; " in page.text


def test_of_no_picture_an_empty_file_and_two_it_is_said_which_it_was(http: httpx2.Client, made: bytes) -> None:
    empty_field = b'--x\r\nContent-Disposition: form-data; name="image"; filename=""\r\n\r\n\r\n--x--\r\n'
    form: dict[str, object] = {"content": empty_field, "headers": {"content-type": "multipart/form-data; boundary=x"}}
    one = ("image", ("x.png", made))
    sent: list[tuple[dict[str, object], str, str]] = [
        (form, "field_missing", "Choose one picture."),
        ({"files": [("image", ("x.png", b""))]}, "image_empty", "The file is empty;"),
        ({"files": [one, one]}, "too_many_images", "Choose one picture: these are 2."),
    ]
    for request, code, says in sent:
        assert http.request("POST", "/v1/verify", **request).json()["error"]["code"] == code  # type: ignore[arg-type]
        assert f"<p>{says}" in http.request("POST", "/verify", **request).text  # type: ignore[arg-type]


@pytest.mark.usefixtures("made")
def test_a_mark_on_what_does_not_look_like_its_picture_may_also_be_a_small_part_of_it(
    service: Service, http: httpx2.Client
) -> None:
    payload = service.sql(lambda c: c.execute(select(outputs.c.watermark)).scalars().first())
    assert payload
    laid = png(embed(skimage.data.coffee(), payload, service.safelight.watermark_keys[0]))
    page = http.post("/verify", files={"image": ("x.png", laid)}).text
    assert "<h2>Unsure</h2>" in page
    assert "may have been laid over it" in page
    assert "or only a small part of that is left" in page


def test_no_key_is_asked_for_and_errors_have_the_one_shape(http: httpx2.Client) -> None:
    answer = http.post("/v1/verify", files={"image": ("x.png", b"no picture")})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "image_unsupported")
    assert http.get("/verify").status_code == 200


def test_the_page_fetches_nothing_from_elsewhere_and_keeps_to_its_own_scripts(http: httpx2.Client) -> None:
    answer = http.get("/verify")
    assert "http" not in answer.text.replace("http-equiv", "")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "'unsafe-inline'" not in answer.headers["content-security-policy"]


@needs_chromium
def test_a_picture_dropped_beside_the_field_is_the_one_that_is_checked(service: Service, made: bytes) -> None:
    with browsing() as browser:
        page = browser.new_page()
        page.goto(f"{service.address}/verify")
        page.evaluate(
            """(encoded) => {
                const held = new DataTransfer();
                const bytes = Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0));
                held.items.add(new File([bytes], "found.png", {type: "image/png"}));
                const dropped = {dataTransfer: held, bubbles: true, cancelable: true};
                document.querySelector("h1").dispatchEvent(new DragEvent("drop", dropped));
            }""",
            base64.b64encode(made).decode(),
        )
        page.get_by_role("button", name="Check it").click()
        page.get_by_role("heading", name="Yes", exact=True).wait_for()


def test_strangers_may_ask_only_so_often(tmp_path: Path) -> None:
    detectors = list(scripted_detectors().values())
    picture = png(np.full((32, 32, 3), 90, np.uint8))
    with (
        serving(tmp_path, detectors=detectors, backend=MemoryBackend(), verify_per_minute=2) as running,
        running.http() as http,
    ):
        codes = [http.post("/v1/verify", files={"image": ("x.png", picture)}).status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        page = http.post("/verify", files={"image": ("x.png", picture)})
        assert page.status_code == 429
        assert "try again soon" in page.text


def test_the_door_can_be_shut_and_has_so_many_places(tmp_path: Path) -> None:
    detectors = list(scripted_detectors().values())
    picture = {"image": ("x.png", png(np.full((32, 32, 3), 90, np.uint8)))}
    with (
        serving(tmp_path / "a", detectors=detectors, backend=MemoryBackend(), verify_per_minute=0) as shut,
        shut.http() as http,
    ):
        assert http.get("/verify").status_code == http.post("/v1/verify", files=picture).status_code == 404
    limits = Limits(verify_at_once_max_count=0)
    with (
        serving(tmp_path / "b", detectors=detectors, backend=MemoryBackend(), limits=limits) as full,
        full.http() as http,
    ):
        answer = http.post("/v1/verify", files=picture)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded")


def test_a_throttle_counts_a_minute_by_address_and_in_all() -> None:
    now = [0.0]
    throttle = Throttle(2, 3, lambda: now[0])
    throttle.take("192.0.2.1")
    throttle.take("192.0.2.1")
    with pytest.raises(BudgetSpent):
        throttle.take("192.0.2.1")
    throttle.take("2001:db8::1")
    with pytest.raises(BudgetSpent):  # all of them together
        throttle.take("192.0.2.2")
    now[0] = 61.0
    throttle.take("2001:db8::1")
    throttle.take("2001:db8::2")
    with pytest.raises(BudgetSpent):  # the same household
        throttle.take("2001:db8::3")
    assert b"2001" not in b"".join(throttle._asked)


@pytest.mark.parametrize("state", CredentialState)
def test_every_state_of_credentials_has_its_words(state: CredentialState) -> None:
    told = Credentials(state, digital_source="digitalCapture", ingredients=2, forbids_ai=True)
    words = " ".join(words_of(told))
    believed = state in {CredentialState.TRUSTED, CredentialState.VALID, CredentialState.EXPIRED}
    assert words
    assert ("digital camera" in words) == ("2 other pictures" in words) == ("AI may not" in words) == believed
