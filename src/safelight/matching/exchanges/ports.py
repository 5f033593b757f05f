"""The one door that every source of hashes comes through.

Rules of an exchange
- `pages` begins after a checkpoint and gives page after page, each with the checkpoint from which a later run goes on
  once the page has been taken in. Reading a page twice does no harm.
- A signal type that is not known here is counted in `aside`, never skipped in silence and never an error.
- Whatever goes wrong raises ExchangeFailed; the pages given before stand.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from safelight.matching.model import Entry


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list."""

    entries: tuple[Entry, ...]
    checkpoint: str
    aside: Mapping[str, int] = field(default_factory=dict)
    gone_items: Mapping[int, int] = field(default_factory=dict)
    """Entries withdrawn by name: item, and when in seconds since 1970."""


class Exchange(Protocol):
    """One source of hashes."""

    @property
    def name(self) -> str:
        """Stable, and another for the list at another address; each bank's checkpoint is kept under it."""

    def pages(self, checkpoint: str) -> Iterator[Page]:
        """Everything after `checkpoint`; an empty one means from the beginning. Raises ExchangeFailed."""
