"""How often strangers may ask: so many a minute for one address, so many for all of them.

Nothing is kept: addresses stand here as digests under a key of this process, for a minute, in memory.
"""

import hashlib
import ipaddress
import secrets
import time
from collections import deque
from collections.abc import Callable

from safelight.core.errors import BudgetSpent

_MINUTE_S = 60.0
_ADDRESSES_MAX = 10_000


class Throttle:
    """Counts what was asked in the last minute."""

    def __init__(self, per_address: int, in_all: int, now: Callable[[], float] = time.monotonic) -> None:
        """Both a minute."""
        self._per_address = per_address
        self._in_all = in_all
        self._now = now
        self._key = secrets.token_bytes(32)
        self._asked: dict[bytes, deque[float]] = {}
        self._all: deque[float] = deque()

    def take(self, address: str) -> None:
        """Count one question of `address`. Raises BudgetSpent."""
        now = self._now()
        mine = self._asked.setdefault(self._digest(address), deque())
        for times in (mine, self._all):
            while times and times[0] <= now - _MINUTE_S:
                times.popleft()
        if len(mine) >= self._per_address or len(self._all) >= self._in_all:
            raise BudgetSpent("Too many pictures in a minute; try again soon.", retry_after_s=60)
        mine.append(now)
        self._all.append(now)
        if len(self._asked) > _ADDRESSES_MAX:
            self._asked = {key: times for key, times in self._asked.items() if times and times[-1] > now - _MINUTE_S}

    def _digest(self, address: str) -> bytes:
        """An IPv6 network of 64 bits counts as one address: it is what one household has."""
        try:
            known = ipaddress.ip_address(address)
        except ValueError:
            return hashlib.blake2b(address.encode(), key=self._key, digest_size=16).digest()
        packed = known.packed[:8] if known.version == 6 else known.packed
        return hashlib.blake2b(packed, key=self._key, digest_size=16).digest()
