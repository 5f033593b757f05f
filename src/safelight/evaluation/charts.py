"""Charts as SVG that needs nothing else: shares with their intervals, parts of a whole, latencies.

Rules
- Every number in a chart also stands in a table beside it; the chart has a title for whoever hears the page.
- Colours are classes of the page's style sheet, so a chart has no colour of its own.
- Names come from files of strangers: `markupsafe` escapes every one.
"""

from collections.abc import Sequence

from markupsafe import Markup

from safelight.evaluation.tally import Latency, Share

WIDTH = 640
MARGIN = 34
"""To the right, for half of the axis' last number."""
LETTER_WIDTH = 8
ROW_HEIGHT = 24
AXIS_HEIGHT = 26
NAME_MAX_CHARS = 26


def shares(title: str, rows: Sequence[tuple[str, Share]], *, low: float, high: float, kind: str) -> Markup:
    """A dot for each rate and a line for its interval, from `low` to `high`; `kind` is the class of the marks."""
    counted = [(name, share) for name, share in rows if share.count]
    height = len(counted) * ROW_HEIGHT + AXIS_HEIGHT

    begin_at = _names_width([name for name, _ in counted])

    def across(rate: float) -> float:
        inside = min(max(rate, low), high)
        return begin_at + (inside - low) / (high - low) * (WIDTH - begin_at - MARGIN)

    body = Markup().join(
        _grid(across(low + step * (high - low) / 4), height, f"{(low + step * (high - low) / 4) * 100:g} %")
        for step in range(5)
    )
    for at, (name, share) in enumerate(counted):
        middle = at * ROW_HEIGHT + ROW_HEIGHT / 2
        begin, end = map(across, share.interval)
        body += _name(name, begin_at, middle)
        body += Markup('<line class="reach {}" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>').format(
            kind, begin, end, middle, middle
        )
        body += Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="5"/>').format(
            kind, across(share.rate or 0.0), middle
        )
    return _drawing(title, height, body)


def parts(title: str, counts: Sequence[tuple[str, int, str]]) -> Markup:
    """One bar, divided: name, count and class of each part."""
    total = sum(count for _, count, _ in counts)
    body, begin = Markup(), 0.0
    for name, count, kind in counts:
        if count:
            size = count / total * WIDTH
            body += Markup('<rect class="{}" x="{:.1f}" y="0" width="{:.1f}" height="34"/>').format(kind, begin, size)
            if size > len(f"{name} {count}") * 8:
                body += Markup('<text class="on" x="{:.1f}" y="22">{} {}</text>').format(begin + 8, name, count)
            begin += size
    return _drawing(title, 34, body)


def times(title: str, rows: Sequence[Latency]) -> Markup:
    """A bar to the 99th percentile with a mark at the median, for each length."""
    most = max((row.p99_ms for row in rows), default=1.0) or 1.0
    height = len(rows) * ROW_HEIGHT + AXIS_HEIGHT
    begin_at = _names_width([row.bucket for row in rows])
    reach = WIDTH - begin_at - MARGIN
    body = Markup().join(_grid(begin_at + step / 4 * reach, height, f"{step / 4 * most:.3g} ms") for step in range(5))
    for at, row in enumerate(rows):
        top = at * ROW_HEIGHT + 5
        body += _name(row.bucket, begin_at, top + 7)
        body += Markup('<rect class="time" x="{}" y="{}" width="{:.1f}" height="14"/>').format(
            begin_at, top, row.p99_ms / most * reach
        )
        middle = begin_at + row.p50_ms / most * reach
        body += Markup('<line class="median" x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}"/>').format(
            middle, middle, top - 2, top + 16
        )
    return _drawing(title, height, body)


def _grid(x: float, height: int, text: str) -> Markup:
    line = Markup('<line class="grid" x1="{:.1f}" x2="{:.1f}" y1="0" y2="{}"/>').format(x, x, height - AXIS_HEIGHT + 4)
    return line + Markup('<text class="axis" x="{:.1f}" y="{}">{}</text>').format(x, height - 6, text)


def _names_width(names: Sequence[str]) -> int:
    return 20 + LETTER_WIDTH * min(NAME_MAX_CHARS, max(map(len, names), default=0))


def _name(name: str, begin_at: int, middle: float) -> Markup:
    shown = name if len(name) <= NAME_MAX_CHARS else name[: NAME_MAX_CHARS - 1] + "…"
    return Markup('<text class="name" x="{}" y="{:.1f}">{}</text>').format(begin_at - 10, middle + 5, shown)


def _drawing(title: str, height: int, body: Markup) -> Markup:
    return Markup(
        '<svg role="img" viewBox="0 0 {} {}" xmlns="http://www.w3.org/2000/svg"><title>{}</title>{}</svg>'
    ).format(WIDTH, height, title, body)
