"""What a worker does with one file: read it, decode it, hash it, describe it, ask the detectors.

Rules of this module
- It knows no bank and no key: hashes go back to the machine that holds them, so that a cluster learns no list.
- Whatever goes wrong with a file is told as its error. Nothing that a file holds stops a scan.
- A file is decoded by the one safe decoding, within the limits of the gate, so what is said of a file here is what the
  gate would say of it as an upload.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import cv2

from safelight.core.category import Stage as GateStage
from safelight.core.errors import BadInput, DetectorUnfit, InputCode
from safelight.core.limits import DEFAULT_LIMITS, Limits
from safelight.core.request import Upload
from safelight.core.signal import Combine
from safelight.matching.copies import packed
from safelight.matching.copy_index import asked_features
from safelight.matching.fingerprints import file_digests
from safelight.matching.known import hashes_of
from safelight.matching.pdq import Pdq
from safelight.scan.errors import ScanFailed
from safelight.scan.model import FileError, Looked, Stage
from safelight.signals.image.decode import decode
from safelight.signals.model import Picture, PictureRole, View
from safelight.signals.ports import Detector

_WHY_MAX_CHARS = 200
_AHEAD = 2
"""Files read while another is looked at: a store is slow to answer, and a file may have 50 MB."""

Reader = Callable[[str, int], bytes]
"""From a path and a number of bytes to at most so many bytes from the beginning. Raises OSError and the store's own."""
Note = Callable[[str, int], object]
"""Told path and size of the file that is looked at from now on, and an empty path when that is done."""


class Looker:
    """One worker. Opening loads the detectors. Raises ScanFailed where one is unfit."""

    def __init__(
        self,
        read: Reader,
        detectors: Sequence[Detector] = (),
        *,
        describes: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        note: Note = lambda _path, _size: None,
    ) -> None:
        """`describes`: whether features are made too, by which cropped and turned copies are found."""
        self._describes = describes
        cv2.setNumThreads(1)
        self._read = read
        self._note = note
        self._detectors = detectors
        self._limits = limits
        try:
            for detector in detectors:
                detector.load()
                detector.verify()
        except DetectorUnfit as error:
            raise ScanFailed(f"A detector is unfit on a worker: {error.message}") from error

    def look(self, files: Sequence[tuple[str, int]]) -> Iterator[Looked]:
        """What is known of each file, given by path and size, in their order."""
        with ThreadPoolExecutor(_AHEAD, thread_name_prefix="scan-read") as ahead:
            coming = deque(ahead.submit(self._content, *file) for file in files[:_AHEAD])
            for number, file in enumerate(files):
                content = coming.popleft().result()
                if number + _AHEAD < len(files):
                    coming.append(ahead.submit(self._content, *files[number + _AHEAD]))
                self._note(*file)
                yield content if isinstance(content, Looked) else self._look(*file, *content)
                self._note("", 0)

    def _content(self, path: str, size: int) -> tuple[bytes, float] | Looked:
        """The file and the seconds that reading took, or why it is not there. What is too large is not read."""
        most = self._limits.image_max_bytes
        if size > most:
            return Looked(path, size, InputCode.IMAGE_TOO_LARGE.value, f"it has more than {most} bytes")
        start = time.perf_counter()
        try:
            content = self._read(path, most + 1)
        except Exception as error:  # noqa: BLE001 (each store has errors of its own; the row says which it was)
            return Looked(path, size, FileError.UNREADABLE.value, _words(error))
        return content, time.perf_counter() - start

    def _look(self, path: str, size: int, content: bytes, read_s: float) -> Looked:
        stages = (Stage.READ, Stage.DECODE, Stage.HASH, Stage.DESCRIBE, Stage.DETECT)
        seconds = dict.fromkeys(stages, 0.0)
        seconds[Stage.READ] = read_s
        looked = Looked(path, size, seconds=seconds)
        try:
            with _timed(seconds, Stage.HASH):
                # The file is known even where the picture in it cannot be decoded.
                looked = replace(looked, digests=tuple(file_digests(content).values()))
            with _timed(seconds, Stage.DECODE):
                picture = decode(Upload(content, ""), role=PictureRole.PHOTO, where="file", limits=self._limits)
            with _timed(seconds, Stage.HASH):
                looked = _hashed(looked, picture)
            if self._describes:
                with _timed(seconds, Stage.DESCRIBE):
                    described = tuple(packed(one) for one in asked_features(picture.frames[0]))
                    looked = replace(looked, features=described)
            with _timed(seconds, Stage.DETECT):
                return self._detected(looked, picture)
        except BadInput as error:
            return replace(looked, error=error.code, why=error.message.removeprefix("file: ")[:_WHY_MAX_CHARS])
        except Exception as error:  # noqa: BLE001 (a file that breaks the decoder is a row, never a stop)
            return replace(looked, error=FileError.FAILED.value, why=_words(error))

    def _detected(self, looked: Looked, picture: Picture) -> Looked:
        view = View(GateStage.INPUT, pictures=(picture,), photos_count=1)
        signals: dict[str, float] = {}
        missing = []
        for detector in self._detectors:
            try:
                found = detector.observe(view) if detector.wants(view) else None
            except Exception:  # noqa: BLE001 (whatever it raised, it did not answer)
                missing.append(detector.name)
                continue
            worst = {spec.name: min if spec.combine is Combine.MIN else max for spec in detector.emits}
            for signal in found.signals if found else ():
                value = float(signal.value)
                signals[signal.name] = worst[signal.name](signals.get(signal.name, value), value)
        return replace(looked, signals=signals, missing=tuple(missing))


def _hashed(looked: Looked, picture: Picture) -> Looked:
    hashed = hashes_of(picture.frames)
    return replace(
        looked,
        width=picture.width,
        height=picture.height,
        frames=len(picture.frames),
        quality=max(one.quality for one in hashed),
        forms=tuple(b"".join(form for _, form in one.forms) for one in hashed if isinstance(one, Pdq)),
    )


@contextmanager
def _timed(seconds: dict[Stage, float], stage: Stage) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] += time.perf_counter() - start


def _words(error: Exception) -> str:
    """What went wrong, in one short line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:_WHY_MAX_CHARS]
