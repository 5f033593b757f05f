"""A policy that loads means what it says; one that does not is told everything that is wrong with it, and where."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.core.errors import PolicyInvalid
from safelight.core.signal import SignalKind, SignalSpec, Vocabulary
from safelight.policy.errors import PolicyDefective
from safelight.policy.load import default_policy_text, load_policy
from tests.policy.words import HEAD, VOCABULARY, rule, small

GOOD = "text_undress >= t_undress && photos > 0"
PROFILE = '[policy]\nname = "own"\ndescription = "Own."\nextends = "default"\n'


def defects(text: str) -> str:
    """All defects of `text`, which must not load."""
    with pytest.raises(PolicyInvalid) as caught:
        load_policy(text, VOCABULARY)
    assert isinstance(caught.value, PolicyDefective)
    assert all(defect.next_step for defect in caught.value.defects)
    return str(caught.value)


def test_a_small_policy_loads() -> None:
    policy = small(rule(GOOD))
    assert [r.id for r in policy.rules] == ["first"]
    assert policy.version.startswith("sha256:")
    assert set(policy.vocabulary.specs) == {"text_undress"}


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({"stages": "[]"}, "no stages"),
        ({"stages": '["inptu"]'}, "a stage is 'inptu'"),
        ({"stages": '["input", "input"]'}, "twice"),
        ({"stages": '"input"'}, "not a list"),
        ({"category": '"harm"'}, "category is 'harm'"),
        ({"category": '"unchecked"'}, "no rule decides"),
        ({"code": '"A-1"'}, "the code 'A-1'"),
        ({"code": '"signal_missing"'}, "is reserved"),
        ({"code": '"a_code\\n"', "colour": "1"}, "'colour' is unknown"),
        ({"text": '" "'}, "text is missing or empty"),
        ({"text": "3"}, "text is not a text"),
        ({"id": '"Über"'}, "id is not made of"),
        ({"missing": '"allow"'}, "missing is 'allow'"),
        ({"locked": '"yes"'}, "locked is not"),
        ({"verdict": '"allow"'}, "a rule only refuses"),
        ({"when": '""'}, "when is missing"),
        ({"whenn": '""'}, "'whenn' is unknown"),
    ],
)
def test_a_rule_with_a_wrong_key_or_value_does_not_load(keys: dict[str, str], what: str) -> None:
    told = defects(HEAD + rule(GOOD, **keys))
    assert what in told
    assert "line 9: rule" in told
    assert "threshold" not in told


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("x = 3", "a value only"),
        ('x = "0.5"', "missing or no table"),
        ('x = { kind = "score", value = 1.5, range = [0, 1], help = "h" }', "outside what a score can be"),
        ('x = { kind = "score", value = nan, range = [0, 1], help = "h" }', "not a number"),
        ('x = { kind = "score", value = true, range = [0, 1], help = "h" }', "not a number"),
        ('x = { kind = "years", value = 200, range = [0, 200], help = "h" }', "outside what a years can be"),
        ('x = { kind = "count", value = 2.5, range = [0, 9], help = "h" }', "not a whole number"),
        ('x = { kind = "score", value = 0.9, range = [0, 0.5], help = "h" }', "outside its range"),
        ('x = { kind = "score", value = 0.4, range = [0.5], help = "h" }', "no pair"),
        ('x = { kind = "score", value = 0.4, help = "h" }', "no pair"),
        ('x = { kind = "flag", value = 0.4, range = [0, 1], help = "h" }', "a flag has no threshold"),
        ('x = { kind = "size", value = 0.4, range = [0, 1], help = "h" }', "kind is 'size'"),
        ('x = { kind = "score", value = 0.4, range = [0, 1] }', "help is missing"),
        ('x = { kind = "score", value = 0.4, range = [0, 1], help = "h", unit = "s" }', "'unit' is unknown"),
        ('X-1 = { kind = "score", value = 0.4, range = [0, 1], help = "h" }', "name is not made of"),
        ('x = { kind = "score", value = 0.4, range = [0, 1], help = "h" }', "no rule names it"),
    ],
)
def test_a_threshold_that_could_mislead_does_not_load(line: str, what: str) -> None:
    told = defects(HEAD + line + "\n" + rule(GOOD))
    assert what in told
    assert "line 8: threshold" in told


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "[policy] is missing"),
        ("rules = 3", "not a list of tables"),
        ("x = ", "not TOML"),
        ("[policy]\nname = 3", "name is not a text"),
        ('[policy]\nname = "a"\ndescription = "b"\nextends = "other"', "Only the policy 'default'"),
        ('[policy]\nname = "a"\ndescription = "b"\nswitched_off = ["x"]', "nothing to switch off"),
        ("[polcy]", "'polcy' is unknown"),
        (HEAD, "no rule"),
    ],
)
def test_a_file_that_is_no_policy_does_not_load(text: str, what: str) -> None:
    assert what in defects(text)


def test_every_defect_is_told_at_once_with_its_line() -> None:
    text = HEAD + rule("text_undres >= t_undress") + rule("photos > 0.5", "second") + rule("true", "third", code='"X"')
    told = defects(text)
    assert "line 9: rule 'first': nobody declares the name 'text_undres'" in told
    assert "line 17: rule 'second': 'photos' is compared with the bare number" in told
    assert "line 25: rule 'third': the code 'X'" in told
    assert "3 defects" in told


def test_two_rules_of_one_id_do_not_load() -> None:
    assert "id is taken" in defects(HEAD + rule(GOOD) + rule("has_mask"))


def test_what_came_back_is_not_named_before_anything_came_back() -> None:
    assert "stage input" in defects(HEAD + rule("output_age_unclear && text_undress >= t_undress"))
    assert "stage input" in defects(HEAD + rule(GOOD) + rule("output_age_unclear", "b", stages='["input", "output"]'))
    assert small(rule("output_age_unclear && text_undress >= t_undress", stages='["output"]')).rules


def test_a_rule_that_names_the_tier_does_not_load_even_if_a_detector_emits_it() -> None:
    """DUTIES check 1: the same rule for every tier."""
    spoiled = Vocabulary.of([*VOCABULARY.specs.values(), SignalSpec("account_tier", SignalKind.COUNT, "Tier.", 0)])
    with pytest.raises(PolicyInvalid, match="no tier is exempt"):
        load_policy(HEAD + rule(GOOD) + rule("account_tier > 0", "second"), spoiled)


@pytest.mark.parametrize(
    ("when", "what"),
    [
        ("text_undress >= t_undress && text_undress < t_undress", "never true"),
        ("photos < 0", "never true"),
        ("turns == 0", "never true"),
        ('surface == "api" && surface == "post"', "never true"),
        ("has_mask && !has_mask", "never true"),
        ('stage == "output" && has_mask', "never true"),
        ("photos >= 0", "always true"),
        ("text_undress >= t_undress || text_undress < t_undress", "always true"),
        ("has_mask || !has_mask", "always true"),
        ('surface in ["api", "post", "reply", "direct_message"]', "always true"),
    ],
)
def test_a_rule_that_never_or_always_fires_does_not_load(when: str, what: str) -> None:
    assert what in defects(HEAD + rule(GOOD) + rule(when, "second"))


def test_a_rule_that_an_earlier_one_covers_does_not_load() -> None:
    narrow = "text_undress >= t_undress && photos > 1"
    assert "'first' has fired before it" in defects(HEAD + rule(GOOD) + rule(narrow, "second"))
    assert small(rule(narrow), rule(GOOD, "second")).rules


def test_a_rule_is_covered_only_where_it_is_at_each_of_its_stages() -> None:
    both = '["input", "output"]'
    assert small(rule(GOOD), rule(GOOD, "second", stages=both)).rules
    told = defects(HEAD + rule(GOOD) + rule(GOOD, "second", stages='["output"]') + rule(GOOD, "third", stages=both))
    assert "'first' and 'second'" in told


def test_a_condition_with_too_many_cases_is_not_taken_on_trust() -> None:
    """Each pair doubles what must be tried, and only the last comparison shows that all was in vain."""
    scores = [name for name, spec in VOCABULARY.specs.items() if spec.kind is SignalKind.SCORE]
    pairs = [
        f"({a} >= t_undress && {b} < t_undress || {a} < t_undress && {b} >= t_undress)"
        for a, b in zip(scores[0:12:2], scores[1:12:2], strict=True)
    ]
    told = defects(HEAD + rule(" && ".join([*pairs, "photos < 0"]), stages='["output"]'))
    assert "too many cases" in told


class TestProfiles:
    """A profile changes the default within what the default allows."""

    def test_a_profile_moves_a_threshold(self) -> None:
        policy = load_policy(PROFILE + "[thresholds]\nundress = 0.6\n", VOCABULARY)
        assert policy.thresholds["undress"].value == 0.6
        assert policy.version != load_policy(PROFILE, VOCABULARY).version

    @pytest.mark.parametrize(
        ("line", "what"),
        [
            ("undress = 0.95", "outside what a profile may set"),
            ("clearly_adult = 18", "outside what a profile may set"),
            ("undress = 3", "outside what a score can be"),
            ("undres = 0.5", "no such threshold"),
            ('undress = { kind = "score", value = 1, range = [0, 1], help = "h" }', "has it already"),
        ],
    )
    def test_a_profile_cannot_move_a_threshold_out_of_its_range(self, line: str, what: str) -> None:
        assert what in defects(PROFILE + f"[thresholds]\n{line}\n")

    def test_a_profile_cannot_switch_off_what_protects_children_and_real_people(self) -> None:
        default = load_policy(default_policy_text(), VOCABULARY)
        protecting = [r.id for r in default.rules if r.category in {"csam", "ncii", "cyberflashing"}]
        told = defects(PROFILE + f"switched_off = {protecting}\n")
        assert all(f"the rule {rule_id!r} is locked" in told for rule_id in protecting)

    def test_a_profile_cannot_take_a_locked_rules_id(self) -> None:
        assert "id is taken" in defects(PROFILE + rule("has_mask", "ncii_output"))

    def test_a_profile_switches_off_what_is_the_operators_choice(self) -> None:
        policy = load_policy(PROFILE + 'switched_off = ["adult_output"]\n', VOCABULARY)
        assert "adult_output" not in {r.id for r in policy.rules}
        assert "switched_off names no rule" in defects(PROFILE + 'switched_off = ["adult"]\n')

    def test_a_profile_adds_rules_after_those_of_the_default(self) -> None:
        policy = load_policy(PROFILE + rule('surface == "reply"', "own"), VOCABULARY)
        assert policy.rules[-1].id == "own"

    def test_ignoring_what_is_missing_is_only_for_signals_that_no_rule_rests_on(self) -> None:
        assert load_policy(PROFILE + 'ignore_missing = ["photo_text"]\n', VOCABULARY).ignore_missing == ("photo_text",)
        assert "names no signal" in defects(PROFILE + 'ignore_missing = ["photo_txt"]\n')
        assert "rests on" in defects(PROFILE + 'ignore_missing = ["photo_nudity_one"]\n')


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_policy_never_fails_otherwise_than_as_defects(data: st.DataObject) -> None:
    lines = (HEAD + rule(GOOD) + rule("has_mask", "second")).splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = data.draw(
        st.sampled_from(["", "x", "= 3", lines[at][:-1], lines[at] * 2, "[[rules]]", '[""]', "a.b=1"])
    )
    with suppress(PolicyDefective):
        load_policy("\n".join(lines), VOCABULARY)
