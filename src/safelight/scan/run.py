"""One scan, in numbered steps; killed at any of them, the same call goes on where it stopped.

Rules of this module
- Workers send hashes; the banks are asked here. No list, no key and no database leaves this machine.
- A part is written when enough rows or seconds have gathered, so little is done twice after a stop.
- A worker that dies takes no scan with it: what it had in hand is looked at once more, file by file, and a file that
  ends its worker again is a row that says so.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from safelight.core.clock import Clock, to_rfc3339
from safelight.matching.copies import Features, unpacked
from safelight.matching.fingerprints import FILE_KINDS, HashKind
from safelight.matching.known import KnownImages
from safelight.matching.pdq import HASH_BYTES, Pdq, Turn, Unhashable, WhyUnhashable
from safelight.scan.engine import Engine, in_hand
from safelight.scan.errors import ScanFailed
from safelight.scan.model import FileError, Looked, Plan, Stage
from safelight.scan.results import WALL, Results, row_of
from safelight.scan.summary import Summary, page, summed
from safelight.signals.ports import Detector

log = structlog.get_logger()
_PART_ROWS = 5_000
_PART_S = 10.0

Progress = Callable[[int, int, int], object]
"""Told after each file: how many are done, of how many, and how many of them some bank knows."""


def scan(
    plan: Plan,
    results: Results,
    engine: Engine,
    known: KnownImages,
    detectors: Sequence[Detector],
    clock: Clock,
    *,
    list_again: bool = False,
    progress: Progress = lambda _done, _of, _known: None,
    part_rows: int = _PART_ROWS,
) -> Summary:
    """Scan what `plan` names into `results`. Raises BadInput, ScanFailed, StoreFailed."""
    specs = sorted(
        (spec for one in detectors for spec in one.emits if spec.name.startswith("photo_")), key=lambda spec: spec.name
    )
    signals = [spec.name for spec in specs]
    with results.held():
        # (1) the same scan, or a new one
        is_new = results.begin(plan)
        # (2) list the files, once: whatever happens later, these are the files
        if is_new or list_again:
            engine.list_files(plan.sources, results.files)
        started_at = to_rfc3339(clock()) if is_new else str(results.manifest()["started_at"])
        results.note(plan, started_at)
        total, done, hits = engine.count(results.files), results.rows(), 0
        # (3) look at those without a row, and keep rows part by part
        keeper = _Keeper(results, signals, part_rows)
        try:
            for looked in _all(engine, results, detectors, keeper):
                row = keeper.add(looked, known)
                done, hits = done + 1, hits + bool(row["matches"])
                progress(done, total, hits)
        finally:  # whoever stops it by Ctrl-C keeps what was looked at until then
            keeper.write()
        # (4) say what was found
        results.note(plan, started_at, clock())
        summary = summed(results, plan, specs)
        results.write_text("summary.json", summary.as_json())
        results.write_text("summary.html", page(summary))
        return summary


def _all(engine: Engine, results: Results, detectors: Sequence[Detector], keeper: "_Keeper") -> Iterator[Looked]:
    """Every file without a row, even where one ends the worker that looks at it."""
    while True:
        notes = results.fresh_notes()
        try:
            yield from engine.look(results.files, results.parts(), detectors, notes)
        except ScanFailed as failure:
            keeper.write()
            # Each round gives at least one of these its row, so there are no more rounds than files.
            if not (suspects := in_hand(notes)):
                raise
            log.warning("scan_worker_died", message=failure.message, files=len(suspects))
            for suspect in suspects:
                yield from _alone(engine, suspect, detectors)
            keeper.write()
        else:
            return


def _alone(engine: Engine, suspect: tuple[str, int], detectors: Sequence[Detector]) -> Sequence[Looked]:
    try:
        return list(engine.look_at([suspect], detectors))
    except ScanFailed as failure:
        return [Looked(*suspect, error=FileError.CRASHED.value, why=failure.message)]


def image_detectors(detectors: Sequence[Detector]) -> list[Detector]:
    """Those that judge a picture by itself, without the words of a request and without the banks."""
    return [one for one in detectors if one.name.startswith("image_") and one.name not in _NOT_ALONE]


_NOT_ALONE = frozenset({"image_known", "image_mask", "image_text"})
"""They ask the banks, which the scan does anyhow; look at masks; read words for the text detectors."""


@dataclass(slots=True)
class _Keeper:
    """Gathers rows into parts."""

    results: Results
    signals: Sequence[str]
    part_rows: int
    rows: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    since: float = field(default_factory=time.perf_counter)

    def add(self, looked: Looked, known: KnownImages) -> Mapping[str, Any]:
        """Ask the banks, and keep the row. Raises StoreFailed."""
        start = time.perf_counter()
        look = known.look_at(_hashed(looked), _digests(looked), _described(looked)) if looked.digests else None
        self.seconds[Stage.MATCH] = self.seconds.get(Stage.MATCH, 0.0) + time.perf_counter() - start
        for stage, spent in (looked.seconds or {}).items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent
        row = row_of(looked, look, self.signals)
        self.rows.append(row)
        if len(self.rows) >= self.part_rows or time.perf_counter() - self.since >= _PART_S:
            self.write()
        return row

    def write(self) -> None:
        """Write what has gathered as one part."""
        now = time.perf_counter()
        if self.rows:
            self.results.add(self.rows, self.signals, {**self.seconds, WALL: now - self.since})
        self.rows, self.seconds, self.since = [], {}, now


def _hashed(looked: Looked) -> list[Pdq | Unhashable]:
    """The hashes of each frame as they were before they travelled."""
    if not looked.forms:
        return [Unhashable(WhyUnhashable.UNDECODABLE if looked.error else WhyUnhashable.NO_DETAIL, looked.quality)]
    return [Pdq(looked.quality, tuple(zip(Turn, _cut(forms), strict=True))) for forms in looked.forms]


def _cut(forms: bytes) -> Iterator[bytes]:
    return (forms[start : start + HASH_BYTES] for start in range(0, len(forms), HASH_BYTES))


def _described(looked: Looked) -> list[Features]:
    return [unpacked(one) for one in looked.features]


def _digests(looked: Looked) -> dict[HashKind, bytes]:
    return dict(zip(FILE_KINDS, looked.digests, strict=True))
