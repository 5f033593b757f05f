"""`safelight ledger`: the operator's own view of the log. Outsiders use `safelight-verify`."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection, func, select

from safelight import __version__
from safelight.accounts.service import pseudonym
from safelight.cli import ledger_audit
from safelight.cli.database import settings_of
from safelight.cli.files import writing
from safelight.cli.ledger_log import DataDir, opened_log
from safelight.cli.output import AsJson, console, print_json
from safelight.core.clock import utc_now
from safelight.core.errors import BadInput, InputCode
from safelight.ledger import disclose
from safelight.ledger.append import Ledger
from safelight.ledger.integrate import integrate
from safelight.ledger.opening import open_log
from safelight.ledger.proofs.audit import Audit
from safelight.ledger.proofs.checkpoint import open_checkpoint
from safelight.ledger.proofs.tiles import ENTRIES, TILE_WIDTH, parse_bundle, tile_at
from safelight.ledger.published import read_checkpoint, read_tile, size_of
from safelight.store.digest_key import DigestKey
from safelight.store.tables import ledger_leaves, ledger_processes

app = typer.Typer(no_args_is_help=True, help="The transparency log: its state, a check of it, copies and openings.")
app.command("openings")(ledger_audit.openings)
app.command("replay")(ledger_audit.replay_decision)
app.command("policy")(ledger_audit.policy)


@app.command("status")
def status(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say how long the log is, what waits, and under which key it stands. Example: `safelight ledger status`"""
    with opened_log(data_dir) as log:
        shown = log.run(_count) | {"key": log.ledger.key.public().to_text()}
    if as_json:
        print_json(shown)
        return
    for name, value in shown.items():
        console.print(f"{name}: {value}", highlight=False, soft_wrap=True)


@app.command("verify")
def verify(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Read the whole log in this database and hold it against its signed and its kept head.

    Example: `safelight ledger verify`

    Exit code 0: whole and complete; 1: it shows that something is missing; 2: it is not what was signed.
    """
    with opened_log(data_dir) as log:
        log.run(lambda connection: open_log(connection, log.ledger.key.public(), log.head_file.read()))
        audit = log.run(lambda connection: _audit(connection, log.ledger))
    shown = {
        "leaves": audit.tree.size,
        "root": audit.tree.root().hex(),
        "complete": audit.is_complete,
        "decisions": dict(audit.decisions),
        "findings": [{"code": one.code.value, "index": one.index, "text": one.text} for one in audit.findings],
    }
    if as_json:
        print_json(shown)
    else:
        console.print(f"The log is what was signed: {audit.tree.size} leaves.", highlight=False)
        for finding in audit.findings:
            console.print(f"[yellow]{finding.code}[/] at {finding.index}: {finding.text}", highlight=False)
    if not audit.is_complete:
        raise typer.Exit(1)


@app.command("open")
def open_leaf(
    leaf: Annotated[str, typer.Argument(help="The leaf's hash (64 hexadecimal digits), or the decision's id.")],
    field: Annotated[list[str] | None, typer.Option(help="Only this field; may be given again; none: all.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what a leaf commits to; with `--json`, also the salts that prove it, for `safelight-verify opening`.

    Example: `safelight ledger open dec_01m8… --field tier --json`

    Whoever gets it can prove it to others. Give an auditor the fields that they need and no more.
    """
    is_hash = re.fullmatch(r"[0-9a-f]{64}", leaf) is not None
    with opened_log(data_dir) as log:
        opened = log.run(
            lambda connection: disclose.open_leaf(
                connection, bytes.fromhex(leaf) if is_hash else None, leaf, tuple(field or ())
            )
        )
    if not as_json:
        for name, (_, value) in opened.openings.items():
            console.print(f"{name}: {value}", highlight=False, markup=False, soft_wrap=True)
        return
    print_json(opened.to_json())


@app.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="Where to; a copy that is there is brought up to date.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Copy what is public of the log to a folder for any web server. Example: `safelight ledger export log/`"""
    with opened_log(data_dir) as log, writing(folder, "folder"):
        folder.mkdir(parents=True, exist_ok=True)
        head = log.run(lambda connection: disclose.export(connection, folder, log.ledger.key.public()))
    if as_json:
        print_json({"folder": str(folder), "size": head.size, "root": head.root.hex()})
        return
    console.print(f"{head.size} leaves are in {folder}.", highlight=False)


@app.command("erase")
def erase(
    subject: Annotated[str, typer.Argument(help="The subject's id, such as sub_…; none: say --account.")] = "",
    account: Annotated[str, typer.Option(help="The account, as the platform names it.")] = "",
    platform: Annotated[str, typer.Option(help="Whose account it is, as with `safelight keys create`.")] = "default",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Destroy a subject's key: their leaves stay, and nothing in them can be opened any more. There is no way back.

    Example: `safelight ledger erase --account customer-4711`, or `safelight ledger erase sub_0f3a…`

    Backups of the database hold the key until they are gone too.
    """
    if bool(subject) == bool(account):
        raise BadInput(InputCode.FIELD_MISSING, "Say the subject's id, or --account.", param="subject")
    if account:
        key = DigestKey.load_or_make(settings_of(data_dir).data_dir / "digest.key")
        subject = pseudonym(key, platform, account)
    with opened_log(data_dir) as log:
        kept, ledger = log.head_file.read(), log.ledger

        def work(connection: Connection) -> None:
            open_log(connection, ledger.key.public(), kept)
            ledger.begin(connection, release=__version__)
            disclose.erase(connection, ledger, subject, utc_now)
            ledger.end(connection)
            integrate(connection, ledger.key, utc_now())

        log.run(work, write=True)
    print_json({"subject": subject, "erased": True}) if as_json else console.print(f"{subject} is erased.")


def _count(connection: Connection) -> dict[str, Any]:
    waiting = select(func.count()).select_from(ledger_leaves).where(ledger_leaves.c.idx.is_(None))
    started = select(func.count()).select_from(ledger_processes)
    return {
        "leaves": size_of(connection),
        "waiting": connection.execute(waiting).scalar(),
        "processes": connection.execute(started).scalar(),
    }


def _audit(connection: Connection, ledger: Ledger) -> Audit:
    head = open_checkpoint(read_checkpoint(connection).to_bytes(), ledger.key.public()).checkpoint
    audit = Audit()
    for number in range((head.size + TILE_WIDTH - 1) // TILE_WIDTH):
        bundle = tile_at(ENTRIES, number, head.size)
        audit.add_all(parse_bundle(read_tile(connection, bundle), bundle.width))
    audit.check_root(head)
    return audit
