"""A verified period as one page: a file that opens anywhere, with its style and charts inside and no script.

Everything on it comes from what was verified and is escaped; the look is that of Safelight's public pages, kept here a
second time because the verifier's wheel holds nothing else of Safelight (a test compares the colours).
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from ..proofs.figures import DEFINITIONS

WIDTH = 640
_MARGIN = 18
_ROW = 26
_NAME_WIDTH = 230
_NAME_MAX_CHARS = 30
_COLUMN_MAX_WIDTH = 60
_BARS_MAX_COUNT = 62
"""Two months of days; further bars stand in the table only, and the chart says so."""
_DAYS_MAX_COUNT = 36_525
"""A century; a log whose clock jumps further has its days drawn as they come."""
_CHARTS = {
    "requests_by_day": "Requests, by day",
    "refused_by_category": "Refusals, by category",
    "missing": "Decisions without an answer of a detector",
    "downtime_s": "Downtime of parts, in seconds",
    "takedowns": "What became of reports",
}
_CODES = {
    "gap": "a leaf is missing, doubled or moved",
    "totals_wrong": "a total is not the sum of its leaves",
    "silence": "a process said nothing for too long",
    "no_start": "a process's first leaf is missing",
    "after_end": "a process went on after its end",
    "leaf_malformed": "an entry that is no leaf",
}


def page(shown: Mapping[str, Any], title: str = "What the log says") -> str:
    """The page of what `safelight-verify totals` found; `shown` as it prints it with `--json`."""
    body = [f"<h1>{escape(title)}</h1>", _head(shown), _verdicts(shown), _sums(shown["figures"])]
    body += [_differences(shown), _gaps(shown), *_charts(shown), _table(shown["figures"])]
    template = Template(files(__package__).joinpath("page.html").read_text("utf-8"))
    return template.substitute(title=escape(title), body="\n".join(part for part in body if part))


def bars(title: str, counts: Mapping[str, int | float]) -> str:
    """A bar for each name, as long as its count."""
    rows = list(counts.items())[:_BARS_MAX_COUNT]
    most = max((count for _, count in rows), default=0) or 1
    reach = WIDTH - _NAME_WIDTH - 90
    drawn = []
    for at, (name, count) in enumerate(rows):
        top, length = at * _ROW + 4, count / most * reach
        short = name if len(name) <= _NAME_MAX_CHARS else name[: _NAME_MAX_CHARS - 1] + "…"
        drawn.append(
            f'<text class="name" x="{_NAME_WIDTH - 8}" y="{top + 14}">{escape(short)}</text>'
            f'<rect class="bar" x="{_NAME_WIDTH}" y="{top}" width="{length:.1f}" height="18"/>'
            f'<text class="count" x="{_NAME_WIDTH + length + 8:.1f}" y="{top + 14}">{_number(count)}</text>'
        )
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH} {len(rows) * _ROW + 4}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escape(title)}</title>{''.join(drawn)}</svg>"
    )


def columns(title: str, counts: Mapping[str, int]) -> str:
    """A column for each day, as high as its count; each says its number to whoever points at it or hears the page."""
    days = list(counts.items())[-_BARS_MAX_COUNT:]
    most, height, foot = max(counts.values(), default=0) or 1, 180, 24
    step = min((WIDTH - 2 * _MARGIN) / max(len(days), 1), _COLUMN_MAX_WIDTH)
    labelled = max(1, -(-len(days) // 8))
    drawn = []
    for at, (day, count) in enumerate(days):
        left, tall = _MARGIN + at * step, count / most * (height - 20)
        drawn.append(
            f'<rect class="bar" x="{left + step * 0.1:.1f}" y="{height - tall:.1f}" width="{step * 0.8:.1f}" '
            f'height="{tall:.1f}"><title>{escape(day)}: {_number(count)}</title></rect>'
        )
        if at % labelled == 0:
            drawn.append(
                f'<text class="day" x="{left + step / 2:.1f}" y="{height + 16}">{escape(day[5:])}</text>'
                f'<text class="day" x="{left + step / 2:.1f}" y="{height - tall - 5:.1f}">{_number(count)}</text>'
            )
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH} {height + foot}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escape(title)}</title>{''.join(drawn)}</svg>"
    )


def _head(shown: Mapping[str, Any]) -> str:
    named = ", ".join(escape(one["name"]) for one in shown["witnesses"])
    witnesses = named or "none asked for, so nobody outside vouches that others are shown the same log"
    stamped = f" · time stamp {escape(shown['stamped_at'])}" if "stamped_at" in shown else ""
    covers = " to ".join(f"{moment[:10]} {moment[11:16]}" for moment in shown["covers"] or ())
    covered = f"The log's entries in it are from {escape(covers)}" if covers else "The log has no entry in it"
    return (
        f'<p class="quiet">{_day(shown["from"])} to {_day(shown["to"])} (UTC), the end not included. '
        f"{covered}; of the time around them nothing is said.</p>"
        f"<p>Log <code>{escape(shown['origin'])}</code>, {_number(shown['size'])} leaves, "
        f"root <code>{escape(shown['root'])}</code><br>Witnesses: {witnesses}{stamped}</p>"
    )


def _verdicts(shown: Mapping[str, Any]) -> str:
    wrong = shown["verdict"] == "not verified"
    told = escape(shown["message"]) if wrong else "The figures are counted from the entries that the log signed."
    told += " They are what was published." if shown.get("published") and not wrong else ""
    gaps = shown["findings_count"]
    found = "One finding says" if gaps == 1 else f"{_number(gaps)} findings say"
    runs = "run of a gate or command" if shown["processes"] == 1 else "runs of gates and commands"
    complete = f"Nothing shows that an entry is missing, in {_number(shown['processes'])} {runs}."
    return (
        '<div class="verdicts">'
        + "".join(
            f'<div class="verdict {"good" if good else "bad"}"><h2>{name}</h2><p>{text}</p></div>'
            for good, name, text in (
                (not wrong, "Not as published" if wrong else "Whole and true", told),
                (
                    shown["complete"],
                    "Complete" if shown["complete"] else "Incomplete",
                    complete if shown["complete"] else f"{found} that something is missing; see below.",
                ),
            )
        )
        + "</div>"
    )


def _sums(figures: Mapping[str, Any]) -> str:
    requests, refused = figures["requests"], figures["refused"]
    share = f"{refused / requests * 100:.2f} %" if requests else "–"
    dark = f"{figures['dark_s'] / 3600:.2f} h"
    gone = figures["gone_s"]
    in_time = f"{_number(gone['within_48h'])} of {_number(gone['count'])}" if gone["count"] else "none"
    cells = [
        ("Requests", _number(requests)),
        ("Refused", _number(refused)),
        ("Of these unchecked", _number(figures["refused_by_category"].get("unchecked", 0))),
        ("Share refused", share),
        ("Refusals reversed", _number(figures["reviews"].get("reversed", 0))),
        ("Gone within 48 h", in_time),
        ("No gate ran for", dark),
    ]
    return '<div class="sums">' + "".join(f"<div>{name} <b>{value}</b></div>" for name, value in cells) + "</div>"


def _differences(shown: Mapping[str, Any]) -> str:
    rows = [(one["figure"], _text(one["published"]), _text(one["found"])) for one in shown.get("differences", ())]
    return _rows("Not what was published", ("Figure", "Published", "The leaves say"), rows) if rows else ""


def _gaps(shown: Mapping[str, Any]) -> str:
    rows = [(_CODES.get(one["code"], one["code"]), str(one["index"]), one["text"]) for one in shown["findings"]]
    return _rows("Gaps", ("What", "At leaf", "In words"), rows) if rows else ""


def _charts(shown: Mapping[str, Any]) -> list[str]:
    drawn = []
    for name, caption in _CHARTS.items():
        counts, part = shown["figures"][name], "first"
        if not counts:
            continue
        if name == "requests_by_day":
            counts, part = every_day(counts, shown["covers"]), "last"
        chart = columns(caption, counts) if part == "last" else bars(caption, counts)
        cut = f" Here are the {part} {_BARS_MAX_COUNT} of {len(counts)}; all are in the table below."
        words = escape(_plain(DEFINITIONS[name])) + (cut if len(counts) > _BARS_MAX_COUNT else "")
        drawn.append(
            f'<h2>{caption}</h2><figure><figcaption>{words}</figcaption><div class="scroll">{chart}</div></figure>'
        )
    return drawn


def every_day(counts: Mapping[str, int], covers: Sequence[str]) -> Mapping[str, int]:
    """`counts` with the days on which nobody asked: left out, a week of silence would look like a night."""
    try:
        first, last = (date.fromisoformat(moment[:10]) for moment in covers)
    except ValueError:  # the thirtieth of February: a leaf's form allows it
        return counts
    if (last - first).days > _DAYS_MAX_COUNT:
        return counts
    days = ((first + timedelta(days)).isoformat() for days in range((last - first).days + 1))
    return {day: counts.get(day, 0) for day in days}


def _table(figures: Mapping[str, Any]) -> str:
    rows = [(name, _plain(DEFINITIONS[name]), _text(figures[name])) for name in DEFINITIONS]
    return _rows("Every figure, and what it is", ("Figure", "Definition", "Value"), rows)


def _rows(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<h2>{title}</h2><div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _day(moment: str) -> str:
    return escape(moment.removesuffix("T00:00:00.000000Z"))


def _plain(definition: str) -> str:
    return definition.replace("`", "")


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(one)}" for name, one in value.items()) or "none"
    if isinstance(value, int | float):
        return _number(value)
    return "–" if value is None else str(value)


def _number(value: int | float) -> str:
    return f"{value:,}"
