"""Marks through the door: every picture that leaves carries them, and none leaves without."""

import base64
import io
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import c2pa
import numpy as np
import pytest
import skimage.data
from openai import APIStatusError
from PIL import Image
from sqlalchemy import func, select, text

from safelight.backends.memory import MemoryBackend
from safelight.core.clock import utc_now
from safelight.core.errors import NotStartable
from safelight.core.limits import Limits
from safelight.gate.cores import Cores
from safelight.provenance.credentials.chain import load_key, load_or_make, trust_of
from safelight.provenance.credentials.read import CredentialReader
from safelight.provenance.credentials.seal import Sealer
from safelight.provenance.credentials.signer import Algorithm, LocalSigner, RemoteSigner, Signer
from safelight.provenance.model import Credentials, CredentialState, How, Origin
from safelight.provenance.pixels import media_type_of
from safelight.provenance.watermark import Reading, read
from safelight.settings import Settings
from safelight.store.digest_key import DigestKey
from safelight.store.provenance_tables import outputs
from safelight.store.tables import decisions
from safelight.wiring import MARKS_FOLDER, Safelight
from tests.detectors import scripted_detectors
from tests.service import Service, serving

FORMATS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 80},
    "WEBP": {"quality": 90},
    "AVIF": {"quality": 90},
}


def file_of(pixels: Any, format_: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format_, **options)
    return file.getvalue()


def photograph(format_: str = "PNG", **options: Any) -> bytes:
    return file_of(skimage.data.astronaut(), format_, **(FORMATS.get(format_, {}) | options))


def pixels_of(content: bytes) -> "np.ndarray[Any, np.dtype[np.int16]]":
    return np.asarray(Image.open(io.BytesIO(content)), np.int16)


@pytest.fixture
def backend() -> MemoryBackend:
    """For services of a test's own."""
    return MemoryBackend(photograph())


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, MemoryBackend]]:
    folder, backend = tmp_path_factory.mktemp("marks"), MemoryBackend()
    with serving(folder, detectors=list(scripted_detectors().values()), backend=backend) as running:
        yield running, backend


@pytest.fixture
def service(started: tuple[Service, MemoryBackend]) -> Service:
    """The shared service, making a photograph."""
    running, backend = started
    backend.image, backend.partials = photograph(), ()
    return running


@pytest.fixture
def model(started: tuple[Service, MemoryBackend]) -> MemoryBackend:
    """The shared service's image model."""
    return started[1]


def made(service: Service, **more: Any) -> bytes:
    answer = service.client().images.generate(model="any", prompt="a red house", **more)
    assert answer.data
    assert answer.data[0].b64_json
    return base64.b64decode(answer.data[0].b64_json)


def credentials(service: Service, content: bytes) -> Credentials:
    trust = trust_of(service.safelight.settings.data_dir / MARKS_FOLDER)
    return CredentialReader(trust).read(content, media_type_of(content))


def registered(service: Service) -> list[Any]:
    return service.sql(lambda connection: list(connection.execute(select(outputs).order_by(outputs.c.number))))


def mark_in(service: Service, content: bytes) -> Reading:
    found = read(np.asarray(Image.open(io.BytesIO(content))), service.safelight.watermark_keys)
    assert isinstance(found, Reading), found
    return found


@pytest.mark.parametrize("format_", FORMATS)
def test_a_picture_leaves_in_its_own_format_with_both_marks(
    service: Service, model: MemoryBackend, format_: str
) -> None:
    model.image = photograph(format_)
    content = made(service)
    assert Image.open(io.BytesIO(content)).format == format_
    told = credentials(service, content)
    assert told.state is CredentialState.TRUSTED
    assert told.actions == ("c2pa.created",)
    row = registered(service)[-1]
    assert (told.output_id, told.request_id, told.decision_id) == (row.id, row.request_id, row.decision_id)
    assert mark_in(service, content).payload == row.watermark
    assert row.media_type == f"image/{format_.lower()}"
    difference = np.abs(pixels_of(content) - pixels_of(model.image))
    assert 0 < difference.mean() < 3


