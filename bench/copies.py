"""Which copies local features find that PDQ loses, by transform; false matches; what it costs.

    python bench/copies.py [--set 1000 --set 10000 --set 100000] [--unknown 200] [--quick] [--docs] [--json]

Asked is the book that the gate asks, with its database and its files. Pictures are scikit-image's sample photographs,
and scenes drawn at random; drawing and describing a hundred thousand would take hours, so large sets are filled up with
mixtures of features. One thread; some ten minutes, and 4 GB of disk for the largest set. With `--figures FILE` sizes
can be run one by one; given alone, with `--docs`, it writes the page of what is there.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import combinations, count, islice
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

from safelight.matching.banks import create_bank
from safelight.matching.copies import Features, features
from safelight.matching.copy_book import CopyBook
from safelight.matching.copy_index import ASKED, Keying, Part, candidates, describe
from safelight.matching.copy_rows import Described
from safelight.matching.model import BankCategory
from safelight.matching.pdq import Frame, Pdq, distance, pdq
from safelight.store.database import Database, sqlite_url

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


def recoloured(frame: Frame) -> Frame:
    """Warmer, with stronger colours, as a filter does it."""
    hsv = cv2.cvtColor(frame, cv2.COLOR_RGB2HSV).astype(np.int16)
    hsv[..., 1] = np.minimum(255, hsv[..., 1] * 3 // 2)
    strong = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)
    return np.clip(strong * np.array([1.2, 1.0, 0.8]), 0, 255).astype(np.uint8)


def stickers(frame: Frame) -> Frame:
    """Five discs of one colour each."""
    copy, (height, width) = frame.copy(), frame.shape[:2]
    for number, (down, across) in enumerate(((0.2, 0.3), (0.3, 0.7), (0.5, 0.5), (0.7, 0.2), (0.8, 0.8))):
        place = (int(across * width), int(down * height))
        cv2.circle(copy, place, min(height, width) // 10, (255, 40 * number, 60), -1)
    return copy


TRANSFORMS: Mapping[str, Transform] = {
    **{f"JPEG {quality}": partial(jpeg, quality=quality) for quality in (20, 50, 90)},
    **{f"resized to {factor}": partial(resized, factor=factor) for factor in (0.25, 0.5, 2)},
    **{f"crop {lost:.0%}": partial(cropped, lost=lost, at=(0.2, 0.8)) for lost in (0.1, 0.2, 0.25, 0.3, 0.5)},
    "mirrored": mirrored,
    "upside down": lambda f: np.ascontiguousarray(f[::-1]),
    **{f"turned by {turn}°": partial(rotated, degrees=turn) for turn in (5, 10, 15, 30, 45, 90)},
    "border": lambda f: np.asarray(cv2.copyMakeBorder(f, 40, 40, 90, 90, cv2.BORDER_CONSTANT, value=(0, 0, 0))),
    "box over a sixth": covered,
    "stickers": stickers,
    "text across": written_over,
    "blur 2 px": lambda f: np.asarray(cv2.GaussianBlur(f, (0, 0), 2), np.uint8),
    "brighter": lambda f: np.clip(f * 1.3 + 15, 0, 255).astype(np.uint8),
    "darker": lambda f: (f * 0.6).astype(np.uint8),
    "other colours": recoloured,
    "grey": lambda f: np.repeat(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2).astype(np.uint8),
    "screenshot": screenshot,
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


PAIRED = ("JPEG 20", "resized to 0.5", "crop 10%", "mirrored", "turned by 10°", "border", "text across", "brighter")
PAIRS: Mapping[str, Transform] = {
    f"{first}, then {second}": lambda frame, a=first, b=second: TRANSFORMS[b](TRANSFORMS[a](frame))
    for first, second in combinations(PAIRED, 2)
}


def by_pdq(copy: Frame, original: Pdq) -> bool:
    """Whether PDQ finds it, in any of its eight forms."""
    found = pdq(copy)
    return isinstance(found, Pdq) and min(distance(form, original.hash) for _, form in found.forms) <= 31


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


class Set:
    """A book of pictures: photographs and scenes that are asked for, and others. Item numbers are from 0."""

    def __init__(self, folder: Path, generated: int) -> None:
        database = Database(sqlite_url(folder / "bench.db"))
        database.migrate()
        now = datetime.now(UTC)
        bank = database.write_here(
            lambda c: create_bank(c, name="b", owner="o", source="s", category=BankCategory.NCII, now=now)
        )
        self.book = CopyBook(database, folder / "copies", b"\1" * 32, max_count=10**6)
        self.folder, self._bank, self._now = folder, bank.number, now
        self.originals = [*map(photo, PHOTOS), *(scene(seed) for seed in range(generated))]
        self.described: list[tuple[Features, Features]] = []
        self.size = 0
        self._describing = Spent()
        self.drawn(len(self.originals), self.originals)

    @property
    def register_ms(self) -> float:
        """What describing a picture and its mirror image costs."""
        return self._describing.quantiles()["p50"]

    def drawn(self, size: int, pictures: Iterable[Frame]) -> None:
        """Grow to `size` pictures."""
        new = [self._describing(partial(describe, one)) for one in islice(pictures, max(0, size - self.size))]
        self.described += new
        self._add(new)

    def mixed(self, size: int) -> None:
        """Grow to `size` by pictures that do not exist: features of drawn ones, some eight bits changed."""
        rng, pool = np.random.default_rng(size), self._pool()
        while self.size < size:
            self._add([self._mixture(pool, rng) for _ in range(min(256, size - self.size))])

    def file(self) -> float:
        """Seconds of processor time to file all anew."""
        shutil.rmtree(self.folder / "copies")
        (self.folder / "copies").mkdir()
        start = time.process_time()
        self.book.file()
        return time.process_time() - start

    def rivals(self) -> dict[str, float]:
        """Whether mixed pictures compete as drawn ones do: the highest score of a thousand of each, to the copy's."""
        drawn = self.described[:1_000]
        rng, keying, pool = np.random.default_rng(1), Keying(b"rivals"), self._pool()
        searched = []
        for first, kind in enumerate((drawn, [self._mixture(pool, rng) for _ in drawn])):
            numbers, keys = range(first * len(drawn), (first + 1) * len(drawn)), keying.filed
            part = Part.build(numbers, [0] * len(drawn), [(keys(plain), keys(mirror)) for plain, mirror in kind])
            searched.append((part, np.empty(0, np.intp)))
        shares = []
        for number, original in enumerate(self.originals):
            asked = keying.asked(features(TRANSFORMS["crop 25%"](original), ASKED).bits)
            named = candidates(searched, asked, 4 * len(drawn))
            copy = max(one.score for one in named if one.number == number)
            others = [(one.number < len(drawn), one.score) for one in named if one.number != number]
            shares.append(
                [max(score for is_drawn, score in others if is_drawn is kind) / copy for kind in (True, False)]
            )
        return dict(zip(("drawn", "mixed"), np.median(shares, axis=0).tolist(), strict=True))

    def _pool(self) -> NDArray[np.uint8]:
        """The features of every drawn scene that is not asked for."""
        return np.concatenate([side.bits for both in self.described[len(self.originals) :] for side in both])

    def _mixture(self, pool: NDArray[np.uint8], rng: np.random.Generator) -> tuple[Features, Features]:
        like = self.described[int(rng.integers(len(self.described)))]
        sides = []
        for side in like:
            bits = pool[rng.integers(len(pool), size=len(side.points))]
            noise = rng.integers(0, 256, (5, *bits.shape), dtype=np.uint8)
            sides.append(Features(side.points, bits ^ np.bitwise_and.reduce(noise), side.size))
        return sides[0], sides[1]

    def _add(self, new: list[tuple[Features, Features]]) -> None:
        rows = [Described(self._bank, self.size + at, *both) for at, both in enumerate(new)]
        for start in range(0, len(rows), 256):
            self.book.add_all(rows[start : start + 256], self._now)
        self.size += len(rows)


