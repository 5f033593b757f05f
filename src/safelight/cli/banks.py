"""`safelight banks`: lists of known images: make them, fill them, hold them back, release them."""

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from safelight.cli import bank_answers, bank_exchanges
from safelight.cli.bank_store import copies_of, counts, open_bank, opened, take_from
from safelight.cli.database import DataDir
from safelight.cli.output import AsJson, Table, console, print_json
from safelight.cli.pictures import read_picture
from safelight.core.clock import utc_now
from safelight.matching import banks as register
from safelight.matching.errors import BankError
from safelight.matching.exchanges.listfile import ListFile, parse_columns
from safelight.matching.fingerprints import HashKind, file_digests
from safelight.matching.index.layout import MAX_RADIUS
from safelight.matching.intake import take_in
from safelight.matching.known import KnownImages
from safelight.matching.model import Bank, BankCategory, BankKind, BankState, Entry, item_of
from safelight.matching.past import StoredOutputs, match_back, past_matches_of
from safelight.matching.pdq import Pdq, pdq

app = typer.Typer(
    no_args_is_help=True,
    help="Lists of known images.\n\nExample: `safelight banks add iwf --owner IWF --source weekly --category csam`",
)

app.command("sync")(bank_exchanges.sync_with)
app.command("sync-all")(bank_exchanges.sync_all)
app.command("ask-arachnid")(bank_exchanges.ask_arachnid)
app.command("submit-stopncii")(bank_answers.submit_stopncii)
app.command("feedback-stopncii")(bank_answers.feedback_stopncii)
app.command("feedback-ncmec")(bank_answers.feedback_ncmec)

Name = Annotated[str, typer.Argument(help="The bank's name.")]
Picture = Annotated[Path, typer.Argument(help="The picture.")]
Why = Annotated[str, typer.Option(help="Why, for the history.")]
ListPath = Annotated[Path, typer.Argument(help="A list: .csv, or JSON lines.")]
Columns = Annotated[list[str], typer.Option(help="Which column holds what, as NAME=KIND; may be given again.")]
Lenient = Annotated[bool, typer.Option(help="Count hashes that do not parse instead of stopping.")]


