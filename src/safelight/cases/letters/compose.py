"""Letters from templates: the same facts in every language; who wants one that there is none in gets English.

A statement of reasons has the elements of DSA Art. 17(3): (a) what was restricted, where and for how long; (b) the
facts, and whether it was reported; (c) whether machines decided or detected; (d), (e) the law or the rule, and why;
(f) how to contest it, here and elsewhere. `tests/cases/letters` holds each language's words against that list.

Nothing that anybody wrote goes into a letter: only codes turned into words, moments, counts, and the receipt.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from safelight.cases.model import Visibility
from safelight.cases.reporter_model import KnownBy

FALLBACK = "en"


class LetterKind(StrEnum):
    """Which letter."""

    RECEIVED = "received"
    HIDDEN = "hidden"
    REMOVED = "removed"
    """To those who reported."""
    REASONS = "reasons"
    """To the account: the statement of reasons."""
    KEPT = "kept"
    RESTORED = "restored"
    CLEARED = "cleared"
    """To the account: restored, but for what another case keeps out of sight."""
    STAYS = "stays"
    """To the account, which was told that somebody decides again: nothing was out of sight, and nothing is."""
    APPEAL_RECEIVED = "appeal_received"
    APPEAL_UPHELD = "appeal_upheld"
    APPEAL_REVERSED = "appeal_reversed"
    MEASURE = "measure"
    UNDONE = "undone"


OF_DECISIONS = frozenset(
    {
        LetterKind.REMOVED,
        LetterKind.REASONS,
        LetterKind.KEPT,
        LetterKind.RESTORED,
        LetterKind.CLEARED,
        LetterKind.STAYS,
        LetterKind.APPEAL_UPHELD,
        LetterKind.APPEAL_REVERSED,
    }
)
"""Those that say what somebody decided."""


class Automated(StrEnum):
    """Who decided, for DSA Art. 17(3)(c)."""

    HIDDEN = "automated_hidden"
    CLOCK = "automated_clock"
    PERSON = "automated_person"
    PERSON_LOOKED = "automated_person_looked"
    TWO = "automated_two"
    TWO_LOOKED = "automated_two_looked"
    """Each of them had the picture shown."""
    REFUSAL = "automated_refusal"


@dataclass(frozen=True, slots=True)
class MeasureWords:
    """What happened to the account, to be put into words."""

    kind: str
    """`strike`, `limited`, `suspended`, `reversed` or `reinstated`."""
    strikes: int = 0
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """What letters may speak of. Each template takes what it needs."""

    at: datetime
    received: datetime | None = None
    due: datetime | None = None
    law: str = ""
    matter: str = ""
    reason: str = ""
    """A `ReasonCode` or a category."""
    automated: Automated | None = None
    is_hidden: bool = False
    has_platform: bool = True
    """Whether there is anybody who can be told to hide or remove it."""
    known_by: KnownBy | None = None
    is_missing: bool = False
    is_child: bool = False
    was_detected: bool = False
    copies: int = 0
    until: datetime | None = None
    """By when; None where there is nothing to contest any more."""
    is_contested: bool = False
    """Whether one of those who reported contested it, and it was decided again: nobody contests it once more."""
    comes_down: bool = False
    """To whoever contested that a picture stays, and was right: whether it comes down now."""
    is_overturned: bool = False
    """To those who reported: whether it was decided before that it comes down, and that was contested."""
    is_held_elsewhere: bool = False
    """Whether another case keeps all or some of it out of sight."""
    brought_back_to: Visibility | None = None
    """Of a decision that is taken back: what becomes of the picture, where that changes."""
    measures: tuple[MeasureWords, ...] = ()
    code: str = ""
    pin: str = ""
    page: str = ""
    """Where the report pages are, if that is known here."""


@cache
def languages() -> list[str]:
    """Those that there are letters in."""
    names = (path.name for path in files("safelight.cases.letters").iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def language_of(wanted: str) -> str:
    """The language a letter goes out in."""
    short = wanted.lower().partition("-")[0]
    return short if short in languages() else FALLBACK


def compose(kind: LetterKind, language: str, facts: LetterFacts) -> tuple[str, str]:
    """Subject and body, plain text; paragraphs parted by an empty line."""
    book = _book(language_of(language))
    template = book[kind.value]
    values = _values(book, facts)
    paragraphs = []
    for paragraph in template["body"].strip().split("\n\n"):
        names = re.findall(r"\$([a-z_]+)", paragraph)
        if names and not any(values[name] for name in names):
            continue
        filled = Template(paragraph).substitute(values)
        paragraphs.append(re.sub(r"[ \n]+", " ", filled).strip())
    if kind is LetterKind.REMOVED and not facts.has_platform:
        template = book[LetterKind.KEPT.value]  # nobody takes it down: its subject says only that it was decided
    return Template(template["subject"]).substitute(values), "\n\n".join(paragraphs) + "\n"


def _values(book: Mapping[str, Any], facts: LetterFacts) -> dict[str, str]:
    words = book["words"]
    clock = ""
    if facts.due:
        key = {"child": "received_clock_child", "house": "received_clock_house"}.get(facts.law, "received_clock")
        clock = Template(words[key]).substitute(due=_moment(facts.due))
    received = _moment(facts.received)
    no_site = "" if facts.has_platform else words["no_site"]
    measures = " ".join(_measure(words, one) for one in facts.measures)
    automated = [words[facts.automated.value]] if facts.automated else []
    if automated and facts.copies:
        automated.append(words["automated_copies"])
    blocked = words[f"blocked_{facts.known_by}"] if facts.known_by else ""
    reach = no_site or words["reach"]
    child = " ".join(words["child"].split()) if facts.is_child else ""
    comes_down = ["" if no_site else words["comes_down"], blocked, reach, child] if facts.comes_down else []
    picture = words[f"undone_{facts.brought_back_to}"] if facts.brought_back_to and facts.has_platform else ""
    if facts.is_held_elsewhere and facts.brought_back_to is Visibility.VISIBLE:
        picture = words["elsewhere"]
    told = words["facts_detection" if facts.was_detected else "facts_report"]
    return {
        "at": _moment(facts.at),
        "received": received,
        "clock": clock,
        "hidden": words["hidden_at_once"] if facts.is_hidden and facts.has_platform else no_site,
        "reach": reach,
        "blocked": blocked,
        "result": " ".join(filter(None, comes_down)),
        "asked": words["asked"] if facts.is_missing else "",
        "child": child,
        "matter": book["matter"].get(facts.matter, ""),
        "why": book["reason"].get(facts.reason, ""),
        "ground": book["ground"].get(facts.reason) or book["ground"].get(facts.matter, ""),
        "facts": Template(told).substitute(received=received) if received else "",
        "automated": " ".join(automated),
        "copies": Template(words["copies"]).substitute(count=facts.copies) if facts.copies else "",
        "until": _moment(facts.until),
        "contested": words["contested"] if facts.is_contested else "",
        "overturned": words["overturned"] if facts.is_overturned else "",
        "picture": picture,
        "elsewhere": words["elsewhere"] if facts.is_held_elsewhere else "",
        "measure": measures,
        "where": Template(words["where"]).substitute(page=facts.page) if facts.page else "",
        "code": facts.code,
        "pin": facts.pin,
    }


def _measure(words: Mapping[str, str], one: MeasureWords) -> str:
    key = f"measure_{one.kind}"
    if one.kind in ("limited", "suspended") and one.until is None:
        key += "_for_good"
    return Template(words[key]).substitute(strikes=one.strikes, until_measure=_moment(one.until))


def _moment(moment: datetime | None) -> str:
    """The same everywhere, so that nobody mistakes a month for a day: `2026-11-24 23:15 UTC`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else ""


@cache
def _book(language: str) -> Mapping[str, Any]:
    return tomllib.loads(files("safelight.cases.letters").joinpath(f"{language}.toml").read_text("utf-8"))
