"""A condition that loads cannot go wrong: every name known, every comparison of like with like, nothing skipped."""

import cel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.policy.condition import MAX_CHARS, Bound, read_condition
from safelight.policy.environment import Kind, known_names
from tests.policy.words import VOCABULARY

NAMES = known_names(VOCABULARY)
BOUNDS = {
    "undress": Bound(Kind.SCORE, 0.5),
    "adult": Bound(Kind.YEARS, 25.0),
    "crowd": Bound(Kind.COUNT, 5),
}


def faults(source: str) -> str:
    condition, found = read_condition(source, NAMES, BOUNDS)
    assert (condition is None) == bool(found)
    return " | ".join(fault.what for fault in found)


@pytest.mark.parametrize(
    "source",
    [
        "text_undress >= t_undress",
        "photo_youngest_years < t_adult || photo_age_unclear",
        "photos > 0 && photo_people <= t_crowd",
        '!(surface == "reply") && operation in ["edit", "variate"]',
        "!has_mask && turns == 3",
        'photo_owner != "self"\n  && (has_mask)',
    ],
)
def test_what_may_be_written_has_no_fault(source: str) -> None:
    assert faults(source) == ""


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("", "cannot read"),
        ("text_undress >=", "cannot read"),
        ("(" * 300 + "has_mask" + ")" * 300, "cannot read"),
        ("text_undres >= t_undress", "nobody declares the name 'text_undres'"),
        ("text_undress >= t_undres", "no threshold 'undres'"),
        ("text_undress >= 0.5", "bare number 0.5"),
        ("photo_youngest_years < 25", "bare number 25"),
        ("photo_youngest_years < t_undress", "is a years, but the threshold"),
        ("text_undress >= t_crowd", "is a score, but the threshold"),
        ("photos > 0.5", "bare number 0.5"),
        ("text_undress == t_undress", "has no =="),
        ("text_undress >= text_sexual", "is compared with text_sexual"),
        ("t_undress <= text_undress", "the threshold 't_undress' is compared with nothing"),
        ("0 < photos", "'0' stands where"),
        ("text_undress", "not true or false"),
        ("has_mask && photos", "'photos' is a count"),
        ("has_mask == true", "needs no comparison"),
        ("true", "'true' stands alone"),
        ("has_mask || true", "'true' stands alone"),
        ("true == true", "'true' stands alone"),
        ('surface == "replies"', 'never "replies"'),
        ('surface == "reply" && surface in ["post", "replies"]', 'never "replies"'),
        ("surface == t_undress", "but the threshold"),
        ('surface > "post"', "has no >"),
        ("surface == photo_owner", "'surface' is never photo_owner"),
        ("photos in [1, 2]", "has no list"),
        ('"reply" in surface', "stands where"),
        ("has_mask ? photos > 0 : photos > 1", "conditions do not have"),
        ("text_undress + text_sexual >= t_undress", "conditions do not have"),
        ("text_undress >= -1", "conditions do not have"),
        ("text_undress.score >= t_undress", "conditions do not have"),
        ("photos > 1u", "conditions do not have"),
        ("has_mask // why", "conditions do not have"),
        ("max(text_undress) >= t_undress", "the function 'max'"),
        ("has_mask(photos > 0)", "called like a function"),
        ("size(surface) > 0", "the function 'size'"),
        ("!text_undress >= t_undress", "without parentheses"),
        ('!surface in ["api"]', "without parentheses"),
        ("!!has_mask", "without parentheses"),
        ("photos > 0 > 1", "compared twice"),
        ("(has_mask) == (photo_text)", "'==' stands where"),
        ("[has_mask]", "stands where"),
    ],
)
def test_a_fault_is_named(source: str, what: str) -> None:
    assert what in faults(source)


@pytest.mark.parametrize("hidden", ["photos > 0.5", "no_such >= t_undress", "text_undress", "photos > t_undress"])
@pytest.mark.parametrize("around", ["has_mask || {}", "{} || has_mask", "has_mask && !has_mask && ({})"])
def test_a_branch_that_evaluation_would_skip_is_checked_too(hidden: str, around: str) -> None:
    assert faults(around.format(hidden))


@pytest.mark.parametrize("name", ["tier", "account_tier", "user_plan", "is_premium", "paid", "staff", "Premium"])
@pytest.mark.parametrize("condition", ["{}", '{} == "free"', "{} > 0", "has_mask || {}"])
def test_a_condition_that_names_the_tier_says_why_it_may_not(name: str, condition: str) -> None:
    """DUTIES check 1: no tier is exempt."""
    assert "no tier is exempt" in faults(condition.format(name))


def test_every_fault_is_told_at_once() -> None:
    assert faults("text_undres >= t_undress && photos > 0.5 && tier").count("|") == 2


def test_a_condition_nobody_could_review_is_refused() -> None:
    assert "longer than" in faults(" || ".join(["has_mask"] * (MAX_CHARS // 8)))


def test_spaces_and_lines_do_not_change_a_condition() -> None:
    one, _ = read_condition('surface in ["post","reply"]&&!( photos>0 )', NAMES, BOUNDS)
    two, _ = read_condition('  surface in [ "post" ,\n "reply" ]\n&& ! (photos > 0)', NAMES, BOUNDS)
    assert one == two
    assert one is not None
    assert one.source == 'surface in ["post", "reply"] && !(photos > 0)'


ATOMS = st.sampled_from(
    [
        "text_undress >= t_undress",
        "photo_youngest_years < t_adult",
        "photos > 0",
        "has_mask",
        "!has_mask",
        'surface in ["post", "reply"]',
        'operation == "edit"',
    ]
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["&&", "||"]), inner) | st.builds("!({})".format, inner)
    ),
    max_leaves=8,
)
VALUES = {
    "text_undress": st.floats(0, 1),
    "photo_youngest_years": st.floats(0, 130),
    "photos": st.integers(0, 20),
    "has_mask": st.booleans(),
    "surface": st.sampled_from(NAMES["surface"].choices),
    "operation": st.sampled_from(NAMES["operation"].choices),
}


@given(CONDITIONS, st.fixed_dictionaries(VALUES))
@settings(max_examples=200, deadline=None)
def test_a_condition_without_fault_gives_true_or_false_for_all_values(source: str, values: dict[str, object]) -> None:
    condition, found = read_condition(source, NAMES, BOUNDS)
    assert condition is not None, found
    environment = values | {"t_undress": 0.5, "t_adult": 25.0, "t_crowd": 5}
    answer = condition.program.execute(environment)
    assert answer is cel.compile(source).execute(environment)
    again, _ = read_condition(condition.source, NAMES, BOUNDS)
    assert again == condition


@given(st.text(st.sampled_from('abt_ 01.()[]!&|<>="+,?:'), max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_is_either_a_condition_or_a_fault(source: str) -> None:
    faults(source)
