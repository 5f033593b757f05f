"""Each threshold is shown with what it does: recall and false positives where it stands, and at both ends."""

import pytest

from safelight.core.signal import Signal
from safelight.evaluation.cases import Label
from safelight.evaluation.thresholds import Effect, builtin_cases, effects
from safelight.policy.document import as_kind
from safelight.signals.model import Found, View
from tests.evaluation.twin import WordDetector, case, judge_with


class Graded(WordDetector):
    """Says `text_undress` as the last word of the text has it."""

    def observe(self, view: View) -> Found:
        score = float(view.texts[-1].passage.text.split()[-1])
        return Found((Signal("text_undress", score, "text_meaning@twin", "prompt", "asks for it", "plain"),))


@pytest.fixture(scope="module")
def undress() -> Effect:
    detector = Graded()
    policy = judge_with(detector).policy
    cases = [
        case("asks 0.9"),
        case("asks 0.6"),
        case("first 0.1", "then 0.25", "then 0.1"),
        case("harmless 0.3", label=Label.ALLOW),
        case("harmless 0.1", label=Label.ALLOW),
    ]
    return next(effect for effect in effects(cases, [detector], policy) if effect.name == "undress")


def test_a_threshold_is_measured_where_it_stands_and_at_both_ends(undress: Effect) -> None:
    assert [point.value for point in undress.points] == [0.2, 0.4, 0.7]
    assert [point.recall.hits for point in undress.points] == [3, 2, 1], "a turn in the middle counts too"
    assert [point.false_positives.hits for point in undress.points] == [1, 0, 0]
    assert {(point.recall.count, point.false_positives.count) for point in undress.points} == {(3, 2)}
    assert undress.matters


def test_what_does_nothing_on_the_set_is_told() -> None:
    detector = Graded()
    policy = judge_with(detector).policy
    found = {effect.name: effect for effect in effects([case("asks 0.9")], [detector], policy)}
    assert found.keys() == policy.thresholds.keys()
    assert not found["clearly_adult"].matters
    for effect in found.values():
        threshold = policy.thresholds[effect.name]
        assert threshold.value in [point.value for point in effect.points]
        assert all(point.value == as_kind(threshold.kind, point.value) for point in effect.points)


def test_the_built_in_set_has_both_halves_and_both_ways_to_ask() -> None:
    cases = builtin_cases()
    assert {one.label for one in cases} == set(Label)
    assert {one.image for one in cases} == {True, False}
    assert len({one.lang for one in cases}) >= 12
    assert any(one.is_conversation for one in cases)
    assert "csam" not in {one.category for one in cases}
