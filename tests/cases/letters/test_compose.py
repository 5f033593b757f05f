"""Letters: complete in every language, with what the law wants in them, and nothing that anybody wrote."""

import re
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files

import pytest

from safelight.cases.letters.compose import (
    Automated,
    LetterFacts,
    LetterKind,
    MeasureWords,
    compose,
    language_of,
    languages,
)
from safelight.cases.model import ReasonCode
from safelight.core.category import Category

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
FULL = LetterFacts(
    AT,
    received=AT,
    due=AT,
    law="uk_osa_s10",
    matter="intimate",
    reason="intimate_without_consent",
    automated=Automated.PERSON,
    is_hidden=True,
    is_missing=True,
    is_child=True,
    copies=3,
    comes_down=True,
    until=AT,
    measures=(MeasureWords("strike", 1), MeasureWords("suspended", 3, AT)),
    code="7K2M-9QXR-4TBV",
    pin="204918",
    page="https://images.example/report",
)
PARTS = (*LetterKind, "words", "reason", "matter", "ground")


def read_book(language: str) -> dict[str, dict[str, str]]:
    return tomllib.loads(files("safelight.cases.letters").joinpath(f"{language}.toml").read_text("utf-8"))


def test_there_are_letters_in_eight_languages() -> None:
    assert set(languages()) == {"en", "cy", "fr", "de", "es", "pl", "ar", "hi"}
    assert (language_of("pl-PL"), language_of("AR"), language_of("pt")) == ("pl", "ar", "en")


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("kind", LetterKind)
def test_every_letter_is_filled_whole_and_in_its_language(kind: LetterKind, language: str) -> None:
    subject, body = compose(kind, language, FULL)
    assert subject
    assert "\n" not in subject  # a line break would be another header
    assert "$" not in subject + body
    if language != "en":
        assert body != compose(kind, "en", FULL)[1]


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("part", PARTS)
def test_every_language_has_every_word_and_the_same_names_in_it(part: str, language: str) -> None:
    mine, english = read_book(language)[part], read_book("en")[part]
    assert mine.keys() == english.keys()
    for key, text in english.items():
        assert set(re.findall(r"\$[a-z_]+", mine[key])) == set(re.findall(r"\$[a-z_]+", text)), key
        if language != "en":
            assert mine[key] != text, key


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("reason", ReasonCode)
def test_every_reason_is_said_in_words(reason: ReasonCode, language: str) -> None:
    facts = LetterFacts(AT, reason=reason.value, automated=Automated.PERSON, until=AT)
    bare = LetterFacts(AT, automated=Automated.PERSON, until=AT)
    assert len(compose(LetterKind.KEPT, language, facts)[1]) > len(compose(LetterKind.KEPT, language, bare)[1])


def test_a_statement_of_reasons_has_what_the_law_wants_in_it() -> None:
    _, body = compose(LetterKind.REASONS, "en", FULL)
    wanted = {
        "a: what": "be removed",
        "a: where": "everywhere that this service is offered",
        "a: for how long": "for good",
        "b: facts": "Somebody reported it on 2026-11-22",
        "c: machines": "on the report and on what is known. Copies were found by their fingerprint, by machine.",
        "d, e: law and rule": "Sexual Offences Act 2003 s.66B",
        "f: complaint": "free of charge",
        "f: dispute settlement": "out-of-court dispute settlement",
        "f: court": "a court",
    }
    assert {element for element, words in wanted.items() if words not in body} == set()


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("kind", [LetterKind.HIDDEN, LetterKind.REASONS, LetterKind.KEPT, LetterKind.MEASURE])
def test_who_is_told_to_contest_on_a_page_is_told_where_it_is(kind: LetterKind, language: str) -> None:
    assert compose(kind, language, FULL)[1].rstrip().endswith(FULL.page)


@pytest.mark.parametrize("kind", [LetterKind.HIDDEN, LetterKind.REASONS, LetterKind.MEASURE])
def test_a_code_in_an_arabic_letter_is_read_from_left_to_right(kind: LetterKind) -> None:
    """`1234-9QXR-4TBV` after Arabic words would be set as `9QXR-4TBV-1234` (Unicode, UAX 9), and opens nothing."""
    assert f"\u2066{FULL.code}\u2069" in compose(kind, "ar", FULL)[1]


def test_what_there_is_nothing_to_say_about_is_left_out() -> None:
    _, body = compose(LetterKind.RECEIVED, "en", LetterFacts(AT, received=AT, due=AT, law="house"))
    assert "still need something" not in body
    assert "under 18" not in body
    assert "\n\n\n" not in body


@pytest.mark.parametrize("category", [one for one in Category if one is not Category.UNCHECKED])
def test_a_measure_names_what_was_asked_for_and_the_rule_whatever_the_rules_hold_against_accounts(
    category: Category,
) -> None:
    facts = LetterFacts(AT, reason=category.value, automated=Automated.REFUSAL, until=AT)
    body = compose(LetterKind.MEASURE, "en", facts)[1]
    assert {"Why:", "The rule:"} <= {line.split(": ")[0] + ":" for line in body.splitlines() if ": " in line}


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("has_platform", [True, False])
def test_who_was_right_reads_what_comes_of_it_and_who_else_helps(language: str, *, has_platform: bool) -> None:
    words = read_book(language)["words"]
    facts = replace(FULL, has_platform=has_platform)
    body = compose(LetterKind.APPEAL_REVERSED, language, facts)[1]
    assert (words["comes_down"] in body, words["no_site"] in body) == (has_platform, not has_platform)
    assert " ".join(words["child"].split()) in body
    account = compose(LetterKind.APPEAL_REVERSED, language, replace(facts, comes_down=False))[1]
    assert words["comes_down"] not in account
    assert " ".join(words["child"].split()) not in account
