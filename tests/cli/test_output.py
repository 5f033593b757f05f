"""What people read of a command can be used: an id in a table is whole, however narrow the terminal. What programs read
is JSON, whatever went wrong."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from safelight.cli.main import COMMANDS, app
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


def every_command(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    below = COMMANDS if not words else getattr(command, "commands", None)
    if not below:
        yield words
        return
    for name in below:
        yield from every_command(command.get_command(None, name), (*words, name))


def test_every_command_says_what_is_wrong_as_json_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for words in every_command(typer.main.get_command(app)):
        monkeypatch.setattr("sys.argv", ["safelight", *words, "--nothing", "--json"])
        done = CliRunner().invoke(app, [*words, "--nothing", "--json"])
        assert done.exit_code == 2, words
        assert json.loads(done.stdout)["error"]["code"] == "misused", words
