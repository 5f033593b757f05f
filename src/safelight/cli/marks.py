"""`safelight marks`: the keys behind the marks, and new ones."""

from pathlib import Path

import typer

from safelight.cli.database import DataDir, settings_of
from safelight.cli.output import AsJson, Table, console, print_json
from safelight.core.clock import utc_now
from safelight.core.errors import BadInput, InputCode
from safelight.provenance import keys
from safelight.provenance.credentials.chain import CHAIN_FILE, Chain, trust_of
from safelight.settings import MarksName, Settings

app = typer.Typer(
    no_args_is_help=True,
    help="The keys behind the marks of released pictures.\n\nExample: `safelight marks show`",
)


@app.command("show")
def show(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show who signs credentials, until when, under how many roots they are read, and the watermark's keys.

    Example: `safelight marks show`
    """
    settings = settings_of(data_dir)
    folder = settings.data_dir / "marks"
    chain = _chain_of(settings, folder)
    shown = {
        "signer": chain.name if chain else None,
        "expires_at": chain.leaf.not_valid_after_utc.isoformat() if chain else None,
        "development": chain.is_development if chain else False,
        "unfit": chain.why_unfit(utc_now()) if chain else "",
        "trusted_roots": trust_of(folder).roots_pem.count("BEGIN CERTIFICATE"),
        "watermark_keys": [key.id for key in keys.present(folder / "watermark")],
    }
    if as_json:
        print_json(shown)
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in shown.items():
        words = ", ".join(value) if isinstance(value, list) else "none" if value is None else str(value)
        table.add_row(name.replace("_", " "), words)
    console.print(table)


def _chain_of(settings: Settings, folder: Path) -> Chain | None:
    """The certificates that the service of these settings signs under; None where it signs nothing."""
    if settings.marks not in {MarksName.ALL, MarksName.CREDENTIALS}:
        return None
    if settings.marks_signer:
        # Imported here: it knows every part, and `safelight --help` need not wait for them.
        from safelight.wiring.marks import signer_of

        return signer_of(settings, folder, utc_now()).chain
    chain_file = folder / CHAIN_FILE
    try:
        pem = chain_file.read_bytes()
    except OSError as error:
        message = f"There is no {chain_file} yet: it is made, or read, when the service starts. Name its --data-dir."
        raise BadInput(InputCode.FIELD_INVALID, message, param="data_dir") from error
    return Chain.parse(pem, str(chain_file))


@app.command("rotate")
def rotate(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Make a new watermark key. It marks from the next start on; the old ones are still tried on reading.

    Example: `safelight marks rotate`

    For credentials, put a new chain and key into the folder `marks`; old roots stay trusted.
    """
    key = keys.rotate(settings_of(data_dir).data_dir / "marks" / "watermark")
    if as_json:
        print_json({"watermark_key": key.id})
        return
    console.print(f"[bold]{key.id}[/] marks once the service has been restarted. Back the folder up.")
