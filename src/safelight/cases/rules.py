"""The rules of the house for reports, read once and strictly from TOML (`rules.toml` shows them all).

A rule that would give less time than none, or more than the law, stops the start.
"""

import hashlib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from safelight.cases.draft import Matter, Route
from safelight.cases.model import Law, LegalClock, Outcome, ReasonCode
from safelight.core.category import Category
from safelight.core.errors import NotStartable
from safelight.core.request import Standing

LEGAL_MAX_H: Mapping[Law, float] = {Law.CHILD: 0, Law.UK_OSA: 48, Law.US_TAKE_IT_DOWN: 48, Law.HOUSE: 24 * 365}
"""What no rule may exceed."""
_PRESERVED_DAYS = 365
"""18 U.S.C. 2258A(h): what was referred is preserved for a year. Nothing of a child's matter goes sooner."""
_NEEDED_LAWS: Mapping[Matter, frozenset[Law]] = {
    Matter.CHILD: frozenset({Law.CHILD}),
    Matter.INTIMATE: frozenset({Law.UK_OSA, Law.US_TAKE_IT_DOWN}),
    Matter.OTHER: frozenset({Law.HOUSE}),
}


class HideWhen(StrEnum):
    """Which reports hide the picture at once."""

    ALWAYS = "always"
    COMPLETE = "complete"
    NEVER = "never"


class Measure(StrEnum):
    """What follows for an account."""

    NONE = "none"
    STRIKE = "strike"
    SUSPEND = "suspend"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MatterRules(_Part):
    """Of one matter."""

    laws: dict[Law, float]
    hide: HideWhen
    hide_at_due: bool
    features: bool = False
    """Whether what crops are found by is kept of a picture while it is down (docs/limits.md says what that tells)."""
    second: frozenset[Outcome]
    keep_days: float = Field(default=365, ge=1, le=36500)
    """After a case is closed, until what people wrote in it is destroyed (docs/how-to/reports.md says why so long)."""
    patience_h: float = Field(ge=0)
    escalate_h: tuple[float, ...]

    @model_validator(mode="after")
    def _within_the_law(self) -> "MatterRules":
        for law, hours in self.laws.items():
            if not 0 <= hours <= LEGAL_MAX_H[law]:
                raise ValueError(f"the law {law.value} gives {LEGAL_MAX_H[law]:g} hours at most")
        return self


class TimeRules(_Part):
    """How long things may take."""

    danger_patience_h: float = Field(ge=0)
    hide_before_due_min: float = Field(gt=0, le=24 * 60)
    confirm_within_min: float = Field(gt=0, le=24 * 60)
    claim_min: float = Field(gt=0)
    undo_min: float = Field(ge=0)
    appeal_h: float = Field(gt=0)
    contest_days: float = Field(ge=183)


class FloodRules(_Part):
    """When one source sends too much at once."""

    reports_per_hour: int = Field(ge=1)
    delay_h: float = Field(ge=0)
    exempt_routes: frozenset[Route]


class GuessRules(_Part):
    """Wrong codes and PINs."""

    per_code: int = Field(ge=1, le=20)
    per_source: int = Field(ge=1)
    window_min: float = Field(gt=0)


class WelfareRules(_Part):
    """Of those who look."""

    pictures_per_day: int = Field(ge=1)


class ViralityRules(_Part):
    """How much sooner what many see."""

    hours_per_doubling: float = Field(ge=0)
    hours_at_most: float = Field(ge=0)


class DeliveryRules(_Part):
    """Commands and letters."""

    retry_s: tuple[float, ...] = Field(min_length=1)
    dead_after_tries: int = Field(ge=1)
    lease_s: float = Field(gt=0)

    def pause_s(self, attempts: int) -> float:
        """Before the next try, after `attempts` of them."""
        return self.retry_s[min(attempts, len(self.retry_s)) - 1]


class Rung(_Part):
    """What so many strikes come to."""

    strikes: int = Field(ge=1)
    standing: Standing
    days: float = Field(ge=0)
    """0: for good."""


