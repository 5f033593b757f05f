"""From a picture in hand to its request: the right one or none, for those who may, and each use is recorded."""

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import httpx2
import numpy as np
import pytest
import skimage.data
from PIL import Image
from sqlalchemy import select, update
from typer.testing import CliRunner

from safelight.accounts.keys import create_key
from safelight.accounts.model import Permission
from safelight.backends.memory import MemoryBackend
from safelight.backends.sketch.scene import draw_scene
from safelight.backends.sketch.words import plan_scene
from safelight.cli.main import app
from safelight.core.clock import utc_now
from safelight.provenance.watermark import embed
from safelight.provenance.watermark.code import CODE_BITS
from safelight.provenance.watermark.layout import WAVES, layout, on_grid
from safelight.store.digest_key import DigestKey
from safelight.store.provenance_tables import outputs, traces
from safelight.store.tables import ledger_leaves
from safelight.wiring.marks import light_features, seeing
from tests.conftest import png
from tests.detectors import scripted_detectors
from tests.service import Service, serving

PICTURES = {
    "astronaut": skimage.data.astronaut(),
    "coffee": skimage.data.coffee(),
    "chelsea": skimage.data.chelsea(),
}


def resized(pixels: Any, width: int = 768) -> Any:
    image = Image.fromarray(pixels)
    return np.asarray(image.resize((width, round(image.height * width / image.width))))


@pytest.fixture(scope="module")
def backend() -> MemoryBackend:
    return MemoryBackend()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, backend: MemoryBackend) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("trace")
    detectors = list(scripted_detectors().values())
    with serving(folder, open=False, detectors=detectors, backend=backend) as running:
        yield running


@pytest.fixture(scope="module")
def http(service: Service) -> Iterator[httpx2.Client]:
    key = service.sql(
        lambda connection: create_key(
            connection,
            name="all",
            permissions=[Permission.MAKE, Permission.TRACE],
            requests_per_minute=0,
            now=utc_now(),
        )[1]
    )
    with service.http(headers={"authorization": f"Bearer {key}"}) as client:
        client.timeout = 300  # a picture that nothing leads home takes seconds, on a busy machine many
        yield client


class Made:
    """A picture that was made for an account."""

    def __init__(self, answer: httpx2.Response) -> None:
        assert answer.status_code == 200, answer.text
        self.request = answer.headers["x-request-id"]
        self.receipt = answer.headers["safelight-receipt"].split(",")[-1]
        self.content = base64.b64decode(answer.json()["data"][0]["b64_json"])
        self.pixels = np.asarray(Image.open(io.BytesIO(self.content)).convert("RGB"))


def make(http: httpx2.Client, backend: MemoryBackend, picture: Any, user: str, photo: bytes | None = None) -> Made:
    backend.image = png(picture)
    if photo is None:
        return Made(http.post("/v1/images/generations", json={"prompt": "a picture", "user": user}))
    files = {"image": ("photo.png", photo, "image/png")}
    return Made(http.post("/v1/images/edits", data={"prompt": "a bit brighter", "user": user}, files=files))


@pytest.fixture(scope="module")
def made(http: httpx2.Client, backend: MemoryBackend) -> dict[str, Made]:
    return {name: make(http, backend, resized(pixels), name) for name, pixels in PICTURES.items()}


def file_of(pixels: Any, format_: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, format_, **options)
    return file.getvalue()


def trace(http: httpx2.Client, content: bytes, **fields: str) -> dict[str, Any]:
    answer = http.post("/v1/trace", files={"image": ("found", content)}, data=fields)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def means(told: dict[str, Any]) -> set[str]:
    return {clue["means"] for clue in told["clues"]}


