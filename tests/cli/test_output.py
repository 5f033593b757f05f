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


def test_a_table_without_a_header_cuts_nothing_either() -> None:
    """A receipt of a trace is copied from one."""
    receipt = "v1." + "K" * 90 + ".end"
    shown = io.StringIO()
    table = Table(show_header=False, box=None)
    table.add_row("receipt", receipt)
    Console(file=shown, width=60).print(table)
    assert receipt in "".join(line.removeprefix("receipt").strip() for line in shown.getvalue().splitlines())
