"""What several hands wrote is taught with the verdicts that they gave, and is nothing that measures."""

from collections.abc import Sequence

import pytest
from training.grammar.rows import Row
from training.hands import by_hand, sheets
from training.held_out.sheet import SETS, STEPS, Sheet, read_sheets

from safelight.signals.text.head import LABELS
from safelight.signals.text.kinds import Kind


@pytest.fixture(scope="module")
def written() -> list[Sheet]:
    return list(sheets())


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return by_hand()


def test_every_request_is_taught_with_its_verdict_and_only_with_labels_that_it_settles(rows: Sequence[Row]) -> None:
    assert len({row.lang for row in rows}) > 30
    assert {row.labels["undress"] for row in rows if row.block} == {1.0}
    assert {row.labels["undress"] for row in rows if not row.block} == {0.0}
    assert all(set(row.labels) <= set(LABELS) and row.turns and all(row.turns) for row in rows)
    assert all(row.kind is Kind.NONE for row in rows if not row.block)
    assert all(row.labels.get("minor") == 1.0 for row in rows if row.family == "minors")


def test_a_conversation_is_calm_until_the_turn_that_is_refused(rows: Sequence[Row]) -> None:
    refused = [row for row in rows if row.block and len(row.turns) > 1]
    calm = {row.turns for row in rows if not row.block}
    assert sum(row.turns[:-1] in calm for row in refused) > 100


SAME_FROM_CHARS = 25
"""Two people who never met write "take her shirt off" alike; a longer line is the same where one knew the other."""


@pytest.mark.parametrize("name", [*SETS, STEPS])
def test_no_hand_holds_a_longer_template_of_a_set_that_measures(name: str, written: Sequence[Sheet]) -> None:
    measured = {(t.lang, t.shape) for sheet in read_sheets(name) for t in sheet.templates}
    taught = {
        (t.lang, t.shape) for sheet in written for t in sheet.templates if len("".join(t.shape)) >= SAME_FROM_CHARS
    }
    assert measured & taught == set()


def test_no_hand_says_in_one_place_what_must_never_be_asked_about_a_child(written: Sequence[Sheet]) -> None:
    for sheet in written:
        for template in sheet.templates:
            if template.section.value.startswith("minors_block"):
                assert "{minor}" in template.text or "{age}" in template.text, (sheet.set, sheet.lang, template.family)
