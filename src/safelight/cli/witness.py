"""`safelight witness`."""

import time
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from safelight.cli.output import AsJson, console, print_json
from safelight.core.errors import NotStartable
from safelight.ledger.keys import load_or_make_key
from safelight.ledger.proofs.errors import Malformed
from safelight.ledger.proofs.note import Algorithm, PublicKey, check_key_name
from safelight.ledger.witness import Witness

HELP = """Run a witness: it signs a log's head only if that holds everything that it signed before.

Example: `safelight witness university.example/one --log "$(cat log.vkey)" --folder witness-data`

For somebody who is not the operator. It needs no database and sees no entry. Give its key, which it prints at the
start, to the operator and to those who verify the log.
"""


def witness(
    name: Annotated[str, typer.Argument(help="The witness's name: its address without the scheme. It stays.")],
    log: Annotated[list[str], typer.Option(help="Verifier key of a log to watch; may be given again.")],
    folder: Annotated[Path, typer.Option(help="Where its key and the heads that it signed are kept.")] = Path(
        "safelight-witness"
    ),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8485,
    as_json: AsJson = False,
) -> None:
    """Run a witness until it is told to stop."""
    from safelight.web.witness import create_witness_app  # `--help` need not wait for it

    try:
        logs = [PublicKey.parse(key.strip()) for key in log]
    except Malformed as error:
        raise NotStartable(f"--log is no verifier key ({error}); the log shows it at /ledger/key.") from error
    if strange := [one.name for one in logs if one.algorithm is not Algorithm.NOTE]:
        raise NotStartable(f"--log {strange[0]} is no log's key; the log shows it at /ledger/key.")
    if len({one.name for one in logs}) < len(set(logs)):
        raise NotStartable("--log names one log with two keys; a log has one, and a new key is a new log.")
    try:
        check_key_name(name)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        one = Witness(load_or_make_key(folder / "witness.key", name), logs, folder, time.time)
        for log_key in logs:
            one.last(log_key.name)
    except Malformed as error:
        raise NotStartable(f"The witness's name, or a head in {folder}, is none: {error}") from error
    except OSError as error:
        raise NotStartable(f"{folder} cannot be used ({error.strerror}).") from error
    key = one.key.public(Algorithm.COSIGNATURE).to_text()
    address = f"http://{host}:{port}"
    if as_json:
        print_json({"address": address, "key": key})
    else:
        console.print(f"[bold]{key}[/]", soft_wrap=True, highlight=False)
        console.print(f"listens at {address}; the operator sets SAFELIGHT_LEDGER_WITNESSES to key,address")
    uvicorn.run(create_witness_app(one), host=host, port=port, access_log=False, log_level="warning")
