"""A cost curve as SVG: figures against the size of the log, both axes in powers of ten."""

import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 420, 70, 50, 20, 230
COLOURS = ("#8a4b00", "#1d6b3a", "#0b57d0", "#9b1c1c")

Line = tuple[str, Sequence[tuple[float, float]]]
"""A name, and points (size, figure), both above zero."""


def curve(title: str, across: str, lines: Sequence[Line]) -> str:
    """The drawing. Every point is labelled with its value, so that nothing has to be read off an axis."""
    points = [point for _, found in lines for point in found]
    x_range = _powers([x for x, _ in points])
    y_range = _powers([y for _, y in points])

    def at(point: tuple[float, float]) -> tuple[float, float]:
        x = LEFT + (math.log10(point[0]) - x_range[0]) / (x_range[1] - x_range[0]) * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - (math.log10(point[1]) - y_range[0]) / (y_range[1] - y_range[0]) * (HEIGHT - BOTTOM - TOP)
        return x, y

    body = [_grid(at((10.0**power, 10.0 ** y_range[0]))[0], power) for power in range(x_range[0], x_range[1] + 1)]
    for power in range(y_range[0], y_range[1] + 1):
        y = at((10.0 ** x_range[0], 10.0**power))[1]
        body.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d9d4ca"/>')
        body.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    for colour, (name, found) in zip(COLOURS, lines, strict=False):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(at, found))
        body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for point in found:
            x, y = at(point)
            body.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
            body.append(f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle" fill="{colour}">{point[1]:.3g}</text>')
        x, y = at(found[-1])
        body.append(f'<text x="{x + 26:.1f}" y="{y + 4:.1f}" fill="{colour}">{name}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    body.append(f'<text x="{middle:.0f}" y="{HEIGHT - 10}" text-anchor="middle">{across}</text>')
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH} {HEIGHT}" xmlns="http://www.w3.org/2000/svg" '
        f'font-family="system-ui, sans-serif" font-size="13"><title>{title}</title>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fbfaf7"/>{"".join(body)}</svg>\n'
    )


def of(figures: Mapping[str, Mapping[str, float]], names: Mapping[str, str]) -> list[Line]:
    """Lines of `figures` (by size, then by name), for the figures that `names` gives a caption."""
    sizes = sorted((size for size in figures if size.isdigit()), key=int)
    return [
        (caption, [(int(size), figures[size][name]) for size in sizes if figures[size][name] > 0])
        for name, caption in names.items()
    ]


def _powers(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _grid(x: float, power: int) -> str:
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#d9d4ca"/>'
        f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{10**power:,}</text>'
    )
