"""Inner hashes of the tree that were worked out before: a perfect subtree that is whole never changes, so a proof need
neither read nor hash it a second time.

A wrong hash in here could deceive nobody: whoever is given a proof verifies it against a signed head.
"""

import threading
from collections import OrderedDict

from safelight.ledger.proofs.merkle import Subtree

NODES_MAX_COUNT = 16_384
"""Some 4 MB. Twice what stands above the lowest tiles of a log of a million leaves, so that those stay."""


class KnownNodes:
    """Of one log; several threads may ask."""

    def __init__(self, max_count: int = NODES_MAX_COUNT) -> None:
        self._max_count = max_count
        self._hashes: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def before(self, subtree: Subtree) -> Subtree:
        """`subtree`, asked only for what is not known."""

        def known_or_read(level: int, index: int) -> bytes:
            place = level, index
            with self._lock:
                if place in self._hashes:
                    self._hashes.move_to_end(place)
                    return self._hashes[place]
            hashed = subtree(level, index)
            with self._lock:
                self._hashes[place] = hashed
                if len(self._hashes) > self._max_count:
                    self._hashes.popitem(last=False)
            return hashed

        return known_or_read
