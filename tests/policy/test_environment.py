"""The names that a condition may use."""

from dataclasses import fields

from safelight.core.facts import Facts
from safelight.core.request import Subject, Tier
from safelight.policy.environment import FACT_HELP, FACTS, Kind, is_tier


def test_every_fact_is_a_name_with_a_meaning() -> None:
    assert {fact.name for fact in fields(Facts)} == set(FACTS) == set(FACT_HELP)


def test_text_facts_know_every_value_they_can_have() -> None:
    assert FACTS["surface"].choices == ("api", "post", "reply", "direct_message")
    assert FACTS["photos"].kind is Kind.COUNT
    assert FACTS["has_mask"].kind is Kind.FLAG


def test_nothing_of_the_account_but_its_standing_is_a_fact() -> None:
    """DUTIES check 1: the tier is not an input of policy."""
    assert {fact.name for fact in fields(Subject)} & set(FACTS) == {"standing"}
    assert not any(is_tier(name) for name in FACTS)
    assert not {tier.value for tier in Tier} & {choice for name in FACTS.values() for choice in name.choices}
