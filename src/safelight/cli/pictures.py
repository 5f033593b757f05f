"""A picture of the operator's disk, read by the one safe decoding."""

from pathlib import Path

from safelight.core.errors import BadInput, InputCode
from safelight.core.limits import DEFAULT_LIMITS
from safelight.core.request import Upload
from safelight.signals.image.decode import decode
from safelight.signals.model import Picture, PictureRole


def read_picture(photo: Path) -> tuple[bytes, Picture]:
    """The file and the picture in it. Raises BadInput."""
    if photo.exists() and not photo.is_file():  # nobody may ever write into a pipe
        raise BadInput(InputCode.FIELD_INVALID, f"{photo} is no file but a folder, a pipe or a device.", param="photo")
    try:
        content = photo.read_bytes()
    except OSError as error:
        raise BadInput(InputCode.FIELD_INVALID, f"{photo} cannot be read: {error.strerror}.", param="photo") from error
    return content, decode(Upload(content, ""), role=PictureRole.PHOTO, where="photo", limits=DEFAULT_LIMITS)
