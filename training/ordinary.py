"""The ordinary texts of `training/data`, each file divided by a hash of the line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from training.split import Part, part_of

_BARE = re.compile(
    r"\b(bikinis?|swimsuits?|swimwear|bathing suits?|nude|nudity|naked|topless|shirtless|lingerie|underwear|bra|bras|"
    r"panties|thongs?|undress\w*|without (?:a shirt|shirts|cloth\w+)|no (?:shirt|cloth\w+)|half dressed|sexy|erotic)\b",
    re.IGNORECASE,
)
"""Marks the few lines that do speak of nakedness or underwear: counted apart, and not taught as innocent."""
FOLDER = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Ordinary:
    """One innocent text."""

    text: str
    source: str
    part: Part

    @property
    def bare(self) -> bool:
        """Whether the line itself speaks of nakedness, swimwear or underwear."""
        return bool(_BARE.search(self.text))


def ordinary(folder: Path = FOLDER) -> Iterator[Ordinary]:
    """Every line of every file, files in order of name."""
    for path in sorted(folder.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield Ordinary(line, path.stem, part_of(line))