class MeasureRules(_Part):
    """What follows for accounts. There is no field for what an account pays."""

    window_days: float = Field(gt=0)
    one_strike_per_h: float = Field(ge=0)
    refused: dict[Category, Measure]
    removed: dict[ReasonCode, Measure]
    ladder: tuple[Rung, ...]


class _File(_Part):
    matter: dict[Matter, MatterRules]
    times: TimeRules
    flood: FloodRules
    guesses: GuessRules
    welfare: WelfareRules
    virality: ViralityRules
    delivery: DeliveryRules
    measures: MeasureRules

    @model_validator(mode="after")
    def _complete(self) -> "_File":
        for matter in Matter:
            named = self.matter.get(matter)
            if named is None or not named.laws.keys() >= _NEEDED_LAWS[matter]:
                raise ValueError(f"the matter {matter.value} needs its laws: {sorted(_NEEDED_LAWS[matter])}")
        if self.matter[Matter.CHILD].hide is not HideWhen.ALWAYS:
            raise ValueError("what may sexualise a child is hidden at once, always")
        for matter, rules in self.matter.items():
            least = max(_PRESERVED_DAYS if matter is Matter.CHILD else 0, self.times.contest_days)
            if rules.keep_days < least:
                raise ValueError(f"what was written in a matter of {matter.value} is kept for {least:g} days at least")
        if not self.matter[Matter.INTIMATE].hide_at_due:
            raise ValueError("an intimate image that is undecided is hidden before its clock runs out")
        if self.measures.refused.get(Category.CSAM) is not Measure.SUSPEND:
            raise ValueError("a request for child abuse suspends at once")
        if self.measures.refused.get(Category.UNCHECKED, Measure.NONE) is not Measure.NONE:
            raise ValueError("that something could not be checked is nobody's doing, and has no consequence")
        return self


@dataclass(frozen=True, slots=True)
class CaseRules:
    """The rules in force."""

    version: str
    """`sha256:` and the digest of the file."""
    matter: Mapping[Matter, MatterRules]
    times: TimeRules
    flood: FloodRules
    guesses: GuessRules
    welfare: WelfareRules
    virality: ViralityRules
    delivery: DeliveryRules
    measures: MeasureRules

    def clock(self, matter: Matter, received_at: datetime) -> LegalClock:
        """The strictest clock of a matter, from the moment of receipt."""
        law, hours = min(self.matter[matter].laws.items(), key=lambda pair: pair[1])
        return LegalClock(law, received_at, received_at + timedelta(hours=hours))

    def rank_at(
        self, matter: Matter, received_at: datetime, *, in_danger: bool = False, views: int = 0, is_flood: bool = False
    ) -> datetime:
        """When its turn has come, whoever came later.

        The moment is fixed at receipt, so whatever waits comes ahead, in the end, of everything that arrives: nothing
        starves.
        """
        patience_h = self.times.danger_patience_h if in_danger else self.matter[matter].patience_h
        if views > 0:
            patience_h -= min(self.virality.hours_per_doubling * math.log2(1 + views), self.virality.hours_at_most)
        if is_flood:
            patience_h += self.flood.delay_h
        return received_at + timedelta(hours=patience_h)


def parse_rules(text: str) -> CaseRules:
    """Read rules. Raises NotStartable for anything that they may not say."""
    try:
        file = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise NotStartable(f"The rules for cases are no TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise NotStartable(f"The rules for cases are unfit at {where or 'the top'}: {first['msg']}.") from error
    return CaseRules(
        version="sha256:" + hashlib.sha256(text.encode()).hexdigest(),
        matter=file.matter,
        times=file.times,
        flood=file.flood,
        guesses=file.guesses,
        welfare=file.welfare,
        virality=file.virality,
        delivery=file.delivery,
        measures=file.measures,
    )


def load_rules(path: Path | None = None) -> CaseRules:
    """The operator's rules, or the packaged ones. Raises NotStartable."""
    if path is None:
        return parse_rules(files("safelight.cases").joinpath("rules.toml").read_text("utf-8"))
    try:
        return parse_rules(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise NotStartable(f"The rules for cases {path} cannot be read.") from error
