"""The register's names are found however they are spelt; ordinary words are nobody's name. Every name is invented."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.category import Stage
from safelight.core.errors import BadInput, DetectorUnfit
from safelight.core.request import Role
from safelight.core.signal import SignalValue
from safelight.signals.model import Passage, Reading, ReadText, View
from safelight.signals.ports import Detector
from safelight.signals.text.normalise import read
from safelight.signals.text.people import register
from safelight.signals.text.people.finder import Names
from safelight.signals.text.people.names import NamesDetector
from safelight.signals.text.people.register import Entry, NameKind
from tests.signals.contract import DetectorContract

ENTRIES = [
    Entry("Marielle Velkonova", NameKind.PROTECTED, ("玛丽埃尔", "マリエル・ヴェルコノヴァ")),
    Entry("Tomasz Grzembalski", NameKind.PUBLIC_FIGURE),
    Entry("Jürgen von Hohenquell", NameKind.PUBLIC_FIGURE),
    Entry("Zyphera", NameKind.PUBLIC_FIGURE),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "names.jsonl"
    register.save(file, ENTRIES)
    return file


@pytest.fixture
def names(path: Path) -> NamesDetector:
    detector = NamesDetector(path)
    detector.load()
    return detector


def said(detector: NamesDetector, text: str) -> dict[str, SignalValue]:
    return {s.name: s.value for s in detector.observe(View(Stage.INPUT, (read(Passage("prompt", text)),))).signals}


class TestContract(DetectorContract):
    @pytest.fixture
    def detector(self, names: NamesDetector) -> Detector:
        return names

    @pytest.fixture
    def view(self) -> View:
        text = "a portrait of Marielle Velkonova"
        return View(Stage.INPUT, (ReadText(Passage("prompt", text, Role.USER), (Reading("plain", text),)),))


@pytest.mark.parametrize(
    "text",
    [
        "a portrait of Marielle Velkonova",
        "MARIELLE VELKONOVA at the beach",
        "mariélle velkonová",
        "Velkonova, Marielle",
        "Marielle K. Velkonova",
        "M. Velkonova in the rain",
        "Marielle Velkonova's house",
        "das Haus von Marielle Velkonovas Mutter",
        "Marielle Welkonowa",
        "фото Мариэль Велконовой",
        "з Маріелле Велконовою",
        "Μαριέλλε Βελκόνοβα",
        "Mariellen Velkonovan talo",
        "Marielle Velkonova'nın evi",
        "玛丽埃尔在海滩",
        "マリエル・ヴェルコノヴァの写真",
        "M4r1elle V3lk0nova",
        "Ｍａｒｉｅｌｌｅ Ｖｅｌｋｏｎｏｖａ",
        "m a r i e l l e   v e l k o n o v a",
        "#MarielleVelkonova on a horse",
        "mariellevelkonova_v2.safetensors",
    ],
)
def test_a_name_is_found_in_every_spelling(names: NamesDetector, text: str) -> None:
    found = said(names, text)
    assert found.get("text_protected_name") is True
    assert found["text_named"] == 1.0


@pytest.mark.parametrize(
    "text",
    ["Tomasz Grzembalski speaks", "z Tomaszem Grzembalskim", "Jurgen v. Hohenquell", "Zyphera sings", "Zypheras song"],
)
def test_a_public_figure_is_found(names: NamesDetector, text: str) -> None:
    found = said(names, text)
    assert found.get("text_public_figure") is True
    assert "text_protected_name" not in found


@pytest.mark.parametrize(
    "text",
    [
        "a portrait of Marielle",
        "the Velkonova bridge",
        "Marielle, a cat, sits on the wall in the town of Velkonova",
        "m and n are letters",
        "a zephyr over the sea",
        "",
    ],
)
def test_half_a_name_is_nobody(names: NamesDetector, text: str) -> None:
    found = said(names, text)
    assert "text_protected_name" not in found
    assert "text_public_figure" not in found


def test_an_apostrophe_in_a_name_may_be_left_out() -> None:
    known = Names([Entry("Ilva D'Roskan", NameKind.PROTECTED), Entry("O'Zyph", NameKind.PROTECTED)])
    for text in ("ilva droskan", "Ilva D’Roskan", "ilvadroskan", "ozyph sings"):
        assert known.find(text) == {NameKind.PROTECTED}, text


def test_a_name_by_its_form_and_a_relation(names: NamesDetector) -> None:
    assert said(names, "a photo of Priya Ravenholt at work")["text_named"] == 0.8
    assert said(names, "Sergej Ravenholt")["text_named"] == 0.8
    assert said(names, "my boss at the party")["text_named"] == 0.6
    assert said(names, "meine Nachbarin im Garten")["text_named"] == 0.6
    assert said(names, "the mayor opens a bridge")["text_public_figure"] is True
    for ordinary in (
        "a red barn in the snow",
        "New York at night",
        "A Golden Retriever on a Sunny Day",
        "PRIYA RAVENHOLT SALE",
    ):
        assert "text_named" not in said(names, ordinary)


def test_the_register_is_read_again_when_it_changes(names: NamesDetector, path: Path) -> None:
    assert "text_protected_name" not in said(names, "Ilvana Drosk")
    register.save(path, [*ENTRIES, Entry("Ilvana Drosk", NameKind.PROTECTED)])
    assert said(names, "Ilvana Drosk")["text_protected_name"] is True


def test_a_register_that_cannot_be_read_is_no_answer(names: NamesDetector, path: Path) -> None:
    path.write_text("{not json")
    with pytest.raises(BadInput):
        said(names, "anything")
    with pytest.raises(DetectorUnfit):
        NamesDetector(path).load()


def test_no_signal_tells_the_name(names: NamesDetector) -> None:
    found = names.observe(View(Stage.INPUT, (read(Passage("prompt", "Marielle Velkonova")),)))
    assert "elkonov" not in repr(found)


@pytest.mark.parametrize(
    "line",
    [
        {"name": "A B"},
        {"name": "", "kind": "protected"},
        {"name": "A B", "kind": "friend"},
        {"name": "A B", "kind": "protected", "age": 3},
        {"name": "A B", "kind": "protected", "aliases": "x"},
        {"name": "A B", "kind": "protected", "aliases": [1]},
        {"name": "x" * 300, "kind": "protected"},
        ["A B", "protected"],
    ],
    ids=str,
)
def test_a_line_that_is_no_entry_is_named(line: Any) -> None:
    good = json.dumps({"name": "A B", "kind": "protected"})
    with pytest.raises(BadInput, match="Line 2"):
        register.read_jsonl(f"{good}\n{json.dumps(line)}\n")


def test_csv_is_read_with_its_aliases() -> None:
    text = 'name,kind,aliases\n"Drosk, Ilvana",protected,Ilva D|I. D.\nZyphera,public_figure,\n'
    assert register.read_csv(text) == [
        Entry("Drosk, Ilvana", NameKind.PROTECTED, ("Ilva D", "I. D.")),
        Entry("Zyphera", NameKind.PUBLIC_FIGURE),
    ]
    with pytest.raises(BadInput, match="columns"):
        register.read_csv("who,kind\nA,protected\n")
    with pytest.raises(BadInput, match="Line 1 of the names cannot be taken: it is no CSV"):
        register.read_csv('"name,kind\n')


entries = st.builds(
    Entry,
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20),
    st.sampled_from(NameKind),
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=9), max_size=3
    ).map(tuple),
)


@given(st.lists(entries, max_size=5, unique_by=lambda entry: (entry.name.casefold(), entry.kind)))
def test_what_is_saved_is_loaded(listed: list[Entry]) -> None:
    text = "".join(json.dumps(entry.to_json(), ensure_ascii=False) + "\n" for entry in listed)
    assert register.read_jsonl(text) == listed


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200), st.lists(entries, max_size=4))
def test_finding_never_raises(text: str, listed: list[Entry]) -> None:
    assert Names(listed).find(text) <= set(NameKind)


@given(st.text(st.sampled_from("abc é.,!"), max_size=30), st.text(st.sampled_from("xyz ,.?"), max_size=30))
def test_a_name_is_found_wherever_it_stands(before: str, after: str) -> None:
    assert Names(ENTRIES).find(f"{before} Marielle Velkonova {after}") >= {NameKind.PROTECTED}
