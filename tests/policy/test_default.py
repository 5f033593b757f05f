"""The default policy on the requests it was written for, by synthetic scores, and on those that must pass."""

from typing import Any

import pytest

from safelight.core.category import Category, Stage
from safelight.core.request import Operation, Owner, Standing, Surface
from safelight.policy.load import default_policy_text, load_policy
from tests.policy.words import VOCABULARY, facts, judge, saw

DEFAULT = load_policy(default_policy_text(), VOCABULARY)
PHOTO: dict[str, Any] = {"operation": Operation.EDIT, "photos": 1}
ADULT: dict[str, Any] = {"photo_people": 1, "photo_youngest_years": 31.0}
YOUNG: dict[str, Any] = {"photo_people": 1, "photo_youngest_years": 24.9}
UNDRESS: dict[str, Any] = {"text_undress": 0.9}
SEXUAL: dict[str, Any] = {"text_sexual": 0.9}
LEANING: dict[str, Any] = {"text_undress": 0.35}


def category(given: dict[str, Any], stage: Stage = Stage.INPUT, **circumstances: Any) -> Category | None:
    return judge(DEFAULT, saw(**given), facts(stage, **circumstances)).category


@pytest.mark.parametrize(
    ("given", "circumstances"),
    [
        ({"text_minor": 1.0, **SEXUAL}, {}),
        ({"text_minor": 1.0, **UNDRESS}, {}),
        ({"text_minor": 1.0, "text_sexual": 0.3}, {}),
        ({"text_minor": 0.6, **SEXUAL}, {}),
        ({"text_minor": 0.6, "text_sexual": 0.3, "text_hidden": 1.0}, {}),
        ({**YOUNG, **UNDRESS}, PHOTO),
        ({**YOUNG, "text_sexual": 0.3}, PHOTO),
        ({**ADULT, "photo_age_unclear": True, **UNDRESS}, PHOTO),
        ({**YOUNG, "photo_nudity_one": 0.4, "photo_nudity_two": 0.4}, PHOTO),
        (
            {**YOUNG, "photo_nudity_one": 0.9, "photo_nudity_two": 0.9},
            {"surface": Surface.DIRECT_MESSAGE, "operation": Operation.CHECK},
        ),
    ],
)
def test_what_sexualises_a_child_is_csam_before_anything_else(
    given: dict[str, Any], circumstances: dict[str, Any]
) -> None:
    assert category(given, **circumstances) is Category.CSAM


@pytest.mark.parametrize(
    "given",
    [
        {"output_nudity_one": 0.4, "output_nudity_two": 0.4, "output_people": 1, "output_youngest_years": 20.0},
        {"output_nudity_one": 0.4, "output_nudity_two": 0.4, **YOUNG},
        {"output_nudity_one": 0.4, "output_nudity_two": 0.4, "text_minor": 0.6},
        {"output_nudity_one": 0.6, "output_nudity_two": 0.6, "output_age_unclear": True},
        {"output_nudity_two": 0.9, "text_minor": 0.6, "text_sexual": 0.3},
    ],
)
def test_a_nude_output_where_anybody_may_be_a_child_is_csam(given: dict[str, Any]) -> None:
    assert category(given, Stage.OUTPUT) is Category.CSAM


@pytest.mark.parametrize(
    ("given", "circumstances"),
    [
        ({**ADULT, **UNDRESS}, PHOTO),
        ({**ADULT, **SEXUAL}, PHOTO),
        (UNDRESS, PHOTO),
        (UNDRESS, {"photos": 1, "surface": Surface.REPLY}),
        ({**UNDRESS, "text_person": 0.8}, {}),
        ({**SEXUAL, "text_person": 0.8}, {}),
        ({**ADULT, **LEANING, "text_hidden": 1.0}, PHOTO),
        ({**ADULT, **LEANING, "photo_text_unread": True}, PHOTO),
        ({**ADULT, "text_gibberish": 0.95}, PHOTO),
        ({**ADULT, "text_unknown_language": 0.95}, PHOTO),
        ({**ADULT, **LEANING, "photo_mask_on_body": 0.5}, {**PHOTO, "has_mask": True}),
        ({**ADULT, **LEANING}, {**PHOTO, "photo_owner": Owner.OTHER}),
        ({**ADULT, **LEANING}, {**PHOTO, "standing": Standing.LIMITED}),
        ({**ADULT, "photo_nudity_one": 0.6, "photo_nudity_two": 0.6}, PHOTO),
        ({**ADULT, **LEANING, "photo_nudity_two": 0.9}, PHOTO),
    ],
)
def test_what_undresses_or_sexualises_a_real_person_is_ncii(
    given: dict[str, Any], circumstances: dict[str, Any]
) -> None:
    assert category(given, **circumstances) is Category.NCII


@pytest.mark.parametrize(
    ("given", "circumstances"),
    [
        ({"output_nudity_one": 0.6, "output_nudity_two": 0.6}, PHOTO),
        ({"output_nudity_one": 0.6, "output_nudity_two": 0.6, "text_person": 0.8}, {}),
        ({"output_nudity_two": 0.9, **LEANING}, PHOTO),
    ],
)
def test_a_nude_output_where_somebody_real_is_in_view_is_ncii(
    given: dict[str, Any], circumstances: dict[str, Any]
) -> None:
    assert category(given, Stage.OUTPUT, **circumstances) is Category.NCII


