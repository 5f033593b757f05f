"""A policy from its canonical text, to decide again what it decided once.

Only what evaluation needs is checked here, so that a later and stricter `load` still replays what an earlier accepted.
"""

import json
from typing import Any

from safelight.core.category import Category, Stage
from safelight.core.errors import PolicyInvalid
from safelight.core.signal import Combine, SignalKind, SignalSpec, Vocabulary
from safelight.policy.condition import Bound, read_condition
from safelight.policy.document import Draft, as_kind
from safelight.policy.environment import Kind, known_names
from safelight.policy.load import named
from safelight.policy.model import Policy, Rule, Threshold, WhenMissing


def restore_policy(canonical: str) -> Policy:
    """The policy that wrote `canonical`, with the same version.

    Raises PolicyInvalid when the text is not exactly what a policy writes: compare `version` with the one recorded.
    """
    try:
        policy = _restore(json.loads(canonical))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PolicyInvalid(f"not a stored policy ({error!r}); fetch it again from the policy history") from error
    if policy.canonical_text != canonical:
        raise PolicyInvalid("a stored policy was changed after it was written; fetch it again from the policy history")
    return policy


def _restore(content: Any) -> Policy:
    if content["format"] != 1:
        raise ValueError(f"format {content['format']!r} is not known to this version of Safelight")
    vocabulary = Vocabulary.of(_spec(name, value) for name, value in content["signals"].items())
    thresholds = {name: _threshold(name, value) for name, value in content["thresholds"].items()}
    bounds = {name: Bound(Kind(t.kind.value), t.value) for name, t in thresholds.items()}
    head = content["policy"]
    draft = Draft(
        name=head["name"],
        description=head["description"],
        extends=head["extends"],
        switched_off=tuple(head["switched_off"]),
        ignore_missing=tuple(head["ignore_missing"]),
        thresholds=thresholds,
    )
    return named(draft, [_rule(value, vocabulary, bounds) for value in content["rules"]], vocabulary)


def _spec(name: str, value: Any) -> SignalSpec:
    kind = SignalKind(value["kind"])
    absent = value["absent"] if kind is SignalKind.FLAG else as_kind(kind, value["absent"])
    return SignalSpec(name, kind, value["help"], absent, Combine(value["combine"]))


def _threshold(name: str, value: Any) -> Threshold:
    kind = SignalKind(value["kind"])
    current, lowest, highest = (as_kind(kind, number) for number in (value["value"], *value["range"]))
    return Threshold(name, kind, current, lowest, highest, value["help"])


def _rule(value: Any, vocabulary: Vocabulary, bounds: dict[str, Bound]) -> Rule:
    when, faults = read_condition(value["when"], known_names(vocabulary), bounds)
    if when is None:
        raise ValueError(f"rule {value['id']!r}: {faults[0].what}")
    return Rule(
        id=value["id"],
        stages=tuple(Stage(stage) for stage in value["stages"]),
        when=when,
        category=Category(value["category"]),
        code=value["code"],
        text=value["text"],
        missing=WhenMissing(value["missing"]),
        locked=value["locked"],
    )
