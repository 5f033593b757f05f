"""Charts of the figures, as SVG in the console's palette: no script, no style that a page's policy would refuse.

Each chart has its numbers beside it as text, so that nothing is told by colour or length alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH_PX, LABEL_PX, ROW_PX, VALUE_PX = 560, 130, 34, 100
_LABEL_GAP_PX = 14
"""A mark at nothing must not touch the words before it."""
LIMIT_H = 48


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took for one route, in hours."""

    label: str
    count: int
    median_h: float | None
    p85_h: float | None
    p95_h: float | None


def spread_chart(title: str, spreads: Sequence[Spread]) -> Markup:
    """A bar to the median of each, marks at the 85th and 95th percentile, and the 48 hours as a line."""
    longest = max([LIMIT_H, *(one.p95_h or 0 for one in spreads)]) * 1.05
    room = WIDTH_PX - LABEL_PX - VALUE_PX
    height = ROW_PX * len(spreads) + 28
    limit_x = LABEL_PX + room * LIMIT_H / longest
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH_PX} {height}" role="img" aria-label="{escape(title)}">',
        f'<line class="grid" x1="{LABEL_PX}" y1="0" x2="{LABEL_PX}" y2="{height - 24}"/>',
        f'<line class="limit" x1="{limit_x:.1f}" y1="0" x2="{limit_x:.1f}" y2="{height - 24}"/>',
        f'<text class="soft" x="{limit_x:.1f}" y="{height - 8}" text-anchor="middle">{LIMIT_H} h</text>',
    ]
    for number, one in enumerate(spreads):
        top = number * ROW_PX
        middle = top + ROW_PX / 2
        parts.append(
            f'<text x="{LABEL_PX - _LABEL_GAP_PX}" y="{middle + 4:.0f}" text-anchor="end">{escape(one.label)}</text>'
        )
        if one.median_h is None:
            parts.append(f'<text class="soft" x="{LABEL_PX + 8}" y="{middle + 4:.0f}">none yet</text>')
            continue
        width = max(1.0, room * one.median_h / longest)
        parts.append(f'<rect class="bar" x="{LABEL_PX}" y="{top + 8}" width="{width:.1f}" height="{ROW_PX - 16}"/>')
        for hours, size in ((one.p85_h, 4), (one.p95_h, 6)):
            if hours is not None:
                x = LABEL_PX + room * hours / longest
                parts.append(f'<circle class="mark" cx="{x:.1f}" cy="{middle:.0f}" r="{size}"/>')
        words = f"{hours_words(one.median_h)} / {hours_words(one.p95_h)}"
        parts.append(f'<text class="soft" x="{WIDTH_PX}" y="{middle + 4:.0f}" text-anchor="end">{words}</text>')
    return Markup("".join(parts) + "</svg>")  # noqa: S704 (every word in it was escaped)


def bar_chart(title: str, bars: Sequence[tuple[str, float]]) -> Markup:
    """One bar for each number."""
    longest = max([1.0, *(value for _, value in bars)])
    room = WIDTH_PX - LABEL_PX - VALUE_PX
    height = ROW_PX * max(1, len(bars))
    parts = [f'<svg class="chart" viewBox="0 0 {WIDTH_PX} {height}" role="img" aria-label="{escape(title)}">']
    for number, (label, value) in enumerate(bars):
        top = number * ROW_PX
        middle = top + ROW_PX / 2
        parts.append(
            f'<text x="{LABEL_PX - _LABEL_GAP_PX}" y="{middle + 4:.0f}" text-anchor="end">{escape(label)}</text>'
        )
        width = max(1.0, room * value / longest)
        parts.append(f'<rect class="bar" x="{LABEL_PX}" y="{top + 8}" width="{width:.1f}" height="{ROW_PX - 16}"/>')
        parts.append(f'<text class="soft" x="{LABEL_PX + width + 8:.1f}" y="{middle + 4:.0f}">{value:,.0f}</text>')
    return Markup("".join(parts) + "</svg>")  # noqa: S704 (every word in it was escaped)


def hours_words(hours: float | None) -> str:
    """Hours, short: `3.2 h`, `12 min`."""
    if hours is None:
        return "none"
    return f"{hours * 60:.0f} min" if hours < 1 else f"{hours:.1f} h"
