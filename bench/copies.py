"""Which copies local features find that PDQ loses, by transform; false matches; what it costs.

    python bench/copies.py [--unknown 60] [--set 400] [--json]

Pictures are scikit-image's sample photographs, and scenes drawn at random for those that must not match. One thread.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial

import cv2
import numpy as np
import skimage.data

from safelight.matching.copies import CopySet, features
from safelight.matching.pdq import Frame, Pdq, distance, pdq

PHOTOS = (
    *("astronaut", "coffee", "chelsea", "rocket", "camera", "page", "text", "hubble_deep_field", "retina"),
    *("immunohistochemistry", "coins", "moon", "brick", "grass", "gravel"),
)
Transform = Callable[[Frame], Frame]


def photo(name: str) -> Frame:
    """A sample, RGB, its shorter side at least 512."""
    picture = getattr(skimage.data, name)()
    picture = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture[..., :3]
    scale = max(1.0, 512 / min(picture.shape[:2]))
    return np.asarray(cv2.resize(np.ascontiguousarray(picture), None, fx=scale, fy=scale), np.uint8)


def jpeg(frame: Frame, quality: int) -> Frame:
    """After a JPEG of this quality."""
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1), np.uint8)


def resized(frame: Frame, factor: float) -> Frame:
    """Smaller or larger."""
    return np.asarray(cv2.resize(frame, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


def cropped(frame: Frame, lost: float, at: tuple[float, float]) -> Frame:
    """Without `lost` of each side; `at` says from which end, 0 to 1 down and across."""
    height, width = (int(side * (1 - lost)) for side in frame.shape[:2])
    top, left = (int(lost * side * place) for side, place in zip(frame.shape[:2], at, strict=True))
    return np.ascontiguousarray(frame[top : top + height, left : left + width])


def rotated(frame: Frame, degrees: float) -> Frame:
    """Turned, whole, on white."""
    height, width = frame.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    cosine, sine = abs(turn[0, 0]), abs(turn[0, 1])
    size = (int(height * sine + width * cosine), int(height * cosine + width * sine))
    turn[:, 2] += ((size[0] - width) / 2, (size[1] - height) / 2)
    return np.asarray(cv2.warpAffine(frame, turn, size, borderValue=(255, 255, 255)), np.uint8)


def written_over(frame: Frame) -> Frame:
    """Large letters across the middle."""
    copy = frame.copy()
    place = (10, frame.shape[0] // 2)
    cv2.putText(copy, "SAMPLE TEXT", place, cv2.FONT_HERSHEY_SIMPLEX, frame.shape[1] / 300, (255, 255, 0), 5)
    return copy


def covered(frame: Frame) -> Frame:
    """A grey box over a sixth of it."""
    copy = frame.copy()
    height, width = frame.shape[:2]
    copy[height // 3 : 2 * height // 3, width // 4 : 3 * width // 4] = 128
    return copy


def screenshot(frame: Frame) -> Frame:
    """Shown on a light page under a line of text, then compressed."""
    page = np.full((1100, 800, 3), 245, np.uint8)
    scale = min(640 / frame.shape[1], 900 / frame.shape[0])
    shown = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    page[120 : 120 + shown.shape[0], 80 : 80 + shown.shape[1]] = shown
    cv2.putText(page, "10:42  some words", (80, 80), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (20, 20, 20), 2)
    return jpeg(page, 70)


def mirrored(frame: Frame) -> Frame:
    """Left to right."""
    return np.ascontiguousarray(frame[:, ::-1])


TRANSFORMS: Mapping[str, Transform] = {
    **{f"JPEG {quality}": partial(jpeg, quality=quality) for quality in (20, 50, 90)},
    **{f"resized to {factor}": partial(resized, factor=factor) for factor in (0.25, 0.5, 2)},
    **{f"crop {lost:.0%}": partial(cropped, lost=lost, at=(0.2, 0.8)) for lost in (0.1, 0.25, 0.5, 0.7)},
    "mirrored": mirrored,
    "upside down": lambda f: np.ascontiguousarray(f[::-1]),
    **{f"turned by {turn}°": partial(rotated, degrees=turn) for turn in (5, 15, 45, 90)},
    "border": lambda f: np.asarray(cv2.copyMakeBorder(f, 40, 40, 90, 90, cv2.BORDER_CONSTANT, value=(0, 0, 0))),
    "box over a sixth": covered,
    "text across": written_over,
    "blur 2 px": lambda f: np.asarray(cv2.GaussianBlur(f, (0, 0), 2), np.uint8),
    "brighter": lambda f: np.clip(f * 1.3 + 15, 0, 255).astype(np.uint8),
    "grey": lambda f: np.repeat(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2).astype(np.uint8),
    "screenshot": screenshot,
    "crop 20 % + JPEG 40": lambda f: jpeg(cropped(f, 0.2, (0.5, 0.5)), 40),
    "turned by 15° + crop 10 %": lambda f: cropped(rotated(f, 15), 0.1, (0.5, 0.5)),
    "screenshot of the mirror image": lambda f: screenshot(mirrored(f)),
    "screenshot of a screenshot": lambda f: screenshot(screenshot(f)),
}


def scene(seed: int) -> Frame:
    """Shapes, gradients and grain: detail in plenty, and nothing that another scene has."""
    rng = np.random.default_rng(seed)
    canvas = cv2.resize(rng.integers(0, 256, (6, 8, 3)).astype(np.uint8), (640, 480), interpolation=cv2.INTER_CUBIC)
    for _ in range(60):
        points = rng.normal((rng.uniform(0, 640), rng.uniform(0, 480)), 45, (int(rng.integers(3, 8)), 2))
        cv2.fillPoly(canvas, [points.astype(np.int32)], rng.integers(0, 256, 3).tolist(), cv2.LINE_AA)
    grain = rng.normal(0, 6, canvas.shape)
    return np.asarray(np.clip(canvas + grain, 0, 255), np.uint8)


def by_pdq(copy: Frame, original: Pdq) -> bool:
    """Whether PDQ finds it, in any of its eight forms."""
    found = pdq(copy)
    return isinstance(found, Pdq) and min(distance(form, original.hash) for _, form in found.forms) <= 31


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=int, default=400, help="pictures in the set")
    parser.add_argument("--unknown", type=int, default=60, help="pictures that are not in it")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    originals = [photo(name) for name in PHOTOS]
    hashes = [hashed for one in originals if isinstance(hashed := pdq(one), Pdq)]
    pictures = [*originals, *(scene(seed) for seed in range(max(0, chosen.set - len(originals))))]
    copies = CopySet(features(one) for one in pictures)
    table: dict[str, dict[str, float]] = {}
    wrong, pairs, times = 0, 0, []
    for name, transform in TRANSFORMS.items():
        found = 0
        for number, original in enumerate(originals):
            copy = transform(original)
            start = time.perf_counter()
            answers = copies.find(copy)
            times.append(1000 * (time.perf_counter() - start))
            found += any(answer.number == number for answer in answers)
            wrong += sum(answer.number != number for answer in answers)
            pairs += len(copies) - 1
        by_hash = sum(by_pdq(transform(one), known) for one, known in zip(originals, hashes, strict=True))
        table[name] = {"features": found / len(originals), "pdq": by_hash / len(originals)}
    for seed in range(10**6, 10**6 + chosen.unknown):
        wrong += len(copies.find(scene(seed)))
        pairs += len(copies)
    figures = {"pictures": len(originals), "set": len(copies), "pairs": pairs, "false_matches": wrong}
    cost = {"find_p50_ms": statistics.median(times)}
    if chosen.json:
        print(json.dumps({**figures, **cost, "recall": table}))
        return
    print(f"{'transform':32} features  PDQ")
    for name, row in table.items():
        print(f"{name:32} {row['features']:7.0%}  {row['pdq']:4.0%}")
    print(f"{wrong} false matches in {pairs:,} pairs; a set of {len(copies)}: {cost['find_p50_ms']:.0f} ms a picture")


if __name__ == "__main__":
    main()
