"""`safelight scan`: an archive against the banks, and against detectors where asked."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from safelight.cli.database import DataDir
from safelight.cli.output import AsJson, Table, console, print_error, print_json
from safelight.core.clock import utc_now
from safelight.core.errors import BadInput, InputCode, SafelightError

if TYPE_CHECKING:
    from safelight.scan.summary import Summary

HELP = """Compare every picture of folders and object stores with the banks, and say what was found.

Example: `safelight scan s3://bucket/** ./folder --out scan-results --detector image_nudity_one`

Results are Parquet files and a page with charts, in the folder `--out`. Stopped on its way, the same command goes on
where it stopped. A file that cannot be read is a row with its error. Needs `pip install 'safelight[scan]'`.

Exit code 0: no bank knows any of them; 1: some are known; 2: the scan could not be done; 130: stopped by Ctrl-C, with
what was looked at kept.
"""


def scan(
    sources: Annotated[
        list[str], typer.Argument(help="Folders, files, patterns, or addresses such as s3://bucket/**.")
    ],
    out: Annotated[Path, typer.Option(help="The folder for the results; the same one goes on with a scan.")] = Path(
        "scan-results"
    ),
    detector: Annotated[
        list[str] | None, typer.Option(help="A detector that looks as well, by its name; may be given again.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that look at files; 0: one for each core.")] = 0,
    ray: Annotated[str, typer.Option(help="Address of a Ray cluster that does the work, such as host:6379.")] = "",
    s3_endpoint: Annotated[str, typer.Option(help="A store that speaks S3, by its address; none: Amazon's.")] = "",
    anonymous: Annotated[bool, typer.Option(help="Ask the store without credentials.")] = False,
    list_again: Annotated[bool, typer.Option(help="Look for files that are new since the scan began.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Scan."""
    with _leaving(out, as_json):
        summary, outdated = _scan(
            sources,
            out,
            detector or [],
            workers=workers or os.cpu_count() or 1,
            ray=ray,
            s3_endpoint=s3_endpoint,
            anonymous=anonymous,
            list_again=list_again,
            data_dir=data_dir,
        )
        if as_json:
            print_json(json.loads(summary.as_json()) | {"outdated": outdated})
        else:
            _show(summary, out)
            if outdated:
                console.print(
                    f"[yellow]{outdated:,}[/] files were held against the lists as they were earlier."
                    " Name another folder with --out to hold them against the lists as they are now."
                )
        _leave(1 if summary.known else 0)


def _scan(
    sources: list[str],
    out: Path,
    names: list[str],
    *,
    workers: int,
    ray: str,
    s3_endpoint: str,
    anonymous: bool,
    list_again: bool,
    data_dir: Path | None,
) -> tuple["Summary", int]:
    """The summary, and how many files were held against lists that have changed since."""
    # Only here: Daft, Arrow and the models take seconds to import.
    from safelight.cli.bank_store import opened
    from safelight.scan.engine import Engine
    from safelight.scan.local import as_text
    from safelight.scan.model import Plan, Storage
    from safelight.scan.results import Results
    from safelight.scan.run import image_detectors, scan
    from safelight.wiring import builtin_detectors, plugin_detectors

    able = {one.name: one for one in image_detectors([*builtin_detectors(), *plugin_detectors()])}
    if unknown := set(names) - able.keys():
        message = f"No detector {sorted(unknown)[0]!r} judges a picture by itself; there are {', '.join(able)}."
        raise BadInput(InputCode.FIELD_INVALID, message, param="detector")
    detectors = [able[name] for name in sorted(set(names))]
    plan = Plan(tuple(map(as_text, sources)), tuple(f"{one.name}@{one.version}" for one in detectors))
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[known]} known"), TimeElapsedColumn())
    bar = Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal)
    with opened(data_dir) as known, bar:
        # Features are a third of the work, and for nothing where no bank keeps any.
        describes = bool(known.copies and known.copies.digest)
        engine = Engine(workers=workers, ray=ray, storage=Storage(s3_endpoint, anonymous), describes=describes)
        task = bar.add_task("scan", total=None, known=0)
        results = Results(out)
        summary = scan(
            plan,
            results,
            engine,
            known,
            detectors,
            utc_now,
            list_again=list_again,
            progress=lambda done, of, found: bar.update(task, completed=done, total=of, known=found),
        )
        return summary, results.rows_of_other_lists(known.lists)


def _show(summary: "Summary", out: Path) -> None:
    table = Table("of the files", "how many")
    table.add_row("scanned", f"{summary.files:,}")
    table.add_row("known to a bank", f"{summary.known:,}")
    for bank, count in summary.banks.items():
        table.add_row(f"  {escape(bank)}", f"{count:,}")
    table.add_row("too little detail to compare", f"{summary.unhashable:,}")
    for error, count in summary.errors.items():
        table.add_row(f"nothing known of it: {error}", f"{count:,}")
    for name, count in summary.missing.items():
        table.add_row(f"{escape(name)} did not answer", f"{count:,}")
    console.print(table)
    console.print(f"{summary.files_per_s:.1f} files a second. {out / 'summary.html'}", highlight=False, markup=False)


@contextmanager
def _leaving(out: Path, as_json: bool) -> Iterator[None]:
    """Errors as every command says them, and no way out but `_leave`."""
    try:
        yield
    except SafelightError as error:
        print_error(error, as_json=as_json)
        _leave(2)
    except KeyboardInterrupt:
        from safelight.scan.errors import ScanFailed

        message = f"Stopped. What was looked at so far is in {out}; give the same command again, and it goes on there."
        print_error(ScanFailed(message), as_json=as_json)
        _leave(130)


def _leave(code: int) -> NoReturn:
    """End the process at once, where Daft was running.

    Its threads may outlive the interpreter that they call and crash it while it shuts down, with an exit code of their
    own, three times in eight when this was written. Everything that matters is on disk by then.
    """
    if "daft" not in sys.modules:
        raise typer.Exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
