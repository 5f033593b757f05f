"""Draws a ScenePlan: sky, ground, and the things in it. Pure: the same plan and size give the same picture.

Pictures are (height, width, 3) uint8, red first. All lengths are parts of the height, so that any size looks alike.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from safelight.backends.sketch.things import draw_things
from safelight.backends.sketch.words import Colour, Light, Place, ScenePlan, Thing

Picture = NDArray[np.uint8]

_SKIES: dict[Light, tuple[Colour, ...]] = {
    Light.DAY: ((86, 148, 214), (196, 224, 240)),
    Light.SUNSET: ((58, 48, 108), (196, 84, 96), (250, 176, 92)),
    Light.NIGHT: ((8, 12, 32), (36, 48, 92)),
}
_GROUNDS: dict[Place, Colour] = {
    Place.SEA: (36, 92, 132),
    Place.FOREST: (46, 82, 52),
    Place.CITY: (64, 66, 78),
    Place.MOUNTAINS: (84, 100, 116),
    Place.DESERT: (214, 172, 110),
    Place.MEADOW: (98, 152, 74),
}
_TINTS: dict[Light, tuple[Colour, float]] = {
    Light.DAY: ((255, 255, 255), 0.0),
    Light.SUNSET: ((120, 40, 40), 0.38),
    Light.NIGHT: ((8, 12, 30), 0.68),
}
_HORIZON = 0.58


def draw_scene(plan: ScenePlan, width: int, height: int) -> Picture:
    """The picture of `plan`, `width` × `height` pixels."""
    rng = np.random.default_rng(plan.seed)
    if plan.place is Place.PLAIN:
        picture = _plain(plan, width, height)
    elif plan.place is Place.ABSTRACT:
        return _abstract(width, height, rng)
    elif plan.place is Place.SPACE:
        picture = gradient(((6, 6, 20), (28, 14, 48), (10, 18, 44)), width, height)
    else:
        picture = gradient(_SKIES[plan.light], width, height)
    horizon = int(height * _HORIZON)
    draw_things(picture, plan, horizon, rng, behind=True)
    _draw_ground(picture, plan, horizon, rng)
    draw_things(picture, plan, horizon, rng, behind=False)
    return picture


def gradient(colours: tuple[Colour, ...], width: int, height: int) -> Picture:
    """`colours` from top to bottom, evenly spaced."""
    stops = np.linspace(0, height - 1, len(colours))
    rows = np.stack([np.interp(np.arange(height), stops, [c[k] for c in colours]) for k in range(3)], axis=1)
    return np.repeat(rows.astype(np.uint8)[:, None, :], width, axis=1)


def lit(colour: Colour, light: Light, nearness: float = 1.0) -> Colour:
    """`colour` as it looks in `light`; what is far (`nearness` 0) fades into the sky."""
    tint, strength = _TINTS[light]
    haze = _SKIES[light][-1]
    mixed = [c * (1 - strength) + t * strength for c, t in zip(colour, tint, strict=True)]
    red, green, blue = (
        int(m * (0.35 + 0.65 * nearness) + h * 0.65 * (1 - nearness)) for m, h in zip(mixed, haze, strict=True)
    )
    return red, green, blue


def _draw_ground(picture: Picture, plan: ScenePlan, horizon: int, rng: np.random.Generator) -> None:
    match plan.place:
        case Place.SEA:
            _sea(picture, plan, horizon, rng)
        case Place.FOREST:
            _ridges(picture, plan, horizon, rng, roughness=0.05)
            _pines(picture, plan, horizon, rng)
        case Place.CITY:
            _city(picture, plan, horizon, rng)
        case Place.MOUNTAINS:
            _ridges(picture, plan, horizon, rng, roughness=0.34)
        case Place.DESERT | Place.MEADOW:
            _ridges(picture, plan, horizon, rng, roughness=0.08)
            if plan.place is Place.MEADOW:
                _flowers(picture, plan, horizon, rng)
        case Place.SPACE:
            _planet(picture, plan, rng)


def _sea(picture: Picture, plan: ScenePlan, horizon: int, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    near, far = lit(_GROUNDS[Place.SEA], plan.light), lit(_GROUNDS[Place.SEA], plan.light, 0.25)
    picture[horizon:] = gradient((far, near), width, height - horizon)
    glints = 260
    depth = rng.random(glints) ** 1.6
    xs = (rng.normal(0.5, 0.1 if plan.light is not Light.DAY else 0.4, glints) * width).astype(int)
    ys = (horizon + depth * (height - horizon)).astype(int)
    glow = _SKIES[plan.light][-1]
    for x, y, d in zip(xs.tolist(), ys.tolist(), depth.tolist(), strict=True):
        half = int((0.008 + 0.03 * d) * width)
        cv2.line(picture, (x - half, y), (x + half, y), glow, max(1, int(height * 0.002 * (0.5 + d))), cv2.LINE_AA)


def _ridges(picture: Picture, plan: ScenePlan, horizon: int, rng: np.random.Generator, *, roughness: float) -> None:
    height, width = picture.shape[:2]
    base = _GROUNDS[plan.place]
    layers = 4
    for layer in range(layers):
        nearness = (layer + 1) / layers
        middle = horizon + (height - horizon) * 0.72 * layer / layers
        line = middle - _noise_line(width, rng) * roughness * height * (1.15 - 0.75 * nearness)
        points = np.stack([np.arange(width), line], axis=1)[:: max(1, width // 512)].astype(np.int32)
        edge = np.array([[width, points[-1, 1]], [width, height], [0, height]], np.int32)
        cv2.fillPoly(picture, [np.concatenate([points, edge])], lit(base, plan.light, nearness), cv2.LINE_AA)
        if Thing.SNOW in plan.things or (plan.place is Place.MOUNTAINS and layer < 2):
            cv2.polylines(
                picture, [points], False, lit((240, 244, 250), plan.light, nearness), max(1, height // 170), cv2.LINE_AA
            )


def _noise_line(width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A wandering line of `width` values, most of them between -0.5 and 1: a sum of waves."""
    x = np.linspace(0, 1, width)
    waves = [
        math.pow(0.58, k) * np.sin(2 * math.pi * (2**k * x * (0.8 + 0.5 * rng.random()) + rng.random()))
        for k in range(6)
    ]
    line: NDArray[np.float64] = np.abs(np.sum(waves, axis=0)) * 0.7
    return line


