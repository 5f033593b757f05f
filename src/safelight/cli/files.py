"""Files that a command line names: one that cannot be read or written is one error, which says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safelight.core.errors import BadInput, InputCode


def read_bytes(file: Path, param: str) -> bytes:
    """What is in the file that the argument or option `param` names. Raises BadInput."""
    if file.exists() and not file.is_file():  # nobody may ever write into a pipe
        raise _unreadable(file, "it is no file but a folder, a pipe or a device", param)
    try:
        return file.read_bytes()
    except OSError as error:
        raise _unreadable(file, error.strerror, param) from error


def read_text(file: Path, param: str) -> str:
    """As `read_bytes`, as UTF-8. Raises BadInput."""
    try:
        return read_bytes(file, param).decode()
    except UnicodeDecodeError as error:
        raise BadInput(InputCode.FIELD_INVALID, f"{file} is not UTF-8: save it as that.", param=param) from error


@contextmanager
def writing(path: Path, param: str) -> Iterator[None]:
    """Around writing what the argument or option `param` names. Raises BadInput when it cannot be written."""
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        message = f"{path} cannot be written: {why}. Name a place that is there and that you may write to."
        raise BadInput(InputCode.FIELD_INVALID, message, param=param) from error


def _unreadable(file: Path, why: str | None, param: str) -> BadInput:
    message = f"{file} cannot be read: {why}. Name a file that is there and that you may read."
    return BadInput(InputCode.FIELD_INVALID, message, param=param)
