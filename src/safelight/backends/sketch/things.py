"""Draws what stands in a scene: sun and moon, weather, a boat, a house, shapes. No living thing but birds and trees."""

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from safelight.backends.sketch.words import SHAPES, Colour, Light, Place, ScenePlan, Thing

_Draw = Callable[[NDArray[np.uint8], ScenePlan, int, np.random.Generator], None]


def draw_things(
    picture: NDArray[np.uint8], plan: ScenePlan, horizon: int, rng: np.random.Generator, *, behind: bool
) -> None:
    """Draw on `picture` those of the plan's things that stand behind the ground, or before it."""
    for thing in plan.things:
        if thing in SHAPES:
            continue
        is_behind, draw = _THINGS[thing]
        if is_behind is behind:
            draw(picture, plan, horizon, rng)
    if not behind:
        shapes = [thing for thing in plan.things if thing in SHAPES]
        for number, shape in enumerate(shapes):
            _shape(picture, plan, shape, number, len(shapes))


def _sun(picture: NDArray[np.uint8], plan: ScenePlan, horizon: int, _: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    low = plan.light is Light.SUNSET
    centre = (int(width * 0.5), int(horizon * 0.86)) if low else (int(width * 0.76), int(height * 0.18))
    radius = int(height * 0.075)
    glow, core = ((255, 190, 104), (255, 226, 150)) if low else ((255, 240, 190), (255, 248, 214))
    for ring in (2.2, 1.6):
        _blend_disc(picture, centre, int(radius * ring), glow, 0.28)
    cv2.circle(picture, centre, radius, core, -1, cv2.LINE_AA)


def _moon(picture: NDArray[np.uint8], _: ScenePlan, __: int, ___: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    centre, radius = (int(width * 0.74), int(height * 0.2)), int(height * 0.06)
    _blend_disc(picture, centre, int(radius * 1.9), (150, 164, 200), 0.22)
    cv2.circle(picture, centre, radius, (236, 236, 222), -1, cv2.LINE_AA)
    for dx, dy, size in ((-0.3, -0.2, 0.22), (0.25, 0.3, 0.16), (0.3, -0.35, 0.1)):
        crater = (centre[0] + int(dx * radius), centre[1] + int(dy * radius))
        cv2.circle(picture, crater, int(size * radius), (212, 212, 202), -1, cv2.LINE_AA)


def _stars(picture: NDArray[np.uint8], plan: ScenePlan, horizon: int, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    lowest = height if plan.place is Place.SPACE else horizon
    for x, y, size in rng.random((180, 3)).tolist():
        shade = int(150 + 105 * size)
        centre = (int(x * width), int(y * lowest))
        cv2.circle(picture, centre, int(height * 0.0022 * size * size), (shade, shade, shade), -1, cv2.LINE_AA)


def _clouds(picture: NDArray[np.uint8], plan: ScenePlan, horizon: int, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    colour = {Light.DAY: (250, 250, 250), Light.SUNSET: (250, 170, 150), Light.NIGHT: (70, 80, 110)}[plan.light]
    for x, y in rng.random((4, 2)).tolist():
        middle = (x * width, (0.1 + 0.5 * y) * horizon)
        for dx, size in zip((-0.09, -0.04, 0.02, 0.08), (0.03, 0.05, 0.045, 0.028), strict=True):
            centre = (int(middle[0] + dx * height), int(middle[1] - size * 0.4 * height))
            _blend_disc(picture, centre, int(size * height), colour, 0.75)


def _rainbow(picture: NDArray[np.uint8], _: ScenePlan, horizon: int, __: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    bands = ((214, 72, 72), (236, 150, 70), (240, 214, 90), (100, 176, 100), (80, 132, 206), (128, 92, 178))
    thick = max(1, int(height * 0.012))
    for number, colour in enumerate(bands):
        radius = int(height * 0.46) - number * thick
        cv2.ellipse(picture, (width // 2, horizon), (radius, radius), 0, 180, 360, colour, thick + 1, cv2.LINE_AA)


def _birds(picture: NDArray[np.uint8], _: ScenePlan, horizon: int, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    for x, y, size in rng.random((6, 3)).tolist():
        wing = height * (0.012 + 0.014 * size)
        middle = np.array([width * (0.15 + 0.7 * x), horizon * (0.2 + 0.5 * y)])
        shape = np.array([[-2, -0.6], [-1, -1], [0, 0], [1, -1], [2, -0.6]]) * wing + middle
        cv2.polylines(picture, [shape.astype(np.int32)], False, (40, 40, 48), max(1, height // 340), cv2.LINE_AA)


def _boat(picture: NDArray[np.uint8], plan: ScenePlan, horizon: int, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    size = height * 0.13
    foot = np.array([width * rng.uniform(0.25, 0.7), horizon + height * 0.14])
    hull = np.array([[-1, -0.25], [1, -0.25], [0.7, 0.1], [-0.7, 0.1]]) * size + foot
    sails = (
        np.array([[0.05, -1.6], [0.05, -0.35], [0.8, -0.35]]) * size + foot,
        np.array([[-0.05, -1.4], [-0.05, -0.35], [-0.6, -0.35]]) * size + foot,
    )
    cv2.fillPoly(picture, [hull.astype(np.int32)], plan.colours[0] if plan.colours else (112, 62, 48), cv2.LINE_AA)
    for sail in sails:
        cv2.fillPoly(picture, [sail.astype(np.int32)], (240, 236, 226), cv2.LINE_AA)


def _house(picture: NDArray[np.uint8], plan: ScenePlan, horizon: int, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    size = height * 0.12
    foot = np.array([width * rng.uniform(0.25, 0.7), horizon + height * 0.2])
    parts: tuple[tuple[list[list[float]], Colour], ...] = (
        ([[-1, 0], [-1, -1.2], [1, -1.2], [1, 0]], plan.colours[0] if plan.colours else (226, 210, 182)),
        ([[-1.25, -1.15], [0, -2.1], [1.25, -1.15]], (140, 66, 52)),
        ([[-0.2, 0], [-0.2, -0.65], [0.2, -0.65], [0.2, 0]], (92, 64, 46)),
        ([[0.45, -0.5], [0.45, -0.9], [0.8, -0.9], [0.8, -0.5]], (250, 224, 140)),
    )
    for shape, colour in parts:
        cv2.fillPoly(picture, [(np.array(shape) * size + foot).astype(np.int32)], colour, cv2.LINE_AA)


def _tree(picture: NDArray[np.uint8], _: ScenePlan, horizon: int, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    x, foot, size = int(width * rng.uniform(0.2, 0.8)), int(horizon + height * 0.22), height * 0.11
    trunk = (x - int(size * 0.13), int(foot - 1.6 * size)), (x + int(size * 0.13), foot)
    cv2.rectangle(picture, *trunk, (96, 66, 46), -1)
    for dx, dy in ((-0.6, -1.7), (0.6, -1.7), (0, -2.3), (0, -1.6)):
        centre = (int(x + dx * size), int(foot + dy * size))
        cv2.circle(picture, centre, int(size * 0.72), (64, 122, 64), -1, cv2.LINE_AA)


def _balloon(picture: NDArray[np.uint8], plan: ScenePlan, horizon: int, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    colours = plan.colours or ((205, 48, 52), (244, 206, 66), (58, 112, 196))
    for number, (x, y) in enumerate(rng.random((3, 2)).tolist()):
        radius = int(height * 0.055)
        centre = (int(width * (0.15 + 0.7 * x)), int(horizon * (0.25 + 0.4 * y)))
        basket = (centre[0], centre[1] + int(radius * 2.1))
        cv2.line(picture, centre, basket, (70, 60, 50), max(1, height // 400), cv2.LINE_AA)
        cv2.ellipse(
            picture, centre, (radius, int(radius * 1.25)), 0, 0, 360, colours[number % len(colours)], -1, cv2.LINE_AA
        )
        cv2.circle(picture, basket, max(2, radius // 5), (110, 76, 50), -1, cv2.LINE_AA)


def _rain(picture: NDArray[np.uint8], _: ScenePlan, __: int, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    for x, y in rng.random((220, 2)).tolist():
        top = (int(x * width), int(y * height))
        cv2.line(picture, top, (top[0] - height // 130, top[1] + height // 34), (186, 200, 214), 1, cv2.LINE_AA)


def _snow(picture: NDArray[np.uint8], _: ScenePlan, __: int, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    for x, y, size in rng.random((260, 3)).tolist():
        centre = (int(x * width), int(y * height))
        cv2.circle(picture, centre, max(1, int(height * 0.004 * size)), (250, 250, 252), -1, cv2.LINE_AA)


def _shape(picture: NDArray[np.uint8], plan: ScenePlan, shape: Thing, number: int, count: int) -> None:
    height, width = picture.shape[:2]
    centre = (int(width * (number + 1) / (count + 1)), int(height * 0.5))
    radius = int(min(height * 0.24, width * 0.36 / count))
    palette = plan.colours[:-1] if len(plan.colours) > 1 else plan.colours
    colour = palette[number % len(palette)] if palette else (205, 96, 44)
    if shape is Thing.CIRCLE:
        cv2.circle(picture, centre, radius, colour, -1, cv2.LINE_AA)
        return
    cv2.fillPoly(picture, [(_outline(shape) * radius + centre).astype(np.int32)], colour, cv2.LINE_AA)


def _outline(shape: Thing) -> NDArray[np.float64]:
    """The corners of a shape of radius 1 about the origin, y downwards."""
    if shape is Thing.HEART:
        # A known heart curve: x = 16 sin³t, y = 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t (Weisstein, MathWorld).
        t = np.linspace(0, 2 * math.pi, 120)
        y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
        return np.stack([16 * np.sin(t) ** 3, -y], axis=1) / 17
    if shape is Thing.SQUARE:
        return np.array([[-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85]])
    corners, inner = (3, 1.0) if shape is Thing.TRIANGLE else (10, 0.42)
    turn = np.arange(corners) * 2 * math.pi / corners - math.pi / 2
    radius = np.where(np.arange(corners) % 2, inner, 1.0)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)


def _blend_disc(
    picture: NDArray[np.uint8], centre: tuple[int, int], radius: int, colour: Colour, strength: float
) -> None:
    """A disc of `colour` that lets 1 - `strength` through; works only on the square around it."""
    height, width = picture.shape[:2]
    left, top = max(centre[0] - radius, 0), max(centre[1] - radius, 0)
    right, bottom = min(centre[0] + radius, width), min(centre[1] + radius, height)
    if left >= right or top >= bottom:
        return
    part = picture[top:bottom, left:right]
    covered = part.copy()
    cv2.circle(covered, (centre[0] - left, centre[1] - top), radius, colour, -1, cv2.LINE_AA)
    picture[top:bottom, left:right] = cv2.addWeighted(covered, strength, part, 1 - strength, 0)


_THINGS: dict[Thing, tuple[bool, _Draw]] = {
    Thing.SUN: (True, _sun),
    Thing.MOON: (True, _moon),
    Thing.STARS: (True, _stars),
    Thing.CLOUDS: (True, _clouds),
    Thing.RAINBOW: (True, _rainbow),
    Thing.BIRDS: (False, _birds),
    Thing.BOAT: (False, _boat),
    Thing.HOUSE: (False, _house),
    Thing.TREE: (False, _tree),
    Thing.BALLOON: (False, _balloon),
    Thing.RAIN: (False, _rain),
    Thing.SNOW: (False, _snow),
}
"""Whether it stands behind the ground, and how it is drawn."""
