"""The decision: what fires refuses, what is lacking refuses, and the same inputs always give the same bytes."""

import math
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.core.canonical import canonical_json
from safelight.core.category import Category, Stage, Verdict
from safelight.core.errors import PolicyInvalid
from safelight.core.facts import Facts
from safelight.core.request import Operation, Owner, Standing, Subject, Surface, Tier
from safelight.core.signal import Missing, MissingReason, Observed, Signal, SignalKind
from safelight.policy.load import PROFILES, default_policy_text, load_policy, profile_text
from safelight.policy.restore import restore_policy
from tests.policy.words import HEAD, VOCABULARY, facts, judge, lost, rule, saw, small

DEFAULT = load_policy(default_policy_text(), VOCABULARY)
STORED = restore_policy(DEFAULT.canonical_text)
PROFILED = {name: load_policy(profile_text(name), VOCABULARY) for name in PROFILES}
UNDRESS = "text_undress >= t_undress"
UNDRESS_OR_REPLY = f'{UNDRESS} || surface == "reply"'


class TestRules:
    """Which rule speaks."""

    def test_what_no_rule_refuses_is_allowed(self) -> None:
        decision = judge(small(rule(UNDRESS)), saw(text_undress=0.49))
        assert (decision.verdict, decision.category, decision.reasons) == (Verdict.ALLOW, None, ())

    def test_a_rule_fires_from_its_threshold_on(self) -> None:
        decision = judge(small(rule(UNDRESS)), saw(text_undress=0.5))
        assert (decision.verdict, decision.category) == (Verdict.REFUSE, Category.NCII)
        assert [(r.rule, r.code, r.signals) for r in decision.reasons] == [("first", "a_code", ("text_undress",))]

    def test_all_rules_that_fire_are_reasons_and_the_first_gives_the_category(self) -> None:
        policy = small(
            rule("text_undress >= t_undress && text_minor >= t_undress", "gravest", category='"csam"'),
            rule(UNDRESS, "grave"),
            rule("has_mask", "silent"),
            rule("photos > 0", "light", category='"sexual_adult"'),
        )
        decision = judge(policy, saw(text_undress=0.9, text_minor=0.6), facts(photos=1))
        assert decision.category is Category.CSAM
        assert [reason.rule for reason in decision.reasons] == ["gravest", "grave", "light"]

    def test_a_rule_speaks_only_at_its_stages(self) -> None:
        policy = small(rule(UNDRESS, stages='["output"]'))
        assert judge(policy, saw(text_undress=0.9)).verdict is Verdict.ALLOW
        assert judge(policy, saw(text_undress=0.9), facts(Stage.OUTPUT)).verdict is Verdict.REFUSE

    def test_the_worst_of_several_observations_decides(self) -> None:
        two = Observed((Signal("text_undress", 0.9, "a@1", "turn 1"), Signal("text_undress", 0.1, "a@1", "turn 2")))
        assert judge(small(rule(UNDRESS)), two).verdict is Verdict.REFUSE

    def test_reasons_name_the_signals_that_were_over_their_threshold(self) -> None:
        policy = small(rule("text_undress >= t_undress || text_sexual >= t_undress"))
        (reason,) = judge(policy, saw(text_undress=0.1, text_sexual=0.8)).reasons
        assert reason.signals == ("text_sexual",)

    def test_reasons_name_the_signals_of_a_rule_that_speaks_of_an_absence(self) -> None:
        (reason,) = judge(
            small(rule("!photo_text && photos > 0"), rule(UNDRESS, "second")), saw(), facts(photos=1)
        ).reasons
        assert reason.signals == ("photo_text",)


