"""A picture of the operator's disk, read by the one safe decoding."""

from pathlib import Path

from safelight.cli.files import read_bytes
from safelight.core.limits import DEFAULT_LIMITS
from safelight.core.request import Upload
from safelight.signals.image.decode import decode
from safelight.signals.model import Picture, PictureRole


def read_picture(photo: Path) -> tuple[bytes, Picture]:
    """The file and the picture in it. Raises BadInput."""
    content = read_bytes(photo, "photo")
    return content, decode(Upload(content, ""), role=PictureRole.PHOTO, where="photo", limits=DEFAULT_LIMITS)
