"""What the watermark outlives, by transform and by pairs of them; whether it is ever read where none is; what it costs.

    python bench/watermark.py [--quick] [--json] [--unknown 100000] [--threads 2] [--docs docs/pictures]
    python bench/watermark.py --only-unmarked --first 0 --unknown 25000 --json     a quarter of the unmarked ones

Pictures are scikit-image's samples and generated ones (flat, dark, noisy, drawings), at 1024 × 1024 and, for the
samples, as they are (`watermark_cases.py`). A case counts only if all 64 bits are right. `invisible-watermark` and
`blind-watermark` stand in the same table, on four of the pictures, where they are installed (the extra `bench`). With
`--docs`, writes the pictures that docs/how-to/watermark.md shows; with `--docs` and `--only-docs`, does nothing else.

The last line of `--json`: `psnr_db` is the least of all pictures, `min_recovered` the least share over all rows of the
table at 1024 × 1024 (each transform and each second transform after it), `recovered` the share of all cases there,
`pairs_recovered` of those with two transforms, `false_readings` of `unknown` unmarked pictures, `false_rate_95` the
highest rate that so many leave possible (95 % confidence), `embed_ms` and `read_ms` median wall times at 1024 × 1024.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from rich.console import Console
from rich.progress import track

from safelight.provenance.watermark import Reading, WatermarkKey, WhyNotRead, embed, read
from watermark_cases import BEYOND, QUICK_DRAWN, QUICK_SAMPLES, SAMPLES, coloured, drawn, jpeg, samples, square
from watermark_methods import KEY, others, ours, payload_of
from watermark_show import chart, show_pictures
from watermark_survey import Tally, by_size, chains, survey

Figures = dict[str, float]


def unmarked(count: int, first: int = 0) -> Figures:
    """How many of `count` unmarked pictures, numbered from `first`, gave a payload, and how many were called damaged.

    They are cut out of all samples and drawings anywhere, 96 to 160 pixels a side, shrunk by up to three, half of them
    compressed. Every second one carries the mark of another key. Each number gives the same picture in every run, so a
    large count can be had in pieces.
    """
    pictures = [*samples(SAMPLES).values(), *drawn(512).values()]
    other = WatermarkKey(bytes(32))
    readings = damaged = 0
    console = Console(stderr=True)
    for number in track(range(first, first + count), "unmarked", console=console, disable=not console.is_terminal):
        rng = np.random.default_rng([1, number])
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
    figures: Figures = {"false_readings": readings, "unknown": count, "called_damaged": damaged}
    if count and not readings:
        figures["false_rate_95"] = float(f"{1 - 0.05 ** (1 / count):.2g}")  # Clopper and Pearson (1934), none of count
    return figures


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


def costs(runs: int) -> Figures:
    """Milliseconds at 1024 × 1024, wall and processor."""
    picture = np.ascontiguousarray(square(coloured(skimage.data.astronaut()), 1024)[..., ::-1])
    marked = embed(picture, payload_of("time"), KEY)
    figures: Figures = {}
    works: Mapping[str, Callable[[], object]] = {
        "embed": lambda: embed(picture, payload_of("time"), KEY),
        "read": lambda: read(marked, [KEY]),
        "read_unmarked": lambda: read(picture, [KEY]),
    }
    for name, work in works.items():
        wall_ms, cpu_ms = timed(work, runs)
        figures |= {f"{name}_ms": round(wall_ms, 1), f"{name}_cpu_ms": round(cpu_ms, 1)}
    return {**figures, "load": round(os.getloadavg()[0], 1)}


def recovered(table: Tally, rows: Mapping[str, object]) -> Figures:
    """What the table comes to."""
    within = {row: table.outcomes[row] for row in rows if row not in BEYOND}
    pairs = [one for row, seen in within.items() if row.startswith("…") for one in seen]
    every = [one for seen in within.values() for one in seen]
    return {
        "psnr_db": round(min(table.psnr_db), 2),
        "min_recovered": round(min(sum(seen) / len(seen) for seen in within.values()), 4),
        "recovered": round(sum(every) / len(every), 4),
        "pairs_recovered": round(sum(pairs) / len(pairs), 4),
        "pairs": len(pairs),
    }


def show(columns: Mapping[str, Tally], rows: Mapping[str, object]) -> None:
    """The table for a person."""
    print(f"{'':30}" + "".join(f"{name:>22}" for name in columns))
    print(f"{'least PSNR, dB':30}" + "".join(f"{min(tally.psnr_db):22.1f}" for tally in columns.values()))
    for row in rows:
        shares = (tally.share(row) for tally in columns.values())
        print(f"{row:30}" + "".join(f"{share:22.1%}" if share is not None else f"{'':22}" for share in shares))
    for name in ("Safelight", "as they are"):
        print(f"{name}, {len(columns[name].lost)} lost: " + "; ".join(columns[name].lost[:60]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few pictures and pairs, 200 unmarked ones")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--unknown", type=int, help="unmarked pictures, 100,000 unless --quick")
    parser.add_argument("--only-unmarked", action="store_true", help="nothing but the unmarked pictures")
    parser.add_argument("--first", type=int, default=0, help="the number of the first unmarked picture")
    parser.add_argument("--threads", type=int, default=2, help="of OpenCV")
    parser.add_argument("--docs", type=Path, help="folder for the pictures of the documentation")
    parser.add_argument("--only-docs", action="store_true", help="with --docs: original, marked, difference; no table")
    chosen = parser.parse_args()
    cv2.setNumThreads(chosen.threads)
    if chosen.docs:
        show_pictures(chosen.docs)
        if chosen.only_docs:
            return
    figures: Figures = {}
    if not chosen.only_unmarked:
        names = QUICK_SAMPLES if chosen.quick else SAMPLES
        drawings = {name: one for name, one in drawn(1024).items() if not chosen.quick or name in QUICK_DRAWN}
        large = {name: square(picture, 1024) for name, picture in samples(names).items()} | drawings
        rows = chains(quick=chosen.quick)
        columns = {"Safelight": survey(ours(), large, rows), "as they are": survey(ours(), samples(names), rows)}
        few = {name: large[name] for name in (*QUICK_SAMPLES[:2], *QUICK_DRAWN[::3])}
        short = {row: cases for row, cases in rows.items() if not row.startswith("…")}
        columns |= {method.name: survey(method, few, short) for method in others()}
        show(columns, rows)
        for side, tally in ({} if chosen.quick else by_size()).items():
            words = (f"{row} {tally.share(row):.0%}" for row in ("as it was marked", "JPEG 50", "half + JPEG 75"))
            print(f"samples at {side} × {side}: " + ", ".join(words))
        if chosen.docs:
            chart(chosen.docs / "watermark-bench.webp", columns, list(short))
        figures |= recovered(columns["Safelight"], rows) | costs(5 if chosen.quick else 25)
    unknown = chosen.unknown if chosen.unknown is not None else (200 if chosen.quick else 100_000)
    figures |= unmarked(unknown, chosen.first)
    print(json.dumps(figures) if chosen.json else "\n".join(f"{name}: {figure}" for name, figure in figures.items()))


if __name__ == "__main__":
    main()
