"""A text detector that knows one word, so that what an evaluation counts can be said beforehand."""

from collections.abc import Iterable

from safelight.core.request import Role
from safelight.core.signal import Signal, Vocabulary
from safelight.evaluation.cases import Case, CaseTurn, Label
from safelight.evaluation.judge import Judge
from safelight.policy.load import load_policy, profile_text
from safelight.signals.model import Found, View
from safelight.signals.text.meaning import TextMeaning
from safelight.wiring import builtin_detectors

WORD = "marigold"
"""Stands for whatever ought to be refused."""
BREAKS = "breakage"


class WordDetector:
    """Says `text_undress` 0.9 where some reading of a passage has WORD in it; raises where one has BREAKS."""

    name = "text_meaning"
    version = "twin"
    emits = TextMeaning.emits

    def __init__(self) -> None:
        self.views: list[View] = []

    def load(self) -> None:
        """Nothing to load."""

    def verify(self) -> None:
        """Nothing to verify."""

    def wants(self, view: View) -> bool:
        return bool(view.texts)

    def observe(self, view: View) -> Found:
        self.views.append(view)
        if any(BREAKS in text.passage.text for text in view.texts):
            raise RuntimeError("told to break")
        return Found(tuple(self._signals(view)))

    def _signals(self, view: View) -> Iterable[Signal]:
        for text in view.texts:
            for reading in text.readings:
                if WORD in reading.text.casefold() and text.passage.role is Role.USER:
                    where = text.passage.where
                    yield Signal("text_undress", 0.9, "text_meaning@twin", where, "asks for the flower", reading.name)


def judge_with(detector: WordDetector) -> Judge:
    """`detector` under the default policy."""
    vocabulary = Vocabulary.of(spec for real in builtin_detectors() for spec in real.emits)
    return Judge([detector], load_policy(profile_text("general"), vocabulary))


def case(*turns: str, label: Label = Label.BLOCK, image: bool = True, block_at: int | None = None, **more: str) -> Case:
    """A conversation of the user alone; its id is its text."""
    named = {"lang": "en", "family": "1", "category": "ncii" if label is Label.BLOCK else ""} | more
    spoken = tuple(CaseTurn(Role.USER, turn) for turn in turns)
    return Case(" / ".join(turns), spoken, image, label=label, block_at=block_at, **named)
