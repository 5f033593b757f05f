"""What a scan found, as numbers and as one page that opens anywhere: charts and style inside, no script.

Everything is counted from the rows, part by part, so a summary can be made again from the folder and is the same
whether the scan was stopped on its way or not.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from itertools import pairwise
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from safelight.core.signal import SignalKind, SignalSpec
from safelight.scan.charts import bars
from safelight.scan.model import Plan, Stage
from safelight.scan.results import WALL, Results

_SHOWN = 200
"""Rows of each list on the page; the Parquet files have all."""
_EDGES: dict[SignalKind, tuple[float, ...]] = {
    SignalKind.SCORE: tuple(step / 10 for step in range(11)),
    SignalKind.YEARS: (0, 10, 18, 25, 40, 60, 120),
    SignalKind.COUNT: (0, 1, 2, 3, 5, 10),
    SignalKind.FLAG: (0, 1),
}


@dataclass(frozen=True, slots=True)
class Summary:
    """The numbers of one scan."""

    sources: tuple[str, ...]
    detectors: tuple[str, ...]
    started_at: str
    finished_at: str
    files: int
    bytes: int
    looked: int
    """Files of which something is known: they were read and decoded."""
    known: int
    """Files that some bank knows."""
    unhashable: int
    errors: dict[str, int]
    missing: dict[str, int]
    """How often each detector did not answer."""
    banks: dict[str, int]
    """Files that each bank knows."""
    distances: dict[str, int]
    """How many matches by PDQ were how many bits apart."""
    signals: dict[str, dict[str, int]]
    """Of each signal, how many files lie in which range."""
    seconds: dict[str, float]
    """Of work in each stage, over all workers."""
    wall_s: float
    known_files: tuple[dict[str, Any], ...]
    broken_files: tuple[dict[str, Any], ...]

    @property
    def files_per_s(self) -> float:
        """Over the time that the scan ran."""
        return self.files / self.wall_s if self.wall_s else 0.0

    @property
    def shares(self) -> dict[str, float]:
        """Of each stage in all the work."""
        total = sum(self.seconds.values()) or 1.0
        return {name: spent / total for name, spent in self.seconds.items()}

    def as_json(self) -> str:
        """One object."""
        return json.dumps(asdict(self) | {"files_per_s": self.files_per_s, "shares": self.shares}, indent=1)


class _Tally:
    """Counts rows as they come; holds no more of them than are shown."""

    def __init__(self, specs: Sequence[SignalSpec]) -> None:
        self.specs = specs
        self.counts: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()
        self.banks: Counter[str] = Counter()
        self.distances: Counter[int] = Counter()
        self.signals: dict[str, Counter[str]] = {spec.name: Counter() for spec in specs}
        self.known: list[dict[str, Any]] = []
        self.broken: list[dict[str, Any]] = []

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        """Count one batch."""
        for row in rows:
            self._count(row)
        # Which rows are shown does not depend on the order in which workers were ready.
        self.known, self.broken = (
            sorted(some, key=lambda row: row["path"])[:_SHOWN] for some in (self.known, self.broken)
        )

    def _count(self, row: dict[str, Any]) -> None:
        self.counts.update(files=1, bytes=row["bytes"], looked=not row["error"], unhashable=bool(row["unhashable"]))
        self.missing.update(row["missing"])
        if row["error"]:
            self.errors[row["error"]] += 1
            self.broken.append({name: row[name] for name in ("path", "error", "why")})
        if row["matches"]:
            self.counts["known"] += 1
            self.banks.update({match["bank"] for match in row["matches"]})
            self.distances.update(match["distance"] for match in row["matches"] if match["by"] == "pdq")
            self.known.append({"path": row["path"], "matches": row["matches"]})
        for spec in self.specs:
            if row[spec.name] is not None:
                self.signals[spec.name][_range(spec.kind, row[spec.name])] += 1

    def ranges(self, spec: SignalSpec) -> dict[str, int]:
        """Of one signal, how many files lie in which range, lowest first; without the empty ones."""
        found = self.signals[spec.name]
        return {name: found[name] for name in _ranges(spec.kind) if found[name]}


def summed(results: Results, plan: Plan, specs: Sequence[SignalSpec]) -> Summary:
    """Count all rows of a scan."""
    tally = _Tally(specs)
    for batch in results.batches():
        tally.add(batch.to_pylist())
    seconds = results.seconds()
    manifest = results.manifest()
    return Summary(
        sources=plan.sources,
        detectors=plan.detectors,
        started_at=manifest["started_at"],
        finished_at=manifest["finished_at"] or "",
        files=tally.counts["files"],
        bytes=tally.counts["bytes"],
        looked=tally.counts["looked"],
        known=tally.counts["known"],
        unhashable=tally.counts["unhashable"],
        errors=dict(tally.errors.most_common()),
        missing=dict(tally.missing.most_common()),
        banks=dict(tally.banks.most_common()),
        distances={str(bits): tally.distances[bits] for bits in sorted(tally.distances)},
        signals={spec.name: tally.ranges(spec) for spec in specs},
        seconds={stage.value: seconds[stage] for stage in Stage},
        wall_s=seconds[WALL],
        known_files=tuple(tally.known),
        broken_files=tuple(tally.broken),
    )


def page(summary: Summary) -> str:
    """The page of a scan."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files("safelight.scan").joinpath("page.html").read_text("utf-8"))
    # Colours have one home for all pages; here they are taken along, so that the file needs nothing beside it.
    tokens = files("safelight").joinpath("web", "static", "tokens.css").read_text("utf-8")
    fates = {
        "known": summary.known,
        "looked at, not known": max(0, summary.looked - summary.known),
        "nothing known of it": summary.files - summary.looked,
    }
    charts = [
        ("What became of the files", bars("Files by what became of them", fates, "files")),
        ("Known, by bank", bars("Files that each bank knows", summary.banks, "known")),
        ("How near by PDQ", bars("Matches by how many bits they are apart", summary.distances, "known")),
        ("Nothing known of it, by reason", bars("Files by error", summary.errors, "wrong")),
        *((name, bars(f"Files by {name}", counts, "files")) for name, counts in summary.signals.items()),
        (
            "Where the time went: seconds of work, all workers together",
            bars(
                "Seconds of each stage",
                {name: round(spent, 1) for name, spent in summary.seconds.items() if spent},
                "time",
            ),
        ),
    ]
    return template.render(
        summary=summary,
        tokens=Markup(tokens),  # noqa: S704 (our own style sheet)
        charts=[(title, chart) for title, chart in charts if chart],
        shown=_SHOWN,
    )


def _range(kind: SignalKind, value: float) -> str:
    edges = _EDGES[kind]
    at = max((number for number, edge in enumerate(edges[:-1]) if value >= edge), default=0)
    if kind is SignalKind.FLAG:
        at = int(value >= 1)
    elif kind is SignalKind.COUNT and value >= edges[-1]:
        at = len(edges) - 1
    return _ranges(kind)[at]


def _ranges(kind: SignalKind) -> list[str]:
    edges = _EDGES[kind]
    if kind is SignalKind.FLAG:
        return ["no", "yes"]
    if kind is SignalKind.COUNT:
        names = [str(low) if high - low == 1 else f"{low} to {high - 1}" for low, high in pairwise(edges)]
        return [*names, f"{edges[-1]} and more"]
    return [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
