"""Where clear bytes of an index are kept: in memory that processes share, and never on a disk.

Rules of this module
- A file of shared memory is whole before it gets its name: whoever is killed while filling it leaves a file that nobody
  reads and the next one removes. One process fills it, the others wait and map the same.
- Who maps a file holds a lock on it, which ends with the process, however it ends. The last to let go removes the file;
  what killed ones left is mapped again where it is wanted, and else removed by the next process that opens the index.
- Folder and files are the owner's alone, and a folder that somebody else has made is not used.
- Where there is no room, or no shared memory, each process has its own memory, and the log says what to do. It costs
  memory, never an answer.

Left to others: what the bytes are, and their names, which must tell nothing (`sealed.py`).
"""

import fcntl
import os
import weakref
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from safelight.matching.at_rest import pages
from safelight.matching.at_rest.sealed import Put

log = structlog.get_logger()
PLACE = Path("/dev/shm")  # noqa: S108 (files here are memory; that it is, and whose they are, is looked at below)
SHARED_FROM = 1 << 20
"""Bytes. Less than that is not worth a file: each process has it for itself."""
_MEMORY = ("tmpfs", "ramfs")
_PARTIAL = ".partial"
_MAX_TRIES = 20

Fill = Callable[[Put], None]
"""Puts all bytes where they belong."""


class _Unusable(Exception):
    """Shared memory cannot be used here; the message says why."""


class SharedMemory:
    """The shared memory of one index, under a name that tells nothing."""

    def __init__(self, name: str, place: Path = PLACE) -> None:
        self._folder = place / f"safelight-{name}"
        self._has_told = False

    def mapped(self, name: str, size: int, fill: Fill) -> NDArray[np.uint8]:
        """`size` bytes as `fill` puts them, read-only, and shared under `name` where that can be.

        Raises what `fill` does.
        """
        if size >= SHARED_FROM:
            try:
                return self._shared(name, size, fill)
            except _Unusable as error:
                self._tell(size, error)
        return own_memory(size, fill)

    def keep(self, names: Collection[str]) -> None:
        """Remove what has none of these names and nobody maps: killed processes left it."""
        if not self._folder.exists():
            return
        with suppress(_Unusable, OSError), self._locked() as folder:
            for name in _names(folder):
                if name not in names:
                    _remove_unheld(folder, name)

    def _shared(self, name: str, size: int, fill: Fill) -> NDArray[np.uint8]:
        with self._locked() as folder:
            held = self._held(folder, name, size)
            if held is None:
                self._make(folder, name, size, fill)
                held = self._held(folder, name, size)
            if held is None:
                raise _Unusable("a file of shared memory was gone at once")
        try:
            mapping, memory = pages.mapped(held, size)
        except OSError as error:
            os.close(held)
            raise _Unusable(str(error.strerror)) from error
        weakref.finalize(mapping, _let_go, self._folder, name, held, os.getpid())
        # Whoever made the file may be gone before its pages are large; where they are, this costs next to nothing.
        pages.enlarge(mapping, memory)
        return memory

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The folder, which is made where it is not there, with no other process at its names."""
        folder = self._opened()
        try:
            yield folder
        finally:
            os.close(folder)

    def _opened(self) -> int:
        if not _is_memory(self._folder.parent):
            raise _Unusable(f"{self._folder.parent} is not memory")
        for _ in range(_MAX_TRIES):
            try:
                with suppress(FileExistsError):
                    self._folder.mkdir(mode=0o700)
                folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            except FileNotFoundError:
                continue  # the last process to leave has removed it in between
            except OSError as error:
                raise _Unusable(str(error.strerror)) from error
            fcntl.flock(folder, fcntl.LOCK_EX)
            status = os.fstat(folder)
            if status.st_uid != os.geteuid() or status.st_mode & 0o077:
                os.close(folder)
                raise _Unusable(f"{self._folder} is not this account's alone")
            if _is_at(self._folder, status):
                return folder
            os.close(folder)
        raise _Unusable(f"{self._folder} does not stay")

    def _held(self, folder: int, name: str, size: int) -> int | None:
        """The file of this name, held; none where there is none."""
        try:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _Unusable(str(error.strerror)) from error
        fcntl.flock(file, fcntl.LOCK_SH)
        status = os.fstat(file)
        if status.st_nlink and status.st_size == size and status.st_uid == os.geteuid():
            return file
        os.close(file)
        return None

    def _make(self, folder: int, name: str, size: int, fill: Fill) -> None:
        partial = name + _PARTIAL
        try:
            for old in _names(folder):
                if old.endswith(_PARTIAL):
                    os.unlink(old, dir_fd=folder)
            room = os.fstatvfs(folder)
            if room.f_blocks and room.f_bavail * room.f_frsize < size:
                raise _Unusable("there is no room")
            file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
        except OSError as error:
            raise _Unusable(str(error.strerror)) from error

        def put(start: int, piece: memoryview) -> None:
            # Written rather than mapped: where memory ends, this is an error, and that would be the end of the process.
            written = 0
            try:
                while written < len(piece):
                    written += os.pwrite(file, piece[written:], start + written)
            except OSError as error:
                raise _Unusable(str(error.strerror)) from error

        try:
            fill(put)
            os.ftruncate(file, size)
            os.rename(partial, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            os.unlink(partial, dir_fd=folder)
            raise
        finally:
            os.close(file)

    def _tell(self, size: int, why: Exception) -> None:
        if not self._has_told:
            self._has_told = True
            log.warning(
                "index_memory_is_not_shared",
                why=str(why),
                mb=size >> 20,
                next_step="each process keeps a copy of its own; make /dev/shm larger (Docker: --shm-size)",
            )


def own_memory(size: int, fill: Fill) -> NDArray[np.uint8]:
    """`size` bytes as `fill` puts them, read-only, for this process alone."""
    memory = np.empty(size, np.uint8)

    def put(start: int, piece: memoryview) -> None:
        memory[start : start + len(piece)] = piece

    fill(put)
    memory.flags.writeable = False
    return memory


def _let_go(folder: Path, name: str, held: int, owner: int) -> None:
    """Nobody here maps the file any more: where nobody else does, it goes. Called once, at the latest when all ends."""
    if os.getpid() == owner:  # a child that was forked shares its parent's lock
        with suppress(OSError):
            _remove_last(folder, name, held)
    os.close(held)


def _remove_last(path: Path, name: str, held: int) -> None:
    """Raises OSError where somebody else is at it. Never waits: this very thread may have the lock."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(path / name, os.fstat(held)):
            os.unlink(name, dir_fd=folder)
        path.rmdir()
    finally:
        os.close(folder)


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def _remove_unheld(folder: int, name: str) -> None:
    """Remove a file that no process maps. Only with the folder locked."""
    with suppress(OSError):
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name, dir_fd=folder)
        finally:
            os.close(file)


def _is_at(path: Path, status: os.stat_result) -> bool:
    """Whether the path still leads to what has this status."""
    try:
        return os.path.samestat(path.lstat(), status)
    except FileNotFoundError:
        return False


def _is_memory(place: Path) -> bool:
    """Whether what is written there stays in memory; false where this cannot be known."""
    try:
        device = place.stat().st_dev
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return False
    # As in proc_pid_mountinfo(5): the device is the third field, the type stands after a lone hyphen.
    here = f"{os.major(device)}:{os.minor(device)}"
    kinds = {line.partition(" - ")[2].split()[0] for line in mounts if line.split()[2] == here}
    return bool(kinds) and kinds <= set(_MEMORY)
