"""A line is a case, or one named defect with its line number, in words that quote nothing of it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.request import Role
from safelight.evaluation.cases import (
    LINE_MAX_CHARS,
    NAME_MAX_CHARS,
    TURNS_MAX_COUNT,
    Case,
    CaseInvalid,
    CaseTurn,
    Defect,
    Label,
    read_case,
    read_cases,
    write_case,
)

SECRET = "velvet umbrella"
GOOD: dict[str, Any] = {
    "id": "a",
    "lang": "en",
    "family": "1",
    "category": "ncii",
    "label": "block",
    "image": True,
    "turns": [{"role": "user", "text": SECRET, "image": True}, {"role": "assistant", "text": "ok"}],
    "block_at": 0,
}
NAMES = st.one_of(st.just(""), st.text(min_size=1, max_size=NAME_MAX_CHARS))
NESTED = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9), st.lists)
"""Any JSON without objects, so never a case."""
TURNS = st.lists(st.builds(CaseTurn, st.sampled_from(Role), st.text(max_size=50), st.booleans()), max_size=4)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    turns = (*draw(TURNS), CaseTurn(Role.USER, draw(st.text(max_size=50)), draw(st.booleans())))
    asked = [at for at, turn in enumerate(turns) if turn.role is Role.USER]
    return Case(
        id=draw(st.one_of(st.text(min_size=1, max_size=20), st.integers())),
        turns=turns,
        image=draw(st.booleans()),
        lang=draw(NAMES),
        family=draw(NAMES),
        category=draw(NAMES),
        label=draw(st.one_of(st.none(), st.sampled_from(Label))),
        block_at=draw(st.one_of(st.none(), st.sampled_from(asked))),
    )


def line(**changes: Any) -> str:
    return json.dumps({name: value for name, value in (GOOD | changes).items() if value is not ...})


def turn(**changes: Any) -> list[dict[str, Any]]:
    return [{name: value for name, value in ({"role": "user", "text": SECRET} | changes).items() if value is not ...}]


@given(cases())
def test_what_is_written_is_read_back(case: Case) -> None:
    assert read_case(write_case(case), scored=False) == case


def read_or_defect(text: str) -> Case | CaseInvalid:
    try:
        return read_case(text, 7)
    except CaseInvalid as error:
        return error


@given(st.one_of(st.text(), NESTED.map(json.dumps)))
def test_any_text_is_a_case_or_a_named_defect(text: str) -> None:
    found = read_or_defect(text)
    assert isinstance(found, CaseInvalid)
    assert found.code in set(Defect)
    assert found.line == 7


@given(st.sampled_from(sorted(GOOD)), NESTED)
def test_a_field_of_any_value_is_read_back_or_is_a_named_defect(name: str, value: Any) -> None:
    found = read_or_defect(json.dumps(GOOD | {name: value}))
    if isinstance(found, CaseInvalid):
        assert SECRET not in found.message
    else:
        assert read_case(write_case(found), scored=False) == found


DEFECTS = {
    "not_json": ("{", Defect.NOT_JSON),
    "nan": (line(id="x").replace('"x"', "NaN"), Defect.NOT_JSON),
    "too_deep": ("[" * 100_000, Defect.NOT_JSON),
    "a_list": ("[]", Defect.NOT_AN_OBJECT),
    "too_long": ('"' + "a" * LINE_MAX_CHARS + '"', Defect.LINE_TOO_LONG),
    "twice": ('{"id": "a", "id": "b"}', Defect.FIELD_REPEATED),
    "unknown": (line(note="x"), Defect.FIELD_UNKNOWN),
    "unknown_in_turn": (line(turns=turn(when="now")), Defect.FIELD_UNKNOWN),
    "no_label": (line(label=...), Defect.FIELD_MISSING),
    "no_text": (line(turns=turn(text=...)), Defect.FIELD_MISSING),
    "id_true": (line(id=True), Defect.FIELD_TYPE),
    "id_empty": (line(id=""), Defect.FIELD_VALUE),
    "lang_list": (line(lang=["en"]), Defect.FIELD_TYPE),
    "family_long": (line(family="x" * (NAME_MAX_CHARS + 1)), Defect.FIELD_VALUE),
    "label_other": (line(label="maybe"), Defect.FIELD_VALUE),
    "image_one": (line(image=1), Defect.FIELD_TYPE),
    "turns_object": (line(turns={}), Defect.FIELD_TYPE),
    "turns_empty": (line(turns=[]), Defect.NO_TURNS),
    "turns_many": (line(turns=turn() * (TURNS_MAX_COUNT + 1)), Defect.FIELD_VALUE),
    "turn_string": (line(turns=["put"]), Defect.FIELD_TYPE),
    "role_other": (line(turns=turn(role="owner")), Defect.FIELD_VALUE),
    "role_list": (line(turns=turn(role=["user"])), Defect.FIELD_VALUE),
    "text_number": (line(turns=turn(text=3)), Defect.FIELD_TYPE),
    "nothing_asked": (line(turns=turn(role="assistant"), block_at=...), Defect.NOTHING_ASKED),
    "block_at_string": (line(block_at="0"), Defect.FIELD_TYPE),
    "block_at_outside": (line(block_at=2), Defect.BLOCK_AT_OUTSIDE),
    "block_at_an_answer": (line(block_at=1), Defect.BLOCK_AT_OUTSIDE),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_each_defect_has_its_name_and_its_line_and_quotes_nothing(name: str) -> None:
    text, defect = DEFECTS[name]
    with pytest.raises(CaseInvalid) as caught:
        list(read_cases(["\n", line(id="good"), text]))
    assert (caught.value.defect, caught.value.line) == (defect, 3)
    assert "Line 3" in caught.value.message
    assert SECRET not in caught.value.message


@pytest.mark.parametrize(
    ("lines", "defect"),
    [([b"\xff"], Defect.NOT_UNICODE), (["", " "], Defect.NO_CASES), ([line()] * 2, Defect.ID_REPEATED)],
)
def test_what_is_wrong_with_a_file_is_a_defect_too(lines: list[str | bytes], defect: Defect) -> None:
    with pytest.raises(CaseInvalid) as caught:
        list(read_cases(lines))
    assert caught.value.defect is defect


def test_a_byte_order_mark_before_a_file_is_none_of_its_text() -> None:
    assert [case.id for case in read_cases([b"\xef\xbb\xbf" + line(id="first").encode(), line(id="second")])] == [
        "first",
        "second",
    ]


def test_to_be_judged_only_a_case_needs_an_id_and_turns() -> None:
    bare = json.dumps({"id": 3, "turns": turn(), "note": "passed over"})
    assert read_case(bare, scored=False).label is None
    with pytest.raises(CaseInvalid):
        read_case(bare)


def test_a_photo_counts_from_its_turn_on_and_from_the_first_where_no_turn_has_it() -> None:
    said = [CaseTurn(Role.USER, "a"), CaseTurn(Role.USER, "b")]
    assert [Case("x", tuple(said), image=True).photos_by(at) for at in (0, 1)] == [1, 1]
    shown = (said[0], CaseTurn(Role.USER, "b", image=True))
    assert [Case("x", shown, image=True).photos_by(at) for at in (0, 1)] == [0, 1]
    assert Case("x", tuple(said)).photos_by(1) == 0
