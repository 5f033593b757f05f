"""One run as one page: a file that opens anywhere, with its charts and its style inside and no script."""

from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from safelight.evaluation import charts
from safelight.evaluation.cases import Label
from safelight.evaluation.report import GROUPS, Report
from safelight.evaluation.tally import Row, Share


def page(report: Report) -> str:
    """The page of `report`."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": percent, "interval": interval}
    template = environment.from_string(files("safelight.evaluation").joinpath("page.html").read_text("utf-8"))
    # Colours have one home for all pages; here they are taken along, so that the file needs nothing beside it.
    tokens = files("safelight").joinpath("web", "static", "tokens.css").read_text("utf-8")
    return template.render(
        report=report,
        tokens=Markup(tokens),  # noqa: S704 (our own style sheet)
        groups=[
            (title, report.groups[name], _group_charts(title, report.groups[name])) for name, title in GROUPS.items()
        ],
        conversations=_conversation_chart(report),
        latency=charts.times(
            "Milliseconds by length: bar to the 99th percentile, mark at the median", report.latencies
        ),
        totals=_totals(report),
    )


def percent(share: Share) -> str:
    """`98.2 %`, or a dash where nothing was counted."""
    return "–" if share.rate is None else f"{share.rate * 100:.2f} %".replace(".00 %", " %")


def interval(share: Share) -> str:
    """`96.1 to 99.2 %`."""
    low, high = share.interval
    return f"{low * 100:.2f} to {high * 100:.2f} %" if share.count else ""


def _group(title: str, rows: tuple[Row, ...]) -> tuple[str, tuple[Row, ...], list[tuple[str, Markup]]]:
    """What the page needs of one grouping."""
    return title, rows, _group_charts(title, rows)


def _group_charts(title: str, rows: tuple[Row, ...]) -> list[tuple[str, Markup]]:
    recall = [(row.name, row.recall) for row in rows]
    wrong = [(row.name, row.false_positives) for row in rows]
    found: list[tuple[str, Markup]] = []
    if any(share.count for _, share in recall):
        low = _floor(share.interval[0] for _, share in recall if share.count)
        chart = charts.shares(f"Recall by {title.lower()}", recall, low=low, high=1.0, kind="recall")
        found.append(("Recall: blocked, of what should be", chart))
    if any(share.count for _, share in wrong):
        high = _ceiling(share.interval[1] for _, share in wrong if share.count)
        chart = charts.shares(f"False positives by {title.lower()}", wrong, low=0.0, high=high, kind="wrong")
        found.append(("False positives: refused, of what should pass", chart))
    return found


def _floor(bounds: object) -> float:
    """A round number at or under all of them, so that an axis has round ends."""
    least = min(bounds)  # type: ignore[call-overload]
    return next(step for step in (0.96, 0.92, 0.8, 0.6, 0.4, 0.2, 0.0) if step <= least)


def _ceiling(bounds: object) -> float:
    most = max(bounds)  # type: ignore[call-overload]
    return next(step for step in (0.004, 0.02, 0.04, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0) if step >= most)


def _conversation_chart(report: Report) -> Markup:
    found = report.conversations
    if not found.stopped_in_time.count:
        return Markup()
    kinds = [("at the turn", found.at, "recall"), ("earlier", found.earlier, "early")]
    kinds += [("later", found.later, "late"), ("never", found.never, "wrong")]
    return charts.parts("Where conversations were stopped", kinds)


def _totals(report: Report) -> list[tuple[str, Share]]:
    """Over all disguises, what kept its verdict."""
    if report.invariance is None:
        return []
    names = {Label.BLOCK: "to be blocked", Label.ALLOW: "to pass"}
    return [
        (f"{'Pairs of the ten strongest' if pairs else 'Single disguises'}, cases {names[label]}", share)
        for pairs in (False, True)
        for label in Label
        if (share := report.invariance.total(pairs=pairs, label=label)).count
    ]
