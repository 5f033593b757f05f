"""What each threshold does: recall and false positives on a set, at the ends of what a profile may set and as it is.

The detectors look once at every turn; then only the policy decides again, with one threshold moved and all others kept.
So a figure says what a threshold does beside the others, which is how an operator meets it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

from safelight.core.canonical import Json
from safelight.core.category import Verdict
from safelight.evaluation.cases import Case, Label, read_cases
from safelight.evaluation.judge import Answer, Judge
from safelight.evaluation.tally import Share
from safelight.policy.decide import decide
from safelight.policy.model import Policy
from safelight.signals.ports import Detector


@dataclass(frozen=True, slots=True)
class Point:
    """A threshold at one value."""

    value: float | int
    recall: Share
    false_positives: Share

    def to_json(self) -> dict[str, Json]:
        """With intervals."""
        return {
            "value": self.value,
            "recall": self.recall.to_json(),
            "false_positives": self.false_positives.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Effect:
    """What one threshold does on a set."""

    name: str
    points: tuple[Point, ...]
    """At the lowest value that a profile may set, at the one in force, and at the highest."""

    def to_json(self) -> dict[str, Json]:
        """As `policy measure` writes it and `policy show` reads it."""
        return {"name": self.name, "matters": self.matters, "points": [point.to_json() for point in self.points]}

    @property
    def matters(self) -> bool:
        """Whether moving it changes anything on the set; thresholds of pictures do nothing in a set of texts."""
        return len({(point.recall, point.false_positives) for point in self.points}) > 1


def builtin_cases() -> list[Case]:
    """The small set that comes with Safelight: short, written by hand, nobody real, and nothing about children."""
    text = files("safelight.evaluation").joinpath("builtin.jsonl").read_text("utf-8")
    return list(read_cases(text.splitlines()))


def effects(cases: Sequence[Case], detectors: Sequence[Detector], policy: Policy) -> tuple[Effect, ...]:
    """The effect of every threshold of `policy`, in its order; `detectors` are loaded."""
    # A policy without rules refuses nothing, so that every turn is looked at and its observations are kept.
    looker = Judge(detectors, replace(policy, rules=()))
    seen = [(case, looker.judge(case).answers) for case in cases]
    return tuple(
        Effect(
            name,
            tuple(
                _at(
                    seen,
                    replace(policy, thresholds={**policy.thresholds, name: replace(threshold, value=value)}),
                    value,
                )
                for value in sorted({threshold.lowest, threshold.value, threshold.highest})
            ),
        )
        for name, threshold in policy.thresholds.items()
    )


def _at(seen: Sequence[tuple[Case, Sequence[Answer]]], policy: Policy, value: float) -> Point:
    counts = {label: [0, 0] for label in Label}
    for case, answers in seen:
        if case.label is None:
            continue
        counts[case.label][0] += any(_is_refused(answer, policy) for answer in answers)
        counts[case.label][1] += 1
    return Point(value, Share(*counts[Label.BLOCK]), Share(*counts[Label.ALLOW]))


def _is_refused(answer: Answer, policy: Policy) -> bool:
    made = answer.decision
    again = decide(policy, decision_id="", request_id="", facts=made.facts, observed=made.observed, now=made.at)
    return again.verdict is Verdict.REFUSE
