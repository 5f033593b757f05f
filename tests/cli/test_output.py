"""What people read of a command can be used: an id in a table is whole, however narrow the terminal."""

import io

from rich.console import Console

from safelight.cli.output import Table

CASE = "case_01m837d9rzebr8ptxeyezt7mg7"


def test_a_narrow_table_keeps_its_first_column_whole_and_cuts_nothing() -> None:
    table = Table("case", "by", "what")
    table.add_row(CASE, "dec_01m837d9rzebr8ptxeyezt7mg7", "hidden for the time being")
    file = io.StringIO()
    Console(file=file, width=60).print(table)
    shown = file.getvalue()
    assert CASE in shown
    assert "…" not in shown
