"""`safelight`: every command, and one way to say that something is wrong.

A command is imported when it is called: the list of them stands here with how the help of each begins, so that
`safelight --help` waits for no room of the house.
"""

import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup

from safelight import __version__
from safelight.cli.output import Misused, logs_aside, print_error
from safelight.core.errors import NotStartable, SafelightError

_MARKUP: Literal["markdown"] = "markdown"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a command is: a module of this package, and its function; without one, the module's `app`."""

    module: str
    says: str
    """How its help begins."""
    function: str = ""
    help: str = "HELP"
    """The constant that holds all of its help, for a function."""


COMMANDS = {
    "serve": _Place("serve", "Run the gate.", "serve"),
    "check": _Place(
        "check", "Judge one request and show the decision, each signal, and the rule that decided.", "check"
    ),
    "demo": _Place("demo", "Try it: start everything on the embedded defaults, send real requests through it", "demo"),
    "doctor": _Place(
        "doctor", "Load every part, verify every detector, and say what is wrong and what to do.", "doctor"
    ),
    "trace": _Place("trace", "Say from which request a picture comes, whose account asked, when", "trace"),
    "figures": _Place("figures", "Count a period from the log: requests, refusals by category", "figures"),
    "witness": _Place("witness", "Run a witness: it signs a log's head only if that holds everything", "witness"),
    "eval": _Place("eval", "Measure the judgement of requests: recall and false positives", "evaluate"),
    "hash": _Place("hashes", "Print the hashes of a picture", "hash_command", "HASH_HELP"),
    "match": _Place("hashes", "Say which banks know a picture, by which hash, how near", "match_command", "MATCH_HELP"),
    "scan": _Place("scan", "Compare every picture of folders and object stores with the banks", "scan"),
    "policy": _Place("policy", "What is refused, and why."),
    "keys": _Place("keys", "API keys: make, list, revoke."),
    "ledger": _Place("ledger", "The transparency log: its state, a check of it, copies and openings."),
    "consent": _Place("consent", "What people have signed: verified consent records."),
    "marks": _Place("marks", "The keys behind the marks of released pictures."),
    "names": _Place("names", "Names that weigh more: protected people and public figures."),
    "banks": _Place("banks", "Lists of known images."),
    "protect": _Place("protect", "Protected photos: refused at the gate; their people are told when somebody tried"),
    "cases": _Place("cases", "Reports and their clocks, for whoever is on call"),
    "staff": _Place("staff", "The staff of the console: add, list, change, end."),
}


_UsageError: Any = typer.BadParameter.__mro__[1]  # click's, which newer versions of typer bring along under their name


class _Group(TyperGroup):
    """Imports a command when it is called; turns a foreseen error into one line on standard error and exit code 2."""

    _listing = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - as the base asks it
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - as the base asks it
        if cmd_name not in COMMANDS:
            return None
        if self._listing:
            return TyperCommand(cmd_name, help=COMMANDS[cmd_name].says.removesuffix(".") + ".")
        return _imported(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except SafelightError as error:
            print_error(error, as_json="--json" in sys.argv)
            raise typer.Exit(2) from error
        except _UsageError as error:
            if "--json" not in sys.argv:
                raise
            print_error(Misused(error.format_message()), as_json=True)
            raise typer.Exit(2) from error
        except ValueError as error:
            if getattr(error, "title", "") != "Settings":  # pydantic's, which `safelight --help` does not wait for
                raise
            print_error(_unfit(error), as_json="--json" in sys.argv)
            raise typer.Exit(2) from None  # pydantic's own words quote the value, which may be a secret


def _unfit(error: Any) -> NotStartable:
    """What pydantic says of the settings, under the names that the operator set."""
    told = [f"SAFELIGHT_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors()]
    return NotStartable(f"{'; '.join(told)}. See docs/reference/settings.md.")


def _imported(name: str) -> Any:
    place = COMMANDS[name]
    module = import_module(f"safelight.cli.{place.module}")
    if not place.function:
        group: Any = typer.main.get_group(module.app)
        group.name = name
        return group
    alone = typer.Typer(rich_markup_mode=_MARKUP, add_completion=False)
    alone.command(name, help=getattr(module, place.help))(getattr(module, place.function))
    return typer.main.get_command(alone)


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    rich_markup_mode=_MARKUP,
    pretty_exceptions_enable=False,
    help="The safeguard in front of an image model.\n\nStart with `safelight demo`.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"safelight {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the command itself."""
    logs_aside()
