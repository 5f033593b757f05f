"""A file with a secret key: read it, or make it once, whole, and readable by its owner only.

Rules of this module
- Several processes that start at once all get the one key: it is written beside its place, synced, and linked there,
  which only the first of them can do. Nobody ever reads half of a key.
- A key that is there and unfit is an error with a next step. It is never replaced: that would be another key.
"""

import os
import secrets
from pathlib import Path

from safelight.core.errors import NotStartable

KEY_BYTES = 32


def load_or_make(
    path: Path, what: str, *, size_bytes: int = KEY_BYTES, if_lost: str = "restore it from backup"
) -> bytes:
    """The `size_bytes` of the key at `path`; random ones where there is no such file. Raises NotStartable.

    `what` names the key in errors, such as "the log's key"; `if_lost` says what to do when the file is unfit.
    """
    try:
        key = _read(path) or _make(path, secrets.token_bytes(size_bytes))
    except OSError as error:
        raise NotStartable(f"{what} {path} cannot be read or made: {error.strerror}; look at the folder") from error
    if len(key) != size_bytes:
        raise NotStartable(f"{what} {path} must have {size_bytes} bytes, not {len(key)}; {if_lost}")
    return key


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _make(path: Path, key: bytes) -> bytes:
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:  # another process was first
            return path.read_bytes()
        _sync(path.parent)
        return key
    finally:
        fresh.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Have the folder's new entry on the disk too: a key that is used must not be gone after a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
