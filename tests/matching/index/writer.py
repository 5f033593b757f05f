"""A process that adds, revokes and compacts without end, and says each thing once it is acknowledged. To be killed.

Batch `n` holds 700 hashes that follow from `n`. Every third batch is revoked right after; `revoking` is said before.
"""

import sys
from pathlib import Path

import numpy as np

from safelight.matching.index.hash_index import HashIndex, tag_of
from tests.matching.index.words import SECRET, uniform


def main(folder: Path, first: int) -> None:
    """Go on from batch `first`."""
    index = HashIndex(folder, SECRET)
    tags = np.full(700, tag_of(1), np.uint64)
    for number in range(first, first + 10_000):
        index.add(uniform(700, number), tags)
        print("added", number, flush=True)  # noqa: T201 (the test reads it)
        if number % 3 == 0:
            print("revoking", number, flush=True)  # noqa: T201 (as above)
            index.revoke(uniform(700, number), tags)
            print("revoked", number, flush=True)  # noqa: T201 (as above)
        if number % 17 == 0:
            index.compact()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
