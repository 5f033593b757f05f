"""Counts, shares and their intervals: recall and false positives by group, conversations by turn, latency by length.

Rules
- A share is never given without what it is a share of and its 95 % interval (Wilson, "Probable Inference", 1927): at
  0 of 50 the truth may well be 7 %.
- Every group has both halves: what should be blocked and was, and what should pass and was refused.
- A list of latencies is kept whole: percentiles are those of what was measured, not of a sketch of it.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from safelight.core.canonical import Json
from safelight.evaluation.cases import Label
from safelight.evaluation.judge import Judged, Timed

Z_95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""
BUCKETS = (50, 300, 3_000, 32_000)
"""Characters of a request, up to and with which it falls into a bucket; longer ones fall into the last, open one."""
UNNAMED = "(none)"


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `count`."""

    hits: int
    count: int

    @property
    def rate(self) -> float | None:
        """From 0 to 1; None of nothing."""
        return self.hits / self.count if self.count else None

    @property
    def interval(self) -> tuple[float, float]:
        """Between what the true rate lies, 95 times in 100; everything is possible where nothing was counted."""
        return wilson(self.hits, self.count)

    def to_json(self) -> dict[str, Json]:
        """With its rate and interval, rounded to a hundred-thousandth."""
        low, high = self.interval
        rate = None if self.rate is None else round(self.rate, 5)
        return {"hits": self.hits, "of": self.count, "rate": rate, "low": round(low, 5), "high": round(high, 5)}


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share by Wilson's score; (0, 1) where `count` is 0. Raises ValueError for hits > count."""
    if not 0 <= hits <= count:
        raise ValueError(f"{hits} of {count} is no share")
    if not count:
        return 0.0, 1.0
    rate, square = hits / count, Z_95 * Z_95
    middle = rate + square / (2 * count)
    reach = Z_95 * math.sqrt(rate * (1 - rate) / count + square / (4 * count * count))
    scale = 1 + square / count
    # Rounding could leave a bound a hair beyond what was seen at either end.
    low = 0.0 if hits == 0 else (middle - reach) / scale
    high = 1.0 if hits == count else (middle + reach) / scale
    return max(0.0, low), min(1.0, high)


@dataclass(frozen=True, slots=True)
class Row:
    """One group of cases."""

    name: str
    recall: Share
    """Blocked, of those that should be."""
    false_positives: Share
    """Refused, of those that should pass."""

    def to_json(self) -> dict[str, Json]:
        """By field name."""
        return {
            "name": self.name,
            "recall": self.recall.to_json(),
            "false_positives": self.false_positives.to_json(),
        }


def rows_by(judged: Sequence[Judged], field: str) -> tuple[Row, ...]:
    """Groups by one of `family`, `lang`, `category`, in the order of their names, numbers as numbers."""
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        groups.setdefault(getattr(one.case, field) or UNNAMED, []).append(one)
    return tuple(row(name, groups[name]) for name in sorted(groups, key=_natural))


def row(name: str, judged: Sequence[Judged]) -> Row:
    """All of `judged` as one group."""
    block = [one.is_refused for one in judged if one.case.label is Label.BLOCK]
    allow = [one.is_refused for one in judged if one.case.label is Label.ALLOW]
    return Row(name, Share(sum(block), len(block)), Share(sum(allow), len(allow)))


def _natural(name: str) -> tuple[bool, int, str]:
    number = name.isascii() and name.isdigit()
    return not number, int(name) if number else 0, name


@dataclass(frozen=True, slots=True)
class Conversations:
    """Cases in which the user speaks more than once, by where they were stopped."""

    at: int = 0
    """At the turn where what is wanted is complete."""
    earlier: int = 0
    later: int = 0
    never: int = 0
    benign: Share = Share(0, 0)
    """Benign ones that were stopped anywhere."""

    @property
    def stopped_in_time(self) -> Share:
        """Stopped where the intent completes, or earlier."""
        return Share(self.at + self.earlier, self.at + self.earlier + self.later + self.never)

    def to_json(self) -> dict[str, Json]:
        """By field name."""
        return {
            "at": self.at,
            "earlier": self.earlier,
            "later": self.later,
            "never": self.never,
            "stopped_in_time": self.stopped_in_time.to_json(),
            "benign_stopped": self.benign.to_json(),
        }


def conversations(judged: Iterable[Judged]) -> Conversations:
    """Where the conversations among `judged` were stopped."""
    found = [one for one in judged if one.case.is_conversation]
    where = Counter(_where(one) for one in found if one.case.label is Label.BLOCK)
    benign = [one.is_refused for one in found if one.case.label is Label.ALLOW]
    return Conversations(where["at"], where["earlier"], where["later"], where["never"], Share(sum(benign), len(benign)))


def _where(one: Judged) -> str:
    at, due = one.refused_at, one.case.complete_at
    if at is None:
        return "never"
    return "at" if at == due else "earlier" if at < due else "later"


@dataclass(frozen=True, slots=True)
class Latency:
    """How long requests of some length took."""

    bucket: str
    count: int
    p50_ms: float
    p99_ms: float
    most_ms: float

    def to_json(self) -> dict[str, Json]:
        """By field name, milliseconds rounded to hundredths."""
        times = {"p50_ms": round(self.p50_ms, 2), "p99_ms": round(self.p99_ms, 2), "most_ms": round(self.most_ms, 2)}
        return {"bucket": self.bucket, "count": self.count, **times}


def latencies(requests: Iterable[Timed]) -> tuple[Latency, ...]:
    """By length, shortest bucket first; buckets without a request are left out."""
    times: Mapping[int, list[float]] = {at: [] for at in range(len(BUCKETS) + 1)}
    for chars, latency_ms in requests:
        times[sum(chars > bound for bound in BUCKETS)].append(latency_ms)
    names = [f"up to {bound:,}" for bound in BUCKETS] + [f"over {BUCKETS[-1]:,}"]
    return tuple(
        Latency(names[at], len(found), percentile(found, 50), percentile(found, 99), max(found))
        for at, found in times.items()
        if found
    )


def percentile(values: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile: a value that was measured. Raises ValueError where there is none."""
    if not values:
        raise ValueError("no values, so no percentile")
    return sorted(values)[max(0, math.ceil(percent * len(values) / 100) - 1)]
