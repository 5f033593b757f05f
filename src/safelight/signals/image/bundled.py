"""Models whose weights ship inside installed packages: found, checked against a known digest, and opened.

No package is imported for its model: importing some of them pulls in native libraries that the gate does not need.
"""

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import cv2
import onnxruntime

from safelight.core.errors import DetectorUnfit
from safelight.signals.image.simplify import simplified
from safelight.signals.sessions import open_session


@dataclass(frozen=True, slots=True)
class BundledModel:
    """One ONNX file inside an installed package."""

    package: str
    """The import name."""
    path: str
    """Inside the package, with forward slashes."""
    sha256: str
    """Hex. The detector's version is made of it, and another file is refused: its scores would mean something else."""
    blocked_layout: bool = True
    """Whether onnxruntime may lay tensors out in blocks of channels, which speeds most models up and slows one down."""
    simplify: bool = False
    """Whether the exporter spelt operations out that are faster in one piece (`simplify.py`)."""

    @property
    def version(self) -> str:
        """The first twelve digits of the digest."""
        return self.sha256[:12]


def read_model(model: BundledModel) -> bytes:
    """The file as it was tested.

    Raises DetectorUnfit when the package is not installed, or when the file is missing or different.
    """
    spec = importlib.util.find_spec(model.package)
    if spec is None or not spec.submodule_search_locations:
        raise DetectorUnfit(f"the package {model.package} is not installed; install Safelight's dependencies again")
    file = Path(spec.submodule_search_locations[0], model.path)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DetectorUnfit(f"{model.package} holds no {model.path}; install its pinned version") from error
    if hashlib.sha256(content).hexdigest() != model.sha256:
        raise DetectorUnfit(f"{model.package}/{model.path} is not the file that was tested; install its pinned version")
    return content


def multiplies_bytes(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor adds up products of bytes in 32 bits (VNNI on x86, dot products on ARM).

    Without, a model in eight bits is hardly faster, and on x86 its sums may be cut off at 16 bits.
    """
    try:
        words = set(cpuinfo.read_text().split())
    except OSError:
        return False
    return not words.isdisjoint({"avx512_vnni", "avx_vnni", "asimddp"})


def open_model(model: BundledModel) -> onnxruntime.InferenceSession:
    """A session (`signals/sessions.py`); several threads of the caller may run it at once.

    Raises DetectorUnfit as `read_model` does, and when the file will not open.
    """
    content = read_model(model)
    try:
        return open_session(simplified(content) if model.simplify else content, blocked_layout=model.blocked_layout)
    except Exception as error:
        raise DetectorUnfit(f"{model.package}/{model.path} does not open: {error}") from error


def use_one_core() -> None:
    """Keep OpenCV on the thread that calls it.

    The setting is the process's. It is made when a detector loads, not at import, because the gate runs detectors side
    by side already: OpenCV's own pool would only make them wait for one another, and each of its threads holds memory.
    """
    cv2.setNumThreads(1)
