"""A recorded decision, decided again from what it recorded and the policy that it names: is it the same?

Rules of this module
- Only the record and the policy's canonical text go in; no detector is asked, no clock is read.
- The text must be the policy of the recorded version, which is its hash, so nobody can hand in another one.
- Facts that were added to Safelight later are taken at their defaults, which is what they were before they existed.
- A whole number that stands for a score is read as one: canonical JSON writes 1.0 as 1. Only where the record says that
  the detector gave an unusable value is it left as it is.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, get_type_hints

from safelight.core.canonical import Json
from safelight.core.errors import PolicyInvalid
from safelight.core.facts import Facts
from safelight.core.signal import Missing, MissingReason, Observed, Signal, SignalKind
from safelight.policy.decide import decide
from safelight.policy.model import Policy
from safelight.policy.restore import restore_policy

COMPARED = ("verdict", "category", "reasons", "policy_version", "stage", "facts", "signals", "missing")
"""What must come out again."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was recorded, and what came out."""

    recorded: Mapping[str, Json]
    again: Mapping[str, Json]

    @property
    def differences(self) -> tuple[str, ...]:
        """Which of `COMPARED` are not the same."""
        return tuple(name for name in COMPARED if not _alike(self.recorded.get(name), self.again.get(name)))


def replay(record: str, policy_text: str) -> Replayed:
    """Decide again. `record` as the leaf's field `record` opens, `policy_text` as `safelight ledger policy` prints it.

    Raises PolicyInvalid where either is not what it says, or the policy is not the one that the record names.
    """
    policy = restore_policy(policy_text.strip())
    try:
        recorded: dict[str, Any] = json.loads(record)
        version = recorded["policy_version"]
        facts, observed = _facts(recorded["facts"]), _observed(recorded, policy)
        now = datetime.fromisoformat(recorded["at"])
        ids = str(recorded["id"]), str(recorded["request_id"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PolicyInvalid("This is not the record of a decision; open the leaf's field `record` again.") from error
    if version != policy.version:
        raise PolicyInvalid(f"The decision was made by the policy {version}, and this is {policy.version}.")
    again = decide(policy, decision_id=ids[0], request_id=ids[1], facts=facts, observed=observed, now=now)
    return Replayed(recorded, again.to_json())


def _facts(recorded: Mapping[str, Any]) -> Facts:
    types = get_type_hints(Facts)
    known = {one.name for one in fields(Facts)}
    return Facts(**{name: types[name](value) for name, value in recorded.items() if name in known})


def _observed(recorded: Mapping[str, Any], policy: Policy) -> Observed:
    unusable = {name for one in recorded["reasons"] if one["code"] == "signal_invalid" for name in one["signals"]}
    signals = [
        Signal(one["name"], one["value"], one["source"], one["where"], one["understood"], one["reading"])
        if one["name"] in unusable
        else _signal(one, policy)
        for one in recorded["signals"]
    ]
    missing = [
        Missing(one["source"], tuple(one["signals"]), MissingReason(one["reason"])) for one in recorded["missing"]
    ]
    return Observed(tuple(signals), tuple(missing), tuple(recorded["asked"]), tuple(recorded["answered"]))


def _signal(one: Mapping[str, Any], policy: Policy) -> Signal:
    spec = policy.vocabulary.specs.get(one["name"])
    value = one["value"]
    if spec and spec.kind in {SignalKind.SCORE, SignalKind.YEARS} and type(value) is int:
        value = float(value)
    return Signal(one["name"], value, one["source"], one["where"], one["understood"], one["reading"])


def _alike(recorded: Any, again: Any) -> bool:
    """Equal, where facts that the record does not know are left out."""
    if isinstance(recorded, dict) and isinstance(again, dict):
        return all(name in again and recorded[name] == again[name] for name in recorded)
    return bool(recorded == again)
