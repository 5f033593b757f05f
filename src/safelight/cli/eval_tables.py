"""What `safelight eval` shows to a person at a terminal."""

from typing import TYPE_CHECKING

from rich.markup import escape

from safelight.cli.output import Table, console

if TYPE_CHECKING:
    from safelight.evaluation.obfuscate import Same
    from safelight.evaluation.ordinary import Refused, Traffic
    from safelight.evaluation.report import Report
    from safelight.evaluation.tally import Latency, Row, Share

IDS_SHOWN = 20
"""Ids of wrongly judged cases; `--json` has more."""
TRANSFORMS_SHOWN = 15
"""The worst ones; `--json` has all."""


def show_report(report: "Report") -> None:
    """The groups with their shares, conversations, latencies, disguises."""
    from safelight.evaluation.report import GROUPS

    for name, title in GROUPS.items():
        console.print(_rows(title, (*report.groups[name], report.all_cases)))
    console.print(f"blocked under the category of the case: {_share(report.named_right)}")
    found = report.conversations
    if found.stopped_in_time.count or found.benign.count:
        console.print(
            f"conversations: {found.at} stopped at the turn where the intent completes, {found.earlier} earlier, "
            f"{found.later} later, {found.never} never"
        )
        console.print(f"  in time: {_share(found.stopped_in_time)}; benign ones stopped: {_share(found.benign)}")
    console.print(_latencies(report.latencies, one_core=report.conditions.one_core))
    if report.invariance is not None:
        _show_invariance(report)
    for kind, ids in (("missed", report.missed), ("wrongly refused", report.refused)):
        if ids:
            more = f" and {len(ids) - IDS_SHOWN} more" if len(ids) > IDS_SHOWN else ""
            console.print(f"{kind}: {escape(', '.join(map(str, ids[:IDS_SHOWN])))}{more}", highlight=False)
    console.print(f"policy {report.conditions.policy} {report.conditions.policy_version}", highlight=False)


def show_traffic(found: "Traffic", name: str) -> None:
    """The rate with its interval, and every refused row with the reason."""
    how = "each as an edit of a person's photo" if found.image else "each as a prompt without a photo"
    console.print(f"[bold]{escape(name)}[/], {how}")
    console.print(f"refused: {_share(found.false_positives)}")
    console.print(f"refused, of the rows that name nudity or underwear, counted apart: {_share(found.nudity)}")
    for title, rows in (("refused", found.refused), ("refused, naming nudity", found.nudity_refused)):
        if rows:
            console.print(_refused(title, rows))
    from safelight.evaluation.tally import latencies

    console.print(_latencies(latencies(found.timed), one_core=False))


def _rows(title: str, rows: "tuple[Row, ...]") -> Table:
    table = Table(title)
    for heading in ("recall", "95 %", "of", "false positives", "95 %", "of"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(escape(row.name), *_cells(row.recall), *_cells(row.false_positives))
    return table


def _refused(title: str, rows: "list[Refused]") -> Table:
    table = Table("line", title, "rule", "understood", "reading", show_lines=True)
    for row in rows:
        table.add_row(str(row.line), escape(row.text), row.why.rule, escape(row.why.understood), row.why.reading)
    return table


def _latencies(rows: "tuple[Latency, ...]", *, one_core: bool) -> Table:
    where = "ms a request, one core" if one_core else "ms a request"
    table = Table("characters", "requests", "median", "99 in 100", "longest", title=where, title_justify="left")
    for row in rows:
        times = [f"{time:.1f}" for time in (row.p50_ms, row.p99_ms, row.most_ms)]
        table.add_row(row.bucket, str(row.count), *times)
    return table


def _show_invariance(report: "Report") -> None:
    from safelight.evaluation.cases import Label

    found = report.invariance
    if found is None:
        return
    table = Table("the same verdict in disguise", "cases to be blocked", "cases to pass")
    for pairs, name in ((False, "all single disguises"), (True, "all pairs of the ten strongest")):
        table.add_row(name, *(_share(found.total(pairs=pairs, label=label)) for label in Label))
    tried = [same for same in found.transforms if same.block.count + same.allow.count]
    for same in sorted(tried, key=_least)[:TRANSFORMS_SHOWN]:
        name = f"{same.name} (destroys letters)" if same.is_lossy else same.name
        table.add_row(name, _share(same.block), _share(same.allow))
    console.print(table)


def _cells(share: "Share") -> tuple[str, str, str]:
    """The rate, its interval and what it is a share of."""
    if share.rate is None:
        return "–", "", "0"
    low, high = share.interval
    return f"{share.rate * 100:.2f} %", f"{low * 100:.1f} to {high * 100:.1f}", str(share.count)


def _least(same: "Same") -> float:
    """The lower of its two rates."""
    return min(share.rate for share in (same.block, same.allow) if share.rate is not None)


def _share(share: "Share") -> str:
    """`98.2 % (96.1 to 99.2), 491 of 500`."""
    if share.rate is None:
        return "–"
    low, high = share.interval
    return f"{share.rate * 100:.2f} % ({low * 100:.2f} to {high * 100:.2f}), {share.hits} of {share.count}"
