"""`safelight banks sync`, `sync-all` and `ask-arachnid`: what speaks with hotlines."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from safelight.cli.bank_store import counts, open_bank, opened, take_from
from safelight.cli.database import DataDir, settings_of
from safelight.cli.hashes import pdq_of
from safelight.cli.output import AsJson, console, print_json
from safelight.core.clock import utc_now
from safelight.core.errors import SafelightError
from safelight.matching.exchanges.arachnid import Arachnid, Verdict
from safelight.matching.exchanges.subscriptions import FILE as EXCHANGES_FILE
from safelight.matching.exchanges.subscriptions import Source, connect, due, fetch, read_subscriptions
from safelight.matching.exchanges.sync import alone
from safelight.matching.fingerprints import HashKind
from safelight.matching.intake import Taken, take_in
from safelight.matching.model import Entry
from safelight.matching.past import StoredOutputs
from safelight.matching.watch import stale_banks

Name = Annotated[str, typer.Argument(help="The bank's name.")]


def sync_with(
    name: Name,
    source: Annotated[Source, typer.Argument(help="The exchange.")],
    url: Annotated[str, typer.Option(help="Its base address; a test environment unless you say otherwise.")],
    user: Annotated[str, typer.Option(envvar="SAFELIGHT_EXCHANGE_USER", help="User, or function key.")],
    secret: Annotated[str, typer.Option(envvar="SAFELIGHT_EXCHANGE_SECRET", help="Password, or subscription key.")],
    production: Annotated[bool, typer.Option(help="Talk to a production host: real lists.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Fetch what is new from an exchange; a run that breaks goes on where it broke.

    Example: `safelight banks sync ncii stopncii --url https://test.example/v1`
    """
    exchange = connect(source, url, user=user, secret=secret, production=production)
    try:
        take_from(name, exchange, data_dir, as_json)
    finally:
        exchange.close()


def sync_all(
    always: Annotated[bool, typer.Option(help="Fetch from all of them, due or not.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Fetch what is due from every exchange of `exchanges.toml` in the data folder: for a timer, every few minutes.

    Example: `safelight banks sync-all --data-dir /var/lib/safelight`

    Exit code 0: all that was due was fetched, or another run is at it; 1: an exchange failed; 2: the file is not as it
    should be.
    """
    wanted = read_subscriptions(settings_of(data_dir).data_dir / EXCHANGES_FILE)
    told: list[dict[str, Any]] = []
    with opened(data_dir) as known, alone(settings_of(data_dir).data_dir / "exchanges.lock") as is_alone:
        waiting = wanted if always else known.database.read_here(partial(due, subscriptions=wanted, now=utc_now()))
        for one in waiting if is_alone else ():
            try:
                told.append({"bank": one.bank} | counts(fetch(known.database, known.hashes, one, utc_now)))
            except SafelightError as error:
                told.append({"bank": one.bank, "error": {"code": error.code, "message": error.message}})
        stale = [bank.name for bank in known.database.read_here(partial(stale_banks, now=utc_now()))]
    if as_json:
        print_json({"fetched": told, "stale": stale, "another_run": not is_alone})
    else:
        _show_fetched(told, stale, is_alone)
    if any("error" in one for one in told):
        raise typer.Exit(1)


def ask_arachnid(
    hashes: Annotated[list[str], typer.Argument(help="PDQ hashes, in hex, as `safelight hash` prints them.")],
    url: Annotated[str, typer.Option(help="Shield's base address.")],
    user: Annotated[str, typer.Option(envvar="SAFELIGHT_EXCHANGE_USER", help="User.")],
    secret: Annotated[str, typer.Option(envvar="SAFELIGHT_EXCHANGE_SECRET", help="Password.")],
    add_to: Annotated[str, typer.Option(help="A bank that takes what Shield knows as child abuse.")] = "",
    production: Annotated[bool, typer.Option(help="Talk to the production host.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Ask Project Arachnid Shield what it knows of hashes. The pictures stay here.

    Example: `safelight banks ask-arachnid 2d6b1a… --url https://test.example --add-to arachnid`

    Exit code 0: none is known; 1: one is; 2: Shield did not answer as agreed.
    """
    values = [pdq_of(text, "hashes") for text in hashes]
    shield = Arachnid.connect(url, user=user, password=secret, production=production)
    try:
        answers = shield.ask(values)
    finally:
        shield.close()
    known = [value for value, one in zip(values, answers, strict=True) if one.verdict is Verdict.CSAM]
    taken = _add_hashes(add_to, known, data_dir) if add_to and known else Taken()
    told = [
        {"pdq": text, "verdict": one.verdict.value, "near": one.is_near}
        for text, one in zip(hashes, answers, strict=True)
    ]
    if as_json:
        print_json(
            {"answers": told} | {name: counts(taken)[name] for name in ("added", "waiting", "held_back", "batches")}
        )
    else:
        for one in told:
            console.print(f"{one['pdq']} {one['verdict']}{' (near)' if one['near'] else ''}", soft_wrap=True)
        if add_to:
            console.print(f"{taken.added} new in {escape(add_to)}. {taken.held_back}", highlight=False)
            for batch in taken.batches:
                console.print(f"{taken.waiting} wait in {escape(batch)}.", highlight=False, soft_wrap=True)
    if any(one.verdict is not Verdict.NO_MATCH for one in answers):
        raise typer.Exit(1)


def _add_hashes(name: str, pdqs: list[bytes], data_dir: Path | None) -> Taken:
    with opened(data_dir) as known:
        bank = open_bank(known, name)
        entries = [Entry(HashKind.PDQ, value) for value in pdqs]
        past = StoredOutputs(known.database)
        return take_in(known.database, known.hashes, bank, entries, now=utc_now(), past=past)


def _show_fetched(told: list[dict[str, Any]], stale: list[str], is_alone: bool) -> None:
    for one in told:
        failed = one.get("error")
        words = f"[red]failed[/]: {escape(failed['message'])}" if failed else f"{one['added']:,} new"
        if one.get("batches"):
            words += f", [red]{one['waiting']:,} held back[/] in {escape(', '.join(one['batches']))}"
        console.print(f"[bold]{escape(one['bank'])}[/] {words}", highlight=False, soft_wrap=True)
    for name in stale:
        console.print(f"[yellow]{escape(name)} is stale[/]: its source has been silent for too long.")
    if not is_alone:
        console.print("Another run is at it.")
