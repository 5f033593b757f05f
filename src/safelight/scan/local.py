"""Files of this machine: which there are, and how they are read.

Rules of this module
- Links to folders are not followed, so that no link to a parent has a walk go round; only regular files are opened, so
  that no pipe holds it up. Whatever else lies there is listed with its error.
- A file is named by its address. In it `%` and bytes that are no UTF-8 are percent-encoded, so that two names never
  have one address, and each leads back to its file.
"""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import unquote_to_bytes

from safelight.core.errors import BadInput, InputCode
from safelight.scan.model import FileError, Looked

_SCHEME = "file://"
_ENCODED = re.compile("[%\udc80-\udcff]")
"""`%`, and what Python makes of bytes that are no UTF-8."""
_PATTERN = re.compile(r"[*?\[{]")
_CHOICE = re.compile(r"\{([^{}]*)\}")


def is_local(address: str) -> bool:
    """Whether this is a path, or the address of a file of this machine."""
    return "://" not in address or address.startswith(_SCHEME)


def address_of(path: str) -> str:
    """What stands for an absolute path in the results: UTF-8 that leads back to it."""
    return _SCHEME + _ENCODED.sub(lambda found: f"%{os.fsencode(found[0])[0]:02X}", path)


def as_text(source: str) -> str:
    """A source as it can be written down: a path that is no UTF-8 becomes its address."""
    return source if source.isascii() or not _ENCODED.search(source) else address_of(str(Path(source).absolute()))


def read_local(address: str, most: int) -> bytes:
    """At most so many bytes from the beginning of a file. Raises OSError."""
    with Path(_path_of(address)).open("rb") as file:
        return file.read(most)


def files_of(source: str) -> Iterator[Looked]:
    """Every file of a folder, a pattern or a single name, as far as listing it tells. Raises BadInput where none is."""
    path = Path(_path_of(source)).absolute()
    if path.is_dir():
        found = _walk(str(path.resolve()))
    elif os.path.lexists(path):
        found = iter([_entry(str(path.resolve() if path.is_file() else path))])
    elif _PATTERN.search(source):
        found = (one for pattern in _choices(str(path)) for one in _fitting("/", Path(pattern).parts[1:]))
    else:
        raise BadInput(InputCode.FIELD_INVALID, f"There is no file or folder {as_text(source)}.", param="sources")
    first = next(found, None)
    if first is None:
        raise BadInput(InputCode.FIELD_INVALID, f"There is no file in {as_text(source)}.", param="sources")
    yield first
    yield from found


def _path_of(source: str) -> str:
    if not source.startswith(_SCHEME):
        return source
    return os.fsdecode(unquote_to_bytes(source.removeprefix(_SCHEME)))


def _walk(folder: str) -> Iterator[Looked]:
    """Everything below a folder that is no folder, and the folders that cannot be listed."""
    errors: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=errors.append):
        paths = [os.path.join(parent, name) for name in folders]  # noqa: PTH118 (a million times over)
        yield from (_entry(path) for path in paths if os.path.islink(path))  # noqa: PTH114 (as above)
        yield from (_entry(os.path.join(parent, name)) for name in names)  # noqa: PTH118 (as above)
    yield from (_unreadable(str(error.filename), error) for error in errors)


def _fitting(folder: str, wanted: Sequence[str]) -> Iterator[Looked]:
    """What below a folder fits a pattern, given part by part; `**` stands for any number of folders."""
    part, rest = wanted[0], wanted[1:]
    if part == "**":
        for one in _walk(folder):
            below = Path(os.path.relpath(_path_of(one.path), folder)).parts
            if one.error == FileError.UNREADABLE or _fits(below, wanted):
                yield one
        return
    if not _PATTERN.search(part):
        names = [part]
    else:
        try:
            names = sorted(name for name in os.listdir(folder) if fnmatchcase(name, part))  # noqa: PTH208
        except OSError as error:
            yield _unreadable(folder, error)
            return
    for path in (Path(folder, name) for name in names):
        if rest and path.is_dir():
            yield from _fitting(str(path), rest)
        elif not rest and os.path.lexists(path) and (path.is_symlink() or not path.is_dir()):
            yield _entry(str(path))


def _fits(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    if not wanted:
        return not parts
    if wanted[0] == "**":
        return _fits(parts, wanted[1:]) or (bool(parts) and _fits(parts[1:], wanted))
    return bool(parts) and fnmatchcase(parts[0], wanted[0]) and _fits(parts[1:], wanted[1:])


def _choices(pattern: str) -> Iterator[str]:
    """`{a,b}` once as `a` and once as `b`."""
    found = _CHOICE.search(pattern)
    if not found:
        yield pattern
        return
    for one in found[1].split(","):
        yield from _choices(pattern[: found.start()] + one + pattern[found.end() :])


def _entry(path: str) -> Looked:
    try:
        found = os.stat(path)  # noqa: PTH116 (a million times over)
    except OSError as error:
        return _unreadable(path, error)
    if stat.S_ISREG(found.st_mode):
        return Looked(address_of(path), found.st_size)
    what = "a link to a folder" if stat.S_ISDIR(found.st_mode) else "a pipe, a socket or a device"
    return Looked(address_of(path), 0, FileError.NOT_A_FILE.value, f"it is {what}, and not followed")


def _unreadable(path: str, error: OSError) -> Looked:
    return Looked(address_of(path), 0, FileError.UNREADABLE.value, f"{type(error).__name__}: {error.strerror}")
