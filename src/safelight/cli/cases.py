"""`safelight cases`: clocks, backlog and failed orders, for whoever is on call. No report or place is shown."""

import math
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.markup import escape
from sqlalchemy import Connection, Row, func, select

from safelight.accounts.permissions import Role
from safelight.cases.decisions import Decisions
from safelight.cases.desk import Desk, to_effect, to_row
from safelight.cases.errors import CaseCode, CaseError
from safelight.cases.figures import read_figures
from safelight.cases.held_up import held_up, in_sight, retry_all, retry_effect
from safelight.cases.mailroom import Mailroom
from safelight.cases.model import CaseState, Visibility
from safelight.cases.records import Book
from safelight.cases.retention import free, preserve
from safelight.cases.rules import load_rules
from safelight.cases.staff_model import CaseRow, EffectView, QueueFilter, QueueSort, Staff
from safelight.cases.takedown.memory import NoPost
from safelight.cli.database import DataDir, in_database, settings_of
from safelight.cli.output import AsJson, Table, console, print_json
from safelight.core.clock import to_rfc3339, utc_now
from safelight.store.cases_tables import case_effects
from safelight.store.cases_tables import cases as cases_table
from safelight.store.digest_key import DigestKey
from safelight.web.gateway.reports import figures_json

app = typer.Typer(
    no_args_is_help=True,
    help="Reports and their clocks, for whoever is on call: no report, place or picture is shown.\n\n"
    "Example: `safelight cases status`",
)
T = TypeVar("T")
_ON_CALL = Staff("on-call", Role.LEAD)
"""Reads queues and figures; decides nothing."""
_MOST_DAYS = 36_500


