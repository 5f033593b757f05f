"""`safelight consent`: what people have signed. Enrol who signs, then add, list, check and revoke what they signed."""

import binascii
import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from rich.markup import escape

from safelight.accounts.service import pseudonym
from safelight.cli.database import DataDir, in_database, settings_of
from safelight.cli.output import AsJson, Table, console, print_json
from safelight.consent import register
from safelight.consent import statement as statements
from safelight.consent.model import Event, Record, Signer
from safelight.core.clock import utc_now
from safelight.core.consent import ConsentState, Use
from safelight.core.errors import BadInput, InputCode
from safelight.core.limits import DEFAULT_LIMITS
from safelight.store.digest_key import DigestKey

app = typer.Typer(
    no_args_is_help=True,
    help="What people have signed: verified consent records.\n\n"
    "Example: `safelight consent template csg_01m8… --use swimwear --photo model.jpg > statement.json`",
)

Platform = Annotated[str, typer.Option(help="Whose people and accounts these are, as with `safelight keys create`.")]
By = Annotated[str, typer.Option(help="Who does this, for the history.")]
StatementFile = Annotated[Path, typer.Argument(help="The signed statement.")]


@app.command("enrol")
def enrol(
    key: Annotated[Path, typer.Argument(help="The person's public key: Ed25519, PEM.")],
    checked_by: Annotated[str, typer.Option(help="Who checked the person's identity and that they are an adult.")],
    reference: Annotated[str, typer.Option(help="Where you keep that check, such as a file number. No name.")],
    platform: Platform = "default",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Enrol the key of a person whose identity and age you have checked.

    Example: `safelight consent enrol her-key.pub.pem --checked-by "desk 4" --reference "ID check 2026-118"`
    """
    public_key = _public_key(key)
    signer = in_database(
        data_dir,
        lambda connection: register.enrol(
            connection,
            public_key=public_key,
            platform=platform,
            reference=reference,
            checked_by=checked_by,
            now=utc_now(),
        ),
    )
    if as_json:
        print_json({"id": signer.id, "platform": platform, "checked_at": signer.checked_at})
        return
    console.print(f"[bold]{signer.id}[/] is enrolled. Statements that this person signs name it.")


@app.command("template")
def template(
    signer: Annotated[str, typer.Argument(help="Id of the person's enrolled key, `csg_…`.")],
    use: Annotated[list[Use], typer.Option(help="What the person may be shown in; may be given again.")],
    photo: Annotated[
        list[Path], typer.Option(help="A photo that it is for, as the file will be sent; again for more.")
    ],
    account: Annotated[
        list[str] | None, typer.Option(help="An account that may use it, as the platform names it; none: any.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=DEFAULT_LIMITS.consent_max_days, help="How long it holds.")] = 90,
    platform: Platform = "default",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Print a statement for the person to read and sign. It is JSON with and without `--json`.

    Example: `safelight consent template csg_01m8… --use swimwear --photo model.jpg --account studio-12`
    """
    key = DigestKey.load_or_make(settings_of(data_dir).data_dir / "digest.key")
    now = utc_now()
    statement = statements.Statement(
        signer=signer,
        platform=platform,
        uses=tuple(dict.fromkeys(use)),
        photos=tuple(dict.fromkeys(hashlib.sha256(_read(file)).hexdigest() for file in photo)),
        accounts=tuple(dict.fromkeys(pseudonym(key, platform, name) for name in account or ())),
        not_before=now,
        expires_at=now + timedelta(days=days),
    )
    checked = statements.read_statement(statement.to_json())
    in_database(data_dir, lambda connection: register.demand_signer(connection, checked))
    print_json(checked.to_json()) if as_json else typer.echo(json.dumps(checked.to_json(), indent=2))


@app.command("sign")
def sign(
    file: Annotated[Path, typer.Argument(help="The statement, as `template` printed it.")],
    key: Annotated[Path, typer.Option(help="The person's own private key: Ed25519, PEM, without a password.")],
    as_json: AsJson = False,
) -> None:
    """Sign a statement. This is for the person shown, on a machine of their own.

    Example: `safelight consent sign statement.json --key her-key.pem > signed.json`
    """
    statement = statements.read_statement(statements.read_json(_read(file)))
    signed = statements.sign(statement, _private_key(key)).to_json()
    print_json(signed) if as_json else typer.echo(json.dumps(signed, indent=2))


@app.command("add")
def add(file: StatementFile, by: By, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Put a signed statement into the register. Requests name it by the id that is printed.

    Example: `safelight consent add signed.json --by "desk 4"`
    """
    signed = statements.read_signed(_read(file))
    record_id = in_database(
        data_dir, lambda connection: register.add(connection, signed, platform=None, by=by, now=utc_now())
    )
    if as_json:
        print_json({"id": record_id, "expires_at": statements.write_moment(signed.statement.expires_at)})
        return
    console.print(f"[bold]{record_id}[/]: send it as the header `safelight-consent`.")


@app.command("verify")
def verify(file: StatementFile, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say what a signed statement is worth now; nothing is kept. Exit code 0: in force; 1: not.

    Example: `safelight consent verify signed.json`
    """
    signed = statements.read_signed(_read(file))
    checked = in_database(data_dir, lambda connection: register.check(connection, signed, platform=None, now=utc_now()))
    if as_json:
        print_json({"state": checked.state.value, "record": checked.record_id})
    else:
        where = f"in the register as {checked.record_id}" if checked.record_id else "not in the register"
        console.print(f"[bold]{checked.state.value}[/], {where}")
    if checked.state is not ConsentState.ACTIVE:
        raise typer.Exit(1)


@app.command("list")
def list_all(
    which: Annotated[str | None, typer.Argument(help="A record or a signer, for its history; none: all.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List signers and records with their states, or the history of one. Example: `safelight consent list`"""
    if which:
        _show_history(
            which, in_database(data_dir, lambda connection: register.history(connection, which)), as_json=as_json
        )
        return
    signers = in_database(data_dir, register.list_signers)
    _show_register(signers, in_database(data_dir, register.list_records), as_json=as_json)


def _show_history(which: str, events: Sequence[Event], *, as_json: bool) -> None:
    if as_json:
        rows = [{name: getattr(event, name) for name in event.__slots__} for event in events]
        print_json({"id": which, "history": rows})
        return
    told = Table("at", "what", "record", "by", "reason")
    for event in events:
        told.add_row(event.at, event.kind, event.record_id or "", escape(event.by), escape(event.reason))
    console.print(told)


def _show_register(signers: Sequence[Signer], records: Sequence[Record], *, as_json: bool) -> None:
    now = utc_now()
    if as_json:
        people = [
            {
                "id": s.id,
                "platform": s.platform,
                "checked_by": s.checked_by,
                "checked_at": s.checked_at,
                "reference": s.reference,
                "revoked": s.revoked,
            }
            for s in signers
        ]
        print_json({"signers": people, "records": [record.to_json(now) for record in records]})
        return
    people_table = Table("signer", "platform", "checked by", "at", "kept under", "state", title="Signers")
    for s in signers:
        state = "revoked" if s.revoked else "valid"
        people_table.add_row(s.id, escape(s.platform), escape(s.checked_by), s.checked_at, escape(s.reference), state)
    table = Table("record", "state", "signer", "uses", "photos", "accounts", "until", title="Records")
    for record in records:
        state = record.state_at(now).value
        if record.signed is None:
            table.add_row(record.id, state)
            continue
        one = record.signed.statement
        until = statements.write_moment(one.expires_at)
        accounts = str(len(one.accounts) or "any")
        table.add_row(record.id, state, one.signer, ", ".join(one.uses), str(len(one.photos)), accounts, until)
    console.print(people_table, table)


@app.command("revoke")
def revoke(
    which: Annotated[str, typer.Argument(help="A record, `con_…`, or a signer with every record, `csg_…`.")],
    by: By,
    reason: Annotated[str, typer.Option(help="For the history. No name.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a record at once and for good. Example: `safelight consent revoke con_01m8… --by "desk 4"`"""
    since = in_database(
        data_dir,
        lambda connection: register.revoke(connection, which, platform=None, by=by, reason=reason, now=utc_now()),
    )
    if as_json:
        print_json({"id": which, "state": "revoked", "already_since": since})
    elif since:
        console.print(f"{which} is revoked already, since {since}: nothing was changed.", highlight=False)
    else:
        console.print(f"{which} is revoked.")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise _unfit(f"the file {file} cannot be read") from error


def _public_key(file: Path) -> bytes:
    try:
        key = load_pem_public_key(_read(file))
    except (ValueError, binascii.Error, UnsupportedAlgorithm) as error:
        raise _unfit(f"{file} is no public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _unfit(f"{file} is no Ed25519 key: `openssl genpkey -algorithm ed25519` makes one")
    return key.public_bytes_raw()


def _private_key(file: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(_read(file), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unfit(f"{file} is no private key in PEM without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unfit(f"{file} is no Ed25519 key: `openssl genpkey -algorithm ed25519` makes one")
    return key


def _unfit(what: str) -> BadInput:
    return BadInput(InputCode.CONSENT_INVALID, f"This cannot be taken: {what}.")
