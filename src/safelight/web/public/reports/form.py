"""What a person has said so far, as it travels in the form from page to page, and the report that it makes.

Rules of this module
- Nothing is kept on the server before the report is sent: no draft, no cookie.
- Whatever a person typed is shown again as they typed it. What cannot be used is asked for again, with its reason.
- A line that is no web address is a place in words, so no line is lost.

Left to others: which pieces a report lacks (`cases/draft.py`), the words (`words.py`), the pages (`report_pages.py`).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import TypeVar

from safelight.cases.draft import (
    FINGERPRINTS_MAX_COUNT,
    Addition,
    Contact,
    ContactKind,
    Declarations,
    Fingerprint,
    Matter,
    Missing,
    Place,
    PlaceKind,
    ReportDraft,
    Reporter,
)
from safelight.cases.errors import ReportInvalid
from safelight.matching.fingerprints import HashKind
from safelight.matching.pdq import MIN_QUALITY

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class Step(StrEnum):
    """The pages of a report, in their order. `CHILD` is shown to those whom it concerns."""

    MATTER = "matter"
    WHO = "who"
    AGE = "age"
    CHILD = "child"
    PLACE = "place"
    MORE = "more"
    SAY = "say"
    CONTACT = "contact"
    CHECK = "check"


STEP_OF_PART: Mapping[str, Step] = {
    "places": Step.PLACE,
    "fingerprints": Step.PLACE,
    "explanation": Step.MORE,
    "about_account": Step.MORE,
    "signature": Step.SAY,
    "contact": Step.CONTACT,
}
"""Where a part that ReportInvalid names was asked for."""
STEP_OF_MISSING: Mapping[Missing, Step] = {
    Missing.MATTER: Step.MATTER,
    Missing.PLACE_OR_FINGERPRINT: Step.PLACE,
    Missing.REPORTER: Step.WHO,
    Missing.INTIMATE_CONTENT: Step.SAY,
    Missing.NO_CONSENT: Step.SAY,
    Missing.GOOD_FAITH: Step.SAY,
    Missing.SIGNATURE: Step.SAY,
    Missing.CONTACT: Step.CONTACT,
}
STEPS_OF_FIELDS: Mapping[Step, tuple[str, ...]] = {
    Step.MATTER: ("matter",),
    Step.WHO: ("reporter",),
    Step.AGE: ("person_age", "my_age"),
    Step.PLACE: ("links", "place_words", "pdq", "sha256"),
    Step.MORE: ("made", "danger", "account", "explanation"),
    Step.SAY: ("shows", "no_consent", "good_faith", "signature"),
    Step.CONTACT: ("contact_kind", "contact"),
}
"""The fields that each page asks for; the others travel hidden."""

_UNDER, _OVER, _UNSURE = "under", "over", "unsure"
_YES, _NO = "yes", "no"
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_BARE_ADDRESS = re.compile(r"(?:[\w-]+\.)+[a-z]{2,24}(?:[/?#]\S*)?", re.IGNORECASE)
_TELEPHONE = re.compile(r"[+(]?\d[\d ()./-]{4,}")
_PDQ_LINE = re.compile(r"([0-9a-f]{64}):([0-9]{1,3})")
_SHA256_LINE = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ReportForm:
    """Every field of the form, as text; empty where nothing was said."""

    matter: str = ""
    reporter: str = ""
    person_age: str = ""
    my_age: str = ""
    links: str = ""
    """One on each line."""
    place_words: str = ""
    pdq: str = ""
    """`hash:quality` on each line, as the browser's script writes it."""
    sha256: str = ""
    made: str = ""
    danger: str = ""
    account: str = ""
    explanation: str = ""
    shows: str = ""
    no_consent: str = ""
    good_faith: str = ""
    signature: str = ""
    contact_kind: str = ""
    contact: str = ""

    @classmethod
    def read(cls, texts: Mapping[str, str]) -> "ReportForm":
        """From the fields of a request; others are ignored."""
        names = {one.name for one in fields(cls)}
        return cls(**{name: text.replace("\r\n", "\n") for name, text in texts.items() if name in names})

    def carried(self, step: Step) -> Mapping[str, str]:
        """What travels hidden on the page of `step`: everything that was said and is not asked for there."""
        asked = STEPS_OF_FIELDS.get(step, ())
        return {name: text for name, text in asdict(self).items() if text and name not in asked}

    @property
    def concerns_child(self) -> bool:
        """Whether it shows, or comes from, somebody who is or may be under 18."""
        return self.matter == Matter.CHILD or self.my_age == _UNDER or self.person_age in (_UNDER, _UNSURE)

    @property
    def _may_show_child(self) -> bool:
        # Who is under 18 now was so in the image. Of somebody else whose age they do not say, nobody can be sure.
        is_under = self.person_age in (_UNDER, _UNSURE) or (
            self.my_age == _UNDER and (self.reporter == Reporter.SUBJECT or not self.person_age)
        )
        return self.matter == Matter.CHILD or (self.matter == Matter.INTIMATE and is_under)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The pages that this person sees."""
        return tuple(step for step in Step if step is not Step.CHILD or self.concerns_child)

    @property
    def fingerprint_count(self) -> int:
        """Pictures that were fingerprinted."""
        return max(len(self.sha256.split()), len(self.pdq.split()))

    def draft(self, language: str, *, strict: bool = True) -> ReportDraft:
        """The report that this makes. Raises ReportInvalid, with the part that cannot be used as `param`.

        Not `strict`, parts that cannot be used are left out: for looking at what is missing before all is right.
        """

        def part(read: Callable[[], T], otherwise: T) -> T:
            try:
                return read()
            except ReportInvalid:
                if strict:
                    raise
                return otherwise

        said = Declarations(
            True if self.shows else None,
            True if self.no_consent else None,
            True if self.good_faith else None,
            self.signature.strip(),
        )
        draft = ReportDraft(
            matter=Matter.CHILD if self._may_show_child else _one_of(Matter, self.matter),
            language=language,
            reporter=_one_of(Reporter, self.reporter),
            person_is_child={_UNDER: True, _OVER: False}.get(self.person_age),
            reporter_is_child={_UNDER: True, _OVER: False}.get(self.my_age),
            in_danger=bool(self.danger),
            was_made={_YES: True, _NO: False}.get(self.made),
        )
        nothing: tuple[Place, ...] = ()
        draft = part(lambda: replace(draft, places=self._places()), replace(draft, places=nothing))
        draft = part(lambda: replace(draft, fingerprints=self._fingerprints()), draft)
        draft = part(lambda: replace(draft, explanation=self.explanation.strip()), draft)
        draft = part(lambda: replace(draft, about_account=self.account.strip()), draft)
        draft = part(
            lambda: replace(draft, declarations=said), replace(draft, declarations=replace(said, signature=""))
        )
        return part(lambda: replace(draft, contact=self._contact()), draft)

    def addition(self) -> Addition:
        """What this adds to a report that was sent. Raises ReportInvalid as `draft` does."""
        draft = self.draft("en")
        return Addition(
            places=draft.places,
            fingerprints=draft.fingerprints,
            explanation=draft.explanation,
            reporter=draft.reporter,
            contact=draft.contact,
            person_is_child=draft.person_is_child,
            in_danger=draft.in_danger,
            declarations=draft.declarations,
        )

    def _places(self) -> tuple[Place, ...]:
        places = [_place(line.strip()) for line in self.links.split("\n") if line.strip()]
        if words := self.place_words.strip():
            places.append(Place(PlaceKind.WORDS, words))
        return tuple(dict.fromkeys(places))

    def _fingerprints(self) -> tuple[Fingerprint, ...]:
        found = []
        for line in self.pdq.split():
            match = _PDQ_LINE.fullmatch(line)
            if not match:
                raise ReportInvalid("fingerprints", "A fingerprint is 64 hexadecimal digits and a quality.")
            if int(match[2]) >= MIN_QUALITY:
                found.append(Fingerprint(HashKind.PDQ, match[1], int(match[2])))
        for line in self.sha256.split():
            if not _SHA256_LINE.fullmatch(line):
                raise ReportInvalid("fingerprints", "A digest of a file is 64 hexadecimal digits.")
            found.append(Fingerprint(HashKind.SHA256, line))
        if len(found) > FINGERPRINTS_MAX_COUNT:
            raise ReportInvalid("fingerprints", f"At most {FINGERPRINTS_MAX_COUNT} fingerprints in one report.")
        return tuple(dict.fromkeys(found))

    def _contact(self) -> Contact | None:
        typed = self.contact.strip()
        kind = _one_of(ContactKind, self.contact_kind) or _kind_of(typed)
        if kind is None:
            return None
        return Contact(kind, "" if kind is ContactKind.RECEIPT else typed)


def _place(line: str) -> Place:
    if _ADDRESS.fullmatch(line):
        return Place(PlaceKind.ADDRESS, line)
    if _BARE_ADDRESS.fullmatch(line):
        return Place(PlaceKind.ADDRESS, f"https://{line}")
    return Place(PlaceKind.WORDS, line)


def _kind_of(contact: str) -> ContactKind | None:
    """What somebody gave who did not say what it is: nobody who can be reached is asked again for that."""
    if not contact:
        return None
    if _TELEPHONE.fullmatch(contact):
        return ContactKind.TELEPHONE
    return ContactKind.EMAIL if "@" in contact[1:] else ContactKind.ACCOUNT


def _one_of(kind: type[E], text: str) -> E | None:
    return kind(text) if text in kind.__members__.values() else None
