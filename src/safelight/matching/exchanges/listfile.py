"""Lists that come as a file: CSV or JSON lines, with the columns declared, as the IWF and others hand them out.

Nothing is guessed: who reads a file says which column holds which kind of hash. A row may hold several. A column that
does not parse is an error with its line, unless `lenient` counts it aside.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from safelight.matching.errors import BankError
from safelight.matching.exchanges.ports import Page
from safelight.matching.fingerprints import HashKind, parse_hash
from safelight.matching.model import Entry

_PAGE_ROWS = 20_000
_LINE_MAX_CHARS = 100_000
_COLUMN = re.compile(r"([^=]+)=([a-z0-9]+)")


def parse_columns(declared: list[str]) -> dict[str, HashKind]:
    """Columns from words such as `SHA1=sha1`. Raises BankError."""
    columns: dict[str, HashKind] = {}
    for word in declared:
        found = _COLUMN.fullmatch(word)
        if not found or found[2] not in list(HashKind):
            raise BankError(f"A column is declared as NAME=KIND, with KIND one of {', '.join(HashKind)}.")
        columns[found[1]] = HashKind(found[2])
    return columns


@dataclass(frozen=True, slots=True)
class ListFile:
    """One file as an exchange; it is read from the beginning each time."""

    path: Path
    columns: Mapping[str, HashKind]
    lenient: bool = False
    """Count a hash that does not parse aside, instead of stopping."""

    @property
    def name(self) -> str:
        """By the file's name."""
        return f"file {self.path.name}"[:80]

    def pages(self, checkpoint: str) -> Iterator[Page]:  # noqa: ARG002 (a file is small enough to be read again)
        """The rows of the file. Raises BankError for a file that is not as declared."""
        if not self.columns:
            raise BankError("Declare at least one column, such as `--column SHA1=sha1`.")
        entries: list[Entry] = []
        aside: Counter[str] = Counter()
        lacking = set(self.columns)
        number = 0
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                for number, row in self._rows(file):
                    lacking -= row.keys()
                    entries += self._entries(number, row, aside)
                    if len(entries) >= _PAGE_ROWS:
                        yield Page(tuple(entries), "", dict(aside))
                        entries, aside = [], Counter()
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise BankError(f"{self.path.name} cannot be read as a list: {error}") from error
        if lacking and number:
            raise BankError(f"No line of {self.path.name} has {sorted(lacking)[0]!r}; look at its first line.")
        yield Page(tuple(entries), "", dict(aside))

    def _rows(self, file: TextIO) -> Iterator[tuple[int, Mapping[str, object]]]:
        if self.path.suffix == ".csv":
            reader = csv.DictReader(file, strict=True)
            lacking = set(self.columns) - set(reader.fieldnames or ())
            if lacking:
                raise BankError(f"{self.path.name} has no column {sorted(lacking)[0]!r}; look at its first line.")
            for row in reader:
                yield reader.line_num, row
            return
        for number in range(1, 1 << 40):
            line = file.readline(_LINE_MAX_CHARS)
            if not line:
                return
            try:
                row = json.loads(line)
            except ValueError as error:
                raise BankError(f"{self.path.name}, line {number}: no JSON object.") from error
            if not isinstance(row, dict):
                raise BankError(f"{self.path.name}, line {number}: no JSON object.")
            yield number, row

    def _entries(self, number: int, row: Mapping[str, object], aside: Counter[str]) -> Iterator[Entry]:
        for column, kind in self.columns.items():
            value = row.get(column)
            if value in (None, ""):
                continue
            try:
                yield Entry(kind, parse_hash(kind, str(value).strip()))
            except ValueError as error:
                if not self.lenient:
                    raise BankError(f"{self.path.name}, line {number}, {column}: {error}.") from error
                aside[f"{kind.value} that does not parse"] += 1
