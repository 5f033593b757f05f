"""The parts of the index of copies on this machine's disk: any number of processes map them, one at a time writes.

Rules of this module
- The database has everything; these files are made from it, and made again where they are missing, damaged, or of
  another method. So a reader that cannot use them says that there are none, and nothing is lost.
- A part is on disk under its name before the manifest names it, and the manifest is replaced by renaming: killed at any
  point, what stood before stands. Leftovers are removed by the next writer.

Left to others: which pictures are filed, and when (`copy_book.py`).
"""

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import structlog

from safelight.core.errors import StoreFailed
from safelight.matching.copy_index import KEY_BITS, TABLES, Part
from safelight.matching.index.manifest import sync_folder

log = structlog.get_logger()
_MANIFEST = "manifest.json"
_NAME = re.compile(r"part-[0-9a-f]{16}")
_MAX_REOPENINGS = 20


@dataclass(frozen=True, slots=True)
class Filed:
    """The parts as one process has them in hand."""

    stamp: tuple[int, int]
    """Which manifest named them."""
    parts: tuple[tuple[str, Part], ...]


NOTHING = Filed((0, 0), ())


class CopyFiles:
    """The folder of one installation on this machine, which is made where it does not exist."""

    def __init__(self, folder: Path, method: str) -> None:
        """`method`: parts of another one are not used. Raises StoreFailed."""
        self._folder = folder
        self._method = method
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreFailed(f"the folder of copies cannot be made: {error.strerror}") from error

    def followed(self, filed: Filed) -> Filed:
        """The parts as they are now; `filed` itself where nothing has changed."""
        for _ in range(_MAX_REOPENINGS):
            stamp = self._stamp()
            if stamp == filed.stamp:
                return filed
            known = dict(filed.parts)
            try:
                parts = tuple((name, known.get(name) or _open(self._folder / name)) for name in self._names())
            except FileNotFoundError:
                continue  # A writer has merged the part away in between; its new manifest is there.
            except (OSError, ValueError, KeyError, TypeError) as error:
                log.warning("copies_filed_again", why=str(error))
                return Filed(stamp, ())
            return Filed(stamp, parts)
        return Filed(self._stamp(), ())

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep every other writer out. Raises StoreFailed."""
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        except OSError as error:
            raise StoreFailed(f"the index of copies cannot be written: {error.strerror}") from error
        finally:
            os.close(descriptor)

    def replace(self, parts: Sequence[tuple[str, Part]]) -> None:
        """Have these parts instead, in this order; one without a name is new. Only while writing."""
        named = []
        for name, part in parts:
            named.append(name or "part-" + secrets.token_hex(8))
            if not name:
                _save(part, self._folder / named[-1])
        partial = self._folder / f"{_MANIFEST}.partial"
        with partial.open("w", encoding="ascii") as file:
            file.write(json.dumps({"method": self._method, "parts": named}))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._folder / _MANIFEST)
        sync_folder(self._folder)
        for path in self._folder.glob("part-*"):
            if path.name not in named:
                shutil.rmtree(path, ignore_errors=True)

    def _stamp(self) -> tuple[int, int]:
        try:
            found = (self._folder / _MANIFEST).stat()
        except FileNotFoundError:
            return NOTHING.stamp
        return found.st_ino, found.st_mtime_ns

    def _names(self) -> list[str]:
        content = json.loads((self._folder / _MANIFEST).read_text("ascii"))
        if content["method"] != self._method:
            raise ValueError("the parts were made by another method or with another key")
        names = [str(name) for name in content["parts"]]
        if not all(_NAME.fullmatch(name) for name in names):
            raise ValueError("the manifest holds a name that is none")
        return names


def _save(part: Part, folder: Path) -> None:
    """Write a part, and have it on disk when this returns."""
    folder.mkdir(mode=0o700)
    for field in fields(part):
        with (folder / f"{field.name}.npy").open("wb") as file:
            np.save(file, getattr(part, field.name))
            file.flush()
            os.fsync(file.fileno())
    sync_folder(folder)


def _open(folder: Path) -> Part:
    """Map a part. Raises OSError, or ValueError for one that is not as it was saved."""
    mapped = {
        # As a plain array over the mapping: each operation on `np.memmap` itself costs microseconds more.
        field.name: np.asarray(np.load(folder / f"{field.name}.npy", mmap_mode="r"))
        for field in fields(Part)
    }
    part = Part(**mapped)
    shapes = (TABLES, (1 << KEY_BITS) + 1), (TABLES, int(part.offsets[0, -1]))
    if (part.offsets.shape, part.sides.shape) != shapes or len(part.marks) != len(part.numbers):
        raise ValueError("a part is not as it was saved")
    return part
