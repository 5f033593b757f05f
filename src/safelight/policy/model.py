"""A policy as it decides: rules in the order of their priority, thresholds, and the version that names all of it.

A policy is made only by `load`; it holds everything that a decision depends on, the meaning of the signals included,
so its canonical text is enough to decide again what was decided once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from safelight.core.canonical import Json
from safelight.core.category import Category, Stage, Verdict
from safelight.core.signal import SignalKind, Vocabulary
from safelight.policy.condition import Condition


class WhenMissing(StrEnum):
    """What a rule means where a signal that it names could not be observed."""

    REFUSE = "refuse"
    """The request is refused as unchecked, unless some rule refuses it on other grounds."""
    IGNORE = "ignore"
    """The rule goes on with the signal's `absent` value."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number that decides, in its one home."""

    name: str
    """Conditions write it `t_` and this name."""
    kind: SignalKind
    """Of the signals that it is compared with: a score (0 to 1), years or a count."""
    value: float | int
    lowest: float | int
    highest: float | int
    """A profile may set it from `lowest` to `highest`, both included."""
    help: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to refuse. There is no rule that allows: so adding a rule never lets more through."""

    id: str
    stages: tuple[Stage, ...]
    when: Condition
    category: Category
    code: str
    """Stable, for machines and appeals."""
    text: str
    """One sentence for the person who asked."""
    missing: WhenMissing
    locked: bool
    """Whether no profile may switch it off."""

    @property
    def verdict(self) -> Verdict:
        """Always to refuse."""
        return Verdict.REFUSE


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that decides, besides what is observed."""

    name: str
    description: str
    extends: str
    """The policy whose rules these are, changed by a profile; empty for one that stands alone."""
    thresholds: Mapping[str, Threshold]
    rules: tuple[Rule, ...]
    """In the order of priority: of several that fire, the first gives the category."""
    switched_off: tuple[str, ...]
    """Rules of the extended policy that this one leaves out."""
    ignore_missing: tuple[str, ...]
    """Signals that no rule names and whose absence is accepted."""
    vocabulary: Vocabulary
    """Of the signals that the rules name."""

    version: str
    """`sha256:…` of `canonical_text`."""
    canonical_text: str
    """The whole policy as canonical JSON; `restore.restore_policy` reads it back."""

    def rules_at(self, stage: Stage) -> tuple[Rule, ...]:
        """The rules that speak at `stage`, in the order of priority."""
        return tuple(rule for rule in self.rules if stage in rule.stages)

    def signals_of(self, rule: Rule) -> tuple[str, ...]:
        """The signals that `rule` names, facts left out."""
        return tuple(name for name in rule.when.names if name in self.vocabulary.specs)


def policy_json(policy: Policy) -> dict[str, Json]:
    """Everything that a decision depends on; `Policy.canonical_text` is its canonical text."""
    return {
        "format": 1,
        "policy": {
            "name": policy.name,
            "description": policy.description,
            "extends": policy.extends,
            "switched_off": list(policy.switched_off),
            "ignore_missing": list(policy.ignore_missing),
        },
        "thresholds": {
            threshold.name: {
                "kind": threshold.kind.value,
                "value": threshold.value,
                "range": [threshold.lowest, threshold.highest],
                "help": threshold.help,
            }
            for threshold in policy.thresholds.values()
        },
        "rules": [
            {
                "id": rule.id,
                "stages": [stage.value for stage in rule.stages],
                "when": rule.when.source,
                "verdict": rule.verdict.value,
                "category": rule.category.value,
                "code": rule.code,
                "text": rule.text,
                "missing": rule.missing.value,
                "locked": rule.locked,
            }
            for rule in policy.rules
        ],
        "signals": {
            spec.name: {
                "kind": spec.kind.value,
                "help": spec.help,
                "absent": spec.absent,
                "combine": spec.combine.value,
            }
            for spec in policy.vocabulary.specs.values()
        },
    }