class TestMissing:
    """No answer is never an allowance."""

    def test_a_missing_signal_refuses_as_unchecked_and_names_the_detector(self) -> None:
        decision = judge(small(rule(UNDRESS)), saw(lost("text_undress", source="text_meaning")))
        assert (decision.verdict, decision.category) == (Verdict.REFUSE, Category.UNCHECKED)
        (reason,) = decision.reasons
        assert (reason.code, reason.rule, reason.signals) == ("signal_missing", "first", ("text_undress",))
        assert "text_meaning" in reason.text

    def test_a_rule_that_fires_on_other_grounds_comes_before_what_is_missing(self) -> None:
        decision = judge(small(rule(UNDRESS_OR_REPLY)), saw(lost("text_undress")), facts(surface=Surface.REPLY))
        assert decision.category is Category.NCII

    def test_another_rule_that_fires_comes_before_what_is_missing(self) -> None:
        policy = small(rule(UNDRESS), rule("has_mask", "second", category='"sexual_adult"'))
        decision = judge(policy, saw(lost("text_undress")), facts(has_mask=True))
        assert [r.rule for r in decision.reasons] == ["second"]

    def test_an_unknown_signal_makes_no_rule_fire_by_its_absence(self) -> None:
        decision = judge(small(rule("!(text_undress >= t_undress) && photos > 0")), saw(lost("text_undress")))
        assert decision.category is Category.UNCHECKED

    def test_a_signal_that_one_detector_saw_counts_though_another_is_missing(self) -> None:
        assert judge(small(rule(UNDRESS)), saw(lost("text_undress"), text_undress=0.9)).category is Category.NCII
        assert judge(small(rule(UNDRESS)), saw(lost("text_undress"), text_undress=0.1)).category is Category.UNCHECKED

    def test_a_rule_that_ignores_what_is_missing_goes_on_without_it(self) -> None:
        policy = small(rule(UNDRESS_OR_REPLY, missing='"ignore"'))
        assert judge(policy, saw(lost("text_undress"))).verdict is Verdict.ALLOW
        assert judge(policy, saw(lost("text_undress")), facts(surface=Surface.REPLY)).category is Category.NCII

    def test_one_rule_that_does_not_ignore_it_is_enough(self) -> None:
        policy = small(
            rule(UNDRESS, missing='"ignore"'), rule("text_undress > t_undress && has_mask", "b", stages='["output"]')
        )
        assert judge(policy, saw(lost("text_undress"))).verdict is Verdict.ALLOW
        assert judge(policy, saw(lost("text_undress")), facts(Stage.OUTPUT)).category is Category.UNCHECKED

    def test_what_no_rule_names_refuses_too_unless_the_policy_accepts_its_absence(self) -> None:
        assert judge(small(rule(UNDRESS)), saw(lost("photo_text"))).category is Category.UNCHECKED
        head = HEAD.replace("[thresholds]", 'ignore_missing = ["photo_text"]\n[thresholds]')
        assert judge(small(rule(UNDRESS), head=head), saw(lost("photo_text"))).verdict is Verdict.ALLOW
        both = lost("photo_text", "photo_text_unread")
        assert judge(small(rule(UNDRESS), head=head), saw(both)).category is Category.UNCHECKED

    def test_a_detector_that_owed_nothing_by_name_refuses_too(self) -> None:
        assert judge(small(rule(UNDRESS)), saw(lost())).category is Category.UNCHECKED

    @pytest.mark.parametrize("stage", list(Stage))
    @pytest.mark.parametrize("name", sorted(VOCABULARY.specs))
    def test_the_default_policy_allows_nothing_while_any_detector_is_missing(self, name: str, stage: Stage) -> None:
        """DUTIES check 2: fail closed."""
        assert judge(DEFAULT, saw(lost(name)), facts(stage)).category is Category.UNCHECKED

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("text_undress", math.nan),
            ("text_undress", 1.5),
            ("text_undress", -0.1),
            ("text_undress", math.inf),
            ("text_undress", True),
            ("photo_youngest_years", -1.0),
            ("photo_youngest_years", math.inf),
            ("photo_people", 1.0),
            ("photo_people", -1),
            ("photo_age_unclear", 0.0),
        ],
    )
    def test_a_value_that_cannot_be_refuses(self, name: str, value: float) -> None:
        decision = judge(DEFAULT, saw(**{name: value}))
        assert decision.category is Category.UNCHECKED
        assert [(r.code, r.signals) for r in decision.reasons] == [("signal_invalid", (name,))]

    def test_a_value_that_cannot_be_hides_no_other_observation(self) -> None:
        both = Observed(
            (Signal("text_undress", math.nan, "a@1", "turn 1"), Signal("text_undress", 0.9, "b@1", "turn 1"))
        )
        assert judge(small(rule(UNDRESS)), both).category is Category.NCII