@app.command("status")
def status(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say how many cases wait, by clock, and what failed; exit code 1 where somebody has to act.

    Example: `safelight cases status`
    """

    def read(connection: Connection, desk: Desk) -> tuple[Any, list[CaseRow], int, int, list[Row[Any]], dict[str, int]]:
        counts = desk.counts(connection, _ON_CALL)
        soon = QueueFilter(due_before=utc_now())
        late = desk.queue(connection, _ON_CALL, soon, QueueSort.DUE, 200).rows
        missed = select(func.count()).where(cases_table.c.is_breached, cases_table.c.is_waiting)
        failed = len(in_sight(connection))
        missed_count, of_nobody = connection.execute(missed).scalar_one(), desk.contests_of_nobody(connection)
        return counts, list(late), failed, missed_count, held_up(connection), of_nobody

    counts, past, failed, missed, waiting, of_nobody = _read(data_dir, read)
    contests = [row for row in past if row.state is CaseState.CONTESTED]
    late = [row for row in past if row not in contests and row.visibility is Visibility.VISIBLE]
    if as_json:
        print_json(
            {
                "waiting": counts.total,
                "by_clock": dict(counts.by_clock),
                "by_matter": {matter.value: count for matter, count in counts.by_matter.items()},
                "contested": counts.contested,
                "late_and_visible": [row.id for row in late],
                "late_contests": [row.id for row in contests],
                "contests_of_nobody": of_nobody,
                "clocks_missed": missed,
                "failed_effects": failed,
                "held_up_effects": len(waiting),
            }
        )
    else:
        console.print(f"Waiting: {counts.total}, of them contested: {counts.contested}.", highlight=False)
        for clock, count in counts.by_clock.items():
            console.print(f"  {clock.replace('_', ' ')}: {count}", highlight=False)
        if late:
            console.print(f"[bold red]{len(late)} are past their clock and can be seen[/]: {late[0].id} first.")
        if contests:
            console.print(
                f"[bold red]Contests that should have been decided by now: {len(contests)}[/]; {contests[0].id} first."
            )
        if of_nobody:
            console.print(
                f"[bold red]Contests that nobody on the staff may decide: {len(of_nobody)}[/]; {next(iter(of_nobody))} "
                f"first. Appoint {max(of_nobody.values())} more seniors."
            )
        if missed:
            console.print(
                f"[bold red]{missed} undecided cases missed their clock[/]: no platform had confirmed them by then."
            )
        if failed:
            console.print(f"[bold]{failed} orders or letters failed[/]; see `safelight cases failed`.")
        if waiting:
            console.print(f"[bold]{len(waiting)} orders or letters are tried in vain[/]: {escape(waiting[0].error)}")
    if late or contests or of_nobody or failed or missed or waiting:
        raise typer.Exit(1)


def _number(value: float | None) -> float | None:
    if value is not None and math.isnan(value):  # which is beyond no bound
        raise typer.BadParameter("is no number")
    return value


@app.command("list")
def list_waiting(
    within_h: Annotated[
        float | None,
        typer.Option(
            callback=_number, min=0, max=24 * _MOST_DAYS, help="Only clocks that run out within so many hours."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many at most.")] = 50,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List what waits, the nearest clock first. Example: `safelight cases list --within-h 4`"""
    before = utc_now() + timedelta(hours=within_h) if within_h is not None else None
    which = QueueFilter(due_before=before)
    rows = _read(data_dir, lambda c, desk: desk.queue(c, _ON_CALL, which, QueueSort.DUE, limit).rows)
    if as_json:
        print_json([_described(row) for row in rows])
        return
    for row in rows:
        due = to_rfc3339(row.due_at)[:16]
        words = f"{due} {row.id} {row.matter.value}, {row.state.value}, {row.visibility.value}"
        console.print(words, highlight=False)
        if row.held_by:
            console.print(f"  held by {escape(row.held_by)}", highlight=False)
    if not rows:
        console.print("Nothing waits." if within_h is None else f"No clock runs out within {within_h:g} hours.")


@app.command("show")
def show(
    case_id: Annotated[str, typer.Argument(help="The case.")], data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Show a case's steps and orders; codes and times only. Example: `safelight cases show case_…`"""

    def read(connection: Connection, book: Book) -> tuple[CaseRow, list[tuple[str, str, str]], list[EffectView]]:
        row = to_row(book.row(connection, case_id))
        steps = [(to_rfc3339(one.at), one.step.value, one.by) for _, one, _ in book.history(connection, case_id)]
        query = select(case_effects).where(case_effects.c.case_id == case_id).order_by(case_effects.c.id)
        return row, steps, [to_effect(effect) for effect in connection.execute(query)]

    row, steps, effects = _with_book(data_dir, read)
    if as_json:
        described = [{"at": at, "step": step, "by": by} for at, step, by in steps]
        print_json(_described(row) | {"steps": described, "effects": [_effect(one) for one in effects]})
        return
    console.print(f"{row.matter.value}, {row.state.value}, {row.visibility.value}; due {to_rfc3339(row.due_at)[:16]}")
    for at, step, by in steps:
        console.print(f"  {at[:19]} {step} ({by})", highlight=False)
    for one in effects:
        _print_effect(one)


@app.command("failed")
def failed(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List orders and letters that failed for good, may have been sent, or are tried in vain.

    Example: `safelight cases failed`
    """
    rows = in_database(data_dir, lambda connection: [*in_sight(connection), *held_up(connection)])
    effects = [to_effect(row) for row in rows]
    if as_json:
        print_json([_effect(one) for one in effects])
        return
    for one in effects:
        _print_effect(one, one.case_id)
    if not effects:
        console.print("Everything was delivered.")


@app.command("retry")
def retry(
    effect_id: Annotated[str | None, typer.Argument(help="The effect, as `failed` lists it.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Everything that failed, but what is doubtful.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Have a failed order or letter tried again by the running service, or all of them: after an outage.

    What is doubtful may have arrived: each is tried again by its own id only.

    Example: `safelight cases retry eff_…`
    """
    if (effect_id is None) != every:
        raise CaseError(CaseCode.UNKNOWN, "Name one failed effect, or say --all; see `safelight cases failed`.")
    if effect_id is None:
        count = in_database(data_dir, lambda connection: retry_all(connection, utc_now()))
        print_json({"retried_count": count}) if as_json else console.print(f"Tried again within a second: {count}.")
        return
    if not in_database(data_dir, lambda connection: retry_effect(connection, effect_id, utc_now())):
        raise CaseError(CaseCode.UNKNOWN, "There is no such failed effect; see `safelight cases failed`.")
    print_json({"retried": effect_id}) if as_json else console.print("It is tried again within a second.")


@app.command("preserve")
def preserve_case(
    case_id: Annotated[str, typer.Argument(help="The case.")],
    why: Annotated[str, typer.Option(help="Who wants it kept, under which reference; sealed in the history.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Have nothing of a case destroyed, for a court or an authority, until it is freed.

    Example: `safelight cases preserve case_… --why "Order of …, reference …"`
    """
    _with_book(data_dir, lambda connection, book: preserve(connection, book, case_id, _ON_CALL.id, why))
    print_json({"preserved": case_id}) if as_json else console.print("Nothing of it is destroyed until it is freed.")


@app.command("free")
def free_case(
    case_id: Annotated[str, typer.Argument(help="The case.")], data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """End a preservation: what is overdue by then is destroyed at once. Example: `safelight cases free case_…`"""
    _with_book(data_dir, lambda connection, book: free(connection, book, case_id, _ON_CALL.id))
    print_json({"freed": case_id}) if as_json else console.print("Its words go when their time is over.")


@app.command("figures")
def figures(
    days: Annotated[int, typer.Option(min=1, max=_MOST_DAYS, help="Of cases received in the last so many days.")] = 90,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Times to first look, hiding, removal, and until it was gone, by route; overturn rate.

    Example: `safelight cases figures --days 30`
    """
    now = utc_now()

    def read(connection: Connection, desk: Desk) -> dict[str, Any]:
        since = now - timedelta(days=days)
        return figures_json(read_figures(connection, since, now, now, desk.counts(connection), with_exposure=False))

    found = _read(data_dir, read)
    if as_json:
        print_json(found)
        return
    table = Table("route", "reports", "first look", "hiding", "removal", "gone", "within 48 h")
    for route, one in {"all": found["all"], **found["by_route"]}.items():
        times = [_hours(one[what]["median_s"]) for what in ("first_look", "hiding", "removal", "gone")]
        share = f"{one['within_48_h']:.1%}" if one["within_48_h"] is not None else ""
        table.add_row(route, str(one["reports"]), *times, share)
    console.print(table)
    rate = f"{found['overturn_rate']:.1%}" if found["overturn_rate"] is not None else "none decided"
    console.print(f"Medians. Contested: {found['appeals']}; overturned: {rate}. Clocks missed: {found['breaches']}.")


def _read(data_dir: Path | None, read: Callable[[Connection, Desk], T]) -> T:
    return _with_book(data_dir, lambda connection, book: read(connection, _desk(book)))


def _with_book(data_dir: Path | None, read: Callable[[Connection, Book], T]) -> T:
    settings = settings_of(data_dir)
    key = DigestKey.load_or_make(settings.data_dir / "digest.key")
    # Nothing that is done here leaves a leaf: it reads, or has something preserved.
    book = Book(load_rules(settings.cases_rules_file), key, utc_now, lambda _connection, _drafts: None)
    return in_database(data_dir, lambda connection: read(connection, book))


def _desk(book: Book) -> Desk:
    mail = Mailroom(book, NoPost().takes)
    return Desk(book, mail, Decisions(book, mail))


def _described(row: CaseRow) -> dict[str, Any]:
    return {
        "case": row.id,
        "kind": row.kind.value,
        "matter": row.matter.value,
        "state": row.state.value,
        "visibility": row.visibility.value,
        "received_at": to_rfc3339(row.received_at),
        "due_at": to_rfc3339(row.due_at),
        "held_by": row.held_by,
        "reports": row.reports,
        "places": row.places,
    }


def _effect(one: EffectView) -> dict[str, Any]:
    return {"effect": one.id, "case": one.case_id, "kind": one.kind, "state": one.state, "error": one.error}


def _print_effect(one: EffectView, case_id: str = "") -> None:
    """In lines, not in a table: two ids and an error in words share no narrow terminal."""
    console.print(f"{one.id} {one.kind}: {one.state}, {one.attempts} tries", highlight=False)
    for line in filter(None, (case_id, one.error)):
        console.print(f"  {escape(line)}", highlight=False)


def _hours(seconds: float | None) -> str:
    return f"{seconds / 3600:.1f} h" if seconds is not None else ""
