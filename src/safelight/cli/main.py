"""`safelight`: every command, and one way to say that something is wrong."""

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from safelight import __version__
from safelight.cli import (
    banks,
    cases,
    check,
    consent,
    demo,
    doctor,
    figures,
    hashes,
    keys,
    ledger,
    marks,
    names,
    policy,
    protect,
    scan,
    serve,
    staff,
    trace,
    witness,
)
from safelight.cli import eval as measure
from safelight.cli.output import print_error
from safelight.core.errors import SafelightError


class _Group(TyperGroup):
    """Turns a foreseen error into one line on standard error and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except SafelightError as error:
            print_error(error, as_json="--json" in sys.argv)
            raise typer.Exit(2) from error


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="The safeguard in front of an image model.\n\nStart with `safelight demo`.",
)
app.command("serve", help=serve.HELP)(serve.serve)
app.command("check", help=check.HELP)(check.check)
app.command("demo", help=demo.HELP)(demo.demo)
app.command("doctor", help=doctor.HELP)(doctor.doctor)
app.command("trace", help=trace.HELP)(trace.trace)
app.command("figures", help=figures.HELP)(figures.figures)
app.command("witness", help=witness.HELP)(witness.witness)
app.command("eval", help=measure.HELP)(measure.evaluate)
app.command("hash", help=hashes.HASH_HELP)(hashes.hash_command)
app.command("match", help=hashes.MATCH_HELP)(hashes.match_command)
app.command("scan", help=scan.HELP)(scan.scan)
app.add_typer(policy.app, name="policy")
app.add_typer(keys.app, name="keys")
app.add_typer(ledger.app, name="ledger")
app.add_typer(consent.app, name="consent")
app.add_typer(marks.app, name="marks")
app.add_typer(names.app, name="names")
app.add_typer(banks.app, name="bank")
app.add_typer(protect.app, name="protect")
app.add_typer(cases.app, name="cases")
app.add_typer(staff.app, name="staff")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"safelight {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the command itself."""