def test_transparency_survives(service: Service, model: MemoryBackend) -> None:
    pixels = np.dstack([skimage.data.astronaut(), np.tile(np.linspace(0, 255, 512).astype(np.uint8), (512, 1))])
    for format_ in ("PNG", "WEBP"):
        model.image = file_of(pixels, format_, lossless=True)
        shown = Image.open(io.BytesIO(made(service)))
        assert shown.mode == "RGBA"
        assert np.array_equal(np.asarray(shown)[..., 3], pixels[..., 3])


def test_a_jpeg_keeps_its_quality(service: Service, model: MemoryBackend) -> None:
    for quality, subsampling in ((60, 2), (92, 0)):
        model.image = photograph("JPEG", quality=quality, subsampling=subsampling)
        before, after = (Image.open(io.BytesIO(one)) for one in (model.image, made(service)))
        assert before.quantization == after.quantization  # type: ignore[attr-defined]


def test_what_the_detectors_saw_is_what_leaves(tmp_path: Path, backend: MemoryBackend) -> None:
    """Byte for byte: the marks are in the pixels before anybody looks."""
    seen: list[Any] = []

    class Looking:
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

        def observe(self, view: Any) -> Any:
            seen.extend(picture.frames[0] for picture in view.pictures)
            return self._inner.observe(view)

    detectors: list[Any] = list(scripted_detectors().values())
    detectors = [Looking(one) if one.name == "image_nudity_one" else one for one in detectors]
    assert any(isinstance(one, Looking) for one in detectors)
    with serving(tmp_path, detectors=detectors, backend=backend) as running:
        for format_ in ("PNG", "JPEG", "WEBP"):
            backend.image = photograph(format_)
            content = made(running)
            assert np.array_equal(seen[-1], np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))), format_


def test_an_edit_names_its_photo_and_every_picture_of_a_batch_has_a_mark_of_its_own(service: Service) -> None:
    answer = service.client().images.edit(model="any", image=("photo.png", photograph()), prompt="add a hat", n=2)
    contents = [base64.b64decode(one.b64_json or "") for one in answer.data or []]
    told = [credentials(service, content) for content in contents]
    assert [one.actions for one in told] == [("c2pa.opened", "c2pa.edited")] * 2
    assert [one.ingredients for one in told] == [1, 1]
    rows = registered(service)[-2:]
    assert len({row.watermark for row in rows}) == len({row.id for row in rows}) == 2
    assert {row.place for row in rows} == {"output 1", "output 2"}
    assert {row.how for row in rows} == {"edited"}


def test_partial_pictures_of_a_stream_are_marked_too(service: Service, model: MemoryBackend) -> None:
    model.partials = (photograph("JPEG"),)
    with service.client().images.generate(model="any", prompt="a house", stream=True, partial_images=1) as stream:
        events = list(stream)
    contents = [base64.b64decode(event.b64_json) for event in events]
    assert len(contents) == 2
    rows = {row.watermark: row.place for row in registered(service)}
    assert [rows[mark_in(service, content).payload] for content in contents] == ["partial 1", "output 1"]
    assert all(credentials(service, content).state is CredentialState.TRUSTED for content in contents)


def test_a_picture_too_small_for_a_watermark_is_signed_and_registered(
    service: Service, model: MemoryBackend, flat: bytes
) -> None:
    model.image = flat
    assert credentials(service, made(service)).state is CredentialState.TRUSTED
    assert registered(service)[-1].watermark is None


