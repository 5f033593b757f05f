"""`safelight doctor`: is this installation fit to stand in front of a model?"""

import asyncio
import dataclasses
import os
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from sqlalchemy import make_url

from safelight.cli.database import unknown_settings
from safelight.cli.output import AsJson, Table, console, print_json, quiet_logs
from safelight.core.clock import utc_now
from safelight.matching.past_finds import overdue_finds
from safelight.matching.watch import stale_banks
from safelight.settings import Settings

HELP = """Load every part, verify every detector, and say what is wrong and what to do.

Example: `safelight doctor --data-dir /var/lib/safelight`

Exit code 0: fit to serve; 1: something is wrong.
"""


def doctor(
    data_dir: Annotated[Path | None, typer.Option(help="The data folder to look at.")] = None,
    as_json: AsJson = False,
) -> None:
    """Look at everything once."""
    quiet_logs()
    settings = Settings() if data_dir is None else Settings(data_dir=data_dir)
    report = asyncio.run(_examine(settings))
    troubles = report["troubles"]
    if as_json:
        print_json(report)
    else:
        table = Table("part", "seconds to load and verify", "state")
        for name, seconds in report["detectors"].items():
            table.add_row(name, f"{seconds:.2f}", troubles.get(name, "fit"))
        for name in ("store", "backend"):
            table.add_row(name, "", troubles.get(name, "fit"))
        console.print(table)
        for title in ("settings", "limits"):
            shown = Table(title, "value")
            for name, value in report[title].items():
                shown.add_row(name, str(value))
            console.print(shown)
        for name in report["unknown_settings"]:
            console.print(f"[yellow]{escape(name)} is set and is no setting[/]; is it misspelt?")
        for bank in report["stale_banks"]:
            last = f"last news {bank['last_news'][:16]}, {bank['allowed_h']} h allowed"
            console.print(f"[yellow]The bank {escape(bank['name'])} is stale[/]: {last}. Sync or import it.")
        if finds := report["finds_without_case"]:
            words = f"Of {finds['decisions']} decisions a list knows what they released, and no case is open"
            console.print(
                f"[bold red]{words}[/], since {finds['since'][:16]}: see known_output_has_no_case in the log."
            )
        console.print(f"policy {report['policy_version']}", highlight=False)
        console.print("[bold red]Not fit to serve.[/]" if troubles else "[bold green]Fit to serve.[/]")
    if troubles:
        raise typer.Exit(1)


async def _examine(settings: Settings) -> dict[str, Any]:
    from safelight.wiring import Safelight

    async with Safelight(settings, serves=False) as safelight:
        stale = await safelight.database.read(partial(stale_banks, now=utc_now()))
        finds, since = await safelight.database.read(partial(overdue_finds, now=utc_now()))
        return {
            "detectors": dict(safelight.load_seconds),
            "troubles": dict(await safelight.troubles()),
            "stale_banks": [
                {"name": bank.name, "last_news": bank.updated_at, "allowed_h": bank.stale_after_h} for bank in stale
            ],
            "unknown_settings": unknown_settings(os.environ),
            "finds_without_case": {"decisions": finds, "since": since} if finds else None,
            "settings": settings.model_dump(mode="json") | {"database_url": _without_password(settings.database_url)},
            "limits": dataclasses.asdict(safelight.limits),
            "policy_version": safelight.policy.version,
        }


def _without_password(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True) if url else ""
