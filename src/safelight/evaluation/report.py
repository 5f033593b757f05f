"""Everything that one run found, for the table, for `--json` and for the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from safelight.core.canonical import Json
from safelight.evaluation.cases import Label
from safelight.evaluation.judge import Judged
from safelight.evaluation.obfuscate import Invariance
from safelight.evaluation.tally import Conversations, Latency, Row, Share, conversations, latencies, row, rows_by

GROUPS = {"family": "Family", "lang": "Language", "category": "Category"}
LISTED_MAX = 1000
"""Ids of wrongly judged cases that are listed, of each kind."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What was measured with what."""

    sets: tuple[str, ...]
    """Names of the files, without their folders."""
    policy: str
    policy_version: str
    detectors: tuple[str, ...]
    """`name@version`."""
    one_core: bool
    """Whether the process was kept on one core."""

    def to_json(self) -> dict[str, Json]:
        """By field name."""
        return {
            "sets": list(self.sets),
            "policy": self.policy,
            "policy_version": self.policy_version,
            "detectors": list(self.detectors),
            "one_core": self.one_core,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """One run over scored cases."""

    conditions: Conditions
    all_cases: Row
    """Every case as one group; stands beside the groups, never for them."""
    groups: dict[str, tuple[Row, ...]]
    """By the names of `GROUPS`."""
    named_right: Share
    """Blocked with the category that the case has, of those that should be blocked, were, and have one."""
    conversations: Conversations
    latencies: tuple[Latency, ...]
    missed: tuple[str | int, ...]
    """Ids of cases that should have been blocked."""
    refused: tuple[str | int, ...]
    """Ids of cases that should have passed."""
    invariance: Invariance | None = None

    def to_json(self) -> dict[str, Json]:
        """Everything, shares with their intervals."""
        found: dict[str, Json] = {
            "conditions": self.conditions.to_json(),
            "all": self.all_cases.to_json(),
            **{f"by_{name}": [one.to_json() for one in rows] for name, rows in self.groups.items()},
            "named_right": self.named_right.to_json(),
            "conversations": self.conversations.to_json(),
            "latency": [one.to_json() for one in self.latencies],
            "missed": list(self.missed[:LISTED_MAX]),
            "refused": list(self.refused[:LISTED_MAX]),
        }
        return found | ({"obfuscation": self.invariance.to_json()} if self.invariance else {})


def report_of(judged: Sequence[Judged], conditions: Conditions, invariance: Invariance | None = None) -> Report:
    """Count everything of `judged`."""
    caught = [one for one in judged if one.case.label is Label.BLOCK and one.is_refused and one.case.category]
    return Report(
        conditions=conditions,
        all_cases=row("all", judged),
        groups={name: rows_by(judged, name) for name in GROUPS},
        named_right=Share(sum(one.category == one.case.category for one in caught), len(caught)),
        conversations=conversations(judged),
        latencies=latencies(answer.timed for one in judged for answer in one.answers),
        missed=tuple(one.case.id for one in judged if one.case.label is Label.BLOCK and not one.is_refused),
        refused=tuple(one.case.id for one in judged if one.case.label is Label.ALLOW and one.is_refused),
        invariance=invariance,
    )
