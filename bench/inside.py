"""Where the time goes inside the gate, from its own metrics: the mean of each step and detector over a stretch."""

from dataclasses import dataclass

import httpx2
from prometheus_client.parser import text_string_to_metric_families

_MEASURED = {"safelight_step_seconds": "step", "safelight_detector_seconds": "detector"}


@dataclass(frozen=True, slots=True)
class Totals:
    """Seconds and calls so far, by `step: name` or `detector: name`."""

    seconds: dict[str, float]
    calls: dict[str, float]

    def since(self, earlier: "Totals") -> dict[str, float]:
        """Mean milliseconds a call, for everything that was called since `earlier`."""
        means = {}
        for name, calls in self.calls.items():
            new = calls - earlier.calls.get(name, 0.0)
            if new:
                means[name] = round((self.seconds[name] - earlier.seconds.get(name, 0.0)) * 1000 / new, 1)
        return means


def totals(origin: str) -> Totals:
    """Read `/metrics` now."""
    found = Totals({}, {})
    for family in text_string_to_metric_families(httpx2.get(f"{origin}/metrics", trust_env=False).text):
        label = _MEASURED.get(family.name)
        for sample in family.samples if label else ():
            name = f"{label}: {sample.labels.get(label or '', '')}"
            if sample.name.endswith("_sum"):
                found.seconds[name] = sample.value
            elif sample.name.endswith("_count"):
                found.calls[name] = sample.value
    return found
