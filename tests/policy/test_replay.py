"""A recorded decision comes out again from its record and its policy; a record that was changed does not."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.core.canonical import canonical_json
from safelight.core.category import Stage
from safelight.core.errors import PolicyInvalid
from safelight.core.signal import Missing, MissingReason, Observed, Signal
from safelight.policy.load import default_policy_text, load_policy
from safelight.policy.replay import replay
from tests.policy.words import VOCABULARY, facts, judge, rule, saw, small

DEFAULT = load_policy(default_policy_text(), VOCABULARY)
SCORES = sorted(name for name, spec in VOCABULARY.specs.items() if spec.kind.value == "score")


def recorded(*observed: Any, **kept: Any) -> str:
    return canonical_json(judge(DEFAULT, *observed, **kept).to_json()).decode()


@settings(max_examples=60, deadline=None)
@given(
    scores=st.dictionaries(st.sampled_from(SCORES), st.sampled_from([0.0, 0.1, 0.5, 0.93, 1.0]), max_size=6),
    lost=st.lists(st.sampled_from(SCORES), max_size=2, unique=True),
    stage=st.sampled_from(list(Stage)),
    photos=st.integers(0, 2),
)
def test_every_decision_comes_out_again(scores: dict[str, float], lost: list[str], stage: Stage, photos: int) -> None:
    observed = Observed(
        tuple(Signal(name, value, "one@1", "turn 1", "something") for name, value in scores.items()),
        tuple(Missing("two", (name,), MissingReason.LATE) for name in lost),
        ("one", "two"),
        ("one",),
    )
    record = recorded(observed, facts(stage, photos=photos))
    assert replay(record, DEFAULT.canonical_text).differences == ()


@pytest.mark.parametrize("value", [1, 0, 3, True, "a"])
def test_a_value_that_could_not_be_used_is_replayed_as_it_was(value: Any) -> None:
    observed = Observed((Signal(SCORES[0], value, "one@1", "turn 1"),))
    assert replay(recorded(observed), DEFAULT.canonical_text).differences == ()


def test_a_verdict_that_does_not_follow_is_found() -> None:
    record = recorded(saw(text_undress=0.99), facts(photos=1))
    assert '"verdict":"refuse"' in record
    changed = json.loads(record) | {"verdict": "allow", "category": None, "reasons": []}
    assert replay(json.dumps(changed), DEFAULT.canonical_text).differences == ("verdict", "category", "reasons")
    softened = record.replace("0.99", "0.01")
    assert "verdict" in replay(softened, DEFAULT.canonical_text).differences


def test_another_policy_and_what_is_no_record_are_refused() -> None:
    record = recorded(saw(text_undress=0.99))
    with pytest.raises(PolicyInvalid, match="was made by the policy"):
        replay(record, small(rule("text_undress >= t_undress")).canonical_text)
    with pytest.raises(PolicyInvalid):
        replay(record, DEFAULT.canonical_text.replace("0.5", "0.6", 1))
    for bad in ("", "[]", "{}", record.replace('"signals"', '"signal"')):
        with pytest.raises(PolicyInvalid, match="not the record"):
            replay(bad, DEFAULT.canonical_text)


def test_a_record_from_before_a_fact_existed_is_replayed_with_its_default() -> None:
    old = json.loads(recorded(saw(text_undress=0.99)))
    del old["facts"]["edits_before"]
    assert replay(json.dumps(old), DEFAULT.canonical_text).differences == ()
