"""Judges a case as the gate would: turn by turn, the text detectors, the policy, and a stand-in for what a photo shows.

Rules
- At each of the user's turns the whole conversation so far is one request, as at the gate. A case is blocked at the
  first turn that is refused; what comes after is not asked.
- No picture is opened. `image: true` stands for a photo of one person who is clearly an adult and clothed, with no
  writing in it: the signals of `STAND_IN`.
- A detector that raises is Missing, and the policy refuses for it, as at the gate.
What is left to others: the bounds at the door (lengths, NUL), which refuse without judging.
"""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from safelight.core.category import Category, Stage, Verdict
from safelight.core.decision import Decision
from safelight.core.facts import Facts
from safelight.core.request import Operation, Owner, Role, Standing, Surface
from safelight.core.signal import Missing, MissingReason, Observed, Signal, SignalValue
from safelight.evaluation.cases import Case, CaseTurn
from safelight.policy.decide import decide
from safelight.policy.explain import explain
from safelight.policy.model import Policy
from safelight.signals.model import Passage, View
from safelight.signals.ports import Detector
from safelight.signals.text.normalise import read

STAND_IN: Mapping[str, SignalValue] = {
    "photo_people": 1,
    "photo_youngest_years": 35.0,
    "photo_nudity_one": 0.02,
    "photo_nudity_two": 0.02,
}
"""What the image detectors would say of a portrait of a clothed adult."""
_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""Decisions of an evaluation are not records."""

Timed = tuple[int, float]
"""Characters of a request, and the milliseconds that it took."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One request that was judged."""

    turn: int
    """The place of the turn that was asked, from 0."""
    chars: int
    """Of every text of the request."""
    latency_ms: float
    decision: Decision

    @property
    def timed(self) -> Timed:
        """Its length and its latency."""
        return self.chars, self.latency_ms


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a case."""

    case: Case
    answers: tuple[Answer, ...]
    """One for each of the user's turns that was asked, in order."""

    @property
    def refused_at(self) -> int | None:
        """The place of the first refused turn."""
        last = self.answers[-1]
        return last.turn if last.decision.verdict is Verdict.REFUSE else None

    @property
    def is_refused(self) -> bool:
        """Whether it was blocked."""
        return self.refused_at is not None

    @property
    def category(self) -> Category | None:
        """Of the refusal."""
        return self.answers[-1].decision.category

    @property
    def reasons(self) -> tuple[str, ...]:
        """Codes of the refusal, each once."""
        return tuple(dict.fromkeys(reason.code for reason in self.answers[-1].decision.reasons))

    @property
    def latency_ms(self) -> float:
        """Of the last request that was asked, with the whole conversation up to it."""
        return self.answers[-1].latency_ms


@dataclass(frozen=True, slots=True)
class Why:
    """A refusal in short, for whoever reads a list of them."""

    rule: str
    category: str
    understood: str
    """In the detector's own words."""
    reading: str
    """Which reading of the text decided."""


class Judge:
    """The text detectors, loaded, and a policy."""

    def __init__(self, detectors: Sequence[Detector], policy: Policy) -> None:
        self._detectors = detectors
        self.policy = policy

    def judge(self, case: Case) -> Judged:
        """Ask at each of the user's turns until one is refused."""
        answers: list[Answer] = []
        for turn in case.asked:
            answers.append(self._ask(case, turn))
            if answers[-1].decision.verdict is Verdict.REFUSE:
                break
        return Judged(case, tuple(answers))

    def why(self, judged: Judged) -> Why:
        """What a refused case was refused for."""
        decision = judged.answers[-1].decision
        told = explain(decision, self.policy)
        rule = decision.reasons[0].rule
        measures = [m for account in told.operator if account.rule == rule for m in account.measures if m.true]
        readings = dict.fromkeys(m.reading for m in measures if m.reading)
        category = decision.category.value if decision.category else ""
        return Why(rule, category, "; ".join(told.understood), ", ".join(readings))

    def _ask(self, case: Case, turn: int) -> Answer:
        spoken = case.turns[: turn + 1]
        photos = case.photos_by(turn)
        start = time.perf_counter()
        texts = tuple(
            read(Passage(f"turn {number}" if len(spoken) > 1 else "prompt", one.text, one.role))
            for number, one in enumerate(spoken, 1)
            if one.text
        )
        observed = self._observe(View(Stage.INPUT, texts, photos_count=photos), photos)
        decision = decide(
            self.policy,
            decision_id="",
            request_id="",
            facts=Facts(
                stage=Stage.INPUT,
                operation=Operation.EDIT if photos else Operation.GENERATE,
                surface=Surface.API,
                standing=Standing.GOOD,
                photos=photos,
                photo_owner=Owner.UNKNOWN,
                turns=len(spoken),
            ),
            observed=observed,
            now=_NO_TIME,
        )
        latency_ms = (time.perf_counter() - start) * 1000
        return Answer(turn, sum(len(one.text) for one in spoken), latency_ms, decision)

    def _observe(self, view: View, photos: int) -> Observed:
        signals: list[Signal] = []
        missing: list[Missing] = []
        asked = [detector for detector in self._detectors if detector.wants(view)]
        for detector in asked:
            try:
                signals += detector.observe(view).signals
            except Exception:  # noqa: BLE001 (whatever it raised, it did not answer; its message may quote the text)
                names = tuple(sorted(spec.name for spec in detector.emits))
                missing.append(Missing(detector.name, names, MissingReason.BROKEN))
        if photos:
            signals += [Signal(name, value, "stand-in", "photo 1") for name, value in STAND_IN.items()]
        lost = {one.source for one in missing}
        return Observed(
            tuple(signals),
            tuple(missing),
            tuple(sorted(detector.name for detector in asked)),
            tuple(sorted(detector.name for detector in asked if detector.name not in lost)),
        )


def text_detectors(detectors: Sequence[Detector]) -> list[Detector]:
    """Those of `detectors` that look at words."""
    return [detector for detector in detectors if any(spec.name.startswith("text_") for spec in detector.emits)]


def single_turn(text: str, *, image: bool, number: int) -> Case:
    """A case of one prompt."""
    return Case(number, (CaseTurn(Role.USER, text, image),), image)


@contextlib.contextmanager
def one_core() -> Iterator[bool]:
    """Keep this process on one core for as long as the block lasts; False where the system cannot."""
    if not hasattr(os, "sched_setaffinity"):
        yield False
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield True
    finally:
        os.sched_setaffinity(0, before)
