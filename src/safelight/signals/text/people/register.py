"""The operator's register of names: people under protection, and public figures. A file of the operator's, JSON lines.

Rules
- An entry is a name, its kind, and the other ways in which the person is called. Nothing else about anybody.
- Imports are read strictly, CSV or JSON lines, and replace nothing unless every line can be read.
"""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from safelight.core.errors import BadInput, InputCode

ENTRIES_MAX = 200_000
NAME_MAX_CHARS = 200
ALIASES_MAX = 32


class NameKind(StrEnum):
    """Why a name is in the register."""

    PROTECTED = "protected"
    """Somebody who asked for it, or for whom it was asked: nothing that leans towards exposing them is made."""
    PUBLIC_FIGURE = "public_figure"
    """Somebody whose faked picture would deceive many: no scene that never was."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One person."""

    name: str
    kind: NameKind
    aliases: tuple[str, ...] = ()
    """Other ways to call them; in a script without spaces as it is written there."""

    def to_json(self) -> dict[str, str | list[str]]:
        """As it stands in the file."""
        return {"name": self.name, "kind": self.kind.value, "aliases": list(self.aliases)}


def read_jsonl(text: str) -> list[Entry]:
    """Entries out of JSON lines. Raises BadInput with the line."""
    return _all(_json_lines(text))


def read_csv(text: str) -> list[Entry]:
    """Entries out of CSV with the columns `name`, `kind` and, with `|` between them, `aliases`. Raises BadInput."""
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        columns = set(reader.fieldnames or ())
        rows = list(reader)
    except csv.Error as error:
        raise _fault(max(1, reader.line_num), f"it is no CSV ({error})") from error
    if not {"name", "kind"} <= columns <= {"name", "kind", "aliases"}:
        raise _fault(1, "the columns are name, kind and, if you like, aliases")
    return _all(
        (number, {**row, "aliases": [a for a in str(row.get("aliases") or "").split("|") if a]})
        for number, row in enumerate(rows, 2)
    )


def load(path: Path) -> list[Entry]:
    """The register in `path`; empty where there is no such file. Raises BadInput or OSError."""
    return read_jsonl(path.read_text("utf-8")) if path.exists() else []


def save(path: Path, entries: Iterable[Entry]) -> None:
    """Replace the register, in one step, readable by its owner only."""
    unique = {(entry.name.casefold(), entry.kind): entry for entry in entries}
    text = "".join(json.dumps(entry.to_json(), ensure_ascii=False) + "\n" for entry in unique.values())
    beside = path.with_suffix(".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _json_lines(text: str) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                raise _fault(number, "it is not JSON") from error


def _all(rows: Iterable[tuple[int, object]]) -> list[Entry]:
    entries = [_entry(number, row) for number, row in rows]
    if len(entries) > ENTRIES_MAX:
        raise _fault(ENTRIES_MAX, f"a register has at most {ENTRIES_MAX} names")
    return entries


def _entry(number: int, row: object) -> Entry:
    if not isinstance(row, dict) or not {"name", "kind"} <= row.keys() <= {"name", "kind", "aliases"}:
        raise _fault(number, "an entry has name, kind and, if you like, aliases")
    aliases = row.get("aliases", [])
    if not isinstance(aliases, list) or len(aliases) > ALIASES_MAX:
        raise _fault(number, f"aliases is no list of at most {ALIASES_MAX}")
    names = [row["name"], *aliases]
    if not all(isinstance(name, str) and name.strip() and len(name) <= NAME_MAX_CHARS for name in names):
        raise _fault(number, f"a name is a text of 1 to {NAME_MAX_CHARS} characters")
    try:
        kind = NameKind(row["kind"])
    except ValueError as error:
        raise _fault(number, f"kind is one of {', '.join(NameKind)}") from error
    first, *rest = (name.strip() for name in names)
    return Entry(first, kind, tuple(rest))


def _fault(number: int, what: str) -> BadInput:
    return BadInput(InputCode.FIELD_INVALID, f"Line {number} of the names cannot be taken: {what}.", param="names")