def measured(known: Set, unknown: int) -> dict[str, Any]:
    """Everything: recall by transform, false matches and their pairs, milliseconds of processor time."""
    file_s = known.file()
    hashes = [pdq(one) for one in known.originals]
    find_known, find_other, describing = Spent(), Spent(), Spent()
    known.book.find(known.originals[0])
    wrong = pairs = 0
    recall: dict[str, dict[str, float]] = {}
    for name, transform in {**TRANSFORMS, **PAIRS}.items():
        found = by_hash = 0
        asked = range(0, len(known.originals), 3 if name in PAIRS else 1)
        for number in asked:
            copy = transform(known.originals[number])
            answers = find_known(partial(known.book.find, copy))
            found += any(one.item == number for one in answers)
            wrong += sum(one.item != number for one in answers)
            pairs += known.size - 1
            hashed = hashes[number]
            by_hash += isinstance(hashed, Pdq) and by_pdq(copy, hashed)
        recall[name] = {"features": found / len(asked), "pdq": by_hash / len(asked)}
    for seed in range(10**6, 10**6 + unknown):
        other = scene(seed)
        describing(partial(features, other, ASKED))
        wrong += len(find_other(partial(known.book.find, other)))
        pairs += known.size
    files = [path.stat().st_size for path in (known.folder / "copies").glob("part-*")]
    return {
        "originals": len(known.originals),
        "photographs": len(PHOTOS),
        "set": known.size,
        "drawn": len(known.described),
        "rivals": known.rivals() if known.size > len(known.described) else {},
        "pairs": pairs,
        "false_matches": wrong,
        "register_ms": known.register_ms,
        "file_s": file_s,
        "index_mb": sum(files) / 1e6,
        "describe_ms": describing.quantiles(),
        "find_copy_ms": find_known.quantiles(),
        "find_other_ms": find_other.quantiles(),
        "load": os.getloadavg()[0],
        "recall": recall,
    }