def test_the_file_itself_leads_to_its_request_and_account(
    service: Service, http: httpx2.Client, made: dict[str, Made]
) -> None:
    told = trace(http, made["astronaut"].content, purpose="police", reason="case 12")
    assert told["answer"] == "yes"
    assert told["confidence"] > 0.99
    assert told["output"]["request"] == made["astronaut"].request
    assert told["output"]["receipt"] == made["astronaut"].receipt
    assert told["output"]["account"] == service.safelight.accounts.pseudonym("default", "astronaut")
    assert told["output"]["policy_version"] == service.safelight.policy.version
    assert {"file", "credentials", "watermark", "fingerprint"} <= means(told)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda p: file_of(p, "JPEG", quality=60), id="re-encoded"),
        pytest.param(lambda p: file_of(resized(p, 500), "WEBP"), id="resized"),
        pytest.param(lambda p: file_of(p[:, ::-1]), id="mirrored"),
        pytest.param(lambda p: file_of(p[40:-30, 50:-20], "JPEG", quality=80), id="cropped"),
    ],
)
def test_a_stripped_and_changed_copy_leads_there_too(http: httpx2.Client, made: dict[str, Made], change: Any) -> None:
    for one in made.values():
        told = trace(http, change(one.pixels))
        assert told["answer"] == "yes", told
        assert told["output"]["request"] == one.request
        assert "credentials" not in means(told)


def test_a_drawing_with_few_corners_is_known_by_a_part_of_it_after_compression() -> None:
    same = seeing(DigestKey(bytes(32))).same
    assert same
    drawn, other = (draw_scene(plan_scene(f"a {what} at dawn"), 1024, 1024) for what in ("lighthouse", "boat"))
    known = light_features(drawn)
    for picture, is_it in ((drawn, True), (drawn[:, ::-1], True), (other, False)):
        part = file_of(picture[100:-100, 100:-100], "JPEG", quality=75)
        assert same(np.asarray(Image.open(io.BytesIO(part))), known) is is_it


@pytest.mark.usefixtures("made")
def test_a_foreign_picture_is_not_ours(http: httpx2.Client) -> None:
    for pixels in (skimage.data.rocket(), resized(skimage.data.retina())):
        told = trace(http, file_of(pixels))
        assert (told["answer"], told["output"], told["candidates"]) == ("no", None, [])


def test_a_mark_laid_over_another_picture_accuses_nobody(
    service: Service, http: httpx2.Client, made: dict[str, Made]
) -> None:
    """Whoever has a marked picture can lay its mark over another one; done here with the key, which is worse."""
    payload = service.sql(
        lambda c: c.execute(
            select(outputs.c.watermark).where(outputs.c.request_id == made["astronaut"].request)
        ).scalar_one()
    )
    framed = embed(resized(skimage.data.rocket()), payload, service.safelight.watermark_keys[0])
    told = trace(http, file_of(framed))
    assert (told["answer"], told["output"]) == ("unsure", None)
    assert "account" not in json.dumps(told)
    assert [one["request"] for one in told["candidates"]] == [made["astronaut"].request]
    public = http.post("/v1/verify", files={"image": ("x.png", file_of(framed))}).json()
    assert (public["answer"], public["watermark"]) == ("unsure", "found")


@pytest.mark.parametrize("words", [(), ("A letter that somebody", "else wrote and", "nobody made here")])
def test_a_mark_copied_onto_a_page_without_detail_accuses_nobody(
    http: httpx2.Client, made: dict[str, Made], words: tuple[str, ...]
) -> None:
    """Whoever has one marked picture has its mark without a key, and a page of text has no fingerprint."""
    light = cv2.cvtColor(made["coffee"].pixels, cv2.COLOR_RGB2YCrCb)[..., 0]
    mark = np.clip(light.astype(int) - cv2.medianBlur(light, 5), -4, 4)
    page = np.full((*light.shape, 3), 235, np.uint8)
    for line, text in enumerate(words):
        place = (40, 200 + 60 * line)
        cv2.putText(page, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.9, (40, 40, 40), 2, cv2.LINE_AA)
    content = file_of(np.clip(page + 2 * mark[..., None], 0, 255).astype(np.uint8))
    assert http.post("/v1/verify", files={"image": ("x.png", content)}).json()["watermark"] == "found"
    told = trace(http, content)
    assert (told["answer"], told["output"]) == ("unsure", None)
    assert "account" not in json.dumps(told)
    assert [one["request"] for one in told["candidates"]] == [made["coffee"].request]


