"""A whole log, read in order: is it what its head says (integrity), and does it show that anything is left out
(completeness)? Two verdicts, because an honest log can have a gap, and a changed one can look complete.

Integrity: the root over the entries is the root that the log signed. Completeness: each gate process counts from 0
without a gap, says that it runs, and its totals add up to the decisions that stand there.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from .checkpoint import Checkpoint
from .errors import ConsistencyFailed, Malformed
from .leaf import Leaf, LeafKind
from .merkle import EMPTY_ROOT, leaf_hash, node_hash, perfect_root
from .note import decode_base64, encode_base64
from .quick import Quick, read_decision
from .tiles import TILE_HEIGHT, TILE_WIDTH

FINDINGS_MAX_COUNT = 1000
"""Findings kept; further ones are counted."""
_SILENCE_FACTOR = 4
"""A process that has said nothing for so many heartbeats was not running, or its leaves are missing."""


class FindingCode(StrEnum):
    """What can be missing or odd. Stable."""

    GAP = "gap"
    """A process's count skips, repeats or runs backwards: a leaf was dropped, doubled or moved."""
    TOTALS_WRONG = "totals_wrong"
    """A total is not the sum of the leaves that it speaks of."""
    SILENCE = "silence"
    """A process said nothing for longer than its heartbeats allow."""
    NO_START = "no_start"
    """A process's first leaf does not say that it started."""
    AFTER_END = "after_end"
    """A process said that it ended, and went on."""
    LEAF_MALFORMED = "leaf_malformed"
    """An entry that is no leaf."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is missing or odd."""

    code: FindingCode
    index: int
    text: str


@dataclass(slots=True)
class ProcessSeen:
    """What the leaves of one gate process have said so far."""

    next_seq: int = 0
    started_at: str = ""
    last_at: str = ""
    heartbeat_s: int = 0
    ended: bool = False
    counted_from: int = 0
    """The first of its leaves that no total has spoken of."""
    uncounted: dict[str, int] = field(default_factory=dict)
    """Decisions since then, by sort."""


class RootBuilder:
    """The root over entries that come in order, in memory that grows with the tree's height only."""

    def __init__(self, size: int = 0, peaks: list[bytes] | None = None) -> None:
        """`peaks`: the perfect subtrees of a tree of `size` leaves, the largest first."""
        self.size = size
        self.peaks = peaks or []

    def add(self, hashed: bytes, level: int = 0) -> None:
        """The next leaf's hash; or that of the next 2**level leaves, where the tree so far is a multiple of them."""
        at = self.size >> level
        while at & 1:
            hashed = node_hash(self.peaks.pop(), hashed)
            at >>= 1
        self.peaks.append(hashed)
        self.size += 1 << level

    def add_all(self, hashes: Sequence[bytes]) -> None:
        """The next leaves' hashes, whole tiles of them at once."""
        at = 0
        while at < len(hashes):
            if self.size % TILE_WIDTH == 0 and len(hashes) - at >= TILE_WIDTH:
                self.add(perfect_root(hashes[at : at + TILE_WIDTH]), TILE_HEIGHT)
                at += TILE_WIDTH
            else:
                self.add(hashes[at])
                at += 1

    def root(self) -> bytes:
        """Of the tree so far."""
        if not self.peaks:
            return EMPTY_ROOT
        folded = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            folded = node_hash(peak, folded)
        return folded


