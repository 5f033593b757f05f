"""Changes a photo as an EditPlan says: a new background, a new sky, a tone. Pure: pictures in, a picture out."""

import cv2
import numpy as np
from numpy.typing import NDArray

from safelight.backends.sketch.scene import draw_scene
from safelight.backends.sketch.subject import subject_weight
from safelight.backends.sketch.words import EditPlan, Light, ScenePlan, Tone

Picture = NDArray[np.uint8]
Weight = NDArray[np.float32]


def edit_photo(photo: Picture, region: Weight | None, plan: EditPlan) -> Picture:
    """`photo` (height, width, 3) changed where `region` (height, width; 1 is to be changed) says, or all over."""
    changed = photo
    if plan.blurs_background:
        changed = mixed(photo, _blurred(photo, 0.03), subject_weight(photo))
    elif plan.scene is not None:
        changed = _with_scene(photo, region, plan.scene, only_sky=plan.only_sky)
    for tone in plan.tones:
        changed = _toned(changed, tone)
    return changed if region is None else mixed(changed, photo, region)


def vary_photo(photo: Picture, seed: int) -> Picture:
    """A variation: mirrored, nearer, and in slightly turned colours."""
    height, width = photo.shape[:2]
    # At most an eighth of each side, and nothing of one too short to give any.
    margin_y, margin_x = height // 24 + seed % (1 + height // 12), width // 24 + seed % (1 + width // 12)
    nearer = photo[margin_y : height - margin_y, margin_x : width - margin_x][:, ::-1]
    enlarged = cv2.resize(nearer, (width, height), interpolation=cv2.INTER_LINEAR)
    colours = cv2.cvtColor(enlarged, cv2.COLOR_RGB2HSV)
    turn = np.array([2 + seed % 5, 12, 0], np.int16)
    colours = np.clip(colours.astype(np.int16) + turn, 0, (359, 255, 255)).astype(np.uint16)
    colours[..., 0] %= 180
    return _rgb(cv2.cvtColor(colours.astype(np.uint8), cv2.COLOR_HSV2RGB))


def mixed(front: Picture, back: Picture, weight: Weight) -> Picture:
    """`front` where `weight` is 1, `back` where it is 0."""
    return _rgb(cv2.blendLinear(front, back, weight, 1 - weight))


def _with_scene(photo: Picture, region: Weight | None, plan: ScenePlan, *, only_sky: bool) -> Picture:
    height, width = photo.shape[:2]
    scene = draw_scene(plan, width, height)
    if region is not None:
        return scene
    front = photo
    if plan.light is Light.SUNSET:
        front = _toned(photo, Tone.WARMER)
    elif plan.light is Light.NIGHT:
        front = _toned(_toned(photo, Tone.DARKER), Tone.COOLER)
    kept = subject_weight(photo)
    if only_sky:
        fall = np.clip((np.arange(height, dtype=np.float32) / height - 0.45) * 8, 0, 1)
        kept = np.maximum(kept, fall[:, None])
    return mixed(front, scene, kept)


def _toned(photo: Picture, tone: Tone) -> Picture:
    match tone:
        case Tone.GREY:
            return _rgb(cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB))
        case Tone.SEPIA:
            # The usual sepia weights, as in the W3C filter effects specification (sepia, amount 1).
            rows = [[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]]
            return _rgb(cv2.transform(photo, np.array(rows)))
        case Tone.BRIGHTER:
            return _rgb(cv2.convertScaleAbs(photo, alpha=1.12, beta=22))
        case Tone.DARKER:
            return _rgb(cv2.convertScaleAbs(photo, alpha=0.62))
        case Tone.WARMER:
            return _rgb(cv2.transform(photo, np.diag([1.12, 1.0, 0.8])))
        case Tone.COOLER:
            return _rgb(cv2.transform(photo, np.diag([0.82, 0.98, 1.14])))
        case Tone.CONTRAST:
            return _rgb(cv2.addWeighted(photo, 1.4, photo, 0, -50))
        case Tone.BLUR:
            return _blurred(photo, 0.02)
        case Tone.SHARPEN:
            return _rgb(cv2.addWeighted(photo, 1.8, _blurred(photo, 0.004), -0.8, 0))
        case Tone.MIRROR:
            return _rgb(cv2.flip(photo, 1))
        case Tone.VIGNETTE:
            return _vignetted(photo)
        case Tone.FRAME:
            return _framed(photo)


def _rgb(picture: object) -> Picture:
    """OpenCV's wide return type, narrowed to what these calls give for 8-bit pictures."""
    return np.asarray(picture, np.uint8)


def _blurred(photo: Picture, part: float) -> Picture:
    """Blurred over `part` of the longer side; two box filters are near enough to a Gaussian, and quick."""
    size = max(1, round(max(photo.shape[:2]) * part)) * 2 + 1
    return _rgb(cv2.blur(cv2.blur(photo, (size, size)), (size, size)))


def _vignetted(photo: Picture) -> Picture:
    height, width = photo.shape[:2]
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    weight = np.clip(1.25 - 0.55 * (x[None, :] ** 2 + y[:, None] ** 2), 0.15, 1).astype(np.float32)
    return mixed(photo, np.zeros_like(photo), weight)


def _framed(photo: Picture) -> Picture:
    height, width = photo.shape[:2]
    outer, inner = max(2, min(height, width) // 16), max(1, min(height, width) // 100)
    framed = photo.copy()
    for thick, colour in ((outer, (58, 44, 34)), (inner, (212, 180, 120))):
        start = 0 if thick == outer else outer
        cv2.rectangle(framed, (start, start), (width - 1 - start, height - 1 - start), colour, thick * 2)
    return framed
