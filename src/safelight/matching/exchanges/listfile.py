"""Lists that come as a file: CSV or JSON lines, with the columns declared, as the IWF and others hand them out.

Nothing is guessed: who reads a file says which column holds which kind of hash. A row may hold several. A column that
does not parse is an error with its line, unless `lenient` counts it aside. A list without a hash is an error too.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
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
        if found[1] in columns:
            raise BankError(f"The column {found[1]!r} is declared twice.")
        columns[found[1]] = HashKind(found[2])
    return columns


@dataclass(frozen=True, slots=True)
class ListFile:
    """One file as an exchange; it is read from the beginning each time."""

    path: Path
    columns: Mapping[str, HashKind]
    lenient: bool = False
    """Count a hash that does not parse aside, instead of stopping."""
    is_withdrawal: bool = False
    """Whether the hashes are to be taken out of the bank."""

    @property
    def name(self) -> str:
        """By the file's name."""
        return f"file {self.path.name}"[:80]

    def pages(self, checkpoint: str) -> Iterator[Page]:  # noqa: ARG002 (a file is small enough to be read again)
        """The rows of the file. Raises BankError for a file that is not as declared."""
        if not self.columns:
            raise BankError("Declare at least one column, such as `--column SHA1=sha1`.")
        # A pipe would be empty when it is read again, and hang where nobody writes into it.
        if self.path.exists() and not self.path.is_file():
            raise BankError(f"{self.path.name} is a folder or a pipe; name a file, which is read twice.")
        entries: list[Entry] = []
        aside: Counter[str] = Counter()
        lacking, there = set(self.columns), dict[str, None]()
        has_any = False
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                for number, row in self._rows(file):
                    lacking -= row.keys()
                    if lacking:
                        there.update(dict.fromkeys(row))
                    entries += self._entries(number, row, aside)
                    has_any = has_any or bool(entries or aside)
                    if len(entries) >= _PAGE_ROWS:
                        yield Page(tuple(entries), "", dict(aside))
                        entries, aside = [], Counter()
        except UnicodeDecodeError as error:
            name = self.path.name
            raise BankError(
                f"{name} is not in UTF-8; save it so, or: iconv -f UTF-16 -t UTF-8 {name} (or -f LATIN1)."
            ) from error
        except OSError as error:
            raise BankError(f"{self.path} cannot be read: {error.strerror}.") from error
        except csv.Error as error:
            raise BankError(f"{self.path.name} cannot be read as CSV: {error}.") from error
        if lacking and there:
            raise BankError(f"No line of {self.path.name} has {sorted(lacking)[0]!r}; there are: {_some(there)}.")
        if not has_any:
            raise BankError(f"{self.path.name} holds no hash under {_some(self.columns)}.")
        yield Page(tuple(entries), "", dict(aside))

    def _rows(self, file: TextIO) -> Iterator[tuple[int, Mapping[str, object]]]:
        return self._csv_rows(file) if self.path.suffix.lower() == ".csv" else self._json_rows(file)

    def _csv_rows(self, file: TextIO) -> Iterator[tuple[int, Mapping[str, object]]]:
        reader = csv.DictReader(file, strict=True)
        there = list(reader.fieldnames or ())
        for column in self.columns:
            if there.count(column) != 1:
                wrong = f"has two columns {column!r}: rename one" if column in there else f"has no column {column!r}"
                raise BankError(f"{self.path.name} {wrong}; there are: {_some(there) or 'none'}.")
        for row in reader:
            yield reader.line_num, row

    def _json_rows(self, file: TextIO) -> Iterator[tuple[int, Mapping[str, object]]]:
        for number in range(1, 1 << 40):
            line = file.readline(_LINE_MAX_CHARS)
            if not line:
                return
            try:
                row = json.loads(line, object_pairs_hook=_once)
            except (ValueError, RecursionError) as error:
                raise self._no_object(number) from error
            if not isinstance(row, dict):
                raise self._no_object(number)
            yield number, row

    def _no_object(self, number: int) -> BankError:
        hint = "Every line is one JSON object; CSV, with commas, is read from a file whose name ends in .csv."
        return BankError(f"{self.path.name}, line {number}: no JSON object, or one with a name twice. {hint}")

    def _entries(self, number: int, row: Mapping[str, object], aside: Counter[str]) -> Iterator[Entry]:
        for column, kind in self.columns.items():
            value = row.get(column)
            if value in (None, ""):
                continue
            try:
                yield Entry(kind, parse_hash(kind, str(value).strip()), self.is_withdrawal)
            except ValueError as error:
                if not self.lenient:
                    raise BankError(f"{self.path.name}, line {number}, {column}: {error}.") from error
                aside[f"{kind.value} that does not parse"] += 1


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose names stand once. Raises ValueError."""
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("a name stands twice")
    return row


def _some(names: Iterable[str]) -> str:
    """Names for an error, not all of a file that has thousands."""
    return ", ".join(repr(str(name)[:80]) for name in islice(names, 30))
