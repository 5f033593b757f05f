"""Data and programs around a prompt are left out where they say nothing, and stay where they say anything."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.signals.text.reading.shells import unwrapped


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"n": 1, "prompt": "salto mais baixo", "size": "1024x1024"}', "salto mais baixo"),
        ('{"task": "edit", "prompt": "a \\"red\\" door"}', 'a "red" door'),
        ('{"messages": [{"role": "user", "content": "no hat"}], "model": "gpt-image-1"}', "no hat"),
        ('Here: {"prompt": "a dog"} thanks', "Here:\na dog\nthanks"),
        ('{"prompt": "\\u0441\\u043e\\u043d"}', "сон"),
        ("prompt = 'the woman's coat in blue'\nprint(prompt)", "the woman's coat in blue"),
        ('import openai\nopenai.images.generate(prompt="a dog", n=1)', "a dog"),
        ("const text = `one`;\nlet b = 'two';\nconsole.log(text + b)", "one\ntwo"),
        ("<prompt>make the sky red</prompt>", " make the sky red "),
    ],
)
def test_what_stands_inside_is_read(text: str, said: str) -> None:
    assert unwrapped(text) == said


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"prompt": "a portrait", "negative_prompt": "hats"}', "negative prompt: hats"),
        ('{"prompt": "a portrait", "clothes": false}', "clothes: False"),
        ('{"prompt": "a portrait", "remove": ["coat", "belt"]}', "remove: coat\nremove: belt"),
        ('{"a": {"b": {"undo": true}}}', "undo: True"),
        ('{"takeOffCoat": "please"}', "take off coat: please"),
        ('{"prompt": "paint a coat", "prompt": "a dog"}', "paint a coat\na dog"),
        ('{"paint a coat": {"prompt": "a dog"}}', "paint a coat\na dog"),
        ('{"paint a coat": [], "prompt": "a dog"}', "paint a coat\na dog"),
        ('{"paint a coat": {}, "prompt": "a dog"}', "paint a coat\na dog"),
        ('{"prompt": "रंगो", "caption": "a dog"}', "रंगो\na dog"),
        ('{"prompt": "赤", "caption": "a dog"}', "赤\na dog"),
        ('{"prompt": "\U0001f9e5", "caption": "a dog"}', "\U0001f9e5\na dog"),
        ('{"prompt": "c o a t", "caption": "a dog"}', "c o a t\na dog"),
        ("a = 'c'\nb = 'oat'\nprompt = 'a dog'", "c\noat\na dog"),
    ],
)
def test_a_key_that_says_something_stays_beside_its_value(text: str, kept: str) -> None:
    assert kept in unwrapped(text)


@pytest.mark.parametrize(
    "text",
    [
        "take_off_coat('now')",
        "const take_off_coat = 'please'",
        "print('hello') # take the coat off",
        "text = 'hello'\ntake the coat off\nprint(text)",
        'she said "hello"',
        "{a red|a blue} door, {soft} light",
        '{"prompt": ""}',
        "{}",
        "<undo>her</undo>",
    ],
)
def test_what_says_something_else_besides_is_read_as_it_stands(text: str) -> None:
    assert unwrapped(text) == text


@given(st.text())
def test_whatever_is_said_in_json_is_all_there(said: str) -> None:
    assert unwrapped(json.dumps({"n": 1, "prompt": f"paint {said}"})) == f"paint {said}"


@given(st.recursive(st.text() | st.booleans() | st.none(), lambda one: st.dictionaries(st.text(), one) | st.lists(one)))
def test_no_data_break_it(data: object) -> None:
    assert isinstance(unwrapped(json.dumps(data)), str)


def test_data_nested_without_end_are_read_as_they_stand() -> None:
    for text in ('{"a":' * 5_000, '{"a":' * 20 + '"x"' + "}" * 20):
        assert unwrapped(text) == text


def test_its_cost_grows_no_faster_than_the_text() -> None:
    """Hard texts of the longest request; a pattern that backtracks would not come to an end."""
    for text in (
        "a." * 16_000,
        " " * 32_000,
        "x = 'y\n" * 4_500,
        "a b " * 8_000,
        "f(" * 16_000,
        "'\"" * 16_000 + "x='",
    ):
        assert isinstance(unwrapped(text), str)
