"""The held-out sets are what their README says: apart from each other, well formed, and without a word too many."""

import ast
import itertools
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from training.held_out.fill import minor_words
from training.held_out.make import held_out, line, main
from training.held_out.sheet import (
    FOLDER,
    SETS,
    SLOT,
    STEPS,
    Section,
    Sheet,
    SheetInvalid,
    Template,
    read_sheet,
    read_sheets,
)

from safelight.evaluation.cases import Case, Label, read_cases

FAMILIES = {str(number) for number in range(1, 24)} - {"14", "17"}
OTHER_LANGUAGES = "16"
"""A family of its own in two of the sets; in the others every sheet but the English one stands for it."""
SPACELESS = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Letters of scripts that write no spaces between words."""
OWN = "training.held_out."
PAIRS = list(itertools.combinations(SETS, 2))
FAMILY_MIN = {"final": 12, "second": 6, "third": 6, "fourth": 6}
"""English templates of each family of attacks."""
TALKS_MIN = {"final": 60, "second": 30, "third": 40, "fourth": 60}
"""Benign conversations in English."""
CHILDREN_MIN = {"final": (3000, 2000), "second": (2000, 1500), "third": (1500, 300), "fourth": (2000, 2000)}
"""Requests about children, to be refused and to pass."""
LITERAL_CHARS_MIN = 8
"""Templates with less of their own than this are told apart by the lists that fill them."""


@pytest.fixture(scope="module")
def sheets() -> dict[str, list[Sheet]]:
    return {name: list(read_sheets(name)) for name in (*SETS, STEPS)}


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Case]]:
    return {name: list(read_cases(line(case) for case in held_out(name))) for name in SETS}


@pytest.fixture(scope="module")
def said(cases: Mapping[str, list[Case]]) -> dict[str, set[tuple[str, ...]]]:
    """What the people of each set ask for, by its words alone."""
    return {
        name: {tuple(" ".join(re.findall(r"\w+", turn.text.casefold())) for turn in case.turns) for case in each}
        for name, each in cases.items()
    }


def _templates(sheets: list[Sheet]) -> list[Template]:
    return [template for sheet in sheets for template in sheet.templates]


def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of `words`, whole where the script parts words."""
    each = (
        re.escape(word) if SPACELESS.search(word) else rf"(?<!\w){re.escape(word)}(?!\w)"
        for word in map(str.casefold, words)
    )
    return re.compile("|".join(each))


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_no_template_is_in_two_sets(pair: tuple[str, str], sheets: Mapping[str, list[Sheet]]) -> None:
    one, other = (
        {(t.lang, t.shape) for t in _templates(sheets[name]) if len("".join(t.shape)) >= LITERAL_CHARS_MIN}
        for name in pair
    )
    assert one & other == set()


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_no_request_is_in_two_sets(pair: tuple[str, str], said: Mapping[str, set[tuple[str, ...]]]) -> None:
    one, other = (said[name] for name in pair)
    assert one & other == set()


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_no_word_that_tells_attack_from_neighbour_is_in_two_sets(
    pair: tuple[str, str], sheets: Mapping[str, list[Sheet]]
) -> None:
    one, other = (
        {word.casefold() for sheet in sheets[name] for words in sheet.words.values() for word in words} for name in pair
    )
    assert one & other == set()


@pytest.mark.parametrize("name", ["final", "second"])
def test_no_template_is_twice_in_a_set_that_measures(name: str, sheets: Mapping[str, list[Sheet]]) -> None:
    for sheet in sheets[name]:
        count = Counter((t.section, t.words) for t in sheet.templates)
        twice = [template for template, times in count.items() if times > 1]
        assert not twice, (sheet.lang, twice)


@pytest.mark.parametrize("name", SETS)
def test_each_language_has_both_labels_and_enough_of_them(name: str, sheets: Mapping[str, list[Sheet]]) -> None:
    for sheet in sheets[name]:
        count = Counter(
            template.section.is_blocked for template in sheet.templates if not template.section.is_of_minors
        )
        assert min(count[True], count[False]) >= 20, (name, sheet.lang)


@pytest.mark.parametrize("name", SETS)
def test_every_family_is_met_in_english_by_several_templates_and_elsewhere_by_some(
    name: str, sheets: Mapping[str, list[Sheet]]
) -> None:
    attacks = [t for t in _templates(sheets[name]) if t.section.is_blocked and not t.section.is_of_minors]
    in_english = Counter(t.family for t in attacks if t.lang == "en")
    assert in_english.keys() | {OTHER_LANGUAGES} == FAMILIES == {t.family for t in attacks} | {OTHER_LANGUAGES}
    assert min(in_english.values()) >= FAMILY_MIN[name]


@pytest.mark.parametrize("name", SETS)
def test_benign_conversations_are_many(name: str, sheets: Mapping[str, list[Sheet]]) -> None:
    talks = Counter(t.lang for t in _templates(sheets[name]) if t.section is Section.TALK_ALLOW)
    assert talks["en"] >= TALKS_MIN[name]
    assert min(talks[sheet.lang] for sheet in sheets[name]) >= 5


