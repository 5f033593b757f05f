"""What the mask of an edit covers: the region of the photo that is to be painted anew.

A transparent mask says so by alpha 0 (as the OpenAI edit route defines it); one without transparency by white on black.
Where a face is found in the photo, the body below it is estimated as a box in proportion to the face: two and a half
face widths wide, five face heights down from the chin. It is an estimate, good for asking "does this
mask lie on somebody's body?", and blind to people whose face does not show.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from safelight.core.errors import BadInput, DetectorUnfit, InputCode
from safelight.core.signal import Signal, SignalKind, SignalSpec
from safelight.signals.image.faces import YUNET, Face, FaceFinder
from safelight.signals.model import Found, Picture, PictureRole, View

_PREPARATION = 1
_COVERED_BELOW_ALPHA = 128
_COVERED_FROM_GREY = 128
_HALF_WIDTH_IN_FACES = 1.25
_HEIGHT_IN_FACES = 5.0
"""Of YuNet's boxes, which reach from hairline to chin: an adult stands about seven and a half heads tall, and a mask
that matters covers some of the trunk and thighs."""

Covered = NDArray[np.bool_]


def check_mask(mask: Picture, photo: Picture) -> None:
    """Whether `mask` fits `photo`. Raises BadInput(MASK_INVALID) with the way out where it does not."""
    if (mask.width, mask.height) != (photo.width, photo.height):
        raise BadInput(
            InputCode.MASK_INVALID,
            f"the mask has {mask.width} × {mask.height} pixels and the photo {photo.width} × {photo.height}; "
            "send a mask of the photo's size",
            param="mask",
        )


def covered(mask: Picture) -> Covered:
    """(height, width), True where the mask asks for new paint.

    A mask that covers nothing by its own rule is taken to cover everything: a model may read it the other way round.
    """
    if mask.alpha is not None:
        region = mask.alpha < _COVERED_BELOW_ALPHA
    else:
        region = np.asarray(cv2.cvtColor(mask.frames[0], cv2.COLOR_RGB2GRAY)) >= _COVERED_FROM_GREY
    return region if region.any() else np.ones_like(region)


class MaskDetector:
    """`image_mask`: how much of the picture, and how much of a body, the mask covers."""

    name = "image_mask"

    def __init__(self) -> None:
        self._finder = FaceFinder()

    @property
    def version(self) -> str:
        """Preparation and the face model."""
        return f"{_PREPARATION}-{YUNET.version}"

    @property
    def emits(self) -> tuple[SignalSpec, ...]:
        """Two shares, of the first photo only: it is the one that a mask belongs to."""
        return (
            SignalSpec("photo_mask_share", SignalKind.SCORE, "Share of the photo that the mask covers.", 0.0),
            SignalSpec(
                "photo_mask_on_body",
                SignalKind.SCORE,
                "Share of somebody's estimated body, in the photo, that the mask covers.",
                0.0,
            ),
        )

    def load(self) -> None:
        """Open the face model. Raises DetectorUnfit."""
        self._finder.load()

    def verify(self) -> None:
        """Measure a mask over half of a body drawn by rule. Raises DetectorUnfit when the share is another."""
        face = Face(90, 10, 20, 20, 1.0, np.zeros((5, 2)))
        region = np.zeros((200, 200), bool)
        region[:, :100] = True
        share = _share_of_body(region, face)
        if not 0.45 < share < 0.55 or self._finder.find(np.zeros((64, 64, 3), np.uint8)):
            raise DetectorUnfit(f"image_mask measured {share:.2f} where a half was covered; install Safelight again")

    def wants(self, view: View) -> bool:
        """Whether there is a photo and something that says which part of it is to be painted."""
        return _mask_and_photo(view) is not None

    def observe(self, view: View) -> Found:
        """Measure the mask. Where several people are shown, the most covered one speaks."""
        pair = _mask_and_photo(view)
        if pair is None:
            return Found()
        mask, photo = pair
        region = covered(mask)
        if region.shape != photo.frames[0].shape[:2]:
            size = (photo.width, photo.height)
            region = cv2.resize(region.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        bodies = [_share_of_body(region, face) for face in self._finder.find(photo.frames[0])]
        source = f"{self.name}@{self.version}"
        return Found(
            (
                Signal("photo_mask_share", float(region.mean()), source, mask.where),
                Signal("photo_mask_on_body", max(bodies, default=0.0), source, mask.where),
            )
        )


def _mask_and_photo(view: View) -> tuple[Picture, Picture] | None:
    """The mask and the first photo; without a mask, a photo's own transparency is one (OpenAI edits)."""
    masks = [picture for picture in view.pictures if picture.role is PictureRole.MASK]
    photos = [picture for picture in view.pictures if picture.role is PictureRole.PHOTO]
    if photos and not masks and photos[0].alpha is not None:
        masks = photos[:1]
    return (masks[0], photos[0]) if masks and photos else None


def _share_of_body(region: Covered, face: Face) -> float:
    """Share of the box below `face`, as far as it lies in the picture, that `region` covers; 0 to 1."""
    turned = np.rot90(region, face.turns)
    middle, chin = face.left + face.width / 2, face.top + face.height
    left = max(0, round(middle - _HALF_WIDTH_IN_FACES * face.width))
    right = round(middle + _HALF_WIDTH_IN_FACES * face.width)
    body = turned[max(0, round(chin)) : round(chin + _HEIGHT_IN_FACES * face.height), left : max(left, right)]
    return float(body.mean()) if body.size else 0.0