def test_a_picture_too_small_for_the_only_mark_that_is_asked_for_does_not_leave(tmp_path: Path, flat: bytes) -> None:
    backend = MemoryBackend(flat)
    with (
        serving(tmp_path, detectors=list(scripted_detectors().values()), backend=backend, marks="watermark") as running,
        running.http() as http,
    ):
        answer = http.post("/v1/images/generations", json={"prompt": "a red house"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "marks_watermark_failed")
        assert "SAFELIGHT_MARKS=all" in answer.text
        assert registered(running) == []


def test_the_register_holds_no_picture_and_leads_to_the_receipt(service: Service) -> None:
    with service.http() as http:
        answer = http.post("/v1/images/generations", json={"prompt": "a red house", "user": "somebody"})
    row = registered(service)[-1]
    assert row.receipt == answer.headers["safelight-receipt"].split(",")[-1]
    assert row.request_id == answer.headers["x-request-id"]
    assert sum(len(value) for value in row if isinstance(value, bytes)) < 32_000
    subject = service.sql(
        lambda c: c.execute(select(decisions.c.subject_id).where(decisions.c.id == row.decision_id)).scalar_one()
    )
    assert subject == service.safelight.accounts.pseudonym("open", "somebody")


def test_a_picture_that_comes_back_is_the_parent_of_what_is_made_of_it(service: Service) -> None:
    first = made(service)
    service.client().images.edit(model="any", image=("x.png", first), prompt="add a hat")
    earlier, later = registered(service)[-2:]
    assert later.parents == f'["{earlier.lineage_id}"]'


def test_the_register_forgets_after_its_time(tmp_path: Path, backend: MemoryBackend) -> None:
    with serving(
        tmp_path, detectors=list(scripted_detectors().values()), backend=backend, outputs_keep_days=30
    ) as running:
        made(running)
        row = registered(running)[0]
        assert row.expires_at[:10] == str((utc_now() + timedelta(days=30)).date())
        running.sql(lambda c: c.execute(outputs.update().values(expires_at="2020-01-01T00:00:00.000000Z")))
        made(running)
        assert [one.number for one in registered(running)] != [row.number]
        assert len(registered(running)) == 1


# Faults: nothing leaves unmarked, and the error says what is wrong.


def refused(service: Service, code: str) -> None:
    before = len(registered(service))
    with pytest.raises(APIStatusError) as failed:
        made(service)
    assert failed.value.status_code == 503
    assert failed.value.code == code
    assert "b64_json" not in failed.value.response.text
    assert len(registered(service)) == before


def signer_of(folder: Path, sign: Callable[[bytes], bytes] | None = None) -> Signer:
    chain, key = load_or_make(folder, utc_now(), production=False)
    local = LocalSigner(load_key(key, chain, "key"), chain)
    return RemoteSigner(chain, Algorithm.ES256, sign or local.sign)


def test_without_its_signer_no_picture_leaves_and_it_recovers(tmp_path: Path, backend: MemoryBackend) -> None:
    away = [True]
    local = signer_of(tmp_path / "key")

    def sign(message: bytes) -> bytes:
        if away[0]:
            raise ConnectionError("the KMS is away")
        return local.sign(message)

    signer = RemoteSigner(local.chain, Algorithm.ES256, sign)
    detectors = list(scripted_detectors().values())
    with serving(tmp_path / "data", detectors=detectors, backend=backend, signer=signer) as running:
        with running.http() as http:
            assert "marks" in http.get("/ready").text  # known from the start, not from the first picture
        refused(running, "marks_signer_unavailable")
        # What was decided is kept all the same.
        stages = running.sql(lambda c: list(c.execute(select(decisions.c.stage)).scalars()))
        assert stages == ["input", "output"]
        away[0] = False
        assert credentials(running, made(running)).state is CredentialState.TRUSTED


def test_under_an_expired_key_no_picture_leaves(tmp_path: Path, backend: MemoryBackend) -> None:
    now = [utc_now()]
    detectors = list(scripted_detectors().values())
    with serving(tmp_path, detectors=detectors, backend=backend, clock=lambda: now[0]) as running:
        assert made(running)
        now[0] += timedelta(days=366)
        refused(running, "marks_key_expired")


def test_a_service_does_not_start_on_an_expired_key(tmp_path: Path) -> None:
    signer = signer_of(tmp_path)
    settings = Settings(_env_file=None, data_dir=tmp_path / "data", open=True)
    safelight = Safelight(
        settings, detectors=[], signer=signer, clock=lambda: utc_now() + timedelta(days=400), backend=MemoryBackend()
    )
    with pytest.raises(NotStartable, match="expired"):
        safelight._open_marks(settings, Cores(1), DigestKey(bytes(32)))


def test_a_full_register_stops_the_release_and_says_so(service: Service) -> None:
    stop = "CREATE TRIGGER full BEFORE INSERT ON outputs BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
    service.sql(lambda connection: connection.execute(text(stop)))
    before = service.sql(lambda c: c.execute(select(func.count()).select_from(decisions)).scalar_one())
    refused(service, "marks_register_failed")
    assert service.sql(lambda c: c.execute(select(func.count()).select_from(decisions)).scalar_one()) == before
    service.sql(lambda connection: connection.execute(text("DROP TRIGGER full")))
    assert made(service)


def test_a_locked_register_stops_the_release(tmp_path: Path, backend: MemoryBackend) -> None:
    detectors = list(scripted_detectors().values())
    with serving(
        tmp_path, detectors=detectors, backend=backend, limits=Limits(store_timeout_s=0.5), edit_chain_hours=0
    ) as running:
        lock = sqlite3.connect(tmp_path / "safelight.db")
        try:
            lock.execute("BEGIN EXCLUSIVE")
            with pytest.raises(APIStatusError) as failed:
                made(running)
            assert failed.value.status_code == 503
            assert failed.value.code == "record_failed"
        finally:
            lock.rollback()
            lock.close()


def test_production_refuses_the_development_chain(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, production=True)
    with pytest.raises(NotStartable, match="certificates"):
        Safelight(settings, detectors=[])._open_marks(settings, Cores(1), DigestKey(bytes(32)))
    with pytest.raises(NotStartable, match="do not go together"):
        Safelight(Settings(_env_file=None, production=True, open=True))


@pytest.mark.parametrize("choice", ["credentials", "watermark", "off"])
def test_what_the_operator_does_not_ask_for_is_not_done(tmp_path: Path, backend: MemoryBackend, choice: str) -> None:
    detectors = list(scripted_detectors().values())
    with serving(tmp_path, detectors=detectors, backend=backend, marks=choice) as running:
        content = made(running)
        state = credentials(running, content).state
        assert state is (CredentialState.TRUSTED if choice == "credentials" else CredentialState.NONE)
        assert (registered(running)[-1].watermark is not None) == (choice == "watermark")
        if choice == "off":
            assert content == backend.image


def test_a_photo_that_forbids_ai_is_not_edited(tmp_path: Path, service: Service) -> None:
    photo = forbidding(tmp_path / "camera", photograph("JPEG"))
    with pytest.raises(APIStatusError) as failed:
        service.client().images.edit(model="any", image=("photo.jpg", photo), prompt="add a hat")
    assert failed.value.status_code == 400
    assert failed.value.body["safelight"]["category"] == "rights_reserved"  # type: ignore[index]
    assert failed.value.body["safelight"]["reasons"] == ["photo_forbids_ai"]  # type: ignore[index]
    with service.http() as http:
        checked = http.post("/v1/moderations", json={"input": "a hat"}).json()
    assert checked["results"][0]["flagged"] is False


def forbidding(folder: Path, content: bytes) -> bytes:
    """`content` as a camera would sign it whose owner keeps AI out."""
    signer = signer_of(folder)
    capture = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
    created = {"action": "c2pa.created", "digitalSourceType": capture}
    manifest = {
        "claim_generator_info": [{"name": "camera"}],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [created]}},
            {"label": "cawg.training-mining", "data": {"entries": {"cawg.ai_inference": {"use": "notAllowed"}}}},
        ],
    }
    file = io.BytesIO()
    native = c2pa.Signer.from_callback(signer.sign, c2pa.C2paSigningAlg.ES256, signer.chain.pem)
    with c2pa.Builder.from_json(manifest) as builder:
        builder.sign(native, "image/jpeg", io.BytesIO(content), file)
    return file.getvalue()


def test_credentials_of_a_photo_stay_in_the_edit(tmp_path: Path, service: Service) -> None:
    signer = signer_of(tmp_path / "camera")
    origin = Origin("pic_camera", "req_x", "dec_x", "sha256:0", How.CREATED, "camera", utc_now())
    photo = Sealer(signer).seal(photograph("JPEG"), "image/jpeg", origin)
    answer = service.client().images.edit(model="any", image=("photo.jpg", photo), prompt="add a hat")
    assert answer.data
    content = base64.b64decode(answer.data[0].b64_json or "")
    assert b"pic_camera" in content
    assert credentials(service, content).state is CredentialState.TRUSTED