class Audit:
    """Feed it every entry in order, then ask it. What it knows can be kept, and read on from another day."""

    def __init__(self) -> None:
        self.tree = RootBuilder()
        self.processes: dict[str, ProcessSeen] = {}
        self.kinds: Counter[str] = Counter()
        self.decisions: Counter[str] = Counter()
        """By sort: `stage/verdict/category`."""
        self.findings: list[Finding] = []
        self.findings_count = 0

    def add(self, entry: bytes) -> None:
        """The next entry of the log, as it was published."""
        self.add_all([entry])

    def add_all(self, entries: Sequence[bytes]) -> None:
        """The next entries, in order."""
        first = self.tree.size
        self.tree.add_all([leaf_hash(entry) for entry in entries])
        for index, entry in enumerate(entries, first):
            quick = read_decision(entry)
            if not quick or not self._count_quickly(quick):
                self._read(index, entry)

    def _read(self, index: int, entry: bytes) -> None:
        try:
            leaf = Leaf.parse(entry)
        except Malformed as error:
            self._find(FindingCode.LEAF_MALFORMED, index, str(error))
            return
        self.kinds[leaf.kind] += 1
        self._follow(index, leaf)

    def check_root(self, checkpoint: Checkpoint) -> None:
        """Integrity: what was read is what the head says. Raises ConsistencyFailed."""
        if self.tree.size != checkpoint.size or self.tree.root() != checkpoint.root:
            raise ConsistencyFailed(
                f"The {self.tree.size} entries do not give the root of the signed head: an entry was changed, dropped, "
                "added or moved."
            )

    @property
    def is_complete(self) -> bool:
        """Completeness: nothing found."""
        return self.findings_count == 0

    def to_json(self) -> dict[str, Any]:
        """All that it knows, to be kept beside the head that it has verified."""
        return {
            "size": self.tree.size,
            "peaks": [encode_base64(peak) for peak in self.tree.peaks],
            "processes": {
                name: {slot: getattr(seen, slot) for slot in ProcessSeen.__slots__}
                for name, seen in self.processes.items()
            },
            "kinds": dict(self.kinds),
            "decisions": dict(self.decisions),
            "findings": [{"code": one.code.value, "index": one.index, "text": one.text} for one in self.findings],
            "findings_count": self.findings_count,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Audit":
        """Read it back. Raises Malformed; it is the verifier's own file, so only its form is checked."""
        audit = cls()
        try:
            audit.tree = RootBuilder(int(kept["size"]), [decode_base64(peak) for peak in kept["peaks"]])
            audit.processes = {name: ProcessSeen(**seen) for name, seen in kept["processes"].items()}
            audit.kinds, audit.decisions = Counter(kept["kinds"]), Counter(kept["decisions"])
            audit.findings = [Finding(FindingCode(one["code"]), one["index"], one["text"]) for one in kept["findings"]]
            audit.findings_count = int(kept["findings_count"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Malformed("The state file cannot be read; verify from the beginning without it.") from error
        return audit

    def _count_quickly(self, quick: Quick) -> bool:
        """Count a decision that follows its process's last leaf within the minute; False for any other."""
        process, seq, at, sort = quick
        seen = self.processes.get(process)
        if seen is None or seen.ended or seq != seen.next_seq or seq == 0 or seen.last_at[:16] != at[:16]:
            return False
        seen.next_seq = seq + 1
        seen.last_at = max(seen.last_at, at)
        seen.uncounted[sort] = seen.uncounted.get(sort, 0) + 1
        self.kinds[LeafKind.DECISION.value] += 1
        self.decisions[sort] += 1
        return True

    def _follow(self, index: int, leaf: Leaf) -> None:
        seen = self.processes.setdefault(leaf.process, ProcessSeen())
        if leaf.seq != seen.next_seq:
            text = f"Process {leaf.process} counts {leaf.seq} where {seen.next_seq} is due."
            self._find(FindingCode.GAP, index, text)
        elif leaf.seq == 0 and leaf.kind != LeafKind.PROCESS_START:
            self._find(FindingCode.NO_START, index, f"Process {leaf.process} begins with {leaf.kind}.")
        if seen.ended:
            self._find(FindingCode.AFTER_END, index, f"Process {leaf.process} had said that it ended.")
        self._listen(index, leaf, seen)
        seen.next_seq = leaf.seq + 1
        if leaf.kind == LeafKind.DECISION:
            sort = sort_of(leaf)
            self.decisions[sort] += 1
            seen.uncounted[sort] = seen.uncounted.get(sort, 0) + 1
        elif leaf.kind == LeafKind.PROCESS_START:
            seen.started_at = leaf.at
            rhythm = leaf.public.get("heartbeat_s")
            seen.heartbeat_s = rhythm if isinstance(rhythm, int) else 0
        elif leaf.kind == LeafKind.PROCESS_END:
            seen.ended = True
        elif leaf.kind == LeafKind.TOTALS:
            self._add_up(index, leaf, seen)

    def _listen(self, index: int, leaf: Leaf, seen: ProcessSeen) -> None:
        # Most leaves follow within the minute, and comparing their text costs less than reading it as a moment.
        if seen.heartbeat_s and seen.last_at[:16] != leaf.at[:16]:
            try:
                silent_s = (_moment(leaf.at) - _moment(seen.last_at)).total_seconds()
            except ValueError:  # the thirtieth of February
                self._find(FindingCode.LEAF_MALFORMED, index, f"There is no moment {leaf.at}.")
                return
            if silent_s > seen.heartbeat_s * _SILENCE_FACTOR:
                text = f"Process {leaf.process} said nothing for {silent_s:.0f} s before this."
                self._find(FindingCode.SILENCE, index, text)
        seen.last_at = max(seen.last_at, leaf.at)

    def _add_up(self, index: int, leaf: Leaf, seen: ProcessSeen) -> None:
        said = leaf.public.get("counts")
        stretch = leaf.public.get("first_seq"), leaf.public.get("last_seq")
        if stretch != (seen.counted_from, leaf.seq - 1) or said != seen.uncounted:
            text = f"The totals of process {leaf.process} say {said}, the leaves {seen.uncounted}."
            self._find(FindingCode.TOTALS_WRONG, index, text)
        seen.counted_from, seen.uncounted = leaf.seq, {}

    def _find(self, code: FindingCode, index: int, text: str) -> None:
        self.findings_count += 1
        if len(self.findings) < FINDINGS_MAX_COUNT:
            self.findings.append(Finding(code, index, text))


def sort_of(leaf: Leaf) -> str:
    """Under which a decision is counted: `stage/verdict/category`, with `-` where there is no category."""
    return "/".join(str(leaf.public.get(name) or "-") for name in ("stage", "verdict", "category"))


def _moment(text: str) -> datetime:
    # A leaf's form allows the 61st second of a leap; the machine's clock does not.
    return datetime.strptime(re.sub(r":6[0-9]\.", ":59.", text), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
