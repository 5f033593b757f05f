"""Counts and times for Prometheus. Labels are detectors, verdicts and categories: never a subject, never a text."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The figures of one running Safelight, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.decisions = Counter(
            "safelight_decisions", "Decisions taken.", ["stage", "verdict", "category"], registry=self.registry
        )
        self.detector_seconds = Histogram(
            "safelight_detector_seconds",
            "Time of one detector, waiting for a core included.",
            ["detector"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.detector_missing = Counter(
            "safelight_detector_missing",
            "Times that a detector did not answer.",
            ["detector", "reason"],
            registry=self.registry,
        )
        self.step_seconds = Histogram(
            "safelight_step_seconds",
            "Time of one step of the gate.",
            ["step"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.banks_stale = Gauge(
            "safelight_banks_stale", "Banks without news for longer than they may be.", registry=self.registry
        )
        self.finds_without_case = Gauge(
            "safelight_finds_without_case",
            "Decisions whose pictures a list knows since, and for which no case could be opened so far.",
            registry=self.registry,
        )
        self.in_flight = Gauge("safelight_in_flight", "Requests inside the gate now.", registry=self.registry)
