"""How fast the index of known images answers, beside a flat scan and FAISS in the same run, on one thread.

    python bench/index.py --n 1000000
    python bench/index.py --n 10000000 --data clustered --json
    python bench/index.py --n 10000 --n 100000 --n 1000000 --n 10000000 --picture docs/how-to/index-cost.svg

`uniform` hashes have no pattern. `clustered` ones are PDQ hashes of random cuts of scikit-image's sample photographs,
each with many near copies, as lists of real pictures have them. Half of the queries are copies of listed hashes, up to
31 bits away; recall is the share of all neighbours within 31 bits, as the flat scan finds them, that the index finds
too. `open_first_s` is for the first process, which decrypts, `open_s` for those that follow; `large_pages_s` is how
long after the first the memory is in large pages: until then lookups are slower. FAISS is compared where `faiss-cpu`
is installed. At ten million: about 4 GB while it builds, and minutes; `--figures` keeps what was measured, so that
sizes can be run one by one.
"""

import argparse
import importlib.util
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

import curve
from safelight.matching.at_rest.pages import THREAD
from safelight.matching.index.hash_index import HashIndex, tag_of
from safelight.matching.index.layout import MAX_RADIUS, Hashes, to_words
from safelight.matching.index.segment import scan
from safelight.matching.pdq import Pdq, pdq

PHOTOS = (
    "astronaut",
    "coffee",
    "chelsea",
    "rocket",
    "camera",
    "page",
    "retina",
    "immunohistochemistry",
    "coins",
    "moon",
)


SECRET = bytes(32)
DRAWN = {
    "p50_ms": "this index",
    "faiss_flat_p50_ms": "FAISS, flat",
    "faiss_multi_p50_ms": "FAISS, multi-index",
}
"""What the cost curve shows."""


def uniform(count: int, rng: np.random.Generator) -> Hashes:
    """Hashes without any pattern."""
    return rng.integers(0, 2**64, (count, 4), dtype=np.uint64)