def test_the_set_that_a_threshold_is_chosen_by_is_mostly_conversations_of_both_labels(
    sheets: Mapping[str, list[Sheet]],
) -> None:
    for sheet in sheets[STEPS]:
        count = Counter(template.section for template in sheet.templates)
        talks = count[Section.TALK_BLOCK], count[Section.TALK_ALLOW]
        assert min(talks) >= 40, sheet.lang
        assert sum(talks) > len(sheet.templates) / 2
        assert not any(template.section.is_of_minors for template in sheet.templates)


@pytest.mark.parametrize("name", SETS)
def test_about_children_there_are_thousands_of_both(name: str, cases: Mapping[str, list[Case]]) -> None:
    count = Counter(case.family for case in cases[name])
    blocked, passed = CHILDREN_MIN[name]
    assert count["minors"] >= blocked
    assert count["near: children"] >= passed


@pytest.mark.parametrize("name", SETS)
def test_attacks_without_words_for_a_child_are_about_real_people(name: str, cases: Mapping[str, list[Case]]) -> None:
    for case in cases[name]:
        assert (case.category == "csam") is (case.family == "minors")
        assert (case.category == "") is (case.label is Label.ALLOW)


@pytest.mark.parametrize("name", [*SETS, STEPS])
def test_no_file_says_in_one_place_what_must_never_be_asked_about_a_child(
    name: str, sheets: Mapping[str, list[Sheet]]
) -> None:
    """Who is a child is put in by code; what is written down to be refused names none."""
    for sheet in sheets[name]:
        child = _any_of(minor_words(sheet.lang) + minor_words("en"))
        blocked = [SLOT.sub(" ", t.text) for t in sheet.templates if t.section.is_blocked]
        unsafe = [SLOT.sub(" ", words) for slot in (*sheet.words, "act") for words in sheet.choices(slot)]
        for text in blocked + unsafe:
            assert not child.search(text.casefold()), (sheet.lang, text)
        assert all("{minor}" in t.text for t in sheet.templates if t.section.value.startswith("minors_block"))


@pytest.mark.parametrize("name", SETS)
def test_ordinary_requests_about_children_never_borrow_the_codes(name: str, sheets: Mapping[str, list[Sheet]]) -> None:
    assert all("{minor}" not in t.text for t in _templates(sheets[name]) if not t.section.is_blocked)


def test_the_sets_know_nothing_of_what_the_model_was_trained_on() -> None:
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("training.") or (node.module or "").startswith(OWN), file.name
            elif isinstance(node, ast.Import):
                assert all(not name.name.startswith("training") for name in node.names), file.name


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(tmp_path: Path) -> None:
    written = []
    for number, seed in enumerate(("5", "5", "6")):
        file = tmp_path / f"{number}.jsonl"
        main(["--set", "final", "--out", str(file), "--lang", "sv", "--seed", seed])
        written.append(file.read_bytes())
    assert written[0] == written[1] != written[2]


def test_a_language_alone_gives_the_rows_that_it_gives_in_the_whole(cases: Mapping[str, list[Case]]) -> None:
    assert list(held_out("final", lang="sv")) == [case for case in cases["final"] if case.lang == "sv"]


def test_no_template_becomes_more_cases_than_asked_for() -> None:
    alone = Counter(case.id.rsplit(":", 1)[0] for case in held_out("final", lang="en", per_template=2))  # type: ignore[union-attr]
    assert max(count for name, count in alone.items() if ":minors" not in name) == 2


def test_words_for_a_child_come_from_the_lexicon_without_those_that_mean_something_else() -> None:
    words = minor_words("de")
    assert words
    assert "kind" not in words  # English
    assert not any(word.endswith("*") for word in words)


@pytest.mark.parametrize(
    "content",
    [
        "[block]\n1 = 'take {this} off'",
        "[fill]\nminor = ['x']",
        "[fill]\nhat = ['x']\n[words]\nhat = ['y']",
        "[talk_block]\n3 = 'shorter | more'",
        "[talk_allow]\nsteps = 'shorter | ! more'",
        "[other]\n1 = 'x'",
        "[block",
    ],
    ids=["unfilled", "by code", "twice", "no mark", "mark", "section", "no TOML"],
)
def test_a_sheet_that_cannot_be_filled_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "xx.toml"
    file.write_text(content, "utf-8")
    with pytest.raises(SheetInvalid):
        read_sheet(file)


def test_a_conversation_says_who_speaks_and_where_it_is_complete(cases: Mapping[str, list[Case]]) -> None:
    talks = [case for case in cases["final"] if case.is_conversation and case.label is Label.BLOCK]
    assert talks
    for case in talks:
        assert case.block_at in case.asked
        assert [turn.image for turn in case.turns] == [True, *itertools.repeat(False, len(case.turns) - 1)]
