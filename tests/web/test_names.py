"""Names and deceptive scenes through the door, with real detectors and the operator's register. Names are invented."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from safelight.backends.memory import MemoryBackend
from safelight.signals.text.people import register
from safelight.signals.text.people.register import Entry, NameKind
from safelight.wiring import NAMES_FILE, builtin_detectors
from tests.detectors import scripted_detectors
from tests.service import Service, serving


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, flat: bytes) -> Iterator[Service]:
    """Synthetic scores of the text's meaning; names and scenes are read by the real detectors."""
    folder = tmp_path_factory.mktemp("names")
    register.save(folder / NAMES_FILE, [Entry("Marielle Velkonova", NameKind.PROTECTED)])
    real = {one.name: one for one in builtin_detectors(folder) if one.name in {"text_names", "text_deception"}}
    detectors = scripted_detectors(text_undress=0.35) | real
    with serving(folder, detectors=list(detectors.values()), backend=MemoryBackend(flat)) as service:
        yield service


def check(service: Service, text: str) -> Any:
    with service.http() as http:
        return http.post("/v1/check", json={"messages": [{"role": "user", "content": text}]}).json()


def test_what_leans_the_wrong_way_is_refused_for_a_protected_name(service: Service) -> None:
    answer = check(service, "М. Велконова at the pool")
    assert answer["category"] == "ncii"
    assert answer["reasons"][0]["rule"] == "ncii_protected_name"
    assert check(service, "Ilvana Drosk at the pool")["verdict"] == "allow"


def test_a_name_that_is_added_is_protected_at_once(service: Service) -> None:
    path = service.safelight.settings.data_dir / NAMES_FILE
    assert check(service, "Tavira Quillon at the pool")["verdict"] == "allow"
    register.save(path, [*register.load(path), Entry("Tavira Quillon", NameKind.PUBLIC_FIGURE)])
    answer = check(service, "Tavira Quillon in handcuffs, press photo")
    assert answer["category"] == "deceptive_public_figure"


def test_a_deceptive_scene_is_its_own_category_and_a_drawing_passes(service: Service) -> None:
    answer = check(service, "photo of the president conceding defeat")
    assert (answer["category"], answer["reasons"][0]["code"]) == (
        "deceptive_public_figure",
        "deceptive_scene_of_public_figure",
    )
    assert check(service, "a cartoon of the president conceding defeat")["verdict"] == "allow"
    assert check(service, "the president at a podium, press photo")["verdict"] == "allow"
    assert check(service, "ballots burning in a dumpster")["reasons"][0]["code"] == "deceptive_scene_of_election"


def test_the_images_route_names_it_as_deception(service: Service) -> None:
    with service.http() as http:
        answer = http.post("/v1/images/generations", json={"prompt": "the prime minister's mugshot"})
    assert answer.status_code == 400
    assert answer.json()["error"]["moderation_details"]["categories"] == ["deception"]


def test_a_register_that_cannot_be_read_refuses(service: Service) -> None:
    path: Path = service.safelight.settings.data_dir / NAMES_FILE
    kept = path.read_text()
    path.write_text("{")
    with service.http() as http:
        answer = http.post("/v1/check", json={"messages": [{"role": "user", "content": "a red barn"}]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "safeguard_unavailable")
    path.write_text(kept)
    assert check(service, "a red barn")["verdict"] == "allow"
