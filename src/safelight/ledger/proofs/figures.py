"""The published figures, each defined here and nowhere else, as they follow from the leaves of a log.

`DEFINITIONS` says in a sentence what each figure is; `Figures` counts it. Safelight prints them from here, and an
outsider recomputes them from here or, from the sentences, with a program of their own.

A period is from its begin, included, to its end, not included, as RFC 3339 text like a leaf's own `at`; texts of that
form compare as moments do.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from .errors import Malformed
from .leaf import MOMENT, Leaf, LeafKind

DEFINITIONS: Mapping[str, str] = {
    "requests": "Decisions at the stage `input`: every request has exactly one.",
    "requests_by_day": "Requests, by the day (UTC) of the decision.",
    "refused": "Decisions with the verdict `refuse`, at either stage: a request is refused at most once.",
    "refused_by_category": "Refusals, by category. `unchecked` is no harm: something could not be looked at.",
    "refused_by_stage": "Refusals, by stage: before anything was made, or on what came back.",
    "missing": "Decisions in which a detector that was asked did not answer, by detector and reason.",
    "downtime_s": "Seconds between `outage_start` and `outage_end` of a part, summed over gate processes; one that "
    "stands when its process falls silent ends there.",
    "dark_s": "Seconds in which no gate process said that it ran: none had started, or all were silent for more than "
    "four of their heartbeats. Counted between the log's first leaf and its last.",
    "reviews": "Looks by a person at an automatic decision, by outcome; `reversed` refusals are false positives.",
    "reports": "Reports received, by ground.",
    "takedowns": "What became of reports, by outcome.",
    "takedown_s": "Of reports that ended in `removed`: seconds from receipt to the order to remove.",
    "gone_s": "Of reports whose picture the platform confirmed, for the first time, to be gone wherever it was known "
    "(`confirmed`): seconds from receipt.",
    "appeals": "Appeals, by what they are about and their outcome.",
    "referrals": "Reports to authorities, by authority and outcome.",
    "kinds": "All leaves of the period, by kind.",
}
"""By name, what a figure is."""
REMOVED = "removed"
CONFIRMED = "confirmed"
_SILENCE_FACTOR = 4
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Period:
    """From `begin`, included, to `end`, not included. Raises Malformed for what is no moment, or an empty period."""

    begin: str
    end: str

    def __post_init__(self) -> None:
        if not (MOMENT.fullmatch(self.begin) and MOMENT.fullmatch(self.end)) or self.begin >= self.end:
            raise Malformed("A period has a begin and a later end, each as 2026-11-22T00:00:00.000000Z.")
        _moment(self.begin), _moment(self.end)  # the thirtieth of February has the form of one

    def __contains__(self, at: str) -> bool:
        return self.begin <= at < self.end

    @classmethod
    def of_days(cls, first: str, after: str) -> "Period":
        """From the day `first` to the day `after`, which is no longer in it; each as 2026-11-22 or as a moment."""
        return cls(*(f"{text}T00:00:00.000000Z" if len(text) == 10 else text for text in (first, after)))


@dataclass(slots=True)
class _Process:
    """One gate process: since when it has been heard without a silence, and what stands still in it."""

    since: str
    last: str
    heartbeat_s: int
    is_gate: bool
    outages: dict[str, str] = field(default_factory=dict)


class Figures:
    """Feed it every leaf of the log in order, up to the period's end at least; then `to_json`."""

    def __init__(self, period: Period) -> None:
        self.period = period
        self._counts: dict[str, Counter[str]] = {
            name: Counter()
            for name in (
                "requests_by_day",
                "refused_by_category",
                "refused_by_stage",
                "missing",
                "reviews",
                "reports",
                "takedowns",
                "appeals",
                "referrals",
                "kinds",
            )
        }
        self._takedown_s: list[int] = []
        self._gone_s: list[int] = []
        self._down: dict[str, float] = {}
        self._alive: list[tuple[str, str]] = []
        self._processes: dict[str, _Process] = {}
        self._served_from = self._last = ""
        self.covers: tuple[str, str] | None = None
        """Moments of the period's first and last leaf: of the time around them the figures say nothing."""

    def add(self, leaf: Leaf) -> None:
        """The next leaf."""
        self._last = max(self._last, leaf.at)
        self._follow(leaf)
        if leaf.at in self.period:
            first, last = self.covers or (leaf.at, leaf.at)
            self.covers = min(first, leaf.at), max(last, leaf.at)
            self._counts["kinds"][leaf.kind] += 1
            self._count(leaf)

    def to_json(self) -> dict[str, Any]:
        """The figures by name, as `DEFINITIONS` names them; counts by name are sorted."""
        for process in self._processes.values():
            self._end(process, process.last)
        self._processes = {}
        counts = {name: dict(sorted(found.items())) for name, found in self._counts.items()}
        return {
            "requests": sum(counts["requests_by_day"].values()),
            "refused": sum(counts["refused_by_category"].values()),
            "downtime_s": {part: round(seconds, 3) for part, seconds in sorted(self._down.items())},
            "dark_s": round(self._dark_s(), 3),
            "takedown_s": _spread(sorted(self._takedown_s)),
            "gone_s": _spread(sorted(self._gone_s)),
        } | counts

    def _count(self, leaf: Leaf) -> None:
        say = leaf.public.get
        match leaf.kind:
            case LeafKind.DECISION:
                if say("stage") == "input":
                    self._counts["requests_by_day"][leaf.at[:10]] += 1
                if say("verdict") == "refuse":
                    self._counts["refused_by_category"][str(say("category"))] += 1
                    self._counts["refused_by_stage"][str(say("stage"))] += 1
                missing = say("missing")
                self._counts["missing"].update(missing if isinstance(missing, list) else ())
            case LeafKind.REVIEW:
                self._counts["reviews"][str(say("outcome"))] += 1
            case LeafKind.REPORT:
                self._counts["reports"][str(say("ground"))] += 1
            case LeafKind.TAKEDOWN:
                self._counts["takedowns"][str(say("outcome"))] += 1
                after_s = say("after_s")
                spread = {REMOVED: self._takedown_s, CONFIRMED: self._gone_s}.get(str(say("outcome")))
                if spread is not None and isinstance(after_s, int):
                    spread.append(after_s)
            case LeafKind.APPEAL:
                self._counts["appeals"][f"{say('about')}/{say('outcome')}"] += 1
            case LeafKind.REFERRAL:
                self._counts["referrals"][f"{say('authority')}/{say('outcome')}"] += 1

    def _follow(self, leaf: Leaf) -> None:
        """Who runs, and what stands still."""
        process = self._processes.get(leaf.process)
        if leaf.kind == LeafKind.PROCESS_START or process is None:
            rhythm = leaf.public.get("heartbeat_s")
            is_gate = leaf.public.get("policy") is not None or leaf.kind != LeafKind.PROCESS_START
            fresh = _Process(leaf.at, leaf.at, rhythm if isinstance(rhythm, int) else 0, is_gate)
            self._processes[leaf.process] = fresh
            if is_gate:
                self._served_from = self._served_from or leaf.at
            return
        if process.last[:16] != leaf.at[:16] and process.heartbeat_s:
            silent_s = _seconds(process.last, leaf.at)
            if silent_s > process.heartbeat_s * _SILENCE_FACTOR:
                self._end(process, process.last)
                process.since = leaf.at
        process.last = max(process.last, leaf.at)
        part = str(leaf.public.get("part"))
        if leaf.kind == LeafKind.OUTAGE_START:
            process.outages.setdefault(part, leaf.at)
        elif leaf.kind == LeafKind.OUTAGE_END and part in process.outages:
            self._stood_still(part, process.outages.pop(part), leaf.at)
        elif leaf.kind == LeafKind.PROCESS_END:
            self._end(process, leaf.at)
            del self._processes[leaf.process]

    def _end(self, process: _Process, at: str) -> None:
        for part, since in process.outages.items():
            self._stood_still(part, since, at)
        process.outages = {}
        if process.is_gate:
            self._alive.append((process.since, at))

    def _stood_still(self, part: str, since: str, until: str) -> None:
        seconds = _seconds(max(since, self.period.begin), min(until, self.period.end))
        if seconds > 0:
            self._down[part] = self._down.get(part, 0.0) + seconds

    def _dark_s(self) -> float:
        """The period, from the first gate on and as far as the log reaches, less the union of all in which one ran."""
        begin, end = max(self.period.begin, self._served_from), min(self.period.end, self._last)
        if not self._served_from or begin >= end:
            return 0.0
        dark, until = 0.0, begin
        for since, to in sorted(self._alive):
            if since >= end:
                break
            if since > until:
                dark += _seconds(until, since)
            until = max(until, to)
        return dark + max(0.0, _seconds(until, end))


