"""The chain of edits through the door: an output that comes back is judged with what was asked of it before."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from safelight.backends.memory import MemoryBackend
from safelight.core.request import Role
from safelight.signals.model import Found, View
from tests.detectors import ScriptedDetector, scripted_detectors
from tests.service import Service, serving

Scripted = tuple[Service, dict[str, ScriptedDetector]]


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory, cup: bytes) -> Iterator[Scripted]:
    detectors = scripted_detectors()
    folder = tmp_path_factory.mktemp("lineage")
    with serving(folder, detectors=list(detectors.values()), backend=MemoryBackend(cup)) as service:
        yield service, detectors


def tell(scripted: Scripted, **values: Any) -> None:
    for detector in scripted[1].values():
        names = {spec.name for spec in detector.emits}
        detector.values = {name: value for name, value in values.items() if name in names}


def edit(service: Service, photo: bytes, prompt: str, **more: str) -> Any:
    with service.http() as http:
        form = {"prompt": prompt, **more}
        return http.post("/v1/images/edits", data=form, files={"image": ("a.png", photo)})


def made(answer: Any) -> bytes:
    assert answer.status_code == 200, answer.text
    return base64.b64decode(answer.json()["data"][0]["b64_json"])


def test_a_child_in_the_first_photo_is_remembered_in_the_second(scripted: Scripted, flat: bytes) -> None:
    """A picture made from a child's photo need not look like a child to anybody but those who saw the first."""
    tell(scripted, photo_people=1, photo_youngest_years=9.0)
    output = made(edit(scripted[0], flat, "as a painting"))
    tell(scripted, photo_people=1, photo_youngest_years=35.0, text_undress=0.39)
    refused = edit(scripted[0], output, "change the dress")
    assert refused.json()["error"]["safelight"]["category"] == "csam"


def test_a_picture_from_elsewhere_has_no_history(scripted: Scripted, portrait: bytes) -> None:
    tell(scripted, photo_people=1, photo_youngest_years=35.0, text_undress=0.39)
    assert edit(scripted[0], portrait, "change the dress").status_code == 200


def test_the_check_route_sees_the_chain_too(scripted: Scripted, flat: bytes) -> None:
    tell(scripted)
    output = made(edit(scripted[0], flat, "a first edit", user="carla"))
    url = "data:image/png;base64," + base64.b64encode(output).decode()
    content = [{"type": "text", "text": "brighter"}, {"type": "image_url", "image_url": {"url": url}}]
    with scripted[0].http() as http:
        answer = http.post("/v1/check", json={"messages": [{"role": "user", "content": content}]}).json()
    assert answer["facts"]["edits_before"] >= 1
    assert "lineage" in answer["answered"]


def test_a_refused_output_is_not_remembered(tmp_path: Path, cup: bytes, flat: bytes) -> None:
    detectors = scripted_detectors(output_nudity_one=0.9, output_nudity_two=0.9)
    with serving(tmp_path, detectors=list(detectors.values()), backend=MemoryBackend(cup)) as service:
        assert edit(service, flat, "x").status_code == 400
        assert service.sql(lambda c: c.exec_driver_sql("SELECT count(*) FROM made_images").scalar()) == 0


@dataclass
class Listening(ScriptedDetector):
    """Remembers which words of the asker it was shown, as turns."""

    heard: list[str] = field(default_factory=list)

    def observe(self, view: View) -> Found:
        self.heard = [text.passage.text for text in view.texts if text.passage.role is Role.USER]
        return super().observe(view)


def test_the_text_judgement_hears_the_chain_as_one_conversation(tmp_path: Path, cup: bytes, flat: bytes) -> None:
    """So what was asked step by step, in requests of their own, is judged like turns of one conversation."""
    detectors = scripted_detectors()
    twin = detectors["text_meaning"]
    listening = Listening(twin.name, twin.emits)
    detectors["text_meaning"] = listening
    with serving(tmp_path, detectors=list(detectors.values()), backend=MemoryBackend(cup)) as service:
        output = made(edit(service, flat, "a first step", user="carla"))
        made(edit(service, output, "smaller", user="carla"))
        assert listening.heard == ["a first step", "smaller"]
        edit(service, flat, "smaller", user="carla")
        assert listening.heard == ["smaller"]


def test_a_harmless_chain_passes_real_detectors(real: Service, portrait: bytes) -> None:
    logo = made(edit(real, portrait, "make the background a sunset"))
    assert edit(real, logo, "a little brighter").status_code == 200
