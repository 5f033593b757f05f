"""A process that has an index open, says how many of its first hash it knows, and waits. To be killed.

Where the name of the place is `limited`, its parent is meant, and no file may grow beyond a mebibyte.
"""

import resource
import sys
from pathlib import Path

import structlog

from safelight.matching.index.hash_index import HashIndex
from tests.matching.index.words import SECRET, uniform

if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    folder, place = Path(sys.argv[1]), Path(sys.argv[2])
    if place.name == "limited":
        place = place.parent
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    index = HashIndex(folder, SECRET, place)
    print(len(index.near(uniform(1), 0)[0]), flush=True)  # noqa: T201 (the test reads it)
    sys.stdin.read()
