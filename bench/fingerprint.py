"""What a fingerprint costs in the browser: a photo of 12 megapixels, from the file to eight hashes, in a worker.

Run it as `python bench/fingerprint.py [--json]` on a quiet machine with Debian's chromium. `pdq` is the computing
alone, from pixels in memory; `file` is everything: digest, decoding, pixels, hashes. Milliseconds of the clock, after
one run to warm up, of 4000 by 3000 pixels and of the most that one such photo can cost: 2047 by 5862, where nothing can
be shrunk first.
"""

import argparse
import io
import json
import sys
from functools import partial
from pathlib import Path

import cv2
import skimage.data
from PIL import Image

from machine import machine

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.web.public.browser import browsing, serving_files

RUNS = 7
SIZES = ((4000, 3000), (2047, 5862))
MEASURE = """async ([name, width, height, runs]) => {
  const file = await (await fetch("/" + name)).blob();
  const { pdq } = await import("/pdq.mjs");
  const pixels = new Uint8Array(width * height * 4).map((_, at) => (at * 2654435761) >>> 24);
  const computing = [];
  for (let run = 0; run <= runs; run++) {
    const began = performance.now();
    await pdq(width, height, (top, rows) => pixels.subarray(top * width * 4, (top + rows) * width * 4));
    if (run) computing.push(performance.now() - began);
  }
  const worker = new Worker("/fingerprint-worker.mjs", { type: "module" });
  const whole = [];
  for (let run = 0; run <= runs; run++) {
    const began = performance.now();
    await new Promise((done) => { worker.onmessage = done; worker.postMessage(file); });
    if (run) whole.push(performance.now() - began);
  }
  return [computing, whole];
}"""


def photo(width: int, height: int) -> bytes:
    """A photograph of that size, as JPEG."""
    file = io.BytesIO()
    picture = cv2.resize(skimage.data.coffee(), (width, height), interpolation=cv2.INTER_CUBIC)
    Image.fromarray(picture).save(file, "JPEG", quality=90)
    return file.getvalue()


def main() -> None:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    files = {f"{width}x{height}.jpg": photo(width, height) for width, height in SIZES}
    rows: dict[str, dict[str, object]] = {}
    with serving_files({name: partial(bytes, content) for name, content in files.items()}) as address, browsing() as it:
        page = it.new_page()
        page.goto(address)
        for width, height in SIZES:
            computing, whole = page.evaluate(MEASURE, [f"{width}x{height}.jpg", width, height, RUNS])
            rows[f"{width}x{height}"] = {
                "pdq_median_ms": round(sorted(computing)[RUNS // 2]),
                "pdq_most_ms": round(max(computing)),
                "file_median_ms": round(sorted(whole)[RUNS // 2]),
                "file_most_ms": round(max(whole)),
            }
        rows["machine"] = {**machine(), "chromium": it.version}
    if arguments.json:
        print(json.dumps(rows))
        return
    for name, row in rows.items():
        print(name, *(f"{key}={value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
