"""Writes `reference_hashes.json`: the drawn pictures, as the reference implementation of PDQ hashes them.

    pip install pdqhash && python -m tests.matching.make_reference_hashes

The reference's binding is compiled where it is installed, so it is asked once and its answers are kept.
"""

import json
from pathlib import Path

import numpy as np
import pdqhash

from tests.matching.drawn import COUNT, SIZES, drawn

FILE = Path(__file__).with_name("reference_hashes.json")


def main() -> None:
    """Ask it for every picture in every size."""
    answers = []
    for number in range(COUNT):
        for width, height in SIZES:
            forms, quality = pdqhash.compute_dihedral(drawn(number, width, height))
            hexes = [np.packbits(np.asarray(form)).tobytes().hex() for form in forms]
            answers.append({"picture": number, "size": [width, height], "quality": int(quality), "forms": hexes})
    FILE.write_text(json.dumps(answers, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
