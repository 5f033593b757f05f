"""A Safelight in front of another one: what the inner one signed, the outer one takes as a picture and marks anew."""

import base64
import io
from collections.abc import Iterator

import openai
import pytest
from openai import OpenAI
from PIL import Image

from safelight.backends.openai import OpenAIBackend
from safelight.backends.sketch import SketchBackend
from safelight.provenance.model import CredentialState
from tests.detectors import ScriptedDetector, scripted_detectors
from tests.service import Service, serving

SIZE = "160x128"


@pytest.fixture(scope="module")
def inner_detectors() -> dict[str, ScriptedDetector]:
    return scripted_detectors()


@pytest.fixture(scope="module")
def outer(tmp_path_factory: pytest.TempPathFactory, inner_detectors: dict[str, ScriptedDetector]) -> Iterator[Service]:
    inside, outside = tmp_path_factory.mktemp("inner"), tmp_path_factory.mktemp("outer")
    with serving(inside, detectors=list(inner_detectors.values()), backend=SketchBackend()) as inner:
        backend = OpenAIBackend(f"{inner.address}/v1")
        with serving(outside, detectors=list(scripted_detectors().values()), backend=backend) as running:
            yield running


@pytest.fixture(scope="module")
def client(outer: Service) -> OpenAI:
    return outer.client()


def looked_at(encoded: str) -> tuple[str | None, tuple[int, int]]:
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
        return image.format, image.size


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp", "avif"])
def test_every_format_passes_both(outer: Service, client: OpenAI, output_format: str) -> None:
    asked = {"output_format": output_format, "quality": "high"}
    answer = client.images.generate(model="sketch", prompt="a boat", size=SIZE, n=2, extra_body=asked)  # type: ignore[call-overload]
    assert [looked_at(one.b64_json) for one in answer.data] == [(output_format.upper(), (160, 128))] * 2
    assert (answer.output_format, answer.size, answer.quality) == (output_format, SIZE, "high")
    for one in answer.data:
        content = base64.b64decode(one.b64_json)
        read = outer.safelight.credentials.read(content, f"image/{output_format}")
        assert read.state is CredentialState.TRUSTED


def test_an_edit_with_two_images_and_a_mask_passes_both(client: OpenAI, portrait: bytes, cup: bytes) -> None:
    images = [("a.png", portrait, "image/png"), ("b.png", cup, "image/png")]
    mask = ("m.png", portrait, "image/png")
    more = {"palette": ["dark blue", "grey"]}  # which forms hold as `palette[]`, twice
    answer = client.images.edit(model="sketch", image=images, mask=mask, prompt="make it darker", extra_body=more)
    assert answer.data
    assert looked_at(answer.data[0].b64_json or "") == ("PNG", (512, 512))


def test_a_stream_passes_both(client: OpenAI) -> None:
    asked = {"size": SIZE, "partial_images": 2, "stream": True}
    events = list(client.images.generate(model="sketch", prompt="a boat", **asked))  # type: ignore[call-overload]
    kinds = [event.type.rpartition(".")[2] for event in events]
    assert kinds == ["partial_image", "partial_image", "completed"]
    assert {looked_at(event.b64_json) for event in events} == {("PNG", (160, 128))}


def test_the_inner_ones_refusal_is_told_as_the_models(
    client: OpenAI, inner_detectors: dict[str, ScriptedDetector]
) -> None:
    seen = inner_detectors["image_nudity_one"], inner_detectors["image_nudity_two"]
    for one in seen:
        one.values = {"output_nudity_one": 0.99} if one is seen[0] else {"output_nudity_two": 0.99}
    try:
        with pytest.raises(openai.BadRequestError) as refused:
            client.images.generate(model="sketch", prompt="a boat")
    finally:
        for one in seen:
            one.values = {}
    assert refused.value.code == "moderation_blocked"
    assert isinstance(refused.value.body, dict)
    assert refused.value.body["moderation_details"]["moderation_stage"] == "backend"