def _pines(picture: Picture, plan: ScenePlan, horizon: int, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    for nearness in (0.3, 0.55, 0.8, 1.0):
        foot = horizon + int((height - horizon) * (nearness - 0.15))
        tall = height * (0.1 + 0.24 * nearness)
        colour = lit((34, 92, 56), plan.light, nearness)
        for x in (rng.random(int(26 - 12 * nearness)) * width).tolist():
            size = tall * (0.75 + 0.4 * rng.random())
            tiers = [
                np.array(
                    [[x, foot - size * (1 - 0.2 * tier)]]
                    + [[x + side * size * (0.1 + 0.07 * tier), foot - size * (0.62 - 0.24 * tier)] for side in (-1, 1)],
                    np.int32,
                )
                for tier in range(3)
            ]
            cv2.fillPoly(picture, tiers, colour, cv2.LINE_AA)


def _city(picture: Picture, plan: ScenePlan, horizon: int, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    picture[horizon:] = lit((52, 54, 60), plan.light)
    window = (250, 216, 130) if plan.light is not Light.DAY else (176, 198, 216)
    for nearness in (0.35, 0.7, 1.0):
        x = 0
        foot = horizon + int((height - horizon) * nearness * 0.55)
        while x < width:
            wide = int(width * (0.05 + 0.06 * rng.random()))
            top = foot - int(height * (0.14 + 0.34 * rng.random() * (1.2 - 0.5 * nearness)))
            picture[max(top, 0) : foot, x : x + wide] = lit(_GROUNDS[Place.CITY], plan.light, nearness)
            step = max(4, height // 48)
            lights = rng.random((max(1, (foot - top) // step), max(1, wide // step)))
            for row, column in np.argwhere(lights > 0.62).tolist():
                y, left = top + row * step + step // 3, x + column * step + step // 3
                picture[max(y, 0) : y + step // 2, left : min(left + step // 3 + 1, x + wide)] = window
            x += wide + int(width * 0.012 * rng.random())


def _flowers(picture: Picture, plan: ScenePlan, horizon: int, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    colours = plan.colours or ((226, 84, 92), (244, 206, 66), (240, 240, 246), (150, 96, 190))
    for depth, x, pick in rng.random((160, 3)).tolist():
        y = int(horizon + (height - horizon) * (0.25 + 0.75 * depth))
        colour = lit(colours[int(pick * len(colours))], plan.light)
        cv2.circle(picture, (int(x * width), y), max(1, int(height * 0.008 * (0.3 + depth))), colour, -1, cv2.LINE_AA)


def _planet(picture: Picture, plan: ScenePlan, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    colour = plan.colours[0] if plan.colours else (198, 138, 92)
    centre, radius = (int(width * 0.62), int(height * 0.5)), int(height * 0.22)
    for step in range(24):  # a sphere, lit from the left
        shade = (step + 6) / 30
        offset = int(radius * 0.018 * step)
        shaded = tuple(int(c * shade) for c in colour)
        cv2.circle(
            picture,
            (centre[0] - offset, centre[1] - offset // 2),
            int(radius * (1 - step / 26)),
            shaded,
            -1,
            cv2.LINE_AA,
        )
    angle = float(rng.uniform(-25, 25))
    cv2.ellipse(
        picture,
        centre,
        (int(radius * 1.7), int(radius * 0.4)),
        angle,
        -20,
        200,
        (220, 206, 180),
        max(1, height // 200),
        cv2.LINE_AA,
    )


def _plain(plan: ScenePlan, width: int, height: int) -> Picture:
    """One colour: the last that was named, as in "a red circle on white"; the shapes take the others."""
    colour = plan.colours[-1] if plan.colours and (len(plan.colours) > 1 or not plan.things) else (238, 236, 230)
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = colour
    return picture


def _abstract(width: int, height: int, rng: np.random.Generator) -> Picture:
    """Soft fields of colour, chosen by the seed: drawn small and enlarged, which softens them."""
    base = rng.integers(60, 220, 3)
    small = ((rng.integers(40, 230, (5, 6, 3)) + 2 * base) // 3).astype(np.uint8)
    picture: Picture = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    for x, y, size, pick in rng.random((7, 4)).tolist():
        colour = tuple(int(v) for v in small[int(pick * 5), int(x * 6)])
        centre = (int(x * width), int(y * height))
        cv2.circle(picture, centre, int(height * (0.04 + 0.14 * size)), colour, -1, cv2.LINE_AA)
    return picture
