"""An operator's own copy model (such as SSCD, where its licence allows): vectors, near for copies. Off by default.

Rules of this module
- The model is an ONNX file that the operator names: one input (pictures, 3, height, width), one output (pictures,
  numbers). It sees RGB as most such models do: resized to its input, 288 where that is open, and normalised by the
  means and deviations of ImageNet. Vectors are compared by cosine.
- A vector is kept beside the features of a picture, sealed with them, under a mark of the model: another file's vectors
  are never compared. What was registered without the model is found by features alone.
- It speaks by itself, above the operator's bound. We have measured none: the bound is theirs to find.

Source of the default bound: SSCD's authors give 90 % precision at a cosine of 0.75 (Pizzi et al. 2022).
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from safelight.core.errors import NotStartable
from safelight.matching.pdq import Frame

Vector = NDArray[np.float32]
MARK_BYTES = 8
_OPEN_SIDE_PX = 288
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


class CopyModel(Protocol):
    """Gives vectors that are near for copies of a picture."""

    mark: bytes
    """Eight bytes that stand for the model."""
    least: float
    """The cosine from which two pictures are copies."""

    def vector(self, frame: Frame) -> Vector:
        """Of length one."""


class OnnxCopyModel:
    """The port, over a file."""

    def __init__(self, file: Path, least: float) -> None:
        """Raises NotStartable for a file that is no such model."""
        try:
            content = file.read_bytes()
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            options.log_severity_level = 3
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            (wanted,) = self._session.get_inputs()
            _, channels, height, width = wanted.shape
        except Exception as error:  # onnxruntime's errors share no class
            raise NotStartable(f"The copy model {file} is no ONNX file with one input of pictures: {error}") from error
        if channels != 3:
            raise NotStartable(f"The copy model {file} takes {channels} channels; pictures have 3.")
        self._size = tuple(side if isinstance(side, int) else _OPEN_SIDE_PX for side in (width, height))
        self._input = wanted.name
        self.mark = hashlib.sha256(content).digest()[:MARK_BYTES]
        self.least = least

    def vector(self, frame: Frame) -> Vector:
        """As the port says."""
        way = cv2.INTER_AREA if min(frame.shape[:2]) > min(self._size) else cv2.INTER_LINEAR
        pixels = np.asarray(cv2.resize(frame, self._size, interpolation=way), np.float32) / 255
        asked = ((pixels - _MEAN) / _DEVIATION).transpose(2, 0, 1)[None]
        numbers = np.asarray(self._session.run(None, {self._input: asked})[0], np.float32).ravel()
        return numbers / max(float(np.linalg.norm(numbers)), 1e-12)


def open_model(file: Path | None, least: float) -> CopyModel | None:
    """The model that the settings name, if they name one. Raises NotStartable."""
    return OnnxCopyModel(file, least) if file else None


def kept_vector(model: CopyModel, vector: Vector) -> bytes:
    """As it is kept."""
    return model.mark + vector.astype("<f2").tobytes()


class Vectors:
    """Vectors of one model, by the numbers of their pictures. Replaced as a whole."""

    def __init__(self, model: CopyModel, rows: Mapping[int, bytes]) -> None:
        """`rows`: numbers, and what is kept of each; other models' are left out."""
        self.rows = rows
        mine = [(number, kept[MARK_BYTES:]) for number, kept in rows.items() if kept[:MARK_BYTES] == model.mark]
        self._least = model.least
        self._numbers = [number for number, _ in mine]
        self._matrix = np.frombuffer(b"".join(kept for _, kept in mine), "<f2").astype(np.float32)
        self._matrix = self._matrix.reshape(len(mine), -1) if mine else self._matrix.reshape(0, 1)

    def near(self, vector: Vector) -> list[tuple[int, float]]:
        """Numbers and cosines of the pictures that are copies, the nearest first."""
        if not self._numbers:
            return []
        cosines = self._matrix @ vector
        order = np.argsort(-cosines)
        return [(self._numbers[at], float(cosines[at])) for at in order[: int((cosines >= self._least).sum())]]