def clustered(count: int, rng: np.random.Generator) -> Hashes:
    """Hashes of cuts of photographs, each many times over with up to thirty bits changed."""
    centres: list[bytes] = []
    while len(centres) < min(20_000, max(16, count // 50)):
        picture = getattr(skimage.data, PHOTOS[int(rng.integers(len(PHOTOS)))])()
        picture = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
        height, width = (int(side * rng.uniform(0.2, 1)) for side in picture.shape[:2])
        top, left = (
            int(rng.integers(side - part + 1)) for side, part in zip(picture.shape, (height, width), strict=False)
        )
        found = pdq(np.ascontiguousarray(picture[top : top + height, left : left + width, :3]))
        centres += [form for _, form in found.forms] if isinstance(found, Pdq) else []
    hashes = to_words(b"".join(centres))[rng.integers(len(centres), size=count)]
    for start in range(0, count, 1 << 17):
        part = hashes[start : start + (1 << 17)]
        part ^= noise(len(part), rng.integers(0, 31, len(part)), rng)
    return hashes


def noise(count: int, bits: NDArray[np.int64], rng: np.random.Generator) -> Hashes:
    """Patterns with about so many bits set, none with more."""
    pattern = np.zeros((count, 256), np.uint8)
    places = rng.integers(0, 256, (count, MAX_RADIUS))
    rows, columns = np.nonzero(np.arange(MAX_RADIUS) < bits[:, None])
    pattern[rows, places[rows, columns]] = 1
    return to_words(np.packbits(pattern, axis=1).tobytes())


def timed(ask: Callable[[Any], object], queries: NDArray[Any]) -> list[float]:
    """Milliseconds of each query, one at a time."""
    taken = []
    for query in queries:
        start = time.perf_counter()
        ask(query[None])
        taken.append(1000 * (time.perf_counter() - start))
    return taken


def settled() -> None:
    """Wait until no thread moves memory into large pages: it holds what it moves."""
    for thread in [thread for thread in threading.enumerate() if thread.name == THREAD]:
        thread.join()


def measure(count: int, kind: str, asked: int, scanned: int) -> dict[str, Any]:
    """Every figure of one run."""
    rng = np.random.default_rng(11)
    hashes = uniform(count, rng) if kind == "uniform" else clustered(count, rng)
    copies = hashes[rng.integers(count, size=asked // 2)]
    copies = copies ^ noise(len(copies), rng.integers(0, MAX_RADIUS + 1, len(copies)), rng)
    queries = rng.permutation(np.concatenate([copies, uniform(asked - len(copies), rng)]))
    folder = Path(tempfile.mkdtemp(prefix="safelight-bench-"))
    try:
        return {"n": count, "data": kind} | _index(hashes, queries, scanned, folder) | _faiss(hashes, queries, scanned)
    finally:
        shutil.rmtree(folder)


def _index(hashes: Hashes, queries: Hashes, scanned: int, folder: Path) -> dict[str, Any]:
    start, cpu = time.perf_counter(), time.process_time()
    index = HashIndex(folder, SECRET)
    # Each hash under a tag of its own, so that every neighbour is one to be found.
    index.add(hashes, np.arange(len(hashes), dtype=np.uint64))
    build_s, build_cpu_s = time.perf_counter() - start, time.process_time() - cpu
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    settled()
    del index  # the last to leave: nothing is in shared memory any more, as after the machine was started
    start, cpu = time.perf_counter(), time.process_time()
    reader = HashIndex(folder, SECRET)
    first_s, first_cpu_s = time.perf_counter() - start, time.process_time() - cpu
    start = time.perf_counter()
    HashIndex(folder, SECRET)
    open_s = time.perf_counter() - start
    start = time.perf_counter()
    settled()
    large_pages_s = time.perf_counter() - start
    segment = max(reader._refreshed().parts, key=len)
    # Other questions first: each large page is given to a process when it touches it for the first time.
    timed(lambda query: segment.near(query, MAX_RADIUS), uniform(len(queries), np.random.default_rng(12)))
    near = timed(lambda query: segment.near(query, MAX_RADIUS), queries)
    whole = timed(lambda query: reader.near(query), queries[:200])
    eight = timed(lambda query: reader.near(np.repeat(query, 8, axis=0)), queries[:100])

    flat, expected, missed = [], 0, 0
    for query in queries[:scanned]:
        start = time.perf_counter()
        all_near = scan(segment.hashes, query[None], MAX_RADIUS)
        flat.append(1000 * (time.perf_counter() - start))
        expected += len(all_near.row)
        missed += len(set(all_near.row.tolist()) - set(segment.near(query[None], MAX_RADIUS).row.tolist()))
    return {
        "recall": 1.0 - missed / max(expected, 1),
        "neighbours": expected,
        "p50_ms": float(np.percentile(near, 50)),
        "p99_ms": float(np.percentile(near, 99)),
        "with_refresh_p50_ms": float(np.percentile(whole, 50)),
        "eight_forms_p50_ms": float(np.percentile(eight, 50)),
        "flat_scan_p50_ms": float(np.percentile(flat, 50)),
        "bytes": size,
        "build_s": build_s,
        "build_cpu_s": build_cpu_s,
        "open_s": open_s,
        "open_first_s": first_s,
        "open_first_cpu_s": first_cpu_s,
        "large_pages_s": large_pages_s,
    } | _changes(reader, folder)


def _changes(reader: HashIndex, folder: Path) -> dict[str, float]:
    """Adding and revoking, until another reader of the same folder sees it."""
    writer, new = HashIndex(folder, SECRET), uniform(10_000, np.random.default_rng(5))
    tags = np.full(len(new), tag_of(7), np.uint64)
    start = time.perf_counter()
    writer.add(new[:1], tags[:1])
    assert reader.near(new[:1], 0)[0]
    one_s = time.perf_counter() - start
    start = time.perf_counter()
    writer.add(new, tags)
    assert reader.near(new[-1:], 0)[0]
    add_s = time.perf_counter() - start
    start = time.perf_counter()
    writer.revoke(new, tags)
    assert not reader.near(new[-1:], 0)[0]
    return {"add_1_visible_s": one_s, "add_10k_visible_s": add_s, "revoke_10k_visible_s": time.perf_counter() - start}


def _faiss(hashes: Hashes, queries: Hashes, scanned: int) -> dict[str, Any]:
    if not importlib.util.find_spec("faiss"):
        return {"faiss_flat_p50_ms": None, "faiss_multi_p50_ms": None}
    import faiss

    faiss.omp_set_num_threads(1)
    rows = np.ascontiguousarray(hashes.astype(">u8").view(np.uint8).reshape(len(hashes), 32))
    asked = np.ascontiguousarray(queries[:scanned].astype(">u8").view(np.uint8).reshape(-1, 32))
    figures: dict[str, Any] = {}
    multi = faiss.IndexBinaryMultiHash(256, 16, 16)
    multi.nflip = 1
    indexes: dict[str, Any] = {"flat": faiss.IndexBinaryFlat(256), "multi": multi}
    for name, index in indexes.items():
        index.add(rows)
        # FAISS counts strictly below its radius.
        taken = timed(partial(index.range_search, thresh=MAX_RADIUS + 1), asked)
        figures[f"faiss_{name}_p50_ms"] = float(np.percentile(taken, 50))
    return figures


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, action="append", help="hashes in the index; may be given again")
    parser.add_argument("--data", choices=["uniform", "clustered"], default="uniform")
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--scans", type=int, default=20, help="queries that are compared with flat scans and FAISS")
    parser.add_argument("--figures", type=Path, help="JSON by size of other runs, to which this run's are added")
    parser.add_argument("--picture", type=Path, help="write the cost curve here, as SVG")
    parser.add_argument("--json", action="store_true", help="JSON and nothing else: one object, or several by size")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    kept = chosen.figures and chosen.figures.exists()
    figures: dict[str, Any] = json.loads(chosen.figures.read_text("ascii")) if kept else {}
    for size in chosen.n or ([] if figures else [1_000_000]):
        figures[str(size)] = measure(size, chosen.data, chosen.queries, chosen.scans)
    if chosen.figures:
        chosen.figures.write_text(json.dumps(figures), "ascii")
    if chosen.picture:
        title = "Milliseconds for one lookup within 31 bits, by hashes in the index; one thread"
        chosen.picture.write_text(curve.curve(title, "hashes", curve.of(figures, DRAWN)), "utf-8")
    if chosen.json:
        print(json.dumps(figures if len(figures) > 1 else next(iter(figures.values()))))
        return
    for one in figures.values():
        for name, value in one.items():
            print(f"{name:22} {value:,.4g}" if isinstance(value, float) else f"{name:22} {value}")


if __name__ == "__main__":
    main()
