"""The values that conditions see: the worst observation of each signal, the facts, the thresholds, and what is lacking.

A value that a detector should not have given (a wrong type, not a number, out of range) is not used: it counts as
lacking, because a comparison with it would be false, which is to say harmless.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import cel

from safelight.core.facts import Facts
from safelight.core.signal import Observed, Signal, SignalKind, SignalSpec, SignalValue
from safelight.policy.model import Policy

Value = float | int | bool | str


@dataclass(frozen=True, slots=True)
class Values:
    """What one decision is computed on."""

    known: Mapping[str, Value]
    """By name; a signal that could not be observed at all is not in it, so that CEL takes it as unknown."""
    assumed: Mapping[str, Value]
    """The same with every unobserved signal at its `absent` value, for rules that ignore what is missing."""
    lacking: frozenset[str]
    """Signals of the policy that a detector owed, or gave unusably; some may be known from another observation."""
    invalid: tuple[Signal, ...]
    """Observations that were not used."""


def values_of(policy: Policy, facts: Facts, observed: Observed) -> Values:
    """Combine what was observed as the signals' specs say."""
    specs = policy.vocabulary.specs
    named = [signal for signal in observed.signals if signal.name in specs]
    valid = [signal for signal in named if is_valid(specs[signal.name], signal.value)]
    invalid = tuple(signal for signal in named if not is_valid(specs[signal.name], signal.value))
    owed = {name for missing in observed.missing for name in missing.signals if name in specs}
    lacking = frozenset(owed | {signal.name for signal in invalid})
    fixed: dict[str, Value] = {f"t_{name}": threshold.value for name, threshold in policy.thresholds.items()}
    for name, value in facts.to_json().items():
        if isinstance(value, str | int | bool):
            fixed[name] = value
    signals = policy.vocabulary.combined(valid)
    assumed: dict[str, Value] = {**signals, **fixed}
    unseen = lacking - {signal.name for signal in valid}
    known = {name: value for name, value in assumed.items() if name not in unseen} if unseen else assumed
    return Values(known, assumed, lacking, invalid)


def is_valid(spec: SignalSpec, value: SignalValue) -> bool:
    """Whether `value` is one that `spec` allows."""
    match spec.kind:
        case SignalKind.FLAG:
            return isinstance(value, bool)
        case SignalKind.COUNT:
            return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
        case SignalKind.SCORE:
            return isinstance(value, float) and 0.0 <= value <= 1.0
        case SignalKind.YEARS:
            return isinstance(value, float) and 0.0 <= value < math.inf


def holds(program: cel.Program, context: cel.Context) -> bool | None:
    """Whether the condition is true; None where it rests on what is unknown, or cannot be evaluated."""
    try:
        answer = program.execute(context)
    except Exception:  # noqa: BLE001 - whatever goes wrong in a condition, the caller refuses
        return None
    return answer if isinstance(answer, bool) else None
