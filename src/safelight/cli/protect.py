"""`safelight protect`: photos whose people asked that nothing be done with them."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from safelight.cli.bank_store import copies_of, opened
from safelight.cli.database import DataDir
from safelight.cli.hashes import hash_of_photo, pdq_of
from safelight.cli.output import AsJson, Misused, console, print_json
from safelight.cli.pictures import read_picture
from safelight.core.clock import utc_now
from safelight.matching import protect as protections
from safelight.matching.past import StoredOutputs
from safelight.matching.protect import Protection

app = typer.Typer(
    no_args_is_help=True,
    help="Protected photos: refused at the gate; their people are told when somebody tried, never who.\n\n"
    "Example: `safelight protect add me.jpg`",
)

Receipt = Annotated[str, typer.Argument(help="The receipt that `add` printed.")]


@app.command("add")
def add(
    photo: Annotated[Path | None, typer.Argument(help="The photo; it is not kept.")] = None,
    copies: Annotated[
        bool, typer.Option(help="Keep local features of the photo too, so that cropped and turned copies are found.")
    ] = False,
    pdq: Annotated[str, typer.Option("--pdq", help="The photo's PDQ hash instead, from `safelight hash`.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Protect a photo and print the receipt, once.

    Example: `safelight protect add me.jpg`, or `safelight protect add --pdq 2d6b1a…`
    """
    if (photo is None) == (not pdq):
        raise Misused("Give a photo or its hash, one of the two.")
    if copies and not photo:
        raise Misused("Features are made from the photo itself: give it, not its hash.")
    value = hash_of_photo(photo).hash if photo else pdq_of(pdq, "pdq")
    with opened(data_dir) as known:
        now, past = utc_now(), StoredOutputs(known.database)
        if copies and photo:
            frame = read_picture(photo)[1].frames[0]
            receipt = protections.protect_photo(known.database, known.hashes, copies_of(known), frame, now, past)
        else:
            receipt = protections.protect(known.database, known.hashes, value, now, past)
    if as_json:
        print_json({"receipt": receipt})
        return
    console.print(f"[bold]{receipt}[/]", soft_wrap=True)
    console.print("Keep it: it is the only key to this registration, and cannot be shown again.")


@app.command("list")
def list_all(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List every registration, without its receipt. Example: `safelight protect list`"""
    with opened(data_dir) as known:
        found = known.database.read_here(protections.list_protections)
    if as_json:
        print_json([_described(one) for one in found])
        return
    table = Table("number", "since", "taken off", "attempts", "latest")
    for one in found:
        latest = one.attempts[0][0][:19] if one.attempts else ""
        table.add_row(str(one.item), one.created_at[:19], (one.removed_at or "")[:19], str(len(one.attempts)), latest)
    console.print(table)


@app.command("show")
def show(receipt: Receipt, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show when somebody tried to use the photo. Example: `safelight protect show protect_…`"""
    with opened(data_dir) as known:
        found = known.database.read_here(partial(protections.protection, receipt=receipt))
    if as_json:
        print_json(_described(found))
        return
    console.print("Taken off." if found.removed_at else f"Protected since {found.created_at[:19]}.", highlight=False)
    for at, stage in found.attempts:
        console.print(f"{at[:19]} {'it was sent in' if stage == 'input' else 'a copy was made'}", highlight=False)
    if not found.attempts:
        console.print("Nobody has tried to use it here.")


@app.command("remove")
def remove(receipt: Receipt, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Take a photo off, at once. Example: `safelight protect remove protect_…`"""
    with opened(data_dir) as known:
        protections.unprotect(known.database, known.hashes, receipt, utc_now(), known.copies)
    print_json({"removed": True}) if as_json else console.print("The photo is no longer protected here.")


def _described(one: Protection) -> dict[str, Any]:
    return {
        "number": one.item,
        "created_at": one.created_at,
        "removed_at": one.removed_at,
        "attempts": [{"at": at, "stage": stage} for at, stage in one.attempts],
    }
