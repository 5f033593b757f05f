"""What another hand wrote is taught with the verdicts that it gave."""

from training.other_hand import other_hand

from safelight.signals.text.head import LABELS
from safelight.signals.text.kinds import Kind


def test_every_request_is_taught_with_its_verdict_and_only_with_labels_that_it_settles() -> None:
    rows = other_hand()
    assert len({row.lang for row in rows}) > 30
    assert {row.labels["undress"] for row in rows if row.block} == {1.0}
    assert {row.labels["undress"] for row in rows if not row.block} == {0.0}
    assert all(set(row.labels) <= set(LABELS) and row.turns and all(row.turns) for row in rows)
    assert all(row.kind is Kind.NONE for row in rows if not row.block)
    assert all(row.labels.get("minor") == 1.0 for row in rows if row.family == "minors")


def test_a_conversation_is_calm_until_the_turn_that_is_refused() -> None:
    rows = other_hand()
    refused = [row for row in rows if row.block and len(row.turns) > 1]
    calm = {row.turns for row in rows if not row.block}
    assert sum(row.turns[:-1] in calm for row in refused) > 100