def test_the_mark_of_a_plain_picture_accuses_nobody_on_another_one_or_its_like(
    service: Service, http: httpx2.Client, backend: MemoryBackend
) -> None:
    """Of a picture without detail nothing can be compared: it is told as "unsure", with the request."""
    one = make(http, backend, np.full((512, 512, 3), 120, np.uint8), "plain")
    told = trace(http, file_of(one.pixels, "JPEG", quality=80))
    assert (told["answer"], told["output"], told["confidence"]) == ("unsure", None, 0.6)
    assert [found["request"] for found in told["candidates"]] == [one.request]
    payload = service.sql(
        lambda c: c.execute(select(outputs.c.watermark).where(outputs.c.request_id == one.request)).scalar_one()
    )
    told = trace(http, file_of(embed(resized(skimage.data.rocket()), payload, service.safelight.watermark_keys[0])))
    assert (told["answer"], told["output"]) == ("unsure", None)
    assert [found["request"] for found in told["candidates"]] == [one.request]


def test_what_is_left_of_some_mark_on_a_picture_that_looks_alike_accuses_nobody(
    service: Service, http: httpx2.Client, made: dict[str, Made]
) -> None:
    """The mark may be another picture's, which the register has forgotten, or have been laid over the photo."""
    bits = np.where(np.random.default_rng(3).random(CODE_BITS) < 0.5, -1, 1).astype(np.float32)
    square = on_grid(layout(service.safelight.watermark_keys[0]).amplitudes(bits), WAVES)
    photo = resized(PICTURES["chelsea"])
    pattern = cv2.resize(np.tile(4 * square / square.std(), (4, 6)), photo.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    content = file_of(np.clip(photo + pattern[..., None], 0, 255).astype(np.uint8))
    assert http.post("/v1/verify", files={"image": ("x.png", content)}).json()["watermark"] == "damaged"
    told = trace(http, content)
    assert (told["answer"], told["output"]) == ("unsure", None)
    assert [one["request"] for one in told["candidates"]] == [made["chelsea"].request]


def test_looking_alike_is_unsure_and_names_no_account(http: httpx2.Client, made: dict[str, Made]) -> None:
    """The picture as it was before it was marked: nobody's mark is in it, and anybody may have it."""
    told = trace(http, png(resized(PICTURES["coffee"])))
    assert (told["answer"], told["output"]) == ("unsure", None)
    assert [one["request"] for one in told["candidates"]] == [made["coffee"].request]
    assert "account" not in json.dumps(told)


def test_the_photo_of_an_edit_is_not_taken_for_the_edit(http: httpx2.Client, backend: MemoryBackend) -> None:
    """An edit resembles the photo that it was made from, which is its owner's and not the asker's."""
    photo = resized(skimage.data.cat() if hasattr(skimage.data, "cat") else skimage.data.chelsea()[:, ::-1])
    brighter = np.clip(photo.astype(int) + 6, 0, 255).astype(np.uint8)
    make(http, backend, brighter, "somebody", file_of(photo))
    assert trace(http, file_of(photo))["answer"] != "yes"


def test_an_edit_chain_leads_back_to_the_first_picture(http: httpx2.Client, backend: MemoryBackend) -> None:
    first = make(http, backend, resized(skimage.data.rocket()), "chain")
    second = make(http, backend, resized(skimage.data.rocket()[::-1]), "chain", first.content)
    third = make(http, backend, resized(skimage.data.retina()), "chain", second.content)
    told = trace(http, file_of(second.pixels, "JPEG"))
    assert told["output"]["request"] == second.request
    assert [one["request"] for one in told["chain"]] == [first.request, second.request, third.request]
    assert [one["photos"] for one in told["chain"]] == [0, 1, 1]


def test_a_file_that_left_for_several_requests_names_none_of_them(tmp_path: Path) -> None:
    """Without marks equal pictures are equal files: whose copy somebody found cannot be told."""
    detectors, model = list(scripted_detectors().values()), MemoryBackend(png(resized(PICTURES["coffee"])))
    with serving(tmp_path, open=False, detectors=detectors, backend=model, marks="off") as running:
        key = running.sql(
            lambda c: create_key(
                c, name="all", permissions=[Permission.MAKE, Permission.TRACE], requests_per_minute=0, now=utc_now()
            )[1]
        )
        with running.http(headers={"authorization": f"Bearer {key}"}) as http:
            http.timeout = 300
            asked = [http.post("/v1/images/generations", json={"prompt": "a", "user": who}) for who in ("one", "other")]
            first, second = map(Made, asked)
            assert first.content == second.content
            told = trace(http, first.content)
            assert (told["answer"], told["output"]) == ("unsure", None)
            assert {one["request"] for one in told["candidates"]} == {first.request, second.request}
            assert len(told["candidates"]) == 2
            assert "account" not in json.dumps(told)
            assert http.post("/v1/verify", files={"image": ("x.png", first.content)}).json()["answer"] == "yes"


def test_a_picture_that_the_register_has_forgotten_is_told_by_its_signature_alone(
    service: Service, http: httpx2.Client, backend: MemoryBackend
) -> None:
    one = make(http, backend, resized(skimage.data.coffee()[::-1]), "forgotten")
    past = "2020-01-01T00:00:00.000000Z"
    service.sql(lambda c: c.execute(update(outputs).where(outputs.c.request_id == one.request).values(expires_at=past)))
    told = trace(http, one.content)
    assert (told["answer"], told["output"]) == ("yes", None)
    assert one.request in json.dumps(told["clues"])
    assert trace(http, file_of(one.pixels))["answer"] == "unsure"


def test_only_a_key_with_the_permission_may_trace(service: Service, made: dict[str, Made]) -> None:
    key = service.sql(
        lambda c: create_key(
            c, name="no", permissions=[Permission.MAKE, Permission.CHECK], requests_per_minute=0, now=utc_now()
        )[1]
    )
    files = {"image": ("x.png", made["astronaut"].content)}
    with service.http() as nobody:
        assert nobody.post("/v1/trace", files=files).status_code == 401
        assert nobody.post("/v1/trace", files=files, headers={"authorization": f"Bearer {key}"}).status_code == 403


def test_each_use_is_recorded_and_a_leaf(service: Service, http: httpx2.Client, made: dict[str, Made]) -> None:
    told = trace(http, made["chelsea"].content, purpose="court", reason="order 7")
    row = service.sql(lambda c: c.execute(select(traces).where(traces.c.id == told["trace"])).one())
    assert (row.purpose, row.reason, row.answer) == ("court", "order 7", "yes")
    assert row.request_id == made["chelsea"].request
    assert row.by.startswith("key_")
    leaf = service.sql(
        lambda c: c.execute(
            select(ledger_leaves.c.content).where(ledger_leaves.c.record_id == told["trace"])
        ).scalar_one()
    )
    public = json.loads(leaf)
    assert public["kind"] == "trace"
    assert "order 7" not in leaf.decode()
    assert made["chelsea"].request not in leaf.decode()


def test_what_cannot_be_looked_at_is_refused_by_name(http: httpx2.Client) -> None:
    assert (
        http.post("/v1/trace", files={"image": ("x.png", b"no picture")}).json()["error"]["code"] == "image_unsupported"
    )
    assert http.post("/v1/trace", data={"reason": "x"}, files={}).status_code == 400
    two = [("image", ("a.png", b"1")), ("image", ("b.png", b"2"))]
    assert http.post("/v1/trace", files=two).json()["error"]["code"] == "too_many_images"


def test_the_command_says_the_same_beside_the_running_service(
    service: Service, made: dict[str, Made], tmp_path: Path
) -> None:
    found = tmp_path / "found.jpg"
    found.write_bytes(file_of(made["coffee"].pixels, "JPEG", quality=70))
    folder = str(service.safelight.settings.data_dir)
    answer = CliRunner().invoke(app, ["trace", str(found), "--data-dir", folder, "--json"])
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["output"]["request"] == made["coffee"].request
    found.write_bytes(file_of(skimage.data.moon()))
    answer = CliRunner().invoke(app, ["trace", str(found), "--data-dir", folder])
    assert answer.exit_code == 1, answer.output
    assert "Recorded as trc_" in answer.stdout
    assert CliRunner().invoke(app, ["trace", str(found), "--data-dir", str(tmp_path)]).exit_code == 2
