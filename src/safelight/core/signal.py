"""What can be known of a request: a Signal, or Missing with its reason. "No answer" is a value of its own.

Rules of this module
- A detector declares beforehand, as `SignalSpec`, every name that it may emit. Policy is checked against these names.
- A name is a CEL identifier. `text_…` speaks of words, `photo_…` of what was uploaded, `output_…` of what came back.
- Several observations of one name are combined as the spec says (`MAX` or `MIN`): the worst one decides.
- A detector that was not asked (no image, so nothing to look at) leaves the spec's `absent` value; one that was asked
  and did not answer is Missing, and the policy must say what that means.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

SignalValue = float | int | bool


class SignalKind(StrEnum):
    """The type and range of a signal's value."""

    SCORE = "score"
    """A float from 0 to 1; not a probability unless the spec says so."""
    COUNT = "count"
    """An integer from 0."""
    YEARS = "years"
    """A float of years from 0."""
    FLAG = "flag"
    """True or false."""


class Combine(StrEnum):
    """Which of several observations of one name stands for the request."""

    MAX = "max"
    MIN = "min"


@dataclass(frozen=True, slots=True)
class SignalSpec:
    """One name that a detector may emit: the vocabulary of the policy is made of these."""

    name: str
    kind: SignalKind
    help: str
    """One sentence in plain words, shown by `safelight policy explain` and in the reference."""
    absent: SignalValue
    """The value in the policy when the detector had nothing to look at."""
    combine: Combine = Combine.MAX


@dataclass(frozen=True, slots=True)
class Signal:
    """One observation. It never carries the text or the image that it was made on."""

    name: str
    value: SignalValue
    source: str
    """The detector, as `name@version`."""
    where: str
    """The part it speaks of, such as `turn 2`, `negative_prompt`, `photo 1`, `photo 1 text`, `output 3`."""
    understood: str = ""
    """What the detector took the request to mean, in words of its own (never a quotation)."""
    reading: str = ""
    """Which reading of an obfuscated text decided, such as `plain` or `leet`; empty for images."""


class MissingReason(StrEnum):
    """Why a detector that was asked did not answer."""

    ABSENT = "absent"
    """It could not be loaded, or failed its self-check at start."""
    LATE = "late"
    """It did not answer before the deadline."""
    BROKEN = "broken"
    """It raised, or answered with what it had not declared."""
    BUSY = "busy"
    """An earlier request still holds it past its deadline."""


@dataclass(frozen=True, slots=True)
class Missing:
    """An observation that had to be made and could not be."""

    source: str
    """The detector's name."""
    signals: tuple[str, ...]
    """The names that it would have answered."""
    reason: MissingReason


@dataclass(frozen=True, slots=True)
class Observed:
    """All that the detectors said on one request up to one stage."""

    signals: tuple[Signal, ...] = ()
    missing: tuple[Missing, ...] = ()
    asked: tuple[str, ...] = ()
    """Names of the detectors that had something to look at, sorted."""
    answered: tuple[str, ...] = ()
    """Names of those that answered, sorted."""

    def __add__(self, other: "Observed") -> "Observed":
        """Input and output judged together. A detector missing in either look stays missing."""
        return Observed(
            signals=self.signals + other.signals,
            missing=self.missing + other.missing,
            asked=tuple(sorted({*self.asked, *other.asked})),
            answered=tuple(sorted({*self.answered, *other.answered})),
        )


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Every signal name that the installed detectors can emit."""

    specs: Mapping[str, SignalSpec] = field(default_factory=dict)

    @classmethod
    def of(cls, specs: Iterable[SignalSpec]) -> "Vocabulary":
        """Collect `specs`. Raises ValueError when one name is declared with two different meanings."""
        found: dict[str, SignalSpec] = {}
        for spec in specs:
            known = found.setdefault(spec.name, spec)
            if known != spec:
                raise ValueError(f"signal {spec.name!r} is declared twice, with different meanings")
        return cls(found)

    def combined(self, signals: Iterable[Signal]) -> dict[str, SignalValue]:
        """One value a name: the worst of its observations, or the spec's `absent` value where there is none.

        Raises KeyError for a signal that nobody declared.
        """
        values: dict[str, SignalValue] = {name: spec.absent for name, spec in self.specs.items()}
        seen: set[str] = set()
        for signal in signals:
            combine = self.specs[signal.name].combine
            if signal.name not in seen:
                values[signal.name] = signal.value
            elif combine is Combine.MAX:
                values[signal.name] = max(values[signal.name], signal.value)
            else:
                values[signal.name] = min(values[signal.name], signal.value)
            seen.add(signal.name)
        return values
