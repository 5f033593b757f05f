"""What every command shares: one line of JSON on standard output with `--json`, words for people without."""

import json
import sys
from typing import Annotated, Any

import structlog
import typer
from rich import table
from rich.console import Console

from safelight.core.errors import SafelightError

AsJson = Annotated[bool, typer.Option("--json", help="Print one line of JSON, an object or a list, and nothing else.")]

console = Console()
_errors = Console(stderr=True)


class Table(table.Table):
    """A table that breaks what does not fit where rich would cut it, its first column last: ids are copied from it."""

    def add_column(self, header: Any = "", *rest: Any, **options: Any) -> None:
        """As in rich, with these as what is meant where nothing is said."""
        meant: dict[str, Any] = {"overflow": "fold", "no_wrap": not self.columns}
        super().add_column(header, *rest, **(meant | options))

    def add_row(self, *cells: Any, **options: Any) -> None:
        """As in rich, which would make the columns of a table without a header by itself, and cut them."""
        for _ in cells[len(self.columns) :]:
            self.add_column()
        super().add_row(*cells, **options)


class Misused(SafelightError):
    """The command line itself is wrong: what is missing, what there is none of, or what does not go together."""

    code = "misused"


def print_json(value: Any) -> None:
    """Print `value` as one line of JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def print_error(error: SafelightError, *, as_json: bool) -> None:
    """Say what is wrong and what to do, on standard error; with `as_json`, on standard output as JSON."""
    if as_json:
        print_json({"error": {"code": error.code, "message": error.message, "param": error.param}})
    else:
        _errors.print(f"[bold red]{error.code}[/]: {error.message}", highlight=False)


def logs_aside() -> None:
    """Write logs to standard error: the command's answer is on standard output."""
    # Asked for anew for each line, since whoever runs a command may change what standard error is.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


def quiet_logs() -> None:
    """Let only errors through."""
    logs_aside()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
