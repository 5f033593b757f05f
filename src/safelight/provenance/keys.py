"""The watermark's keys in a folder: the newest marks, and every one is tried on reading."""

from collections.abc import Sequence
from pathlib import Path

from safelight.core.errors import BadInput, InputCode
from safelight.provenance.watermark import WatermarkKey
from safelight.store.database import make_data_dir

_FIRST = 1
_SUFFIX = ".key"


def load_or_make(folder: Path) -> tuple[WatermarkKey, ...]:
    """The keys in `folder`, newest first; one is made there where there is none. Raises NotStartable."""
    for one in (folder.parent, folder):
        make_data_dir(one)
    paths = _paths(folder) or [_path(folder, _FIRST)]
    return tuple(WatermarkKey.load_or_make(path) for path in reversed(paths))


def present(folder: Path) -> tuple[WatermarkKey, ...]:
    """The keys in `folder`, newest first, if there are any. Raises NotStartable."""
    return tuple(WatermarkKey.load_or_make(path) for path in reversed(_paths(folder)))


def rotate(folder: Path) -> WatermarkKey:
    """Make a new key, which marks from the next start on; the old ones stay for reading.

    Raises BadInput where there is no key yet, since no service ever marked from there, and NotStartable.
    """
    if not _paths(folder):
        message = (
            f"There is no watermark key in {folder}: the first is made when the service starts. Name its --data-dir."
        )
        raise BadInput(InputCode.FIELD_INVALID, message, param="data_dir")
    return WatermarkKey.load_or_make(_path(folder, _FIRST + max(int(path.stem) for path in _paths(folder))))


def _paths(folder: Path) -> Sequence[Path]:
    return sorted(path for path in folder.glob(f"*{_SUFFIX}") if path.stem.isdecimal())


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:04d}{_SUFFIX}"
