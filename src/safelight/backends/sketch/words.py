"""What the sketch understands of a prompt: a place, a light, things, colours, and simple edits. Nothing else.

A word list in English, on purpose: this is a drawing toy to see the gate at work with, not a model. What it does not
know it leaves out, so there is no word by which it could be led to draw a person.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

_Name = TypeVar("_Name", bound=StrEnum)
Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""


class Place(StrEnum):
    """Where a scene is."""

    SEA = "sea"
    FOREST = "forest"
    CITY = "city"
    MOUNTAINS = "mountains"
    DESERT = "desert"
    SPACE = "space"
    MEADOW = "meadow"
    PLAIN = "plain"
    """A background of one colour: shapes stand on it."""
    ABSTRACT = "abstract"
    """No place was named."""


class Light(StrEnum):
    """When a scene is."""

    DAY = "day"
    SUNSET = "sunset"
    NIGHT = "night"


class Thing(StrEnum):
    """What stands in a scene."""

    SUN = "sun"
    MOON = "moon"
    STARS = "stars"
    CLOUDS = "clouds"
    RAINBOW = "rainbow"
    BIRDS = "birds"
    BOAT = "boat"
    HOUSE = "house"
    TREE = "tree"
    BALLOON = "balloon"
    RAIN = "rain"
    SNOW = "snow"
    CIRCLE = "circle"
    SQUARE = "square"
    TRIANGLE = "triangle"
    STAR = "star"
    HEART = "heart"


class Tone(StrEnum):
    """A change to a whole photo, or to the masked part of it."""

    GREY = "grey"
    SEPIA = "sepia"
    BRIGHTER = "brighter"
    DARKER = "darker"
    WARMER = "warmer"
    COOLER = "cooler"
    CONTRAST = "contrast"
    BLUR = "blur"
    SHARPEN = "sharpen"
    MIRROR = "mirror"
    VIGNETTE = "vignette"
    FRAME = "frame"


_PLACES: Mapping[Place, str] = {
    Place.SEA: "sea|ocean|beach|coast|lake|harbou?r|bay|waves?|island|water|boats?|ships?|sailboat|lighthouse",
    Place.FOREST: "forest|woods?|jungle|trees|pines?",
    Place.CITY: "city|town|skyline|streets?|skyscrapers?|buildings?|downtown",
    Place.MOUNTAINS: "mountains?|alps|peaks?|hills?|valley|cliffs?|volcano",
    Place.DESERT: "desert|dunes?|sahara|sand",
    Place.SPACE: "space|galaxy|planets?|nebula|universe|cosmos",
    Place.MEADOW: "meadow|field|garden|flowers?|grass|park|farm|countryside|house|cottage|tree|prairie",
}
_LIGHTS: Mapping[Light, str] = {
    Light.SUNSET: "sunset|sunrise|dusk|dawn|evening|golden hour",
    Light.NIGHT: "night|midnight|moon|moonlit|stars|starry|dark sky",
}
_THINGS: Mapping[Thing, str] = {
    Thing.SUN: "sun|sunny|sunset|sunrise|dawn|golden hour",
    Thing.MOON: "moon|moonlit|night",
    Thing.STARS: "stars|starry|night|galaxy|space|nebula",
    Thing.CLOUDS: "clouds?|cloudy|sky",
    Thing.RAINBOW: "rainbow",
    Thing.BIRDS: "birds?|gulls?|seagulls?",
    Thing.BOAT: "boats?|ships?|sailboat|yacht",
    Thing.HOUSE: "house|cottage|cabin|barn|home",
    Thing.TREE: "tree|oak|willow",
    Thing.BALLOON: "balloons?",
    Thing.RAIN: "rain|rainy|storm",
    Thing.SNOW: "snow|snowy|winter|blizzard",
    Thing.CIRCLE: "circles?|ball|discs?|dots?",
    Thing.SQUARE: "squares?|cubes?|box",
    Thing.TRIANGLE: "triangles?|pyramids?",
    Thing.STAR: "star",
    Thing.HEART: "hearts?",
}
SHAPES = frozenset({Thing.CIRCLE, Thing.SQUARE, Thing.TRIANGLE, Thing.STAR, Thing.HEART})
_COLOURS: Mapping[str, Colour] = {
    "red": (205, 48, 52),
    "orange": (238, 134, 44),
    "yellow": (244, 206, 66),
    "green": (70, 150, 82),
    "teal": (38, 140, 140),
    "blue": (58, 112, 196),
    "purple": (124, 76, 168),
    "pink": (232, 142, 170),
    "brown": (126, 88, 60),
    "black": (24, 24, 26),
    "white": (244, 244, 242),
    "grey": (132, 134, 138),
    "gray": (132, 134, 138),
    "gold": (212, 168, 62),
}
_TONES: Mapping[Tone, str] = {
    Tone.GREY: "black[- ]and[- ]white|gr[ea]yscale|monochrome|desaturate",
    Tone.SEPIA: "sepia|vintage|old photo",
    Tone.BRIGHTER: "bright(?:er|en)?|lighter|lighten|more light",
    Tone.DARKER: "dark(?:er|en)|dim(?:mer)?",
    Tone.WARMER: "warm(?:er)?|golden|sunset",
    Tone.COOLER: "cool(?:er)?|cold(?:er)?|bluish",
    Tone.CONTRAST: "contrast|punchy|vivid",
    Tone.BLUR: "blur(?:red|ry)?|soft focus|bokeh",
    Tone.SHARPEN: "sharp(?:en|er)?|crisp",
    Tone.MIRROR: "mirror(?:ed)?|flip(?:ped)?",
    Tone.VIGNETTE: "vignette",
    Tone.FRAME: "frame|border|passe-?partout",
}
_BACKGROUND = re.compile(r"\b(background|backdrop|behind|scenery|surroundings)\b")
_SKY = re.compile(r"\bsky\b")
_AWAY = re.compile(r"\b(remove|erase|delete|cut out|plain|studio|blank|transparent)\b")


@dataclass(frozen=True, slots=True)
class ScenePlan:
    """A picture to draw. Equal plans give equal pictures."""

    place: Place
    light: Light
    things: tuple[Thing, ...]
    colours: tuple[Colour, ...]
    seed: int


@dataclass(frozen=True, slots=True)
class EditPlan:
    """What to change in a photo."""

    tones: tuple[Tone, ...]
    scene: ScenePlan | None
    """What comes behind the subject, or into the masked region; None leaves it."""
    blurs_background: bool = False
    only_sky: bool = False
    """The scene replaces only what lies above the horizon."""


def seed_of(*parts: str | bytes) -> int:
    """64 bits that depend on every part and on nothing else."""
    whole = b"\0".join(part if isinstance(part, bytes) else part.encode("utf-8", "replace") for part in parts)
    return int.from_bytes(hashlib.sha256(whole).digest()[:8], "big")


def plan_scene(prompt: str, *, number: int = 0) -> ScenePlan:
    """What to draw for `prompt`; `number` tells the images of one batch apart."""
    words = prompt.lower()
    things = tuple(_named(_THINGS, words))
    colours = tuple(colour for name, colour in _COLOURS.items() if _has(name, words))
    place = next(iter(_named(_PLACES, words)), None)
    light = next(iter(_named(_LIGHTS, words)), None)
    if place is None:
        if light is not None or set(things) - SHAPES:
            place = Place.SEA if light is Light.SUNSET else Place.MOUNTAINS
        else:
            place = Place.PLAIN if things or colours else Place.ABSTRACT
    return ScenePlan(place, light or Light.DAY, things, colours, seed_of(prompt, str(number)))


def plan_edit(prompt: str, *, has_mask: bool, number: int = 0) -> EditPlan:
    """What to change for `prompt`. A mask says where, so there any scene that is named is meant for it."""
    words = prompt.lower()
    tones = tuple(_named(_TONES, words))
    speaks_of_background, speaks_of_sky = _BACKGROUND.search(words), _SKY.search(words)
    if not (speaks_of_background or speaks_of_sky or has_mask):
        return EditPlan(tones, None)
    if Tone.BLUR in tones and speaks_of_background:
        return EditPlan(tuple(tone for tone in tones if tone is not Tone.BLUR), None, blurs_background=True)
    scene = plan_scene(prompt, number=number)
    if scene.place is Place.ABSTRACT or _AWAY.search(words):
        scene = ScenePlan(Place.PLAIN, Light.DAY, (), scene.colours or ((226, 224, 220),), scene.seed)
        if tones and not _AWAY.search(words):
            return EditPlan(tones, None)
    only_sky = bool(speaks_of_sky and not speaks_of_background and not has_mask)
    # The scene brings its own light; the word that named it is no change of the photo's tone besides.
    kept = tuple(tone for tone in tones if tone is not Tone.WARMER or scene.light is not Light.SUNSET)
    return EditPlan(kept, scene, only_sky=only_sky)


def _has(pattern: str, words: str) -> bool:
    return re.search(rf"\b(?:{pattern})\b", words) is not None


def _named(table: Mapping[_Name, str], words: str) -> list[_Name]:
    return [name for name, pattern in table.items() if _has(pattern, words)]
