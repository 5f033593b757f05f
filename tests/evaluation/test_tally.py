"""Shares and intervals against known values, groups that keep both halves, conversations by turn, percentiles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.evaluation.cases import Label
from safelight.evaluation.judge import Judged
from safelight.evaluation.tally import Share, conversations, latencies, percentile, row, rows_by, wilson
from tests.evaluation.twin import WORD, WordDetector, case, judge_with


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [
        # Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0000),
    ],
)
def test_the_interval_is_that_of_the_literature(hits: int, count: int, low: float, high: float) -> None:
    assert wilson(hits, count) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 100_000).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count))))
def test_an_interval_holds_its_rate_and_mirrors(pair: tuple[int, int]) -> None:
    hits, count = pair
    low, high = wilson(hits, count)
    assert 0.0 <= low <= hits / count <= high <= 1.0
    assert wilson(count - hits, count) == pytest.approx((1 - high, 1 - low))


def test_of_nothing_everything_is_possible_and_more_than_all_is_no_share() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert Share(0, 0).rate is None
    with pytest.raises(ValueError, match="no share"):
        wilson(2, 1)


def judged(*texts: str, label: Label, family: str) -> list[Judged]:
    judge = judge_with(WordDetector())
    return [judge.judge(case(text, label=label, family=family, lang="fr")) for text in texts]


def test_every_group_has_its_recall_beside_its_false_positives() -> None:
    found = judged(f"a {WORD}", "missed", label=Label.BLOCK, family="2")
    found += judged(f"the {WORD}", "a hat", "a coat", label=Label.ALLOW, family="10")
    by_family = rows_by(found, "family")
    assert [one.name for one in by_family] == ["2", "10"]
    assert (by_family[0].recall, by_family[0].false_positives) == (Share(1, 2), Share(0, 0))
    assert (by_family[1].recall, by_family[1].false_positives) == (Share(0, 0), Share(1, 3))
    assert [one.name for one in rows_by(found, "lang")] == ["fr"]
    assert [one.name for one in rows_by(found, "category")] == ["(none)", "ncii"]
    assert (row("all", found).recall, row("all", found).false_positives) == (Share(1, 2), Share(1, 3))


def test_conversations_are_told_by_the_turn_at_which_they_were_stopped() -> None:
    judge = judge_with(WordDetector())
    flower = f"a {WORD}"
    found = [
        judge.judge(one)
        for one in (
            case("a", flower, block_at=1),
            case("b", flower),  # no block_at: the last turn
            case("c", flower, "d", block_at=2),
            case("e", "f", flower, block_at=1),
            case("g", "h"),
            case(flower),  # no conversation
            case("i", flower, label=Label.ALLOW),
            case("j", "k", label=Label.ALLOW),
        )
    ]
    told = conversations(found)
    assert (told.at, told.earlier, told.later, told.never) == (2, 1, 1, 1)
    assert told.stopped_in_time == Share(3, 5)
    assert told.benign == Share(1, 2)


def test_latencies_fall_into_buckets_by_length() -> None:
    found = latencies([(50, 1.0), (51, 2.0), (300, 4.0), (40_000, 9.0)])
    assert [(one.bucket, one.count, one.p50_ms, one.p99_ms, one.most_ms) for one in found] == [
        ("up to 50", 1, 1.0, 1.0, 1.0),
        ("up to 300", 2, 2.0, 4.0, 4.0),
        ("over 32,000", 1, 9.0, 9.0, 9.0),
    ]


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values: list[float], percent: int) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)


def test_without_values_there_is_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)