def any_observed() -> st.SearchStrategy[Observed]:
    """Any observations that detectors may make, some detectors missing."""
    values = {
        SignalKind.SCORE: st.floats(0, 1),
        SignalKind.YEARS: st.floats(0, 130),
        SignalKind.COUNT: st.integers(0, 30),
        SignalKind.FLAG: st.booleans(),
    }
    signal = st.sampled_from(sorted(VOCABULARY.specs)).flatmap(
        lambda name: values[VOCABULARY.specs[name].kind].map(lambda value: Signal(name, value, "d@1", "turn 1"))
    )
    missing = st.builds(
        Missing,
        st.just("d"),
        st.lists(st.sampled_from(sorted(VOCABULARY.specs)), max_size=3).map(tuple),
        st.sampled_from(list(MissingReason)),
    )
    return st.builds(Observed, st.lists(signal, max_size=12).map(tuple), st.lists(missing, max_size=1).map(tuple))


def any_facts() -> st.SearchStrategy[Facts]:
    """Any circumstances of a request."""
    return st.builds(
        Facts,
        stage=st.sampled_from(list(Stage)),
        operation=st.sampled_from(list(Operation)),
        surface=st.sampled_from(list(Surface)),
        standing=st.sampled_from(list(Standing)),
        photos=st.integers(0, 16),
        photo_owner=st.sampled_from(list(Owner)),
        has_mask=st.booleans(),
        turns=st.integers(1, 200),
    )


