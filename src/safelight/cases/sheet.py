"""What a transaction adds, gathered first and put down together: one statement a table, however many reports come.

Rules of this module
- What stands on a sheet is in no table yet, and no query finds it. Of a case that begins on it, `begun` holds the row,
  which is changed there, and `of_case` spares the question what else is known of it.
- Nothing is kept of a sheet that is not put down: its transaction goes with it.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, insert

from safelight.ledger.draft import Draft
from safelight.store.cases_tables import (
    case_effects,
    case_events,
    case_letters,
    case_places,
    case_prints,
    case_receipts,
    case_reports,
    cases,
)

Columns = dict[str, Any]
_INSERTS = {
    table: insert(table)
    for table in (cases, case_events, case_reports, case_places, case_prints, case_receipts, case_effects, case_letters)
}
"""In an order in which each row finds those that it names."""


class Sheet:
    """Rows, effects and leaves."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.begun: dict[str, Columns] = {}
        """Rows of new cases, by id."""
        self.effects: dict[str, Columns] = {}
        """By lane: of one lane, the last one counts."""
        self.leaves: list[Draft] = []
        self._rows: dict[Table, list[Columns]] = {}

    def add(self, table: Table, row: Columns) -> None:
        """Have a row added; every row of a table names the same columns."""
        self._rows.setdefault(table, []).append(row)

    def of_case(self, case_id: str, query: Select[Any]) -> Sequence[Row[Any]]:
        """What `query` finds in the store of `this` case; nothing, unasked, of one that begins here."""
        return [] if case_id in self.begun else self.connection.execute(query, {"this": case_id}).all()

    def put_down(self) -> None:
        """Add the rows."""
        rows = {cases: list(self.begun.values()), case_effects: list(self.effects.values())} | self._rows
        for table, statement in _INSERTS.items():
            if rows.get(table):
                self.connection.execute(statement, rows[table])
