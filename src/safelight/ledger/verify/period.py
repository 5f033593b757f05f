"""Published figures, and matched decisions of different tiers, held against a whole verified log."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..proofs.audit import Audit
from ..proofs.checkpoint import SignedCheckpoint
from ..proofs.errors import ConsistencyFailed, InclusionFailed, Malformed
from ..proofs.figures import DEFINITIONS, Figures, Period, differences
from ..proofs.leaf import Leaf
from ..proofs.merkle import consistency_proof, leaf_hash, verify_consistency
from ..proofs.parity import Comparison, Opened, compare
from ..proofs.tiles import TileReader
from . import checks
from .source import Source, read_tile

FORMAT = "safelight-figures/1"


@dataclass(frozen=True, slots=True)
class Published:
    """Figures as `safelight figures --json` gives them: of which log, at which head, for which period."""

    origin: str
    size: int
    root: bytes
    period: Period
    figures: Mapping[str, Any]

    @classmethod
    def read(cls, content: Any) -> "Published":
        """Raises Malformed."""
        try:
            if content["format"] != FORMAT:
                raise Malformed(f"Not figures of the format {FORMAT}.")
            period = Period(str(content["from"]), str(content["to"]))
            size, figures = content["size"], content["figures"]
            root = bytes.fromhex(content["root"])
            fit = type(size) is int and size >= 0 and isinstance(figures, dict)
            if not fit:
                raise Malformed("Figures have a size and a table.")
            if unknown := sorted(figures.keys() - DEFINITIONS.keys()):
                message = f"The figures name {unknown[0]!r}, which this release does not define; take a later one."
                raise Malformed(message)
            return cls(str(content["log"]), size, root, period, figures)
        except (KeyError, TypeError, ValueError) as error:
            raise Malformed("Published figures have format, log, size, root, from, to and figures.") from error


def show(origin: str, size: int, root: bytes, period: Period, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures as they are published; `Published.read` reads them back."""
    return {
        "format": FORMAT,
        "log": origin,
        "size": size,
        "root": root.hex(),
        "from": period.begin,
        "to": period.end,
        "figures": dict(figures),
    }


@dataclass(frozen=True, slots=True)
class Counted:
    """A verified log with its figures."""

    head: SignedCheckpoint
    audit: Audit
    figures: Mapping[str, Any]
    covers: tuple[str, str] | None
    """Moments of the period's first and last leaf."""
    differences: Sequence[tuple[str, object, object]] = ()
    """Where what was published is not what the leaves say: path, published, found."""


def count(source: Source, trust: checks.Trust, period: Period, published: Published | None = None) -> Counted:
    """Verify the log and count its figures; hold `published` against them. Raises ProofError."""
    if published and published.origin != trust.log_key.name:
        raise ConsistencyFailed(f"The figures are of the log {published.origin!r}, not of {trust.log_key.name!r}.")
    audit, figures = Audit(), Figures(period)

    def watch(first: int, entries: Sequence[bytes]) -> None:
        upto = len(entries) if published is None else max(0, published.size - first)
        for entry in entries[:upto]:
            with contextlib.suppress(Malformed):  # an entry that is no leaf is a finding of the audit
                figures.add(Leaf.parse(entry))

    head = checks.check_log(source, trust, audit, watch)
    if published:
        _check_head(published, head, source)
    found = figures.to_json()
    wrong = differences(published.figures, found) if published else ()
    return Counted(head, audit, found, figures.covers, wrong)


@dataclass(frozen=True, slots=True)
class Compared:
    """Opened decisions of a verified log, compared by tier."""

    head: SignedCheckpoint
    opened: int
    of: int
    """Decisions between the first and the last that were opened: the operator chose which, where not all are."""
    comparisons: Sequence[Comparison]


def check_parity(source: Source, trust: checks.Trust, opened: Sequence[Opened]) -> Compared:
    """Verify the log, find every leaf of `opened` (as `read_openings` gives it) in it, compare. Raises ProofError."""
    due = {one.index: leaf_hash(one.content) for one in opened}
    decisions: list[int] = []

    def watch(first: int, entries: Sequence[bytes]) -> None:
        for index, entry in enumerate(entries, first):
            if index in due and leaf_hash(entry) == due[index]:
                del due[index]
            if min_index <= index <= max_index and b'"kind":"decision"' in entry:
                decisions.append(index)

    min_index, max_index = min(due, default=0), max(due, default=-1)
    head = checks.check_log(source, trust, Audit(), watch)
    if due:
        raise InclusionFailed(f"The opened leaf of place {min(due)} is not what stands there in the log.")
    return Compared(head, len(opened), len(decisions), compare(opened))


def _check_head(published: Published, head: SignedCheckpoint, source: Source) -> None:
    """The head that the figures name is one that the log has had."""
    now = head.checkpoint
    if published.size > now.size:
        raise ConsistencyFailed(f"The figures name {published.size} leaves; the log has {now.size}.")
    if published.size == now.size:
        verify_consistency(now.size, now.size, published.root, now.root, ())
        return
    reader = TileReader(now.size, lambda tile: read_tile(source, tile))
    proof = consistency_proof(published.size, now.size, reader.subtree)
    verify_consistency(published.size, now.size, published.root, now.root, proof)
