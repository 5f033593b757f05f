"""The names that a condition may use, with the values that each can take.

Signals come from the detectors' vocabulary and facts from `core.facts.Facts`. The account's tier is neither, so a rule
that names it finds no such name; `TIER_WORDS` only makes the message say why.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import get_type_hints

from safelight.core.facts import Facts
from safelight.core.signal import SignalKind, Vocabulary


class Kind(StrEnum):
    """The type of a name in a condition."""

    SCORE = "score"
    YEARS = "years"
    COUNT = "count"
    FLAG = "flag"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Name:
    """One name that a condition may use."""

    name: str
    kind: Kind
    help: str
    choices: tuple[str, ...] = ()
    """For text: every value there is."""
    lowest: int = 0
    """For numbers: the least value there is."""


FACT_HELP: Mapping[str, str] = {
    "stage": "before anything is made (input) or on what came back (output)",
    "operation": "what the asker wants done",
    "surface": "where in the product the request arises",
    "standing": "the state of the asking account",
    "photos": "how many pictures the asker attached, over the whole conversation",
    "photo_owner": "whose pictures they are, as the platform says",
    "has_mask": "whether a region of the photo was marked for repainting",
    "turns": "how many turns the conversation has",
    "consent": "how the consent records that the request names stand towards it",
    "consent_swimwear": "whether verified records let the person in every photo be shown in swimwear",
    "consent_lingerie": "whether verified records let the person in every photo be shown in lingerie",
    "consent_nudity_artistic": "whether verified records let the person in every photo be shown nude, as art",
    "edits_before": "how many edits made here led to the photos",
    "photo_no_ai": "whether a photo's content credentials say that AI may not use it",
}
"""In plain words, what each fact says; `tests/policy` holds it complete."""

_LOWEST: Mapping[str, int] = {"turns": 1}

TIER_WORDS = frozenset({"tier", "plan", "paid", "payer", "premium", "subscription", "subscriber", "staff", "vip"})
"""Words in a name that speak of what an account pays or is."""


def is_tier(name: str) -> bool:
    """Whether `name` speaks of the account's tier, which no rule may rest on."""
    return not TIER_WORDS.isdisjoint(name.lower().split("_"))


def _facts() -> dict[str, Name]:
    hints = get_type_hints(Facts)
    found: dict[str, Name] = {}
    for fact in fields(Facts):
        hint = hints[fact.name]
        if issubclass(hint, StrEnum):
            kind, choices = Kind.TEXT, tuple(member.value for member in hint)
        else:
            kind, choices = (Kind.FLAG if hint is bool else Kind.COUNT), ()
        found[fact.name] = Name(fact.name, kind, FACT_HELP.get(fact.name, ""), choices, _LOWEST.get(fact.name, 0))
    return found


FACTS: Mapping[str, Name] = _facts()
"""The circumstances of the request, by name."""

_KINDS: Mapping[SignalKind, Kind] = {kind: Kind(kind.value) for kind in SignalKind}


def known_names(vocabulary: Vocabulary) -> dict[str, Name]:
    """Every name that a condition may use with these detectors installed; a fact wins over a signal of its name."""
    signals = {spec.name: Name(spec.name, _KINDS[spec.kind], spec.help) for spec in vocabulary.specs.values()}
    return {**signals, **FACTS}
