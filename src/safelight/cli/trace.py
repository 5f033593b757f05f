"""`safelight trace`: from a picture in hand to the request that made it, on the machine of the service."""

import asyncio
import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from safelight.cli.database import DataDir, settings_of
from safelight.cli.output import AsJson, Table, console, print_json, quiet_logs
from safelight.core.errors import BadInput, InputCode, LedgerCode, LedgerUnfit
from safelight.core.limits import DEFAULT_LIMITS
from safelight.core.request import Upload
from safelight.provenance.service import Provenance, Purpose, Use, trace_to_json
from safelight.provenance.trace import Answer, Trace
from safelight.signals.model import PictureRole

HELP = """Say from which request a picture comes, whose account asked, when, and what it was made from.

Example: `safelight trace found.jpg --purpose police --reason "case 2026-118"`

Each use is recorded, and is an entry of the log. Exit code 0: it was made here; 1: it was not; 2: it cannot be looked
at; 3: unsure.
"""
_COLOURS = {Answer.YES: "green", Answer.NO: "white", Answer.UNSURE: "yellow"}
_EXIT = {Answer.YES: 0, Answer.NO: 1, Answer.UNSURE: 3}


def trace(
    picture: Annotated[Path, typer.Argument(help="The picture.")],
    purpose: Annotated[Purpose, typer.Option(help="Why you ask; public in the log.")] = Purpose.INVESTIGATION,
    reason: Annotated[str, typer.Option(help="Why, in your words, for the record.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Trace one picture."""
    quiet_logs()
    # Imported here: `safelight --help` need not wait for the decoders.
    from safelight.signals.image.decode import decode

    try:
        upload = Upload(picture.read_bytes(), picture.name)
    except OSError as error:
        message = f"{picture} cannot be read: {error.strerror}."
        raise BadInput(InputCode.FIELD_INVALID, message, param="picture") from error
    frame = decode(upload, role=PictureRole.PHOTO, where=picture.name, limits=DEFAULT_LIMITS).frames[0]
    by = f"command line, {getpass.getuser()}"
    with _opened(data_dir) as provenance:
        use, found = asyncio.run(provenance.trace(upload.content, frame, by=by, purpose=purpose, reason=reason))
    print_json(trace_to_json(use, found)) if as_json else _show(use, found)
    raise typer.Exit(_EXIT[found.answer])


@contextmanager
def _opened(data_dir: Path | None) -> Iterator[Provenance]:
    """The traces of a data folder, beside the running service. Raises LedgerUnfit where there is none."""
    from safelight.wiring import provenance_of

    settings = settings_of(data_dir)
    if not (settings.data_dir / "ledger.key").exists():
        message = f"Nothing was ever made in {settings.data_dir}; name the service's --data-dir."
        raise LedgerUnfit(LedgerCode.KEY_UNFIT, message)
    with provenance_of(settings) as provenance:
        yield provenance


def _show(use: Use, found: Trace) -> None:
    colour = _COLOURS[found.answer]
    console.print(f"[bold {colour}]{found.answer.value}[/]  confidence {found.confidence:.3g}", highlight=False)
    if output := found.output:
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        table.add_row("request", output.request_id)
        table.add_row("account", f"{output.subject_id} (key {output.key_id})")
        table.add_row("made", f"{output.made_at[:19]} UTC, {output.how.value}, {output.place}")
        table.add_row("decision", output.decision_id)
        table.add_row("policy", output.policy_version)
        table.add_row("receipt", output.receipt)
        console.print(table)
    for clue in found.clues:
        console.print(f"  [bold]{clue.means.value}[/]: {clue.says}", highlight=False)
    if len(found.chain) > 1 or (found.chain and found.chain[0].photos):
        console.print("Edit chain, oldest first:")
        if found.chain[0].photos:
            console.print(f"  {found.chain[0].photos} photo(s) that were sent in", highlight=False)
        for output in found.chain:
            mine = " ← this picture" if found.output and output.id == found.output.id else ""
            line = f"  {output.made_at[:19]} {output.request_id} {output.how.value}, {output.subject_id}{mine}"
            console.print(line, highlight=False, soft_wrap=True)
    for one in found.candidates:
        apart = "not to be compared" if one.distance_bits is None else f"{one.distance_bits} of 256 bits apart"
        line = f"  may come from {one.request_id} of {one.made_at[:19]} ({apart})"
        console.print(line, highlight=False)
    console.print(f"Recorded as {use.id}.", highlight=False)