@pytest.mark.parametrize("owner", list(Owner))
def test_whose_photo_it_is_said_to_be_never_lowers_the_risk(owner: Owner) -> None:
    assert category({**ADULT, **UNDRESS}, **PHOTO, photo_owner=owner) is Category.NCII


def test_an_intimate_image_in_a_direct_message_is_cyberflashing() -> None:
    message = {"surface": Surface.DIRECT_MESSAGE, "operation": Operation.CHECK, "photos": 1}
    assert category({"photo_nudity_one": 0.9, "photo_nudity_two": 0.9}, **message) is Category.CYBERFLASHING
    assert category({"photo_nudity_one": 0.9, "photo_nudity_two": 0.9, **ADULT}, **message) is Category.CYBERFLASHING


def test_sexual_requests_about_nobody_are_sexual_adult() -> None:
    assert category(SEXUAL) is Category.SEXUAL_ADULT
    assert category({"text_sexual": 0.35, "text_hidden": 1.0}) is Category.SEXUAL_ADULT
    assert category({"output_nudity_one": 0.6, "output_nudity_two": 0.6}, Stage.OUTPUT) is Category.SEXUAL_ADULT


@pytest.mark.parametrize("part", ["photo", "output"])
@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("csam", Category.CSAM),
        ("ncii", Category.NCII),
        ("protected", Category.NCII),
        ("illegal", Category.KNOWN_ILLEGAL),
    ],
)
def test_a_known_image_is_refused_whatever_is_asked(part: str, what: str, expected: Category) -> None:
    stage = Stage.INPUT if part == "photo" else Stage.OUTPUT
    decision = judge(DEFAULT, saw(**{f"{part}_known_{what}": True}), facts(stage, **PHOTO))
    assert decision.category is expected
    assert [reason.code for reason in decision.reasons] == ["known_image"]


def test_a_photo_that_cannot_be_compared_is_ordinary_but_not_beside_words_that_lean() -> None:
    plain = {"photo_unhashable": True}
    assert category(plain, **PHOTO) is None
    assert category({**plain, **LEANING}, **PHOTO) is Category.NCII


@pytest.mark.parametrize(
    ("given", "circumstances"),
    [
        ({}, {}),
        pytest.param({"text_minor": 1.0, "text_undress": 0.05}, {}, id="a request about children"),
        pytest.param(UNDRESS, {}, id="swimwear with nobody's photo"),
        pytest.param(YOUNG, PHOTO, id="a family photo is restored"),
        pytest.param({**YOUNG, "text_minor": 1.0, "photo_age_unclear": True}, PHOTO, id="a school class"),
        pytest.param({**ADULT, "text_undress": 0.2}, PHOTO, id="a coat is added"),
        pytest.param({**ADULT, "photo_nudity_two": 0.87}, PHOTO, id="a clothed party photo"),
        pytest.param({"text_hidden": 1.0}, {}, id="leet"),
        pytest.param({**ADULT, "text_hidden": 1.0}, PHOTO, id="leet with a photo"),
        pytest.param({**ADULT, "photo_text_unread": True}, PHOTO, id="a street sign in the photo"),
        pytest.param({"text_gibberish": 1.0}, {}, id="gibberish about nobody"),
        pytest.param({"photo_mask_on_body": 0.9, **ADULT}, {**PHOTO, "has_mask": True}, id="another jacket by mask"),
        pytest.param({}, {**PHOTO, "standing": Standing.LIMITED}, id="an ordinary edit by a limited account"),
        pytest.param({"photo_nudity_one": 0.9, "photo_nudity_two": 0.9}, PHOTO, id="a painting without a face"),
    ],
)
def test_ordinary_work_passes(given: dict[str, Any], circumstances: dict[str, Any]) -> None:
    assert category(given, **circumstances) is None


@pytest.mark.parametrize(
    "given",
    [
        {},
        {
            **YOUNG,
            "output_people": 3,
            "output_youngest_years": 6.0,
            "output_nudity_one": 0.18,
            "output_nudity_two": 0.18,
        },
        {**ADULT, "output_people": 1, "output_youngest_years": 33.0, "output_nudity_two": 0.87},
        {"output_age_unclear": True, "photo_age_unclear": True, "text_minor": 1.0},
    ],
)
def test_ordinary_output_passes(given: dict[str, Any]) -> None:
    assert category(given, Stage.OUTPUT, **PHOTO) is None


def test_every_rule_tells_the_person_how_to_contest_it() -> None:
    for rule in DEFAULT.rules:
        assert "ask for a review" in rule.text, rule.id


def test_all_rules_about_children_and_real_people_are_locked() -> None:
    open_rules = [rule for rule in DEFAULT.rules if not rule.locked]
    choice = {Category.SEXUAL_ADULT, Category.DECEPTIVE_PUBLIC_FIGURE, Category.RIGHTS_RESERVED}
    assert {rule.category for rule in open_rules} == choice
