"""What the watermark outlives, by transform and by pairs of them; whether it is ever read where none is; what it costs.

    python bench/watermark.py [--quick] [--json] [--unknown 100000] [--threads 2] [--docs docs/pictures]

Pictures are scikit-image's samples and generated ones (flat, dark, noisy, drawings), at 1024 × 1024 and, for the
samples, as they are. A case counts only if all 64 bits are right. `invisible-watermark` and `blind-watermark` stand in
the same table where they are installed; they are no dependencies of ours. With `--docs`, writes the pictures that
docs/how-to/watermark.md shows.

The last line of `--json`: `psnr_db` is the least of all pictures, `min_recovered` the least share over all rows of the
table at 1024 × 1024 (each transform and each second transform after it), `recovered` the share of all cases there,
`false_readings` of `unknown` unmarked pictures, `embed_ms` and `read_ms` the median wall time at 1024 × 1024.
"""

import argparse
import importlib.util
import json
import os
import statistics
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

from safelight.provenance.watermark import NotMarkable, Picture, Reading, WatermarkKey, WhyNotRead, embed, read

KEY = WatermarkKey(bytes(range(32)))
SAMPLES = (
    *("astronaut", "coffee", "chelsea", "rocket", "camera", "clock", "coins", "moon", "retina", "hubble_deep_field"),
    *("brick", "grass", "gravel", "immunohistochemistry", "cell", "page", "text", "logo", "colorwheel", "horse"),
)
QUICK_SAMPLES = ("astronaut", "coffee", "grass", "page")
QUICK_DRAWN = ("flat", "dark", "noise", "line art")
Transform = Callable[[Picture], Picture]


def jpeg(picture: Picture, quality: int) -> Picture:
    """After a JPEG of this quality."""
    kept = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(kept, cv2.IMREAD_COLOR), np.uint8)


def resized(picture: Picture, factor: float) -> Picture:
    """Smaller or larger."""
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=way), np.uint8)


def cropped(picture: Picture, lost: float = 0.1) -> Picture:
    """Without `lost` of each side, more of it at the top and the left."""
    height, width = picture.shape[:2]
    top, left = round(height * lost * 0.7), round(width * lost * 0.6)
    return np.ascontiguousarray(
        picture[top : top + round(height * (1 - lost)), left : left + round(width * (1 - lost))]
    )


def brighter(picture: NDArray[np.generic], factor: float, more: float) -> Picture:
    """Every value multiplied and raised, clipped at the ends."""
    return np.asarray(cv2.convertScaleAbs(np.maximum(np.asarray(picture, np.float32) * factor + more, 0)), np.uint8)


TRANSFORMS: Mapping[str, Transform] = {
    "JPEG 50": partial(jpeg, quality=50),
    **{f"resized × {factor:g}": partial(resized, factor=factor) for factor in (0.5, 0.63, 0.75, 1.5, 2)},
    "crop 10 %": cropped,
    "half + JPEG 75": lambda picture: jpeg(resized(picture, 0.5), 75),
    "mirror": lambda picture: np.ascontiguousarray(picture[:, ::-1]),
    "brighter": partial(brighter, factor=1.25, more=15.0),
    "darker": partial(brighter, factor=0.7, more=0.0),
    "blur 1.5 px": lambda picture: np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.5), np.uint8),
}
BEYOND: Mapping[str, Transform] = {
    "JPEG 30": partial(jpeg, quality=30),
    "quarter + JPEG 75": lambda picture: jpeg(resized(picture, 0.25), 75),
    "crop 50 %": partial(cropped, lost=0.5),
    "grey": lambda picture: np.repeat(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[..., None], 3, axis=2).astype(np.uint8),
    "noise of 8 levels": lambda picture: brighter(
        picture + np.random.default_rng(1).normal(0, 8, picture.shape), factor=1, more=0
    ),
    "median 5 px": lambda picture: np.asarray(cv2.medianBlur(picture, 5), np.uint8),
    "turned by 3° (not searched)": lambda picture: turned(picture, 3),
}


