"""The search for what a rule can do agrees with trying every value."""

from itertools import product

import cel
from hypothesis import given, settings

from safelight.core.category import Stage
from safelight.policy.condition import Condition, read_condition
from safelight.policy.reach import can_fire, can_stay_silent, cells
from tests.policy.test_condition import BOUNDS, CONDITIONS, NAMES

THRESHOLDS = {name: bound.value for name, bound in BOUNDS.items()}
INPUT = (Stage.INPUT,)

SAMPLES: dict[str, tuple[object, ...]] = {
    "text_undress": (0.0, 0.1, 0.4999, 0.5, 0.5001, 0.9, 1.0),
    "photo_youngest_years": (0.0, 24.9, 25.0, 25.1, 120.0),
    "photos": (0, 1, 2, 7),
    "has_mask": (False, True),
    "surface": ("api", "post", "reply", "direct_message"),
    "operation": ("generate", "edit", "variate", "check"),
}


def read(source: str) -> Condition:
    condition, found = read_condition(source, NAMES, BOUNDS)
    assert condition is not None, found
    return condition


def outcomes(*conditions: Condition) -> set[tuple[bool, ...]]:
    """Every combination of answers over a sample finer than the cells."""
    names = list(dict.fromkeys(name for condition in conditions for name in condition.names))
    found = set()
    for values in product(*(SAMPLES[name] for name in names)):
        context = cel.Context(
            variables=dict(zip(names, values, strict=True)) | {f"t_{k}": v for k, v in THRESHOLDS.items()}
        )
        found.add(tuple(condition.program.execute(context) for condition in conditions))
    return found


@given(CONDITIONS)
@settings(max_examples=100, deadline=None)
def test_firing_and_staying_silent_are_found_exactly(source: str) -> None:
    condition = read(source)
    answers = {answer for (answer,) in outcomes(condition)}
    assert can_fire(condition, NAMES, THRESHOLDS, INPUT) is (True in answers)
    assert can_stay_silent(condition, NAMES, THRESHOLDS, INPUT) is (False in answers)


@given(CONDITIONS, CONDITIONS)
@settings(max_examples=60, deadline=None)
def test_covering_is_found_exactly(one: str, other: str) -> None:
    first, second = read(one), read(other)
    free = (True, False) in outcomes(first, second)
    assert can_fire(first, NAMES, THRESHOLDS, INPUT, unless=second) is free


def test_a_score_is_tried_below_at_and_above_each_threshold() -> None:
    condition = read("text_undress >= t_undress")
    assert cells(NAMES["text_undress"], condition.comparisons, THRESHOLDS, INPUT) == (0.0, 0.25, 0.5, 0.75, 1.0)


def test_a_threshold_at_the_end_of_the_scale_leaves_nothing_beyond() -> None:
    condition = read("text_undress > t_undress")
    assert can_fire(condition, NAMES, THRESHOLDS | {"undress": 1.0}, INPUT) is False
    assert can_stay_silent(read("text_undress >= t_undress"), NAMES, THRESHOLDS | {"undress": 0.0}, INPUT) is False