@app.command("add")
def add(
    name: Name,
    owner: Annotated[str, typer.Option(help="Whose list it is.")],
    source: Annotated[str, typer.Option(help="How it comes here.")],
    category: Annotated[BankCategory, typer.Option(help="What its pictures are.")],
    kind: Annotated[BankKind, typer.Option(help="Known images, or known false matches.")] = BankKind.KNOWN,
    threshold: Annotated[int, typer.Option(min=0, max=MAX_RADIUS, help="PDQ bits within which a copy counts.")] = 31,
    meaning: Annotated[str, typer.Option(help="What a match means, for the reviewer.")] = "",
    stale_after: Annotated[int, typer.Option(min=0, help="Hours of silence after which it is stale; 0: never.")] = 0,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make an empty bank.

    Example: `safelight banks add iwf --owner IWF --source "weekly list" --category csam --stale-after 200`
    """
    make = partial(
        register.create_bank,
        name=name,
        owner=owner,
        source=source,
        category=category,
        kind=kind,
        threshold_bits=threshold,
        meaning=meaning,
        stale_after_h=stale_after,
        now=utc_now(),
    )
    with opened(data_dir) as known:
        bank = known.database.write_here(make)
    print_json(_described(bank, 0)) if as_json else console.print(f"The bank {bank.name} is made. It is empty.")


@app.command("import")
def import_list(
    name: Name,
    file: ListPath,
    column: Columns,
    lenient: Lenient = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add the hashes of a list. Nothing is guessed: say which column holds which kind of hash.

    Example: `safelight banks import iwf list.csv --column "MD5=md5" --column "SHA-1=sha1"`
    """
    take_from(name, ListFile(file, parse_columns(column), lenient), data_dir, as_json, ahead=True)


@app.command("withdraw")
def withdraw(
    name: Name,
    file: ListPath,
    column: Columns,
    lenient: Lenient = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Take the hashes of a list out of a bank, and out of what was held back of it. A list that names them again adds
    them again.

    Example: `safelight banks withdraw iwf withdrawn.csv --column "MD5=md5"`
    """
    taken_back = ListFile(file, parse_columns(column), lenient, is_withdrawal=True)
    take_from(name, taken_back, data_dir, as_json, ahead=True)


@app.command("add-picture")
def add_picture(name: Name, photo: Picture, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Add one picture that was taken down: its hashes, and the features by which cropped and turned copies are found.

    The picture is not kept. Example: `safelight banks add-picture taken-down photo.jpg`
    """
    content, picture = read_picture(photo)
    frame, item, now = picture.frames[0], _item_of(content), utc_now()
    with opened(data_dir) as known:
        bank = open_bank(known, name)
        described = copies_of(known).described(bank.number, item, frame)
        hashed = pdq(frame)
        values = {HashKind.PDQ: hashed.hash} if isinstance(hashed, Pdq) else {}
        entries = [Entry(kind, value, item=item) for kind, value in (values | file_digests(content)).items()]
        past = StoredOutputs(known.database)
        taken = take_in(known.database, known.hashes, bank, entries, now=now, past=past)
        holder = _holder(known, bank, content)
        assert holder  # noqa: S101 (it was just taken in)
        # Where a guard holds the picture back, its features wait with its hashes.
        copies_of(known).add_all([replace(described, bank=holder.number)], now)
    held_back = holder.why if holder.state is BankState.QUARANTINED else ""
    if as_json:
        batches = [holder.name] if held_back else []
        print_json(counts(taken) | {"item": item, "held_back": held_back, "batches": batches})
        return
    console.print(f"Added under the number {item}: {taken.added + taken.waiting} hashes, and features.")
    if held_back:
        console.print(f"[red]Held back[/] in {escape(holder.name)}, it does not count yet: {escape(held_back)}.")


@app.command("drop-picture")
def drop_picture(name: Name, photo: Picture, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Take back what `add-picture` added. It must be the very file that was added.

    Example: `safelight banks drop-picture taken-down photo.jpg`
    """
    content, _ = read_picture(photo)
    item = _item_of(content)
    with opened(data_dir) as known:
        bank = known.database.read_here(partial(register.bank_named, name=name))
        holder = _holder(known, bank, content)
        if holder is None:
            raise BankError(f"{photo.name} was not added to {name!r} as this very file: drop the file that was.")
        copies_of(known).drop(holder.number, item)
        known.hashes.drop(holder.number, item)  # last: as long as they are there, the command can be given again
        event = partial(register.note, number=bank.number, kind="dropped", body={"pictures": 1}, now=utc_now())
        known.database.write_here(event)
    print_json({"dropped": item}) if as_json else console.print("Nothing of this picture is in the bank any more.")


def _holder(known: KnownImages, bank: Bank, content: bytes) -> Bank | None:
    """The bank that has a picture's file: this one, or what was held back of it."""
    batches = known.database.read_here(partial(register.batches_of, number=bank.number))
    digest, item = file_digests(content)[HashKind.SHA256], _item_of(content)
    has = partial(known.hashes.has, kind=HashKind.SHA256, values=[digest], items=[item])
    return next((one for one in (bank, *batches) if has(one.number) == [True]), None)


def _item_of(content: bytes) -> int:
    return item_of(hashlib.sha256(content).hexdigest())


@app.command("list")
def list_all(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List every bank with its state and size, then what was held back of their lists.

    Example: `safelight banks list`
    """
    with opened(data_dir) as known:
        banks, sizes = known.database.read_here(register.list_banks), known.hashes.count()
    if as_json:
        print_json([_described(bank, sizes.get(bank.number, 0)) for bank in banks])
        return
    table = Table("bank", "owner", "category", "kind", "bits", "hashes", "state", "last news")
    for bank in (bank for bank in banks if bank.parent is None):
        state = bank.state.value + (" (stale)" if bank.is_stale(utc_now()) else "")
        words = (bank.name, bank.owner, bank.category, bank.kind, str(bank.threshold_bits))
        table.add_row(*map(escape, words), f"{sizes.get(bank.number, 0):,}", state, bank.updated_at[:16])
    console.print(table)
    # Their names are too long for a column, and are copied from here.
    for batch in (bank for bank in banks if bank.parent is not None):
        size = f"{sizes.get(batch.number, 0):,} hashes"
        console.print(f"{escape(batch.name)}: {batch.state.value}, {size}", highlight=False, soft_wrap=True)


@app.command("show")
def show(name: Name, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show one bank and everything that was done to it. Example: `safelight banks show iwf`"""
    with opened(data_dir) as known:
        bank = known.database.read_here(partial(register.bank_named, name=name))
        events = known.database.read_here(partial(register.events_of, number=bank.number))
        described = _described(bank, known.hashes.count().get(bank.number, 0))
    if as_json:
        print_json(described | {"events": [{"at": at, "kind": kind, "body": body} for at, kind, body in events]})
        return
    for key, value in described.items():
        console.print(f"[bold]{key}[/] {escape(str(value))}", highlight=False)
    table = Table("when", "what", "counts and words")
    for at, kind, body in events:
        table.add_row(at[:19], kind, escape(body))
    console.print(table)


@app.command("past")
def past(name: Name, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the pictures that were made here before this bank knew them: ids and times, never the picture.

    Example: `safelight banks past iwf`
    """
    with opened(data_dir) as known:
        bank = known.database.read_here(partial(register.bank_named, name=name))
        found = known.database.read_here(partial(past_matches_of, bank=bank.number))
    keys = ("found_at", "output_id", "made_at", "decision_id", "distance")
    if as_json:
        print_json([dict(zip(keys, row, strict=True)) for row in found])
        return
    table = Table("found", "picture", "made", "decision", "bits apart")
    for row in found:
        table.add_row(
            row[0][:19], row[1], row[2][:19], row[3] or "not known", "by features" if row[4] is None else str(row[4])
        )
    console.print(table if found else "None was found.")


@app.command("quarantine")
def quarantine(name: Name, why: Why, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Hold a bank back, and what was released of its batches: nothing in it matches until it is released.

    Example: `safelight banks quarantine iwf --why "matches the site's own logo"`
    """
    _set(name, BankState.QUARANTINED, why, data_dir, as_json)


@app.command("release")
def release(name: Name, why: Why, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Let a bank that was held back, or a batch that a guard held back, count.

    Example: `safelight banks release iwf --why "looked at with the IWF"`
    """
    _set(name, BankState.ACTIVE, why, data_dir, as_json)


@app.command("remove")
def remove(name: Name, why: Why, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Remove a bank, its batches and all their hashes, for good. Its history stays.

    Example: `safelight banks remove trial --why "was a trial"`
    """
    _set(name, BankState.REMOVED, why, data_dir, as_json)


def _set(name: str, state: BankState, why: str, data_dir: Path | None, as_json: bool) -> None:
    made_here = 0
    with opened(data_dir) as known:
        change = partial(register.set_state_of_all, name=name, state=state, why=why, now=utc_now())
        bank, *batches = known.database.write_here(change)
        for gone in (bank, *batches) if state is BankState.REMOVED else ():
            known.hashes.drop(gone.number)
            copies_of(known).drop(gone.number)
        if state is BankState.ACTIVE:
            past = StoredOutputs(known.database)
            made_here = len(match_back(known.database, known.hashes, past, bank, utc_now()))
            batches = known.database.read_here(partial(register.batches_of, number=bank.number))
            batches = [one for one in batches if one.state is not state]
    names = [one.name for one in batches]
    if as_json:
        still = {"held_back": names} if state is BankState.ACTIVE else {"batches": names}
        print_json({"name": name, "state": state.value, "made_here": made_here} | still)
        return
    console.print(f"{name} is {state.value}.")
    if names and state is BankState.ACTIVE:
        console.print(f"Still held back, to be released by name: {escape(', '.join(names))}.")
    elif names:
        console.print(f"So is what was held back of its list: {escape(', '.join(names))}.")
    if made_here:
        console.print(
            f"[red]{made_here}[/] pictures that it knows were made here before: `safelight banks past {name}`."
        )


def _described(bank: Bank, size: int) -> dict[str, Any]:
    return {
        "name": bank.name,
        "owner": bank.owner,
        "source": bank.source,
        "category": bank.category.value,
        "kind": bank.kind.value,
        "threshold_bits": bank.threshold_bits,
        "meaning": bank.meaning,
        "state": bank.state.value,
        "why": bank.why,
        "stale": bank.is_stale(utc_now()),
        "hashes": size,
        "created_at": bank.created_at,
        "updated_at": bank.updated_at,
    }
