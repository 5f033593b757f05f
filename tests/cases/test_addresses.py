"""Addresses of one place are told to be one, and those of two places are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.cases.addresses import same_address
from safelight.cases.model import Outcome
from tests.cases.house import House, address, report

SAME = "https://images.example/Posts/7?id=3"


@pytest.mark.parametrize(
    "typed",
    [
        "http://images.example/Posts/7?id=3",
        "HTTPS://Images.EXAMPLE/Posts/7?id=3",
        "https://images.example:443/Posts/7?id=3",
        "http://images.example:80/Posts/7?id=3",
        "https://images.example/Posts/7/?id=3",
        "https://images.example/Posts/7?id=3#comments",
        "https://images.example/Posts/7?utm_source=share&id=3&UTM_medium=app",
    ],
)
def test_one_place_has_one_spelling_and_one_case(home: House, typed: str) -> None:
    first = home.run(home.cases.receive(report(places=(address(SAME),)), "a"))
    again = home.run(home.cases.receive(report(places=(address(typed),)), "b"))
    assert again.case_id == first.case_id
    assert not home.run(home.cases.is_visible(address(typed)))


@pytest.mark.parametrize(
    "typed",
    [
        "https://images.example/posts/7?id=3",
        "https://images.example/Posts/7?id=4",
        "https://images.example/Posts/7",
        "https://images.example:8443/Posts/7?id=3",
        "https://images.example/Posts/7?id=3#/another",
        "https://images.example/Posts/7?id=3#!another",
        "https://other.example/Posts/7?id=3",
    ],
)
def test_another_place_is_another(typed: str) -> None:
    assert same_address(typed) != same_address(SAME)


@given(st.text(max_size=60).map(lambda text: "https://images.example/" + text))
def test_any_text_has_a_spelling_which_is_its_own(text: str) -> None:
    assert same_address(same_address(text)) == same_address(text)


def test_the_platform_hears_the_address_as_it_was_given_and_confirms_it(home: House) -> None:
    typed = "http://Images.example/p1/?utm_source=share#c"
    receipt = home.run(home.cases.receive(report(places=(address(typed),)), "a"))
    home.decide(receipt.case_id)
    assert home.platform.commands[-1].places == (address(typed),)
    found = home.run(home.cases.status(receipt.code, receipt.pin, "a"))
    assert (found.outcome, found.is_confirmed) == (Outcome.REMOVE, True)
