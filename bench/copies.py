"""Which copies local features find that PDQ loses, by transform; false matches; what it costs.

    python bench/copies.py [--set 100 --set 1000] [--unknown 600] [--quick] [--docs] [--json]

Asked is the index that the gate asks. Pictures are scikit-image's sample photographs, and scenes drawn at random. One
thread; a few minutes.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import skimage.data

from safelight.matching.copies import features
from safelight.matching.copy_index import ASKED, CopyIndex, Registered, describe
from safelight.matching.pdq import Frame, Pdq, distance, pdq

PHOTOS = (
    *("astronaut", "coffee", "chelsea", "rocket", "camera", "page", "text", "hubble_deep_field", "retina"),
    *("immunohistochemistry", "coins", "moon", "brick", "grass", "gravel"),
)
T = TypeVar("T")
DOCS = Path(__file__).parents[1] / "docs" / "reference" / "copies.md"
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


def measured(set_size: int, unknown: int, generated: int) -> dict[str, Any]:
    """Everything: recall by transform, false matches and their pairs, milliseconds of processor time."""
    originals = [*map(photo, PHOTOS), *(scene(seed) for seed in range(generated))]
    hashes = [pdq(one) for one in originals]
    others = (scene(seed) for seed in range(generated, generated + max(0, set_size - len(originals))))
    start = time.process_time()
    registered = [Registered(1, number, *describe(one)) for number, one in enumerate([*originals, *others])]
    registering_ms = 1000 * (time.process_time() - start) / len(registered)
    start = time.process_time()
    index = CopyIndex(registered)
    filing_s = time.process_time() - start

    recall: dict[str, dict[str, float]] = {}
    describing, known, not_known = Spent(), Spent(), Spent()
    wrong = pairs = 0
    for name, transform in TRANSFORMS.items():
        found = by_hash = 0
        for number, original in enumerate(originals):
            copy = transform(original)
            asked = describing(partial(features, copy, ASKED))
            answers = known(partial(index.find_features, asked))
            found += any(one.item == number for one in answers)
            wrong += sum(one.item != number for one in answers)
            pairs += len(index) - 1
            hashed = hashes[number]
            by_hash += isinstance(hashed, Pdq) and by_pdq(copy, hashed)
        recall[name] = {"features": found / len(originals), "pdq": by_hash / len(originals)}
    for seed in range(10**6, 10**6 + unknown):
        asked = features(scene(seed), ASKED)
        wrong += len(not_known(partial(index.find_features, asked)))
        pairs += len(index)
    return {
        "originals": len(originals),
        "photographs": len(PHOTOS),
        "set": len(index),
        "pairs": pairs,
        "false_matches": wrong,
        "register_ms": registering_ms,
        "file_s": filing_s,
        "describe_ms": describing.quantiles(),
        "find_copy_ms": known.quantiles(),
        "find_other_ms": not_known.quantiles(),
        "load": os.getloadavg()[0],
        "recall": recall,
    }


class Spent:
    """Calls a function and keeps what it cost of the processor, in milliseconds."""

    def __init__(self) -> None:
        self._ms: list[float] = []

    def __call__(self, work: Callable[[], T]) -> T:
        start = time.process_time()
        answer = work()
        self._ms.append(1000 * (time.process_time() - start))
        return answer

    def quantiles(self) -> dict[str, float]:
        """Median and the 99th of a hundred."""
        return {"p50": float(np.median(self._ms)), "p99": float(np.quantile(self._ms, 0.99))}


def page(figures: list[dict[str, Any]]) -> str:
    """The page of the documents; the table of transforms is that of the largest set."""
    largest = figures[-1]
    lines = [
        "# Copies by features: what is found, and what it costs",
        "",
        "Written by `python bench/copies.py --docs`. One thread; milliseconds are processor time, at a load of the",
        f"machine of {largest['load']:.0f}. {largest['photographs']} photographs of scikit-image and",
        f"{largest['originals'] - largest['photographs']} drawn scenes are kept among {largest['set']:,} pictures",
        "and asked for in each form; pictures that are in no set are drawn scenes.",
        "",
        "| pictures kept | to register one | to file all | to describe one | to look a copy up | to look another up |",
        "|---|---|---|---|---|---|",
    ]
    for one in figures:
        times = (
            f"{one[name]['p50']:.1f} ms (99 %: {one[name]['p99']:.1f})"
            for name in ("describe_ms", "find_copy_ms", "find_other_ms")
        )
        lines.append(f"| {one['set']:,} | {one['register_ms']:.0f} ms | {one['file_s']:.1f} s | {' | '.join(times)} |")
    pairs, wrong = sum(one["pairs"] for one in figures), sum(one["false_matches"] for one in figures)
    lines += ["", f"False matches: {wrong} in {pairs:,} pairs of pictures that are not copies.", ""]
    lines += [f"| what was done to it (set of {largest['set']:,}) | by features | by PDQ |", "|---|---|---|"]
    lines += [f"| {name} | {row['features']:.0%} | {row['pdq']:.0%} |" for name, row in largest["recall"].items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=int, action="append", help="pictures in the set; may be given again")
    parser.add_argument("--unknown", type=int, default=600, help="pictures that are not in it")
    parser.add_argument("--generated", type=int, default=25, help="drawn scenes that are asked for beside photographs")
    parser.add_argument("--quick", action="store_true", help="a set of 100, 20 unknown pictures")
    parser.add_argument("--docs", action="store_true", help="write docs/reference/copies.md")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    sizes = [100] if chosen.quick else sorted(chosen.set or [100, 1_000])
    unknown, generated = (20, 5) if chosen.quick else (chosen.unknown, chosen.generated)
    figures = [measured(size, unknown, generated) for size in sizes]
    if chosen.docs:
        DOCS.write_text(page(figures), "utf-8")
    print(json.dumps(figures) if chosen.json else page(figures))


if __name__ == "__main__":
    main()
