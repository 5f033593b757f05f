"""The folder that a scan fills: what is to be scanned, what is known so far, and how to go on after a stop.

    scan.json            what is scanned, by what, since when; and when it was finished
    files/*.parquet      every file to be scanned: path, size, and why it is not read where it is none
    part-*.parquet       one row for each file that was looked at
    summary.html, .json  written at the end
    in-hand/             what each worker looks at now

Rules of this module
- A part is whole or not there: it is written beside, synced, and then named. Killed at any point, the rows of the parts
  stand, and only files without a row are looked at again.
- Rows hold no hash and no picture. A file's row does not depend on when or where it was looked at; how long that took
  is in the metadata of its part.
- One process fills a folder at a time.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from safelight.core.clock import to_rfc3339
from safelight.matching.model import Look, Match
from safelight.scan.errors import ScanFailed
from safelight.scan.model import Looked, Plan, Stage

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as missing:
    raise ScanFailed("A scan needs the extra: pip install 'safelight[scan]'.") from missing

_FORMAT = 2
"""2: the list of files says which are not read."""
_SECONDS = b"safelight_seconds"
"""Seconds of each stage, and of the whole part, in a part's metadata; JSON."""
WALL = "wall"

MATCH = pa.struct(
    [
        pa.field("bank", pa.string()),
        pa.field("category", pa.string()),
        pa.field("by", pa.string()),
        pa.field("distance", pa.int16()),
        pa.field("turn", pa.string()),
    ]
)


def row_schema(signals: Sequence[str]) -> pa.Schema:
    """The columns of the results; each signal of a detector is one."""
    return pa.schema(
        [
            pa.field("path", pa.string(), nullable=False),
            pa.field("bytes", pa.int64(), nullable=False),
            pa.field("error", pa.string()),
            pa.field("why", pa.string()),
            pa.field("width", pa.int32()),
            pa.field("height", pa.int32()),
            pa.field("frames", pa.int32()),
            pa.field("pdq_quality", pa.int16()),
            pa.field("unhashable", pa.bool_()),
            pa.field("matches", pa.list_(MATCH)),
            pa.field("lists", pa.string()),
            pa.field("missing", pa.list_(pa.string())),
            *(pa.field(name, pa.float64()) for name in signals),
        ]
    )


def row_of(looked: Looked, look: Look | None, signals: Sequence[str]) -> dict[str, Any]:
    """One row of the results; `look` is None where nothing of the file could be read."""
    seen = not looked.error
    found = () if look is None else look.matches
    return {
        "path": looked.path,
        "bytes": looked.size,
        "error": looked.error or None,
        "why": looked.why or None,
        "width": looked.width if seen else None,
        "height": looked.height if seen else None,
        "frames": looked.frames if seen else None,
        "pdq_quality": looked.quality if seen else None,
        "unhashable": not looked.forms if seen else None,
        "matches": _distinct(found),
        "lists": None if look is None else look.lists,
        "missing": list(looked.missing),
        **{name: (looked.signals or {}).get(name) for name in signals},
    }


def _distinct(matches: Sequence[Match]) -> list[dict[str, Any]]:
    """What each bank says, once: rows name no item, and a bank may know the picture as several."""
    says = [
        {
            "bank": match.bank.name,
            "category": match.bank.category.value,
            "by": match.kind.value,
            "distance": match.bits_apart,
            "turn": match.turn.value,
        }
        for match in matches
    ]
    return [one for number, one in enumerate(says) if one not in says[:number]]


class Results:
    """One folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder / "files"
        self._manifest = folder / "scan.json"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Alone with the folder, which is made where it is not. Raises ScanFailed."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ScanFailed(f"The folder {self.folder} cannot be used: {error.strerror}.") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise ScanFailed(f"Another scan is filling {self.folder}; wait for it, or name another folder.") from error
        finally:
            os.close(descriptor)

    def begin(self, plan: Plan) -> bool:
        """Note what is scanned here. True where nothing was before, so that the files are still to be listed.

        Raises ScanFailed for a folder that holds another scan.
        """
        if not self._manifest.exists():
            if self.parts():
                raise ScanFailed(f"{self.folder} holds parts of a scan without its scan.json; name another folder.")
            return True
        known = self.manifest()
        if known.get("format") != _FORMAT or known["plan"] != _as_json(plan):
            raise ScanFailed(
                f"{self.folder} holds a scan of other sources or detectors, or of an older Safelight; name another with"
                " --out."
            )
        return False

    def note(self, plan: Plan, started_at: str, finished_at: datetime | None = None) -> None:
        """Write scan.json."""
        content = {
            "format": _FORMAT,
            "plan": _as_json(plan),
            "started_at": started_at,
            "finished_at": to_rfc3339(finished_at) if finished_at else None,
        }
        self.write_text("scan.json", json.dumps(content, indent=1))

    def manifest(self) -> dict[str, Any]:
        """What scan.json says. Raises ScanFailed."""
        try:
            content: dict[str, Any] = json.loads(self._manifest.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ScanFailed(f"{self._manifest} cannot be read; name another folder with --out.") from error
        return content

    def fresh_notes(self) -> Path:
        """An empty folder for what workers have in hand."""
        notes = self.folder / "in-hand"
        notes.mkdir(exist_ok=True)
        for note in notes.iterdir():
            note.unlink()
        return notes

    def parts(self) -> list[Path]:
        """The parts, in the order in which they were written."""
        return sorted(self.folder.glob("part-*.parquet"))

    def rows(self) -> int:
        """Files that have their row."""
        return sum(pq.read_metadata(part).num_rows for part in self.parts())

    def rows_of_other_lists(self, lists: str) -> int:
        """Files that were held against other lists than these."""
        asked = (pq.read_table(part, columns=["lists"])["lists"].to_pylist() for part in self.parts())
        return sum(one not in (None, lists) for some in asked for one in some)

    def add(self, rows: Sequence[Mapping[str, Any]], signals: Sequence[str], seconds: Mapping[str, float]) -> None:
        """Write one part."""
        schema = row_schema(signals).with_metadata({_SECONDS: json.dumps(dict(seconds)).encode()})
        name = f"part-{len(self.parts()):06d}.parquet"
        beside = self.folder / f"{name}.new"
        pq.write_table(pa.Table.from_pylist(list(rows), schema), beside, compression="zstd")
        _named(beside, self.folder / name)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, a bounded number at once."""
        for part in self.parts():
            yield from pq.ParquetFile(part).iter_batches(batch_size=4_096)

    def seconds(self) -> dict[str, float]:
        """Seconds of each stage over all parts and workers, and `wall`."""
        total = dict.fromkeys([*(stage.value for stage in Stage), WALL], 0.0)
        for part in self.parts():
            metadata = pq.read_schema(part).metadata or {}
            for name, value in json.loads(metadata.get(_SECONDS, b"{}")).items():
                total[name] += value
        return total

    def write_text(self, name: str, text: str) -> None:
        """Write a file whole or not at all."""
        beside = self.folder / f"{name}.new"
        beside.write_text(text, "utf-8")
        _named(beside, self.folder / name)


def _as_json(plan: Plan) -> dict[str, Any]:
    return {name: list(value) for name, value in asdict(plan).items()}


def _named(beside: Path, path: Path) -> None:
    """Have the content on disk, then its name."""
    for one, move in ((beside, True), (path.parent, False)):
        descriptor = os.open(one, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if move:
            beside.replace(path)
