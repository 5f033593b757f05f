"""Bars as SVG that needs nothing else. Names come from files of strangers: `markupsafe` escapes every one."""

from collections.abc import Mapping

from markupsafe import Markup

_WIDTH = 640
_ROW = 26
_BAR = 16
_NUMBER = 90
"""To the right, for the number."""
_LETTER = 8
_NAME_MAX_CHARS = 30


def bars(title: str, counts: Mapping[str, float], kind: str) -> Markup:
    """One bar for each name, with its number; `kind` is the class of the bars. Empty where nothing was counted."""
    if not counts:
        return Markup()
    begin = 20 + _LETTER * min(_NAME_MAX_CHARS, max(map(len, counts)))
    most = max(counts.values()) or 1
    body = Markup()
    for number, (name, count) in enumerate(counts.items()):
        top = number * _ROW + (_ROW - _BAR) / 2
        shown = name if len(name) <= _NAME_MAX_CHARS else name[: _NAME_MAX_CHARS - 1] + "…"
        size = count / most * (_WIDTH - begin - _NUMBER)
        body += Markup('<text class="name" x="{}" y="{}">{}</text>').format(begin - 10, top + _BAR - 3, shown)
        body += Markup('<rect class="{}" x="{}" y="{}" width="{:.1f}" height="{}"/>').format(
            kind, begin, top, max(size, 1 if count else 0), _BAR
        )
        body += Markup('<text class="count" x="{:.1f}" y="{}">{:,}</text>').format(
            begin + size + 8, top + _BAR - 3, count
        )
    return Markup(
        '<svg role="img" viewBox="0 0 {} {}" xmlns="http://www.w3.org/2000/svg"><title>{}</title>{}</svg>'
    ).format(_WIDTH, len(counts) * _ROW, title, body)
