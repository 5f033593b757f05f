"""Measures a head on rows and lines that it was not fitted on; shares come with 95 % Wilson intervals."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from safelight.signals.text.head import Head
from training.features import Features
from training.fit import scores
from training.grammar.rows import Row
from training.ordinary import Ordinary

_Z = 1.959964
"""Of the standard normal distribution, for 95 %."""


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `count`, with its interval."""

    hits: int
    count: int

    def __str__(self) -> str:
        if not self.count:
            return "none"
        low, high = wilson(self.hits, self.count)
        return f"{100 * self.hits / self.count:.1f} % ({self.hits}/{self.count}; {100 * low:.1f}–{100 * high:.1f})"


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Wilson's score interval for `hits` of `count` (E. B. Wilson, JASA 22, 1927)."""
    share, z2 = hits / count, _Z * _Z
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = _Z * sqrt(share * (1 - share) / count + z2 / (4 * count * count)) / (1 + z2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def is_refused(score: Iterable[float], photo: bool, threshold: float) -> bool:
    """The default policy in short, for rows of undress, sexual, minor and person."""
    undress, sexual, minor, person = score
    return bool(
        (undress >= threshold and (photo or person >= threshold))
        or sexual >= threshold
        or (minor >= threshold and max(undress, sexual) >= threshold)
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """What a head did."""

    rows: tuple[tuple[Row, bool], ...]
    """Each request, and whether it was refused."""
    rows_by_turn: tuple[tuple[Row, bool], ...]
    """The conversations again, each turn judged by itself."""
    ordinary: tuple[tuple[Ordinary, bool], ...]
    """Each line, and whether it was refused with a photo attached."""

    def by(self, key: Callable[[Row], str], block: bool) -> dict[str, Share]:
        """Shares that were refused, by a property of the row."""
        count = Counter(key(row) for row, _ in self.rows if row.block is block)
        hits = Counter(key(row) for row, hit in self.rows if row.block is block and hit)
        return {name: Share(hits[name], count[name]) for name in sorted(count)}

    def all(self, block: bool) -> Share:
        """Of all rows, the share that was refused."""
        return self.by(lambda _: "", block).get("", Share(0, 0))

    def alone(self) -> Share:
        """Of the conversations that should be refused, the share that is when no turn knows the others."""
        asked = [hit for row, hit in self.rows_by_turn if row.block]
        return Share(sum(asked), len(asked))

    def ordinary_share(self, bare: bool) -> Share:
        """Of the ordinary lines (those that speak of nakedness, or the rest), the share that was refused."""
        lines = [hit for line, hit in self.ordinary if line.bare is bare]
        return Share(sum(lines), len(lines))


def measure(
    head: Head, rows: Sequence[Row], plain: Sequence[Ordinary], features: Features, threshold: float
) -> Measured:
    """Judge every row, every turn of every conversation by itself, and every line."""
    found = scores(head, features.of([row.text for row in rows]))
    hits = tuple((row, is_refused(s, row.image, threshold)) for row, s in zip(rows, found, strict=True))
    talks = [row for row in rows if len(row.turns) > 1]
    turns = [(at, turn) for at, row in enumerate(talks) for turn in row.turns]
    alone = [False] * len(talks)
    for (at, _), s in zip(turns, scores(head, features.of([turn for _, turn in turns])), strict=True):
        alone[at] = alone[at] or is_refused(s, talks[at].image, threshold)
    lines = scores(head, features.of([line.text for line in plain]))
    calm = tuple((line, is_refused(s, True, threshold)) for line, s in zip(plain, lines, strict=True))
    return Measured(hits, tuple(zip(talks, alone, strict=True)), calm)
