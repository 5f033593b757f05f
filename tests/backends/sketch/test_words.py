"""What the sketch understands: places, lights, things and edits, and nothing that has a body."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.backends.sketch.words import Light, Place, Thing, Tone, plan_edit, plan_scene


@pytest.mark.parametrize(
    ("prompt", "place", "light"),
    [
        ("a boat on the sea", Place.SEA, Light.DAY),
        ("Sunset over the ocean", Place.SEA, Light.SUNSET),
        ("a pine forest at dawn", Place.FOREST, Light.SUNSET),
        ("city skyline, night", Place.CITY, Light.NIGHT),
        ("snowy mountains", Place.MOUNTAINS, Light.DAY),
        ("a red circle", Place.PLAIN, Light.DAY),
        ("sunset", Place.SEA, Light.SUNSET),
        ("something else entirely", Place.ABSTRACT, Light.DAY),
        ("a portrait of a man", Place.ABSTRACT, Light.DAY),
        ("seasonal cityscapes", Place.ABSTRACT, Light.DAY),
    ],
)
def test_a_prompt_names_its_place_and_light(prompt: str, place: Place, light: Light) -> None:
    plan = plan_scene(prompt)
    assert (plan.place, plan.light) == (place, light)


def test_colours_and_things_are_found() -> None:
    plan = plan_scene("a red boat and a rainbow")
    assert plan.things == (Thing.RAINBOW, Thing.BOAT)
    assert len(plan.colours) == 1


@given(st.text(max_size=300), st.booleans())
def test_any_text_gives_a_plan_and_the_same_one_twice(prompt: str, has_mask: bool) -> None:
    assert plan_scene(prompt) == plan_scene(prompt)
    assert plan_edit(prompt, has_mask=has_mask) == plan_edit(prompt, has_mask=has_mask)


def test_the_images_of_a_batch_differ() -> None:
    assert plan_scene("a hill", number=0).seed != plan_scene("a hill", number=1).seed


def test_a_background_is_replaced_only_when_it_is_spoken_of() -> None:
    replaced = plan_edit("make the background a sunset", has_mask=False)
    assert replaced.scene is not None
    assert replaced.scene.light is Light.SUNSET
    assert replaced.tones == ()
    assert plan_edit("make it warmer", has_mask=False).scene is None
    assert plan_edit("make it warmer", has_mask=False).tones == (Tone.WARMER,)


def test_a_masked_region_takes_the_scene_that_is_named() -> None:
    plan = plan_edit("a forest", has_mask=True)
    assert plan.scene is not None
    assert plan.scene.place is Place.FOREST
    assert plan_edit("make this greyscale", has_mask=True).scene is None


def test_a_blurred_background_keeps_the_subject_sharp() -> None:
    plan = plan_edit("blur the background", has_mask=False)
    assert plan.blurs_background
    assert plan.tones == ()


def test_a_removed_background_is_plain() -> None:
    plan = plan_edit("remove the background", has_mask=False)
    assert plan.scene is not None
    assert plan.scene.place is Place.PLAIN


def test_a_sky_alone_is_replaced_above_the_horizon() -> None:
    assert plan_edit("make the sky a starry night", has_mask=False).only_sky
