"""Parity: were matched requests decided alike on every tier? From opened leaves, with an interval.

Two decisions are matched when stage, policy and what was asked (the keyed digests of prompt and images, as the opened
field `request` has them) are the same, and, where the field `record` is opened too, the circumstances that the policy
knew. For each pair of tiers, matched decisions are paired off in the order of the log.

The interval is that of the difference between two paired proportions, 95 % (R. G. Newcombe, "Improved confidence
intervals for the difference between binomial proportions based on paired data", Statistics in Medicine 17, 1998,
method 10). It stays wide for few pairs, so a handful that agree do not pass for proof.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from .errors import Malformed
from .leaf import Leaf, LeafKind
from .note import decode_base64

Z95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A leaf with fields that were opened, each checked against its commitment."""

    index: int
    content: bytes
    leaf: Leaf
    values: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> "Opened":
        """Read one line as `safelight ledger openings` writes it. Raises Malformed, or InclusionFailed where the leaf
        commits to something else."""
        try:
            read = json.loads(text)
            content, index = read["leaf"].encode(), read["index"]
            fields = {name: (decode_base64(one["salt"]), str(one["value"])) for name, one in read["openings"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Malformed("An opening has `leaf`, `index` and `openings`, each with salt and value.") from error
        if type(index) is not int or index < 0:
            raise Malformed("An opened leaf has its place in the log.")
        leaf = Leaf.parse(content)
        for name, (salt, value) in fields.items():
            leaf.check_opening(name, salt, value)
        return cls(index, content, leaf, {name: value for name, (_, value) in fields.items()})

    def is_for_parity(self) -> bool:
        """Whether it is a decision with what is needed to match it."""
        return self.leaf.kind == LeafKind.DECISION and self.values.keys() >= {"request", "tier"}

    def matched_by(self) -> tuple[str, ...]:
        """What two decisions must share. Raises Malformed."""
        try:
            request = json.loads(self.values["request"])
            facts = json.loads(self.values["record"])["facts"] if "record" in self.values else None
            asked = request["prompt_digest"], request["image_digests"]
        except (ValueError, KeyError, TypeError) as error:
            raise Malformed("The opened fields of this leaf are not what a decision commits to.") from error
        decided = (str(self.leaf.public.get(name)) for name in ("stage", "policy"))
        return (*map(str, asked), *decided, json.dumps(facts, sort_keys=True))


def read_openings(content: bytes) -> list[Opened]:
    """A file as `safelight ledger openings` writes it, one opened leaf a line; a line that stands twice counts once.

    Raises Malformed, or InclusionFailed where a leaf commits to something else.
    """
    lines = dict.fromkeys(content.decode("utf-8", "replace").split("\n"))
    opened = [Opened.parse(line) for line in lines if line.strip()]
    if strange := [one.index for one in opened if not one.is_for_parity()]:
        raise Malformed(f"The leaf at {strange[0]} is no decision with `request` and `tier` opened.")
    if len({one.index for one in opened}) != len(opened):
        raise Malformed("Openings are of one decision each.")
    return opened


@dataclass(frozen=True, slots=True)
class Comparison:
    """Matched decisions of two tiers."""

    one: str
    other: str
    both_refused: int
    only_one_refused: int
    only_other_refused: int
    neither_refused: int

    @property
    def pairs(self) -> int:
        """How many were compared."""
        return self.both_refused + self.only_one_refused + self.only_other_refused + self.neither_refused

    @property
    def difference(self) -> float:
        """Share refused on the one tier less that on the other."""
        return (self.only_one_refused - self.only_other_refused) / self.pairs

    @property
    def interval(self) -> tuple[float, float]:
        """In which the true difference lies, 95 times in 100."""
        return paired_interval(self.both_refused, self.only_one_refused, self.only_other_refused, self.neither_refused)

    @property
    def depends(self) -> bool:
        """Whether the interval leaves no room for equal treatment."""
        low, high = self.interval
        return low > 0 or high < 0


def compare(opened: Iterable[Opened]) -> list[Comparison]:
    """Every pair of tiers that has matched decisions."""
    by_request: dict[tuple[str, ...], dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for one in sorted(opened, key=lambda found: found.index):
        refused = one.leaf.public.get("verdict") == "refuse"
        by_request[one.matched_by()][one.values["tier"]].append(refused)
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for tiers in by_request.values():
        for first, second in combinations(sorted(tiers), 2):
            for left, right in zip(tiers[first], tiers[second], strict=False):
                counts[first, second][(not left) * 2 + (not right)] += 1
    return [Comparison(*tiers, *found) for tiers, found in sorted(counts.items())]


def paired_interval(both: int, only_one: int, only_other: int, neither: int) -> tuple[float, float]:
    """Newcombe's method 10 for the difference of two paired proportions. Raises ValueError without pairs."""
    count = both + only_one + only_other + neither
    if count == 0:
        raise ValueError("there are no pairs")
    first, second = (both + only_one) / count, (both + only_other) / count
    (low_1, high_1), (low_2, high_2) = wilson(both + only_one, count), wilson(both + only_other, count)
    phi = _phi(both, only_one, only_other, neither)
    difference = (only_one - only_other) / count
    down = _reach(first - low_1, high_2 - second, phi)
    up = _reach(high_1 - first, second - low_2, phi)
    return max(-1.0, difference - down), min(1.0, difference + up)


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share by Wilson's score (1927)."""
    share, square = hits / count, Z95 * Z95
    middle = (share + square / (2 * count)) / (1 + square / count)
    reach = Z95 * math.sqrt(share * (1 - share) / count + square / (4 * count * count)) / (1 + square / count)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _phi(both: int, only_one: int, only_other: int, neither: int) -> float:
    """The correlation of the pairs, with Newcombe's correction for continuity."""
    margins = (both + only_one) * (only_other + neither) * (both + only_other) * (only_one + neither)
    if margins == 0:
        return 0.0
    agreement = both * neither - only_one * only_other
    half = (both + only_one + only_other + neither) / 2
    corrected = agreement - half if agreement > half else min(agreement, 0)
    return corrected / math.sqrt(margins)


def _reach(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))
