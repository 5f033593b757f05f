"""The parts of the index of copies on this machine's disk: any number of processes share them, one at a time writes.

Rules of this module
- What is on disk is encrypted, and clear in memory that all processes share (`at_rest/`). Parts from before they were
  encrypted are written anew when the folder is opened.
- The database has everything; these files are made from it, and made again where they are missing, damaged, or of
  another method or key. So a reader that cannot use them says that there are none, and nothing is lost.
- A part is on disk under its name before the manifest names it, and the manifest is replaced by renaming: killed at any
  point, what stood before stands. Leftovers are removed by the next writer.

Left to others: which pictures are filed, and when (`copy_book.py`).
"""

import fcntl
import hmac
import json
import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import structlog

from safelight.core.errors import StoreFailed
from safelight.matching.at_rest.sealed import Seal, SealedFile, replace_text, sync_folder
from safelight.matching.at_rest.shared import PLACE, SharedMemory
from safelight.matching.copy_index import KEY_BITS, TABLES, Part

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
_UNSEEN = (-1, -1)


@dataclass(frozen=True, slots=True)
class _Manifest:
    method: str
    names: tuple[str, ...]
    newest: int
    """The highest number that is filed, so that who adds pictures need not open the parts."""
    code: str = ""
    """Of the installation's key; empty in one from before parts were encrypted."""


