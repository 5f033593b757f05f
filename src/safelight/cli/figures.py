"""`safelight figures`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from safelight.cli.files import writing
from safelight.cli.ledger_log import DataDir, OpenedLog, opened_log
from safelight.cli.output import AsJson, Table, console, print_json
from safelight.core.errors import BadInput, InputCode
from safelight.ledger.proofs.errors import Malformed
from safelight.ledger.proofs.figures import DEFINITIONS, Period
from safelight.ledger.proofs.tiles import Tile
from safelight.ledger.published import read_checkpoint, read_tile
from safelight.ledger.verify.checks import Trust
from safelight.ledger.verify.page import page
from safelight.ledger.verify.period import Counted, count, show
from safelight.ledger.verify.source import Source

HELP = """Count a period from the log: requests, refusals by category, missing detectors, downtime, time to takedown.

Example: `safelight figures --from 2026-11-01 --to 2026-12-01 --json > november.json`

Outsiders recompute what is printed with `safelight-verify totals LOG --published november.json`. Each figure is defined
in one place, and its definition is printed beside it. Exit code 1: the log shows that something is missing.
"""


class _OwnLog:
    """The log of this database, read as an outsider reads it (`verify.source.Source`)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, path: str, max_bytes: int) -> bytes:
        """See Source."""
        if path == "checkpoint":
            content = read_checkpoint(self._connection).to_bytes()
        else:
            content = read_tile(self._connection, Tile.parse(path))
        if len(content) > max_bytes:
            raise Malformed(f"More than {max_bytes} bytes came back.")
        return content


def figures(
    begin: Annotated[str, typer.Option("--from", help="First day, as 2026-11-01, or a moment.")],
    end: Annotated[str, typer.Option("--to", help="The day or moment after the last.")],
    html: Annotated[Path | None, typer.Option(help="Also write a report as one page here.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Count a period."""
    try:
        period = Period.of_days(begin, end)
    except Malformed as error:
        raise BadInput(InputCode.FIELD_INVALID, str(error), param="from") from error
    with opened_log(data_dir) as log:
        counted = _count(log, period)
    head, audit = counted.head.checkpoint, counted.audit
    shown = show(head.origin, head.size, head.root, period, counted.figures)
    if html:
        findings = [{"code": one.code.value, "index": one.index, "text": one.text} for one in audit.findings]
        report: dict[str, Any] = shown | {
            "verdict": "verified",
            "origin": head.origin,
            "covers": counted.covers,
            "witnesses": [{"name": one.name} for one in counted.head.note.signatures if one.name != head.origin],
            "complete": audit.is_complete,
            "findings": findings,
            "findings_count": audit.findings_count,
            "processes": len(audit.processes),
        }
        with writing(html, "html"):
            html.write_text(page(report, "What was asked and refused"), "utf-8")
    if as_json:
        print_json(shown)
    else:
        _print(shown)
    if not audit.is_complete:
        raise typer.Exit(1)


def _count(log: OpenedLog, period: Period) -> Counted:
    def work(connection: Connection) -> Counted:
        source: Source = _OwnLog(connection)
        return count(source, Trust(log.ledger.key.public()), period)

    return log.run(work)


def _print(shown: dict[str, Any]) -> None:
    table = Table("figure", "value", "what it is")
    for name, meaning in DEFINITIONS.items():
        table.add_row(name, json.dumps(shown["figures"][name]), meaning)
    console.print(table)
    console.print(f"From the {shown['size']} leaves of {shown['log']}.", highlight=False)
