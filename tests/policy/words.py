"""A vocabulary like the built-in detectors', short policies, and shorthand for what was observed."""

from datetime import UTC, datetime
from typing import Any

from safelight.core.category import Stage
from safelight.core.decision import Decision
from safelight.core.facts import Facts
from safelight.core.request import Operation, Standing, Surface
from safelight.core.signal import (
    Combine,
    Missing,
    MissingReason,
    Observed,
    Signal,
    SignalKind,
    SignalSpec,
    SignalValue,
    Vocabulary,
)
from safelight.policy.decide import decide
from safelight.policy.load import load_policy
from safelight.policy.model import Policy

NOW = datetime(2026, 6, 29, 12, 0, tzinfo=UTC)

_SCORES = (
    *(f"text_{what}" for what in ("undress", "sexual", "minor", "person", "hidden", "gibberish", "unknown_language")),
    *("text_named", "text_deceptive_scene", "text_fake_ballot"),
    *(f"{part}_{what}" for part in ("photo", "output") for what in ("nudity_one", "nudity_two")),
    *("photo_mask_on_body", "photo_mask_share"),
)
_KNOWN = ("known_csam", "known_ncii", "known_illegal", "known_protected", "unhashable")
_FLAGS = (
    "text_protected_name",
    "text_public_figure",
    *("photo_age_unclear", "output_age_unclear", "photo_text", "photo_text_unread"),
    *(f"{part}_{what}" for part in ("photo", "output") for what in _KNOWN),
)

VOCABULARY = Vocabulary.of(
    [
        *(SignalSpec(name, SignalKind.SCORE, f"How much {name} there is.", 0.0) for name in _SCORES),
        *(SignalSpec(name, SignalKind.FLAG, f"Whether {name}.", False) for name in _FLAGS),
        SignalSpec("text_reveals", SignalKind.COUNT, "How far the words go.", 0),
        SignalSpec("text_besides", SignalKind.SCORE, "What is asked besides.", 1.0),
        *(SignalSpec(f"{part}_people", SignalKind.COUNT, "Faces.", 0) for part in ("photo", "output")),
        *(
            SignalSpec(f"{part}_youngest_years", SignalKind.YEARS, "Years.", 120.0, Combine.MIN)
            for part in ("photo", "output")
        ),
    ]
)

HEAD = """
[policy]
name = "small"
description = "For a test."

[thresholds]
undress = { kind = "score", value = 0.5, range = [0.2, 0.8], help = "undress" }
"""


def rule(when: str, rule_id: str = "first", /, **keys: str) -> str:
    """One rule in TOML; `keys` replace or add values, each as TOML writes it."""
    table = {
        "id": f'"{rule_id}"',
        "stages": '["input"]',
        "when": f"'''{when}'''",
        "category": '"ncii"',
        "code": '"a_code"',
        "text": '"A sentence."',
        **keys,
    }
    return "\n[[rules]]\n" + "".join(f"{key} = {value}\n" for key, value in table.items())


def small(*rules: str, head: str = HEAD) -> Policy:
    """A loaded policy of these rules."""
    return load_policy(head + "".join(rules), VOCABULARY)


def facts(stage: Stage = Stage.INPUT, **changes: Any) -> Facts:
    """An ordinary request's facts."""
    values: dict[str, Any] = {
        "operation": Operation.GENERATE,
        "surface": Surface.API,
        "standing": Standing.GOOD,
        **changes,
    }
    return Facts(stage=stage, **values)


def saw(*missing: Missing, **signals: SignalValue) -> Observed:
    """What was observed, by name."""
    found = tuple(Signal(name, value, "stand_in@1", "turn 1") for name, value in signals.items())
    return Observed(signals=found, missing=missing, asked=("stand_in",), answered=("stand_in",))


def lost(*signals: str, source: str = "stand_in") -> Missing:
    """A detector that owed `signals` and did not answer."""
    return Missing(source, signals, MissingReason.LATE)


def judge(policy: Policy, observed: Observed, facts_: Facts | None = None) -> Decision:
    """Decide with fixed ids and time."""
    return decide(policy, decision_id="dec_1", request_id="req_1", facts=facts_ or facts(), observed=observed, now=NOW)
