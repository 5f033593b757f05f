"""From bytes to the outline of the picture in them: the type is told by content, never by name."""

import struct

from safelight.core.errors import BadInput, InputCode
from safelight.signals.image.containers import bmp, gif, isobmff, jpeg, png, webp
from safelight.signals.image.containers.model import Outline, corrupt, unsupported


def outline(content: bytes) -> Outline:
    """The outline of the one picture in `content`.

    Raises BadInput: IMAGE_EMPTY, IMAGE_UNSUPPORTED, IMAGE_CORRUPT or IMAGE_AMBIGUOUS.
    """
    if not content:
        raise BadInput(InputCode.IMAGE_EMPTY, "the image has no bytes; send the picture itself")
    try:
        found = _outline(content)
    except (struct.error, IndexError) as error:
        raise corrupt("the file ends before its picture does") from error
    # Only a decoder knows the size of an AVIF sequence, which is the one outline without frames.
    if found.frames and not (found.width and found.height):
        raise corrupt("the picture has no width or no height")
    return found


def _outline(content: bytes) -> Outline:
    if content.startswith(png.SIGNATURE):
        return png.outline_png(content)
    if content.startswith(jpeg.SIGNATURE):
        return jpeg.outline_jpeg(content)
    if webp.is_webp(content):
        return webp.outline_webp(content)
    if content.startswith(gif.SIGNATURES):
        return gif.outline_gif(content)
    if content.startswith(bmp.SIGNATURE):
        return bmp.outline_bmp(content)
    if isobmff.is_isobmff(content):
        return isobmff.outline_isobmff(content)
    raise unsupported("the file is no picture that the gate reads")