def _spread(seconds: Sequence[int]) -> dict[str, int | float | None]:
    """How a list of seconds lies: its count, median, and how many were within a day and within 48 hours."""
    count = len(seconds)
    middle = (seconds[(count - 1) // 2] + seconds[count // 2]) / 2 if count else None
    return {
        "count": count,
        "median": middle,
        "longest": seconds[-1] if count else None,
        "within_24h": sum(one <= 24 * _HOUR_S for one in seconds),
        "within_48h": sum(one <= 48 * _HOUR_S for one in seconds),
    }


def differences(published: object, found: object, path: str = "") -> list[tuple[str, object, object]]:
    """Where two sets of figures differ: the path, what was published, what was found. What is absent counts nothing.

    So a figure that was not yet defined when the others were published is one of which there was nothing.
    """
    ours, theirs = published or {}, found or {}
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        return [
            one
            for name in sorted(ours.keys() | theirs.keys())
            for one in differences(ours.get(name), theirs.get(name), f"{path}/{name}" if path else str(name))
        ]
    return [] if (published or 0) == (found or 0) else [(path, published or 0, found or 0)]


def _seconds(begin: str, end: str) -> float:
    return (_moment(end) - _moment(begin)) / timedelta(seconds=1)


def _moment(text: str) -> datetime:
    try:
        # A leaf's form allows the 61st second of a leap, and the thirtieth of February; the calendar does not.
        return datetime.strptime(text[:17] + min(text[17:19], "59") + text[19:], "%Y-%m-%dT%H:%M:%S.%fZ").replace(
            tzinfo=UTC
        )
    except ValueError as error:
        raise Malformed(f"There is no moment {text}.") from error
