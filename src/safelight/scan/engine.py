"""The one file that knows Daft: lists stores, and has workers look at files, here or on a Ray cluster, by one code.

Rules of this module
- Daft reports to its makers when it is imported and run. It is told not to before it is imported.
- Workers are processes, one for each core, or actors of the cluster. They get paths and give back `Looked`.
- Rows come back as they are ready, in no order.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import reduce
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from safelight.core.errors import BadInput, InputCode, SafelightError
from safelight.scan.errors import ScanFailed
from safelight.scan.local import files_of, is_local, read_local
from safelight.scan.look import Looker, Note
from safelight.scan.model import Looked, Stage, Storage
from safelight.signals.ports import Detector

if TYPE_CHECKING:
    import daft

_ALONE = {
    "DAFT_ANALYTICS_ENABLED": "0",
    "DO_NOT_TRACK": "1",
    "SCARF_NO_ANALYTICS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "DAFT_PROGRESS_BAR": "0",
    "OMP_NUM_THREADS": "1",
}
_BATCH_FILES = 16
"""Looked at by one worker at a time: few enough that no worker waits long for another at the end."""
_LISTED_AT_ONCE = 50_000
_STORE_TRIES = 5


class Engine:
    """Daft, on this machine or on the cluster at `ray`. One for each process: Daft chooses its runner once."""

    def __init__(
        self,
        *,
        workers: int,
        ray: str = "",
        storage: Storage = Storage(),  # noqa: B008 (frozen)
        describes: bool = False,
    ) -> None:
        """`describes`: whether workers make features too. Raises ScanFailed where the extra is not installed or the
        cluster does not answer.
        """
        self._describes = describes
        os.environ.update(_ALONE)
        try:
            import daft
        except ImportError as error:
            raise ScanFailed("A scan needs the extra: pip install 'safelight[scan]'.") from error
        self._daft = daft
        self._workers = workers
        self._ray = ray
        self._io = daft.io.IOConfig(
            s3=daft.io.S3Config(
                endpoint_url=storage.s3_endpoint or None,
                anonymous=storage.is_anonymous,
                use_ssl=not storage.s3_endpoint.startswith("http://"),
                num_tries=_STORE_TRIES,
            )
        )
        try:
            if ray:
                self._join(ray)
            else:
                daft.set_runner_native()
        except Exception as error:
            raise ScanFailed(f"The engine did not start: {_first_line(error)}") from error

    def list_files(self, sources: Sequence[str], folder: Path) -> None:
        """Write every file of `sources` under `folder`: path, size, and why it is not to be read. Raises BadInput."""
        local = chain.from_iterable(files_of(source) for source in sources if is_local(source))
        with TemporaryDirectory(dir=folder.parent) as beside:
            found = [self._in_store(source) for source in sources if not is_local(source)]
            while some := list(islice(local, _LISTED_AT_ONCE)):
                columns: dict[str, Any] = {
                    name: [getattr(one, name) for one in some] for name in ("path", "size", "error", "why")
                }
                self._daft.from_pydict(columns).write_parquet(beside)
            if any(Path(beside).iterdir()):
                found.append(self._daft.read_parquet(f"{beside}/*.parquet"))
            listed = reduce(lambda one, other: one.concat(other), found)
            listed.distinct("path").write_parquet(str(folder), write_mode="overwrite")

    def _in_store(self, address: str) -> "daft.DataFrame":
        lit = self._daft.lit
        try:
            found = self._daft.from_glob_path(address, io_config=self._io).select("path", "size").collect()
        except Exception as error:
            message = f"Nothing could be listed at {address}; look at the address. {_first_line(error)}"
            raise BadInput(InputCode.FIELD_INVALID, message, param="sources") from error
        return found.with_columns({"error": lit(""), "why": lit("")})

    def count(self, files: Path) -> int:
        """How many files were listed."""
        return self._daft.read_parquet(f"{files}/*.parquet").count_rows()

    def look(
        self, files: Path, done: Sequence[Path], detectors: Sequence[Detector] = (), notes: Path | None = None
    ) -> Iterator[Looked]:
        """Look at every file of the list that has no row in the parts `done`. Raises ScanFailed.

        Under `notes`, workers of this machine keep what they have in hand, for when one dies of it.
        """
        left = self._daft.read_parquet(f"{files}/*.parquet")
        if done:
            known = self._daft.read_parquet([str(part) for part in done]).select("path")
            left = left.join(known, on="path", how="anti")
        for row in left.where("error <> ''").to_pylist():
            yield Looked(**row)
        yield from self._looked(left.where("error = ''"), detectors, self._workers, None if self._ray else notes)

    def look_at(self, files: Sequence[tuple[str, int]], detectors: Sequence[Detector] = ()) -> Iterator[Looked]:
        """Look at these files, one worker for all. Raises ScanFailed."""
        columns = {"path": [path for path, _ in files], "size": [size for _, size in files]}
        return self._looked(self._daft.from_pydict(columns), detectors, 1, None)

    def _looked(
        self, files: "daft.DataFrame", detectors: Sequence[Detector], workers: int, notes: Path | None
    ) -> Iterator[Looked]:
        look = self._worker(workers)(self._io, list(detectors), notes, self._describes).look
        found = files.into_batches(_BATCH_FILES).select(look(files["path"], files["size"]).alias("looked"))
        try:
            for batch in found.to_arrow_iter(results_buffer_size=2 * workers):
                for row in batch.to_pylist():
                    yield _to_looked(row["looked"])
        except SafelightError:
            raise
        except Exception as error:
            raise ScanFailed(f"The engine stopped: {_first_line(error)}") from error

    def _worker(self, workers: int) -> Any:
        daft = self._daft

        @daft.cls(max_concurrency=workers, use_process=True)
        class Worker:
            def __init__(self, io: Any, detectors: Sequence[Detector], notes: Path | None, describes: bool) -> None:
                def read(path: str, most: int) -> bytes:
                    if is_local(path):
                        return read_local(path, most)
                    with daft.File(path, io_config=io).open() as file:
                        return bytes(file.read(most))

                self._looker = Looker(read, detectors, describes=describes, note=_note_in(notes))

            @daft.method.batch(return_dtype=_row_type(daft), batch_size=_BATCH_FILES)  # type: ignore[untyped-decorator]
            def look(self, path: Any, size: Any) -> list[dict[str, Any]]:
                files = list(zip(path.to_pylist(), size.to_pylist(), strict=True))
                return [_to_row(looked) for looked in self._looker.look(files)]

        return Worker

    def _join(self, address: str) -> None:
        import ray

        if not ray.is_initialized():
            # The workers' Daft is told not to report either.
            ray.init(address=address, runtime_env={"env_vars": _ALONE}, log_to_driver=False)
        self._daft.set_runner_ray(address=address)


def in_hand(notes: Path) -> list[tuple[str, int]]:
    """Path and size of what workers had in hand when they stopped."""
    written = [json.loads(note.read_text("utf-8") or "null") for note in sorted(notes.glob("*"))]
    return [(path, size) for path, size in filter(None, written) if path]


def _note_in(notes: Path | None) -> Note:
    if notes is None:
        return lambda _path, _size: None
    note = notes / str(os.getpid())
    return lambda path, size: note.write_text(json.dumps([path, size]), "utf-8")


def _row_type(daft: Any) -> Any:
    kind = daft.DataType
    texts = kind.list(kind.string())
    scores = kind.list(kind.struct({"name": kind.string(), "value": kind.float64()}))
    whole = {name: kind.int64() for name in ("size", "width", "height", "frames", "quality")}
    words = {name: kind.string() for name in ("path", "error", "why")}
    binary = {name: kind.list(kind.binary()) for name in ("forms", "digests", "features")}
    return kind.struct(words | whole | binary | {"signals": scores, "missing": texts, "seconds": scores})


def _to_row(looked: Looked) -> dict[str, Any]:
    return asdict(looked) | {
        "forms": list(looked.forms),
        "digests": list(looked.digests),
        "features": list(looked.features),
        "missing": list(looked.missing),
        "signals": _pairs(looked.signals or {}),
        "seconds": _pairs(looked.seconds or {}),
    }


def _to_looked(row: Mapping[str, Any]) -> Looked:
    signals, seconds = ({one["name"]: one["value"] for one in row[name]} for name in ("signals", "seconds"))
    return Looked(
        **{
            **row,
            "forms": tuple(row["forms"]),
            "digests": tuple(row["digests"]),
            "features": tuple(row["features"]),
            "missing": tuple(row["missing"]),
            "signals": signals,
            "seconds": {Stage(name): value for name, value in seconds.items()},
        }
    )


def _pairs(values: Mapping[Any, float]) -> list[dict[str, Any]]:
    return [{"name": str(name), "value": value} for name, value in values.items()]


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]
