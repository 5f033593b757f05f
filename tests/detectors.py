"""Detectors for tests: they come through the same port as real ones, and answer with synthetic scores.

They look at nothing. That is the point: what a decision does with a score of 0.9 can be shown without anything that
would earn one.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from safelight.core.category import Stage
from safelight.core.errors import DetectorUnfit
from safelight.core.signal import Signal, SignalSpec, SignalValue
from safelight.signals.model import Found, PictureRole, View
from safelight.wiring import builtin_detectors


@dataclass
class ScriptedDetector:
    """Answers with `values` for the names that belong to the stage; `before` runs first and may raise or wait."""

    name: str
    emits: tuple[SignalSpec, ...]
    values: dict[str, SignalValue] = field(default_factory=dict)
    before: Callable[[], object] = lambda: None
    fit: bool = True
    version: str = "1"
    asked: int = 0

    def load(self) -> None:
        if not self.fit:
            raise DetectorUnfit("this detector was told to be unfit")

    def verify(self) -> None:
        self.before()

    def wants(self, view: View) -> bool:
        kind = self.name.partition("_")[0]
        if kind == "text":
            return bool(view.texts)
        return any(picture.role is not PictureRole.MASK for picture in view.pictures)

    def observe(self, view: View) -> Found:
        self.asked += 1
        self.before()
        prefix = "photo_" if view.stage is Stage.INPUT else "output_"
        names = [name for name in self.values if name.startswith(("text_", prefix))]
        return Found(tuple(Signal(name, self.values[name], f"{self.name}@1", "prompt") for name in names))


def scripted_detectors(**values: SignalValue) -> dict[str, ScriptedDetector]:
    """One scripted twin for each built-in detector, with its name and its vocabulary, answering `values`."""
    return {
        real.name: ScriptedDetector(
            real.name, real.emits, {spec.name: values[spec.name] for spec in real.emits if spec.name in values}
        )
        for real in builtin_detectors()
    }


def sleeps(seconds: float) -> Callable[[], object]:
    """For `before`: answer late."""
    return lambda: time.sleep(seconds)


def raises() -> object:
    """For `before`: break."""
    raise RuntimeError("told to break")