def page(figures: list[dict[str, Any]]) -> str:
    """The page of the documents."""
    first, last = figures[0], figures[-1]
    lines = [
        "# Copies by features: what is found, and what it costs",
        "",
        "Written by `python bench/copies.py --docs`. One thread; milliseconds are processor time, of a look as a",
        f"whole. {first['photographs']} photographs of scikit-image and some",
        "drawn scenes are kept among others and asked for in each form. The others are drawn scenes up to the number",
        "given; beyond it they are mixed from the features of those not asked for, eight of 256 bits changed in each.",
        *_rivals(last.get("rivals")),
        "",
        "| pictures kept | drawn | asked for | to register one | to file all | index on disk | to describe one"
        " | to look a copy up | to look another up | load |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in figures:
        times = (
            f"{one[name]['p50']:.1f} ms (99 %: {one[name]['p99']:.0f})"
            for name in ("describe_ms", "find_copy_ms", "find_other_ms")
        )
        lines.append(
            f"| {one['set']:,} | {one['drawn']:,} | {one['originals']} | {one['register_ms']:.0f} ms "
            f"| {one['file_s']:.1f} s | {one['index_mb']:.0f} MB | {' | '.join(times)} | {one['load']:.1f} |"
        )
    lines += ["", "False matches, in pairs of an asked picture with a kept one that it is no copy of:", ""]
    lines += [f"- {one['false_matches']} in {one['pairs']:,} pairs, {one['set']:,} pictures kept" for one in figures]
    sizes = " | ".join(f"of {one['set']:,}" for one in figures)
    columns = [f"| what was done to it | {sizes} | by PDQ |", "|---" * (len(figures) + 2) + "|"]
    lines += ["", *columns, *(_row(name, figures, last) for name in TRANSFORMS)]
    lines += ["", "Two things at once, of every third picture:", ""]
    lines += [*columns, *(_row(name, figures, last) for name in PAIRS)]
    return "\n".join(lines) + "\n"


def _rivals(found: dict[str, float] | None) -> list[str]:
    first = "How hard each kind competes: with a crop by a quarter the nearest of a thousand others shares by chance"
    then = "{drawn:.0%} (drawn) and {mixed:.0%} (mixed) of what its original shares (the median)."
    return [first, then.format(**found)] if found else []


def _row(name: str, figures: list[dict[str, Any]], last: dict[str, Any]) -> str:
    found = " | ".join(f"{one['recall'][name]['features']:.1%}" for one in figures)
    return f"| {name} | {found} | {last['recall'][name]['pdq']:.0%} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=int, action="append", help="pictures in the set; may be given again")
    parser.add_argument("--drawn", type=int, default=1_000, help="pictures of the set that are drawn, not mixed")
    parser.add_argument("--unknown", type=int, default=200, help="pictures that are not in it")
    parser.add_argument("--generated", type=int, default=25, help="drawn scenes that are asked for beside photographs")
    parser.add_argument("--quick", action="store_true", help="a set of 100, 20 unknown pictures")
    parser.add_argument("--figures", type=Path, help="JSON of other runs: taken into the page, with this run's added")
    parser.add_argument("--docs", action="store_true", help="write docs/reference/copies.md")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    kept = chosen.figures and chosen.figures.exists()
    sizes = [100] if chosen.quick else sorted(chosen.set or ([] if kept else [1_000, 10_000, 100_000]))
    unknown, generated = (20, 5) if chosen.quick else (chosen.unknown, chosen.generated)
    by_size = {one["set"]: one for one in json.loads(chosen.figures.read_text("ascii"))} if kept else {}
    with tempfile.TemporaryDirectory() as folder:
        known = Set(Path(folder), generated if sizes else 0)
        for size in sizes:
            known.drawn(min(size, chosen.drawn), (scene(seed) for seed in count(generated + known.size)))
            known.mixed(size)
            by_size[size] = measured(known, unknown)
    figures = [by_size[size] for size in sorted(by_size)]
    if chosen.figures:
        chosen.figures.write_text(json.dumps(figures), "ascii")
    if chosen.docs:
        DOCS.write_text(page(figures), "utf-8")
    print(json.dumps(figures) if chosen.json else page(figures))


if __name__ == "__main__":
    main()
