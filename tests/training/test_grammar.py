"""The grammar that trains and measures: its parts never mix, and the same seed gives the same rows."""

import random
from collections.abc import Sequence

import pytest
from training.grammar.expand import SHARED, Filler
from training.grammar.generate import FOLDER, Grammar, draws
from training.grammar.rows import Row
from training.ordinary import ordinary
from training.split import FINAL_LANGUAGES, Part, part_of

from safelight.signals.text.minors import Minors


@pytest.fixture(scope="module")
def drawn_thrice(grammar: Grammar) -> list[Row]:
    return list(grammar.rows(3, seed=1))


def test_the_same_seed_gives_the_same_rows(grammar: Grammar, drawn: list[Row]) -> None:
    assert list(grammar.rows(1, seed=1)) == drawn
    assert list(grammar.rows(1, seed=4)) != drawn


def test_at_least_24_languages_are_spoken(grammar: Grammar) -> None:
    assert len({name.split("-")[0] for name in grammar.languages}) >= 24


def test_every_language_has_attacks_and_near_misses(grammar: Grammar) -> None:
    for name, table in grammar.languages.items():
        assert table["attack"], name
        assert table["near"], name


def test_held_back_languages_are_never_trained_on(drawn: list[Row]) -> None:
    parts = {row.part for row in drawn if row.lang in FINAL_LANGUAGES}
    assert parts == {Part.FINAL}


def test_a_word_that_tells_an_attack_belongs_to_one_part_only() -> None:
    words: Sequence[str] = [f"word{number}" for number in range(200)]

    def filled(part: Part) -> set[str]:
        filler = Filler({"rev": words}, "en", part)
        return {filler.fill("{rev}", random.Random(seed)) for seed in range(400)}

    assert "rev" not in SHARED
    assert not filled(Part.TRAIN) & filled(Part.FINAL)
    assert not filled(Part.TRAIN) & filled(Part.DEV)


def test_no_file_of_the_grammar_holds_a_word_for_a_child_in_an_attack(grammar: Grammar) -> None:
    minors = Minors()
    for lang, table in grammar.languages.items():
        for family, templates in table["attack"].items():
            for template in templates:
                found = minors.look(template.replace("{minor}", ""))
                assert found.score < 1 or found.needs_support, (lang, family, template)


def test_every_row_is_filled_to_the_last_slot(drawn: list[Row]) -> None:
    for row in drawn:
        assert "{" not in row.text, row.text


def test_ordinary_lines_fall_into_parts_by_their_text() -> None:
    lines = list(ordinary())
    assert len(lines) > 15_000
    assert all(line.part is part_of(line.text) for line in lines[::500])


def test_each_data_file_names_its_source_and_licence() -> None:
    folder = FOLDER.parent / "data"
    readme = (folder / "README.md").read_text(encoding="utf-8")
    for path in folder.glob("*.txt"):
        assert path.name in readme


def test_a_template_with_more_slots_is_filled_more_often_up_to_a_bound() -> None:
    counts = [draws(template, 3) for template in ("red hat", "a {rev} please now", "put the {rev} onto {person} now")]
    assert counts == sorted(set(counts))
    assert draws("put {person} in {rev}", 3) > draws("could you please put {person} in {rev}", 3)
    assert draws("{a} " * 30, 3) == draws("{a} " * 60, 3)
    assert draws("shorter || longer", 3) == 1


@pytest.mark.parametrize("lang", ["tr", "he", "hi", "en"])
def test_words_with_endings_make_rows_about_children_and_names(drawn_thrice: list[Row], lang: str) -> None:
    rows = [row for row in drawn_thrice if row.lang == lang and len(row.turns) == 1]
    attacks = [row for row in rows if row.block and row.family != "minor"]
    young = [row for row in rows if row.family == "minor"]
    assert len(young) > len(attacks) / 20
    assert all(row.block and row.labels["minor"] == 1.0 for row in young)
    assert sum(row.family == "23" and not row.image for row in rows) > 20


WEAK_ATTACKS = ("3", "5", "6", "7", "8", "10", "13", "20")
WEAK_NEAR = ("edit", "keep", "minor_plain", "more", "refusal", "talk")


def test_every_language_has_each_kind_that_the_model_card_calls_weak(grammar: Grammar) -> None:
    """A kind known in one language only is taken for that language's sign."""
    again = grammar.degrees()
    for name, table in grammar.languages.items():
        assert not [family for family in WEAK_ATTACKS if not table["attack"].get(family)], name
        assert not [family for family in WEAK_NEAR if not table["near"].get(family)], name
        assert len(again[name]) >= 8, name


def test_no_template_stands_on_both_sides(grammar: Grammar) -> None:
    for name, table in grammar.languages.items():
        attacks, near = ({line for lines in table[side].values() for line in lines} for side in ("attack", "near"))
        assert not attacks & near, name


def test_a_near_miss_that_names_a_child_is_not_taught_as_naming_none(drawn: list[Row]) -> None:
    rows = [row for row in drawn if row.lang == "ar" and row.family == "scene"]
    assert any("minor" not in row.labels for row in rows)
    assert any(row.labels.get("minor") == 0.0 for row in rows)
