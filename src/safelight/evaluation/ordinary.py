"""Ordinary traffic by the ten thousand: how often is something refused that nobody would object to, and what for?

Rules
- The file is read row by row and never held; what is kept is counts, latencies and the rows that were refused.
- Rows that name nudity or underwear are counted apart, by the words of `NAMES_NUDITY` and nothing cleverer: a refusal
  there may be right, and no figure may depend on who looked at it. The list is English, as bulk prompt sets are.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from safelight.core.canonical import Json
from safelight.core.errors import BadInput, InputCode
from safelight.evaluation.judge import Judge, Timed, Why, single_turn
from safelight.evaluation.tally import Share, latencies

NUDITY_WORDS = (
    "nude", "nudes", "nudity", "nudist", "naked", "topless", "unclothed", "undressed", "underwear", "undergarment",
    "undergarments", "lingerie", "bra", "bras", "panties", "thong", "thongs", "g-string",
)  # fmt: skip
"""What puts a row apart, as whole words in any case."""
NAMES_NUDITY = re.compile(rf"\b(?:{'|'.join(map(re.escape, NUDITY_WORDS))})\b", re.IGNORECASE)
SHOWN_MAX_CHARS = 200
"""Of a refused row, as much is listed."""


@dataclass(frozen=True, slots=True)
class Refused:
    """One row that was refused."""

    line: int
    """In the file, counted from 1, where the row ends."""
    text: str
    """Its beginning."""
    why: Why

    def to_json(self) -> dict[str, Json]:
        """By field name."""
        return {
            "line": self.line,
            "text": self.text,
            "rule": self.why.rule,
            "category": self.why.category,
            "understood": self.why.understood,
            "reading": self.why.reading,
        }


@dataclass(slots=True)
class Traffic:
    """What became of the rows."""

    image: bool
    """Whether each was judged as an edit of a person's photo."""
    rows: int = 0
    nudity_rows: int = 0
    refused: list[Refused] = field(default_factory=list)
    nudity_refused: list[Refused] = field(default_factory=list)
    timed: list[Timed] = field(default_factory=list)

    @property
    def false_positives(self) -> Share:
        """Refused rows, of those that name no nudity."""
        return Share(len(self.refused), self.rows)

    @property
    def nudity(self) -> Share:
        """Refused rows, of those that do."""
        return Share(len(self.nudity_refused), self.nudity_rows)

    def to_json(self) -> dict[str, Json]:
        """Shares, latencies and every refused row."""
        return {
            "image": self.image,
            "false_positives": self.false_positives.to_json(),
            "naming_nudity": self.nudity.to_json(),
            "latency": [one.to_json() for one in latencies(self.timed)],
            "refused": [one.to_json() for one in self.refused],
            "refused_naming_nudity": [one.to_json() for one in self.nudity_refused],
        }


def traffic(judge: Judge, rows: Iterable[tuple[int, str]], *, image: bool) -> Traffic:
    """Judge each row, a line number and a text."""
    found = Traffic(image)
    for line, text in rows:
        judged = judge.judge(single_turn(text, image=image, number=line))
        found.timed += [answer.timed for answer in judged.answers]
        naming = NAMES_NUDITY.search(text) is not None
        found.nudity_rows += naming
        found.rows += not naming
        if judged.is_refused:
            listed = found.nudity_refused if naming else found.refused
            listed.append(Refused(line, text[:SHOWN_MAX_CHARS], judge.why(judged)))
    return found


def read_column(path: Path, column: str) -> Iterator[tuple[int, str]]:
    """The line and the text of each row with something in `column`. Raises BadInput for a file without it."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _rows(file, path.name, column)
    except OSError as error:
        raise BadInput(
            InputCode.FIELD_INVALID, f"{path} cannot be read: {error.strerror}.", param="ordinary"
        ) from error
    except UnicodeDecodeError as error:
        raise BadInput(InputCode.TEXT_INVALID, f"{path.name} is not UTF-8; save it so.", param="ordinary") from error


def _rows(file: io.TextIOBase, name: str, column: str) -> Iterator[tuple[int, str]]:
    reader = csv.DictReader(file, strict=True)
    try:
        columns = reader.fieldnames or ()
        if column not in columns:
            known = ", ".join(columns) or "none"
            raise BadInput(
                InputCode.FIELD_MISSING, f"{name} has no column {column!r}; it has: {known}.", param="column"
            )
        for row in reader:
            if (text := row[column]) and text.strip():
                yield reader.line_num, text
    except csv.Error as error:
        message = f"{name}, after line {reader.line_num}: {error}; write it as CSV with a head line."
        raise BadInput(InputCode.FIELD_INVALID, message, param="ordinary") from error