class CopyFiles:
    """The folder of one installation on this machine, which is made where it does not exist."""

    def __init__(self, folder: Path, method: str, secret: bytes, memory: Path = PLACE) -> None:
        """`method`: parts of another one are not used. `secret`: 32 bytes that serve nothing else. `memory`: where
        shared memory is; best left as it is. Raises StoreFailed.
        """
        self._folder = folder
        self._method = method
        self._seal = Seal(secret)
        self._shared = SharedMemory(self._seal.name(folder), memory)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreFailed(f"the folder of copies cannot be made: {error.strerror}") from error
        if self._is_unsealed():
            self._convert()

    @property
    def newest(self) -> int:
        """The highest number that is filed; 0 where nothing is, or nothing that can be used."""
        try:
            return self._manifest().newest
        except (OSError, ValueError):
            return 0

    def followed(self, filed: Filed) -> Filed:
        """The parts as they are now; `filed` itself where nothing has changed."""
        for _ in range(_MAX_REOPENINGS):
            stamp = self._stamp()
            if stamp == filed.stamp:
                return filed
            known = dict(filed.parts)
            try:
                files = [self._seal.file(self._folder / name) for name in self._manifest().names]
                parts = tuple((file.path.name, known.get(file.path.name) or self._open(file)) for file in files)
            except FileNotFoundError:
                continue  # A writer has merged the part away in between; its new manifest is there.
            except (OSError, ValueError) as error:
                log.warning("copies_filed_again", why=str(error))
                return Filed(stamp, ())
            self._shared.keep({file.mark for file in files})
            return Filed(stamp, parts)
        return Filed(self._stamp(), ())

    def followed_anew(self, filed: Filed) -> Filed:
        """As `followed`, whatever manifest it was that named the parts in hand; these are not read again."""
        return self.followed(Filed(_UNSEEN, filed.parts))

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
        self._remove_all_but(self._standing())  # What a killed writer left takes room that this one may need.
        named = []
        for name, part in parts:
            named.append(name or "part-" + secrets.token_hex(8))
            if not name:
                path = self._folder / named[-1]
                self._seal.write(path, [getattr(part, field.name) for field in fields(part)])
        sync_folder(self._folder)
        newest = max((int(part.numbers.max()) for _, part in parts if len(part)), default=0)
        manifest = _Manifest(self._method, tuple(named), newest)
        content = {"method": self._method, "parts": named, "newest": newest, "code": self._code(manifest)}
        replace_text(self._folder / _MANIFEST, json.dumps(content))
        self._remove_all_but(named)

    def _stamp(self) -> tuple[int, int]:
        try:
            found = (self._folder / _MANIFEST).stat()
        except FileNotFoundError:
            return NOTHING.stamp
        return found.st_ino, found.st_mtime_ns

    def _manifest(self) -> _Manifest:
        """As it stands, if it is of this key and method. Raises OSError, ValueError."""
        manifest = self._parsed()
        if not hmac.compare_digest(manifest.code.encode(), self._code(manifest).encode()):
            raise ValueError("the manifest was changed or is of another key")
        if manifest.method != self._method:
            raise ValueError("the parts were made by another method")
        return manifest

    def _parsed(self) -> _Manifest:
        """What the manifest says, its code unchecked. Raises OSError, ValueError."""
        try:
            content = json.loads((self._folder / _MANIFEST).read_text("ascii"))
            names, newest = tuple(map(str, content["parts"])), int(content.get("newest", 0))
            manifest = _Manifest(str(content["method"]), names, newest, str(content.get("code", "")))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("the manifest is none") from error
        if not all(_NAME.fullmatch(name) for name in names):
            raise ValueError("the manifest holds a name that is none")
        return manifest

    def _code(self, manifest: _Manifest) -> str:
        content = json.dumps([manifest.method, manifest.names, manifest.newest])
        return self._seal.code("manifest", content.encode()).hex()

    def _open(self, file: SealedFile) -> Part:
        """A part, in shared memory. Raises OSError, or ValueError for one that is not as it was written."""
        stored = file.parts(self._shared.mapped(file.mark, file.size, file.read))
        kinds = (np.int64, np.uint64, np.uint32, np.uint16)
        numbers, marks, offsets, sides = (one.view(kind) for one, kind in zip(stored, kinds, strict=True))
        return _checked(Part(numbers, marks, offsets.reshape(TABLES, -1), sides.reshape(TABLES, -1)))

    def _standing(self) -> Collection[str]:
        try:
            return self._parsed().names
        except (OSError, ValueError):
            return ()

    def _remove_all_but(self, names: Collection[str]) -> None:
        for path in self._folder.glob("part-*"):
            if path.name not in names:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    # As it was kept before it was encrypted: a part was a folder of `.npy` files, and the manifest had no code. ------

    def _is_unsealed(self) -> bool:
        """Whether anything here is from then; what a killed conversion left counts too."""
        is_told = (self._folder / _MANIFEST).exists() and not self._is_sealed()
        return is_told or any(path.is_dir() for path in self._folder.glob("part-*"))

    def _is_sealed(self) -> bool:
        try:
            return bool(self._parsed().code)
        except (OSError, ValueError):
            return False

    def _convert(self) -> None:
        """Write parts from then anew, as far as they can be used. Killed at any point, the old ones stand."""
        with self.writing():
            if self._is_sealed():
                self._remove_all_but(self._standing())
                return
            parts: list[tuple[str, Part]] = []
            try:
                manifest = self._parsed()
                if manifest.method == self._method:
                    parts = [("", _open_unsealed(self._folder / name)) for name in manifest.names]
            except (OSError, ValueError, EOFError, IndexError) as error:
                log.warning("copies_filed_again", why=str(error))
            log.info("copies_are_encrypted_now", parts=len(parts))
            self.replace(parts)


def _checked(part: Part) -> Part:
    shapes = (TABLES, (1 << KEY_BITS) + 1), (TABLES, int(part.offsets[0, -1]))
    if (part.offsets.shape, part.sides.shape) != shapes or len(part.marks) != len(part.numbers):
        raise ValueError("a part is not as it was saved")
    return part


def _open_unsealed(folder: Path) -> Part:
    """Map a part of before. Raises OSError, ValueError."""
    mapped = {field.name: np.asarray(np.load(folder / f"{field.name}.npy", mmap_mode="r")) for field in fields(Part)}
    return _checked(Part(**mapped))
