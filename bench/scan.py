"""How many images a second a scan looks at, and where the time goes; the same table on a local Ray.

    python bench/scan.py [--files 400] [--workers 2] [--detector image_nudity_one] [--ray] [--quick] [--json]

The archive is scikit-image's sample photographs, compressed again and resized to about a megapixel so that every file
differs. With `--ray`, a Ray of as many workers is started on this machine and stopped afterwards (`pip install ray`),
and its rows are held against those of the first run. Stages are seconds of work over all workers; reading is done ahead
of the rest.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import skimage.data

_PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "hubble_deep_field", "retina", "immunohistochemistry")
_MEGAPIXEL = 1_000_000


def fill(folder: Path, files: int) -> None:
    """Write the archive; one file in fifty is cut short."""
    folder.mkdir()
    rng = np.random.default_rng(7)
    photos = [np.ascontiguousarray(getattr(skimage.data, name)()[..., 2::-1]) for name in _PHOTOS]
    for number in range(files):
        photo = photos[number % len(photos)]
        scale = np.sqrt(_MEGAPIXEL / (photo.shape[0] * photo.shape[1])) * rng.uniform(0.8, 1.2)
        resized = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        coded = cv2.imencode(".jpg", resized, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 95))])[1].tobytes()
        (folder / f"{number:06d}.jpg").write_bytes(coded[:2_000] if number % 50 == 49 else coded)


def scan(archive: Path, out: Path, data: Path, more: list[str]) -> dict[str, Any]:
    """Run the command; its summary, with the seconds of processor time that this machine gave it."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "safelight", "scan", str(archive), "--out", str(out), "--data-dir", str(data)]
    answer = subprocess.run([*command, "--json", *more], capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if answer.returncode not in (0, 1):
        raise SystemExit(answer.stderr + answer.stdout)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    summary: dict[str, Any] = json.loads(answer.stdout)
    return summary | {"command_s": time.perf_counter() - start, "cpu_s": spent}


def rows(out: Path) -> list[dict[str, Any]]:
    """All rows, by path."""
    found = [row for part in out.glob("part-*.parquet") for row in pq.read_table(part).to_pylist()]
    return sorted(found, key=lambda row: str(row["path"]))


def on_ray(archive: Path, out: Path, data: Path, workers: int, more: list[str]) -> dict[str, Any]:
    """The same on a Ray of this machine."""
    ray = str(Path(sys.executable).with_name("ray"))
    port = 26_379
    environment = os.environ | {"RAY_USAGE_STATS_ENABLED": "0"}
    head = [ray, "start", "--head", f"--port={port}", f"--num-cpus={workers}", "--include-dashboard=false"]
    subprocess.run(
        [*head, "--node-ip-address=127.0.0.1", "--disable-usage-stats"],
        env=environment,
        check=True,
        capture_output=True,
    )
    try:
        return scan(archive, out, data, ["--ray", f"127.0.0.1:{port}", *more])
    finally:
        subprocess.run([ray, "stop"], env=environment, check=False, capture_output=True)


def show(title: str, summary: dict[str, Any]) -> None:
    """Print one table."""
    print(f"{title}: {summary['files']} files, {summary['files_per_s']:.1f} a second while scanning,")
    print(f"  {summary['command_s']:.1f} s for the whole command, {summary['cpu_s']:.1f} s of processor time here")
    for name, share in summary["shares"].items():
        print(f"  {name:8} {share:6.1%}  {1000 * summary['seconds'][name] / summary['files']:7.2f} ms a file")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--detector", action="append", default=[])
    parser.add_argument("--ray", action="store_true", help="also on a Ray of this machine")
    parser.add_argument("--quick", action="store_true", help="a hundred files")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    more = ["--workers", str(chosen.workers), *(word for name in chosen.detector for word in ("--detector", name))]
    with tempfile.TemporaryDirectory() as place:
        archive, data = Path(place, "archive"), Path(place, "data")
        fill(archive, 100 if chosen.quick else chosen.files)
        figures = {"local": scan(archive, Path(place, "local"), data, more)}
        if chosen.ray:
            figures["ray"] = on_ray(archive, Path(place, "ray"), data, chosen.workers, more)
            if rows(Path(place, "local")) != rows(Path(place, "ray")):
                raise SystemExit("The two runs found different things.")
    load = os.getloadavg()[0]
    if chosen.json:
        kept = ("files", "bytes", "files_per_s", "seconds", "shares", "command_s", "cpu_s", "errors")
        print(json.dumps({"load": load, **{name: {key: one[key] for key in kept} for name, one in figures.items()}}))
        return
    for name, summary in figures.items():
        show(name, summary)
    print(f"load of the machine: {load:.1f}")


if __name__ == "__main__":
    main()
