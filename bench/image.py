"""What looking at one picture costs: decoding and each image detector, on one thread, and all of them after loading.

Run it as `python bench/image.py [--json]`. The picture is scikit-image's astronaut at 1024 × 1024; `bare` is a
photograph without people or text at the same size. Times are milliseconds of one thread's own computing, which a busy
machine changes little, and seconds of the process's for loading; memory (MiB) is what the process holds more than it
held before the models were loaded.
"""

import argparse
import io
import json
import statistics
import time
from collections.abc import Callable

import psutil
import skimage.data
from PIL import Image

from safelight.core.category import Stage
from safelight.core.limits import DEFAULT_LIMITS
from safelight.core.request import Upload
from safelight.signals.image.decode import decode
from safelight.signals.image.mask import MaskDetector
from safelight.signals.image.nudity import OpenNsfwDetector, SafetyClassifierDetector
from safelight.signals.image.people import PeopleDetector
from safelight.signals.image.text_in_image import TextInImageDetector
from safelight.signals.model import Picture, PictureRole, View

ROUNDS = 21


def p50_ms(work: Callable[[], object]) -> float:
    """The median of 21 runs after one to warm up."""
    work()
    taken = []
    for _ in range(ROUNDS):
        start = time.thread_time()
        work()
        taken.append(1000 * (time.thread_time() - start))
    return round(statistics.median(taken), 1)


def photo(name: str, format_: str) -> bytes:
    """A sample photograph at 1024 × 1024."""
    file = io.BytesIO()
    Image.fromarray(getattr(skimage.data, name)()).convert("RGB").resize((1024, 1024)).save(file, format_)
    return file.getvalue()


def decoded(content: bytes) -> Picture:
    """As the gate decodes an upload."""
    return decode(Upload(content), role=PictureRole.PHOTO, where="photo 1", limits=DEFAULT_LIMITS)


def measured() -> dict[str, float]:
    """Every figure, by a plain key."""
    figures: dict[str, float] = {}
    process = psutil.Process()
    rest = process.memory_info().rss
    detectors = [
        OpenNsfwDetector(),
        SafetyClassifierDetector(),
        PeopleDetector(),
        TextInImageDetector(),
        MaskDetector(),
    ]
    start = time.process_time()
    for detector in detectors:
        detector.load()
    figures["load_s"] = round(time.process_time() - start, 2)
    start = time.process_time()
    for detector in detectors:
        detector.verify()
    figures["verify_s"] = round(time.process_time() - start, 2)
    figures["loaded_mb"] = round((process.memory_info().rss - rest) / 2**20)
    for format_ in ("JPEG", "PNG", "WEBP"):
        content = photo("astronaut", format_)
        figures[f"decode_{format_.lower()}_ms"] = p50_ms(lambda content=content: decoded(content))
    for name, sample in (("portrait", "astronaut"), ("bare", "chelsea")):
        view = View(Stage.INPUT, (), (decoded(photo(sample, "JPEG")),), photos_count=1)
        for detector in detectors[:4]:
            figures[f"{name}_{detector.name}_ms"] = p50_ms(lambda detector=detector, view=view: detector.observe(view))
    figures["after_mb"] = round((process.memory_info().rss - rest) / 2**20)
    return figures


def main() -> None:
    """Print a table, or with `--json` one object on the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    figures = measured()
    if as_json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:32} {value}")


if __name__ == "__main__":
    main()
