"""`safelight names`: the register of protected people and public figures."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from safelight.cli.database import DataDir, settings_of
from safelight.cli.files import read_text
from safelight.cli.output import AsJson, Table, console, print_json
from safelight.core.errors import BadInput, InputCode
from safelight.signals.text.people import register
from safelight.signals.text.people.finder import Names

app = typer.Typer(
    no_args_is_help=True,
    help="Names that weigh more: protected people and public figures.\n\nExample: `safelight names import figures.csv`",
)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV with name, kind, aliases (| between them), or JSON lines.")],
    replace: Annotated[bool, typer.Option("--replace", help="Drop every name that is not in the file.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add names from a file; nothing changes unless every line can be read. A running Safelight sees them at once.

    Example: `safelight names import figures.csv`
    """
    text = read_text(file, "names").removeprefix("\ufeff")  # which some programs put before a CSV
    new = register.read_csv(text) if file.suffix.lower() == ".csv" else register.read_jsonl(text)
    path = _path(data_dir)
    register.save(path, [*([] if replace else register.load(path)), *new])
    count = len(register.load(path))
    print_json({"read": len(new), "names": count}) if as_json else console.print(f"{len(new)} read; {count} in all.")


@app.command("list")
def list_all(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the register. Example: `safelight names list`"""
    entries = register.load(_path(data_dir))
    if as_json:
        print_json({"names": [entry.to_json() for entry in entries]})
        return
    table = Table("name", "kind", "also")
    for entry in entries:
        table.add_row(escape(entry.name), entry.kind, escape(", ".join(entry.aliases)))
    console.print(table)


@app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="The name as it is listed.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Remove a name. Example: `safelight names remove "Marielle Velkonova"`"""
    path = _path(data_dir)
    entries = register.load(path)
    kept = [entry for entry in entries if entry.name.casefold() != name.casefold()]
    if len(kept) == len(entries):
        raise BadInput(InputCode.FIELD_INVALID, f"{name!r} is not in the register; see `safelight names list`.")
    register.save(path, kept)
    print_json({"removed": name, "names": len(kept)}) if as_json else console.print(f"{name} is removed.")


@app.command("check")
def check(
    text: Annotated[str, typer.Argument(help="A text as somebody might write it.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say which entries a text would be taken to name, disguised or not.

    Example: `safelight names check "a photo of M. Velkonova"`
    """
    # Imported here: `--help` need not wait for what the normaliser reads with.
    from safelight.signals.model import Passage
    from safelight.signals.text import normalise

    readings = normalise.read(Passage("prompt", text)).readings
    entries = register.load(_path(data_dir))
    found = [entry for entry in entries if any(Names([entry]).find(reading.text) for reading in readings)]
    if as_json:
        print_json({"found": [entry.to_json() for entry in found]})
        return
    for entry in found:
        console.print(f"[bold]{escape(entry.name)}[/] ({entry.kind})")
    if not found:
        console.print("Nobody in the register.")


def _path(data_dir: Path | None) -> Path:
    # The name of the file is told by `wiring`, which `--help` need not wait for.
    from safelight.wiring import NAMES_FILE

    return settings_of(data_dir).data_dir / NAMES_FILE