class TestProperties:
    """What holds for every request."""

    @given(any_observed(), any_facts())
    @settings(max_examples=100, deadline=None)
    def test_the_same_inputs_give_the_same_bytes_also_from_the_stored_policy(
        self, observed: Observed, given_facts: Facts
    ) -> None:
        """DUTIES check 13: any recorded decision, with its policy version, gives the same result again."""
        assert STORED.version == DEFAULT.version
        first, again = judge(DEFAULT, observed, given_facts), judge(STORED, observed, given_facts)
        assert canonical_json(first.to_json()) == canonical_json(again.to_json())

    @given(any_observed(), any_facts())
    @settings(max_examples=100, deadline=None)
    def test_an_allowance_has_no_reason_and_a_refusal_has_one_and_a_category(
        self, observed: Observed, given_facts: Facts
    ) -> None:
        decision = judge(DEFAULT, observed, given_facts)
        refused = decision.verdict is Verdict.REFUSE
        assert refused == bool(decision.reasons) == (decision.category is not None)
        assert refused or not observed.missing

    @given(any_observed(), any_facts(), st.sampled_from(sorted(VOCABULARY.specs)))
    @settings(max_examples=100, deadline=None)
    def test_losing_a_detector_never_turns_a_refusal_into_an_allowance(
        self, observed: Observed, given_facts: Facts, name: str
    ) -> None:
        kept = tuple(signal for signal in observed.signals if signal.name != name)
        poorer = Observed(kept, (*observed.missing, lost(name)))
        assert judge(DEFAULT, poorer, given_facts).verdict is Verdict.REFUSE

    @given(
        any_observed(),
        any_facts(),
        st.floats(0, 1),
        st.sampled_from([n for n in sorted(VOCABULARY.specs) if n.startswith("text_")]),
    )
    @settings(max_examples=100, deadline=None)
    def test_a_higher_score_never_turns_a_refusal_into_an_allowance(
        self, observed: Observed, given_facts: Facts, score: float, name: str
    ) -> None:
        more = Observed((*observed.signals, Signal(name, score, "d@1", "turn 2")), observed.missing)
        if judge(DEFAULT, observed, given_facts).verdict is Verdict.REFUSE:
            assert judge(DEFAULT, more, given_facts).verdict is Verdict.REFUSE

    @given(any_observed(), any_facts())
    @settings(max_examples=100, deadline=None)
    def test_every_tier_gets_byte_identical_decisions(self, observed: Observed, given_facts: Facts) -> None:
        """DUTIES check 1: facts are all that a decision knows of a subject, and the tier is not among them."""
        decisions = set()
        for tier in Tier:
            subject = Subject("sub_1", "key_1", given_facts.standing, tier)
            known = {f.name: getattr(subject, f.name, getattr(given_facts, f.name)) for f in fields(Facts)}
            decisions.add(canonical_json(judge(DEFAULT, observed, Facts(**known)).to_json()))
        assert len(decisions) == 1

    @pytest.mark.parametrize("profile", PROFILES)
    @given(any_observed(), any_facts())
    @settings(max_examples=40, deadline=None)
    def test_no_profile_lets_a_request_about_a_child_pass_from_the_loosest_thresholds_on(
        self, profile: str, observed: Observed, given_facts: Facts
    ) -> None:
        loosest = {name: threshold.highest for name, threshold in DEFAULT.thresholds.items()}
        worst = saw(text_minor=loosest["minor"], text_sexual=loosest["sexual"], text_undress=loosest["undress"])
        joined = Observed(worst.signals + observed.signals)
        at_input = Facts(**{f.name: getattr(given_facts, f.name) for f in fields(Facts)} | {"stage": Stage.INPUT})
        assert judge(PROFILED[profile], joined, at_input).category is Category.CSAM


class TestStored:
    """A policy from its canonical text."""

    def test_a_stored_policy_is_the_same_policy(self) -> None:
        for policy in PROFILED.values():
            stored = restore_policy(policy.canonical_text)
            assert stored.canonical_text == policy.canonical_text
            assert stored.rules == policy.rules
            assert stored.thresholds == policy.thresholds
            assert stored.vocabulary == policy.vocabulary

    def test_layout_and_comments_do_not_change_the_version_but_every_meaning_does(self) -> None:
        base = small(rule(UNDRESS))
        assert small("\n# a comment\n", rule(f"  {UNDRESS}\n")).version == base.version
        for changed in (
            small(rule("text_undress > t_undress")),
            small(rule(UNDRESS), head=HEAD.replace("value = 0.5", "value = 0.51")),
            small(rule(UNDRESS, missing='"ignore"')),
            small(rule(UNDRESS, code='"b"')),
            small(rule(UNDRESS, text='"Other."')),
            small(rule(UNDRESS, stages='["output"]')),
        ):
            assert changed.version != base.version

    @pytest.mark.parametrize(
        "damage",
        [
            lambda text: text[:-1],
            lambda text: text.replace('"format":1', '"format":2'),
            lambda text: text.replace('"value":0.5', '"value":0.50'),
            lambda text: text.replace("text_undress", "text_undres", 1),
            lambda text: text.replace('"combine":"max"', '"combine":"mean"'),
            lambda text: text + " ",
            lambda _: "[]",
            lambda _: "{}",
            lambda _: "[" * 100_000,
        ],
    )
    def test_a_stored_policy_that_was_changed_is_not_used(self, damage) -> None:  # type: ignore[no-untyped-def]
        with pytest.raises(PolicyInvalid):
            restore_policy(damage(small(rule(UNDRESS)).canonical_text))
