"""The shared words: identifiers sort, JSON has one spelling, moments have a zone, worst observations decide."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.canonical import canonical_json, digest
from safelight.core.clock import to_rfc3339
from safelight.core.facts import Facts
from safelight.core.ids import new_id
from safelight.core.request import Tier
from safelight.core.signal import Combine, Signal, SignalKind, SignalSpec, Vocabulary

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_identifiers_of_later_moments_sort_later() -> None:
    ids = [new_id("req", NOW + timedelta(milliseconds=step)) for step in range(50)]
    assert ids == sorted(ids)


def test_identifiers_have_one_form_and_do_not_repeat() -> None:
    ids = {new_id("dec", NOW) for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"dec_[0-9a-hjkmnp-tv-z]{26}", one) for one in ids)


def test_the_order_of_keys_does_not_change_a_digest() -> None:
    assert digest({"b": 1, "a": [True, None, "é"]}) == digest({"a": [True, None, "é"], "b": 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**60, "\ud800"])
def test_what_has_no_canonical_form_is_refused(value: float | str) -> None:
    with pytest.raises(ValueError, match="not canonical"):
        canonical_json({"value": value})


def test_a_moment_is_written_in_utc() -> None:
    there = datetime(2026, 11, 22, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    assert to_rfc3339(there) == "2026-11-22T12:00:00.000000Z"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        to_rfc3339(datetime(2026, 11, 22))  # noqa: DTZ001 (the defect under test)


def test_no_fact_tells_what_the_account_pays() -> None:
    names = set(Facts.__dataclass_fields__)
    assert not {name for name in names if "tier" in name or "paid" in name or "plan" in name}
    assert not {tier.value for tier in Tier} & names


SPECS = [
    SignalSpec("text_risk", SignalKind.SCORE, "A risk.", 0.0),
    SignalSpec("photo_years", SignalKind.YEARS, "An age.", 120.0, Combine.MIN),
]


@given(st.lists(st.tuples(st.sampled_from(["text_risk", "photo_years"]), st.floats(0, 1)), max_size=20))
def test_the_worst_observation_stands_whatever_their_order(pairs: list[tuple[str, float]]) -> None:
    vocabulary = Vocabulary.of(SPECS)
    signals = [Signal(name, value, "test@1", "prompt") for name, value in pairs]
    combined = vocabulary.combined(signals)
    risks = [value for name, value in pairs if name == "text_risk"]
    years = [value for name, value in pairs if name == "photo_years"]
    assert combined == {"text_risk": max(risks, default=0.0), "photo_years": min(years, default=120.0)}
    assert combined == vocabulary.combined(reversed(signals))


def test_one_name_with_two_meanings_is_refused() -> None:
    other = SignalSpec("text_risk", SignalKind.FLAG, "Something else.", False)
    with pytest.raises(ValueError, match="declared twice"):
        Vocabulary.of([*SPECS, other])