def turned(picture: Picture, degrees: float) -> Picture:
    """Turned about its middle, corners cut."""
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(picture, turn, (width, height), flags=cv2.INTER_CUBIC), np.uint8)


def coloured(picture: object) -> Picture:
    """A sample, BGR as OpenCV has it; an alpha channel is left out."""
    array = np.asarray(picture)
    array = array * np.uint8(255) if array.dtype == np.bool_ else array
    array = np.repeat(array[..., None], 3, axis=2) if array.ndim == 2 else array[..., 2::-1]
    return np.ascontiguousarray(array, dtype=np.uint8)


def samples(names: Sequence[str]) -> dict[str, Picture]:
    """Photographs and scans, in their own sizes."""
    return {name: coloured(getattr(skimage.data, name)()) for name in names}


def square(picture: Picture, side: int) -> Picture:
    """A square of this side, cut from `picture` after its shorter side was brought to it."""
    scale = side / min(picture.shape[:2])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    larger = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=way)
    return np.ascontiguousarray(larger[:side, :side], dtype=np.uint8)


def drawn(side: int) -> dict[str, Picture]:
    """What photographs are not: flat, at the ends of the scale, dark, noisy, line art, text, regular patterns."""
    rng = np.random.default_rng(1)
    down, across = np.mgrid[:side, :side]
    lines = np.full((side, side, 3), 255, np.uint8)
    for _ in range(side // 12):
        points = rng.integers(0, side, (4, 2)).astype(np.int32)
        cv2.polylines(lines, [points], isClosed=False, color=(0, 0, 0), thickness=2, lineType=cv2.LINE_AA)
    shapes = np.asarray(cv2.resize(rng.integers(0, 256, (6, 8, 3)).astype(np.uint8), (side, side)), np.uint8)
    for _ in range(60):
        corners = rng.normal(rng.uniform(0, side, 2), side / 10, (int(rng.integers(3, 8)), 2)).astype(np.int32)
        cv2.fillPoly(shapes, [corners], rng.integers(0, 256, 3).tolist(), cv2.LINE_AA)
    grain = rng.normal(0, 20, (side, side, 3))
    dark = square(coloured(skimage.data.astronaut()), side)
    return {
        "flat": np.full((side, side, 3), (90, 130, 120), np.uint8),
        "white": np.full((side, side, 3), 255, np.uint8),
        "black": np.zeros((side, side, 3), np.uint8),
        "gradient": coloured(across * 255 // side),
        "dark": np.asarray(dark * 0.12, np.uint8),
        "noise": rng.integers(0, 256, (side, side, 3)).astype(np.uint8),
        "grain": np.asarray(np.clip(128 + grain, 0, 255), np.uint8),
        "line art": lines,
        "shapes": shapes,
        "chequers": coloured((down // 32 + across // 32) % 2 * 255),
        "stripes": coloured(down // 7 % 2 * 200 + 20),
    }


def payload_of(name: str) -> bytes:
    """Another one for each picture, the same in each run."""
    return zlib.crc32(name.encode()).to_bytes(4, "big") + zlib.crc32(name[::-1].encode()).to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class Method:
    """One way to mark."""

    name: str
    mark: Callable[[Picture, bytes], Picture]
    bits: Callable[[Picture], bytes | None]


def ours() -> Method:
    """Safelight's."""

    def bits(picture: Picture) -> bytes | None:
        answer = read(np.ascontiguousarray(picture[..., ::-1]), [KEY])
        return answer.payload if isinstance(answer, Reading) else None

    return Method("Safelight", lambda picture, payload: embed(picture[..., ::-1], payload, KEY)[..., ::-1], bits)


def others() -> list[Method]:
    """Those of the packages that are installed."""
    methods = []
    if importlib.util.find_spec("imwatermark"):
        from imwatermark import (  # type: ignore[import-not-found, unused-ignore]
            WatermarkDecoder,
            WatermarkEncoder,
        )

        def write(picture: Picture, payload: bytes) -> Picture:
            encoder = WatermarkEncoder()
            encoder.set_watermark("bytes", payload)
            return np.asarray(encoder.encode(np.ascontiguousarray(picture), "dwtDct"), np.uint8)

        def look(picture: Picture) -> bytes | None:
            return bytes(WatermarkDecoder("bytes", 64).decode(picture, "dwtDct"))

        methods.append(Method("invisible-watermark", write, look))
    if importlib.util.find_spec("blind_watermark"):
        from blind_watermark import WaterMark, bw_notes  # type: ignore[import-not-found, unused-ignore]

        bw_notes.close()

        def ink(picture: Picture, payload: bytes) -> Picture:
            marker = WaterMark(password_img=1, password_wm=1)
            marker.read_img(img=np.ascontiguousarray(picture))
            marker.read_wm(np.unpackbits(np.frombuffer(payload, np.uint8)).astype(bool).tolist(), mode="bit")
            return np.asarray(np.clip(marker.embed(), 0, 255), np.uint8)

        def wash(picture: Picture) -> bytes | None:
            marker = WaterMark(password_img=1, password_wm=1)
            found = marker.extract(embed_img=picture, wm_shape=64, mode="bit")
            return np.packbits(np.asarray(found) > 0.5).tobytes()

        methods.append(Method("blind-watermark", ink, wash))
    return methods


@dataclass(slots=True)
class Tally:
    """Cases of one method on one set of pictures."""

    psnr_db: list[float] = field(default_factory=list)
    outcomes: dict[str, list[bool]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def share(self, row: str) -> float | None:
        """Of cases in `row` with every bit right."""
        seen = self.outcomes.get(row)
        return sum(seen) / len(seen) if seen else None

    @property
    def all(self) -> float:
        """Over all cases."""
        every = [one for seen in self.outcomes.values() for one in seen]
        return sum(every) / len(every)


def chains(*, quick: bool) -> dict[str, list[tuple[str, ...]]]:
    """The cases of each row of the table: a transform by itself, then with every other before it."""
    names = list(TRANSFORMS)
    rows: dict[str, list[tuple[str, ...]]] = {"as it was marked": [()], **{name: [(name,)] for name in names}}
    for at, name in enumerate(names):
        before = [other for other in names if other != name]
        rows[f"… then {name}"] = [(other, name) for other in (before[at % 6 :: 6] if quick else before)]
    return {**rows, **{name: [(name,)] for name in BEYOND}}


def survey(method: Method, pictures: Mapping[str, Picture], rows: Mapping[str, list[tuple[str, ...]]]) -> Tally:
    """Marks every picture and reads it after every chain of transforms."""
    tally = Tally()
    steps = {**TRANSFORMS, **BEYOND}
    for name, picture in pictures.items():
        payload = payload_of(name)
        try:
            marked = np.ascontiguousarray(method.mark(picture, payload))
        except NotMarkable:
            continue
        tally.psnr_db.append(float(cv2.PSNR(picture, marked)))
        for row, cases in rows.items():
            for chain in cases:
                copy = marked
                for step in chain:
                    copy = steps[step](copy)
                right = method.bits(copy) == payload
                tally.outcomes.setdefault(row, []).append(right)
                if not right and row not in BEYOND:
                    tally.lost.append(f"{name}: {', '.join(chain) or 'as it was marked'}")
    return tally


def by_size() -> dict[int, Tally]:
    """Samples in smaller squares: as they were marked and after the two commonest losses."""
    rows: dict[str, list[tuple[str, ...]]] = {"as it was marked": [()]}
    rows |= {name: [(name,)] for name in ("JPEG 50", "half + JPEG 75")}
    sizes = (128, 192, 256, 384, 512)
    return {
        side: survey(ours(), {name: square(one, side) for name, one in samples(SAMPLES).items()}, rows)
        for side in sizes
    }


def unmarked(count: int, seed: int = 1) -> tuple[int, int]:
    """How many of `count` unmarked pictures gave a payload, and how many were called damaged.

    They are cut out of all samples and drawings anywhere, 96 to 160 pixels a side, shrunk by up to three, half of them
    compressed. Every second one carries the mark of another key.
    """
    rng = np.random.default_rng(seed)
    pictures = [*samples(SAMPLES).values(), *drawn(512).values()]
    other = WatermarkKey(bytes(32))
    readings = damaged = 0
    for number in range(count):
        picture = pictures[number % len(pictures)]
        side = min(int(rng.integers(96, 161)), *picture.shape[:2])
        cut = int(rng.integers(side, min(3 * side, *picture.shape[:2]) + 1))
        top, left = (int(rng.integers(0, whole - cut + 1)) for whole in picture.shape[:2])
        crop = square(np.ascontiguousarray(picture[top : top + cut, left : left + cut]), side)
        if number % 2 and side >= 128:
            crop = embed(crop, payload_of(str(number)), other)
        answer = read(jpeg(crop, int(rng.integers(40, 96))) if rng.random() < 0.5 else crop, [KEY])
        readings += isinstance(answer, Reading)
        damaged += not isinstance(answer, Reading) and answer.why is WhyNotRead.DAMAGED
    return readings, damaged


def timed(work: Callable[[], object], runs: int) -> tuple[float, float]:
    """Median wall and processor milliseconds."""
    work()
    walls, processor = [], []
    for _ in range(runs):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(1e3 * (time.perf_counter() - wall))
        processor.append(1e3 * (time.process_time() - cpu))
    return statistics.median(walls), statistics.median(processor)


def show_pictures(folder: Path) -> None:
    """Original, marked and the difference, side by side: a photograph and a drawing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in (
        ("photo", square(coloured(skimage.data.astronaut()), 1024)),
        ("drawing", drawn(1024)["line art"]),
    ):
        marked = ours().mark(picture, payload_of(name))
        difference = np.clip(128 + 16 * (marked.astype(np.int16) - picture), 0, 255).astype(np.uint8)
        part = (slice(40, 424), slice(300, 684))
        strip = np.hstack([one[part] for one in (picture, marked, difference)])
        cv2.imwrite(str(folder / f"watermark-{name}.webp"), strip, [cv2.IMWRITE_WEBP_QUALITY, 90])


def chart(path: Path, columns: Mapping[str, Tally], rows: Sequence[str]) -> None:
    """The table as a picture: a bar for each method in each row."""
    colours = ((58, 120, 190), (150, 150, 150), (110, 160, 110), (190, 140, 90))
    height = 14 + 11 * len(columns)
    canvas = np.full((60 + height * len(rows), 900, 3), 255, np.uint8)
    write = partial(
        cv2.putText, fontFace=cv2.FONT_HERSHEY_SIMPLEX, fontScale=0.42, color=(30, 30, 30), lineType=cv2.LINE_AA
    )
    for at, name in enumerate(columns):
        cv2.rectangle(canvas, (20 + 215 * at, 14), (32 + 215 * at, 26), colours[at], -1)
        write(canvas, name, (38 + 215 * at, 25))
    for line, row in enumerate(rows):
        top = 50 + line * height
        write(canvas, row.replace("…", "").replace("×", "x").replace("°", " deg").strip(), (20, top + 14))
        for at, tally in enumerate(columns.values()):
            share = tally.share(row)
            if share is not None:
                end = 300 + round(540 * share)
                cv2.rectangle(canvas, (300, top + 3 + 11 * at), (end, top + 10 + 11 * at), colours[at], -1)
                write(canvas, f"{share:.0%}", (end + 6, top + 11 + 11 * at), fontScale=0.34)
    cv2.imwrite(str(path), canvas, [cv2.IMWRITE_WEBP_QUALITY, 101])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few pictures and pairs, 200 unmarked ones")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--unknown", type=int, help="unmarked pictures, 100,000 unless --quick")
    parser.add_argument("--threads", type=int, default=2, help="of OpenCV")
    parser.add_argument("--docs", type=Path, help="folder for the pictures of the documentation")
    chosen = parser.parse_args()
    cv2.setNumThreads(chosen.threads)
    unknown = chosen.unknown if chosen.unknown is not None else (200 if chosen.quick else 100_000)
    names = QUICK_SAMPLES if chosen.quick else SAMPLES
    drawings = {name: one for name, one in drawn(1024).items() if not chosen.quick or name in QUICK_DRAWN}
    large = {name: square(picture, 1024) for name, picture in samples(names).items()} | drawings
    rows = chains(quick=chosen.quick)
    columns = {"Safelight": survey(ours(), large, rows), "as they are": survey(ours(), samples(names), rows)}
    few = {name: large[name] for name in (*QUICK_SAMPLES[:2], *QUICK_DRAWN[::3])} if chosen.quick else large
    short = {row: cases for row, cases in rows.items() if not row.startswith("…")}
    columns |= {method.name: survey(method, few, short) for method in others()}
    print(f"{'':30}" + "".join(f"{name:>22}" for name in columns))
    print(f"{'least PSNR, dB':30}" + "".join(f"{min(tally.psnr_db):22.1f}" for tally in columns.values()))
    for row in rows:
        shares = (tally.share(row) for tally in columns.values())
        print(f"{row:30}" + "".join(f"{share:22.1%}" if share is not None else f"{'':22}" for share in shares))
    for tally in (columns["Safelight"], columns["as they are"]):
        print(f"{len(tally.lost)} lost: " + "; ".join(tally.lost[:40]))
    for side, tally in ({} if chosen.quick else by_size()).items():
        words = (f"{row} {tally.share(row):.0%}" for row in ("as it was marked", "JPEG 50", "half + JPEG 75"))
        print(f"samples at {side} × {side}: " + ", ".join(words))
    picture = np.ascontiguousarray(square(coloured(skimage.data.astronaut()), 1024)[..., ::-1])
    marked = embed(picture, payload_of("time"), KEY)
    runs = 5 if chosen.quick else 25
    embed_ms, embed_cpu_ms = timed(lambda: embed(picture, payload_of("time"), KEY), runs)
    read_ms, read_cpu_ms = timed(lambda: read(marked, [KEY]), runs)
    blank_ms, blank_cpu_ms = timed(lambda: read(picture, [KEY]), runs)
    load = os.getloadavg()[0]
    print(f"embed {embed_ms:.1f} ms (processor {embed_cpu_ms:.1f}), read {read_ms:.1f} ({read_cpu_ms:.1f}), ")
    print(f"read an unmarked picture {blank_ms:.1f} ({blank_cpu_ms:.1f}); {chosen.threads} threads, load {load:.1f}")
    if chosen.docs:
        show_pictures(chosen.docs)
        chart(chosen.docs / "watermark-bench.webp", columns, [row for row in rows if row in short])
    readings, damaged = unmarked(unknown)
    print(f"{readings} of {unknown} unmarked pictures gave a payload, {damaged} were called damaged")
    if chosen.json:
        table = columns["Safelight"]
        wanted = [share for row in rows if row not in BEYOND and (share := table.share(row)) is not None]
        measured = {
            "psnr_db": round(min(table.psnr_db), 2),
            "min_recovered": round(min(wanted), 4),
            "recovered": round(
                sum(map(sum, (table.outcomes[row] for row in rows if row not in BEYOND)))
                / sum(len(table.outcomes[row]) for row in rows if row not in BEYOND),
                4,
            ),
            "false_readings": readings,
            "unknown": unknown,
            "called_damaged": damaged,
            "embed_ms": round(embed_ms, 1),
            "read_ms": round(read_ms, 1),
            "read_unmarked_ms": round(blank_ms, 1),
            "embed_cpu_ms": round(embed_cpu_ms, 1),
            "read_cpu_ms": round(read_cpu_ms, 1),
            "load": round(load, 1),
        }
        print(json.dumps(measured))


if __name__ == "__main__":
    main()
