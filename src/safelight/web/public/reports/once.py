"""Marks that a page puts into its form, each good once and for a while.

A page about a report is the answer to a form with a code and a PIN in it. Whoever uses the device next could press Back
and have the browser send that form again; with these marks the second sending shows nothing. The same marks keep a
report from being sent twice by a hand that presses twice, and a form on another website from being taken for ours.

Rules of this module
- A mark says when it was made and is signed, so nothing is kept of those that nobody uses.
- Used marks are remembered in this process only, for as long as they could be used again; so only its own marks are
  good: the key ends with the process, and what was used before a restart is not good again after it.
"""

import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Generic, TypeVar

T = TypeVar("T")

_USED_MAX_COUNT = 100_000


class Answer(StrEnum):
    """What became of a mark."""

    FRESH = "fresh"
    USED = "used"
    STALE = "stale"
    """Too old, made before this process began, or none of ours."""


@dataclass(frozen=True, slots=True)
class _Use(Generic[T]):
    until: datetime
    result: T | None


class Once(Generic[T]):
    """Marks that are good for `lasts`. What came of a mark's use can be kept with it."""

    def __init__(self, lasts: timedelta) -> None:
        self._key = secrets.token_bytes(32)
        self._lasts = lasts
        self._used: OrderedDict[str, _Use[T]] = OrderedDict()

    def issue(self, now: datetime) -> str:
        """A new mark."""
        body = f"{int(now.timestamp())}.{secrets.token_urlsafe(12)}"
        return f"{body}.{self._signature(body)}"

    def use(self, mark: str, now: datetime) -> Answer:
        """Use a mark up, if it is good."""
        body, _, signature = mark.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(body).encode()):
            return Answer.STALE
        made_at_s = int(body.partition(".")[0])
        if not 0 <= now.timestamp() - made_at_s <= self._lasts.total_seconds():
            return Answer.STALE
        self._forget(now)
        if mark in self._used:
            return Answer.USED
        self._used[mark] = _Use(now + self._lasts, None)
        return Answer.FRESH

    def keep(self, mark: str, result: T) -> None:
        """Keep what came of a mark just used, for whoever sends it again."""
        if use := self._used.get(mark):
            self._used[mark] = _Use(use.until, result)

    def give_back(self, mark: str) -> None:
        """Make a mark good again: nothing came of its use."""
        self._used.pop(mark, None)

    def result(self, mark: str) -> T | None:
        """What was kept with a used mark."""
        use = self._used.get(mark)
        return use.result if use else None

    def _forget(self, now: datetime) -> None:
        while self._used and (next(iter(self._used.values())).until < now or len(self._used) >= _USED_MAX_COUNT):
            self._used.popitem(last=False)

    def _signature(self, body: str) -> str:
        return hmac.new(self._key, body.encode("utf-8", "surrogatepass"), sha256).hexdigest()
