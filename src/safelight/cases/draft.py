"""A report before it is received: what a person or a platform hands in, and what is still missing from it.

Rules of this module
- What is missing is an answer, never an error: every missing element has a stable code that the pages put into kind
  words, so that it is asked for and never dropped in silence (UK Online Safety Act 2023 s.20A; 47 U.S.C. 223a(a)(1)(B);
  DSA Art. 16(2)).
- Two elements are needed for there to be a report at all: what it is about, and some way to find it. Without any of
  the others it is received and its clock runs, but nothing is hidden on its word alone, and the person is asked again.
- Nobody who reports for a child is made to name themselves (DSA Art. 16(2)(c)).

Left to others: words in eight languages (`web/public`), sizes of requests (`web/gateway`), sealing (`store`).
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from enum import StrEnum

from safelight.cases.errors import ReportInvalid
from safelight.matching.fingerprints import HashKind, parse_hash
from safelight.matching.pdq import MIN_QUALITY


class Matter(StrEnum):
    """What a report is about. Stable: they stand in records, figures and the log."""

    CHILD = "child"
    """Sexualises somebody under 18, or somebody who may be; made or real."""
    INTIMATE = "intimate"
    """Shows somebody's intimate parts or acts without their agreement; made or real."""
    OTHER = "other"
    """Anything else: an insult, a false scene, a photo used without leave."""


def worst(one: Matter, other: Matter) -> Matter:
    """The graver of two: what a case is that both were said of."""
    return min(one, other, key=_GRAVITY.__getitem__)


class Route(StrEnum):
    """By which way a report came in. The bound is the same for all; figures compare them."""

    PAGE = "page"
    """The public page here."""
    PLATFORM = "platform"
    """The platform's own form, over the API."""
    COPYRIGHT = "copyright"
    """A copyright form: what it says of an intimate image is taken as a report of one."""
    EMAIL = "email"
    HOTLINE = "hotline"
    """A hotline or a trusted flagger (DSA Art. 22)."""
    STAFF = "staff"
    """Entered by a moderator, by telephone or letter."""
    DETECTION = "detection"
    """Found here, by a bank or a detector; nobody reported it."""


class Reporter(StrEnum):
    """Who reports, in relation to whom the image shows."""

    SUBJECT = "subject"
    """The person shown."""
    FOR_SUBJECT = "for_subject"
    """Acts for the person shown, with their leave, or as the parent or carer of a child."""
    OTHER = "other"
    """Somebody who came across it."""


class PlaceKind(StrEnum):
    """How a place is named."""

    ADDRESS = "address"
    """A web address."""
    POST = "post"
    """The platform's own id of a post or a file."""
    WORDS = "words"
    """In words, or the text of a screenshot: somebody has to look for it."""


class ContactKind(StrEnum):
    """One way to reach the person."""

    EMAIL = "email"
    TELEPHONE = "telephone"
    ACCOUNT = "account"
    """Their account with the platform."""
    RECEIPT = "receipt"
    """None but the receipt: they will look for themselves."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the image is."""

    kind: PlaceKind
    value: str

    def __post_init__(self) -> None:
        """Raises ReportInvalid for what cannot be a place of its kind."""
        checked_text("places", self.value, PLACE_MAX_CHARS, minimum=1)
        if self.kind is PlaceKind.ADDRESS and not _ADDRESS.fullmatch(self.value):
            raise ReportInvalid("places", "A web address begins with https:// or http:// and has no spaces.")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What the image is known by. It is made on the person's own device; the picture need not leave it."""

    kind: HashKind
    hex: str
    quality: int = 100
    """Of a PDQ hash, 0 to 100."""

    def __post_init__(self) -> None:
        """Raises ReportInvalid for what is no hash of its kind."""
        try:
            parse_hash(self.kind, self.hex)
        except ValueError as error:
            raise ReportInvalid("fingerprints", str(error)) from error
        if not 0 <= self.quality <= 100:
            raise ReportInvalid("fingerprints", "The quality of a PDQ hash is 0 to 100.")

    @property
    def value(self) -> bytes:
        """The hash itself."""
        return bytes.fromhex(self.hex)

    @property
    def is_usable(self) -> bool:
        """Whether copies can be found by it: a picture without detail resembles many."""
        return self.kind is not HashKind.PDQ or self.quality >= MIN_QUALITY


@dataclass(frozen=True, slots=True)
class Contact:
    """How the person wants to be reached."""

    kind: ContactKind
    value: str = ""

    def __post_init__(self) -> None:
        """Raises ReportInvalid for an e-mail address that is none: a line break in one would be another header."""
        checked_text("contact", self.value, CONTACT_MAX_CHARS)
        if any(unicodedata.category(letter).startswith("C") for letter in self.value):
            raise ReportInvalid("contact", "No line breaks or control characters here.")
        if self.kind is ContactKind.EMAIL and not _EMAIL.fullmatch(self.value):
            raise ReportInvalid("contact", "An e-mail address has one @ and no spaces.")
        if self.kind is not ContactKind.RECEIPT and not self.value:
            raise ReportInvalid("contact", "This way of reaching you needs a value.")


@dataclass(frozen=True, slots=True)
class Declarations:
    """What the law asks a person to say; `None` where they were not asked or did not answer."""

    shows_intimate_content: bool | None = None
    """The image shows somebody's intimate parts or acts (Online Safety Act s.20A)."""
    no_consent: bool | None = None
    """The person shown has not agreed, to the best of their knowledge (47 U.S.C. 223a(a)(1)(B)(iii))."""
    true_and_in_good_faith: bool | None = None
    """What is said is true to the best of their knowledge and said in good faith (both laws; DSA Art. 16(2)(d))."""
    signature: str = ""
    """A typed name is a signature (47 U.S.C. 223a; 15 U.S.C. 7006(5)). Any name that the person goes by."""


class Missing(StrEnum):
    """One element that a report lacks. Stable: pages and platforms put each into words."""

    MATTER = "matter"
    """What it is about."""
    PLACE_OR_FINGERPRINT = "place_or_fingerprint"
    """Some way to find it: an address, a post, words, or the fingerprint of the picture."""
    REPORTER = "reporter"
    """Whether the person is the one shown, acts for them, or came across it."""
    INTIMATE_CONTENT = "shows_intimate_content"
    NO_CONSENT = "no_consent"
    GOOD_FAITH = "true_and_in_good_faith"
    SIGNATURE = "signature"
    CONTACT = "contact"

    @property
    def is_needed(self) -> bool:
        """Whether there is no report at all without it."""
        return self in (Missing.MATTER, Missing.PLACE_OR_FINGERPRINT)


@dataclass(frozen=True, slots=True)
class ReportDraft:
    """Everything that one report says. Texts are as the person wrote them, and are never shown as markup."""

    matter: Matter | None
    route: Route = Route.PAGE
    language: str = "en"
    """BCP 47 of the page or form; letters go out in it where we have it, in English otherwise."""
    reporter: Reporter | None = None
    person_is_child: bool | None = None
    """Whether the person shown is under 18. `True` makes it a matter of a child, whatever else was said."""
    reporter_is_child: bool | None = None
    """Whether whoever reports is under 18: they get their own words and hotlines."""
    in_danger: bool = False
    """Somebody's life or safety is at stake: threats, extortion, thoughts of suicide."""
    was_made: bool | None = None
    """Whether the image was made or altered by a machine, as far as the person knows."""
    places: tuple[Place, ...] = ()
    fingerprints: tuple[Fingerprint, ...] = ()
    explanation: str = ""
    """In their own words."""
    declarations: Declarations = Declarations()
    contact: Contact | None = None
    views: int = 0
    """How often the platform says that it was seen; only believed of platforms."""
    about_account: str = ""
    """The platform's name of the account that published it, where known; for those who decide."""

    def __post_init__(self) -> None:
        """Raises ReportInvalid for texts or lists beyond their bounds."""
        checked_text("explanation", self.explanation, EXPLANATION_MAX_CHARS)
        checked_text("signature", self.declarations.signature, SIGNATURE_MAX_CHARS)
        checked_text("about_account", self.about_account, CONTACT_MAX_CHARS)
        if not _LANGUAGE.fullmatch(self.language):
            raise ReportInvalid("language", "A language tag such as `en`, `cy` or `ar`.")
        if len(self.places) > PLACES_MAX_COUNT:
            raise ReportInvalid("places", f"At most {PLACES_MAX_COUNT} places in one report; send another for more.")
        if len(self.fingerprints) > FINGERPRINTS_MAX_COUNT:
            raise ReportInvalid("fingerprints", f"At most {FINGERPRINTS_MAX_COUNT} fingerprints in one report.")
        if self.views < 0:
            raise ReportInvalid("views", "A number of views is not negative.")

    @property
    def is_intimate(self) -> bool:
        """Whether an intimate image was reported, whatever it is treated as: a copyright form may say so too."""
        says_so = bool(self.declarations.shows_intimate_content)
        return self.matter is Matter.INTIMATE or (says_so and self.matter is not Matter.CHILD)

    @property
    def effective_matter(self) -> Matter | None:
        """What it is treated as: anything that concerns a child in an intimate image is a matter of a child."""
        shows_themselves = self.reporter is Reporter.SUBJECT and self.reporter_is_child
        if self.matter is Matter.CHILD or (self.is_intimate and (self.person_is_child or shows_themselves)):
            return Matter.CHILD
        if self.is_intimate:
            return Matter.INTIMATE
        return self.matter

    def missing(self) -> tuple[Missing, ...]:
        """What is still to be asked for, in the order in which the pages ask. Empty when the report is complete."""
        matter, said = self.effective_matter, self.declarations
        wanted = {
            Missing.MATTER: matter is None,
            Missing.PLACE_OR_FINGERPRINT: not self.places and not any(one.is_usable for one in self.fingerprints),
            Missing.REPORTER: matter is not Matter.CHILD and self.reporter is None,
            Missing.INTIMATE_CONTENT: matter is Matter.INTIMATE and not said.shows_intimate_content,
            Missing.NO_CONSENT: matter is Matter.INTIMATE and not said.no_consent,
            Missing.GOOD_FAITH: not said.true_and_in_good_faith,
            # Whoever is under 18 is asked for no name, and signs nothing.
            Missing.SIGNATURE: matter is Matter.INTIMATE and not self.reporter_is_child and not said.signature.strip(),
            Missing.CONTACT: matter is not Matter.CHILD and self.contact is None,
        }
        return tuple(element for element, is_missing in wanted.items() if is_missing)

    def with_added(self, more: "Addition") -> "ReportDraft":
        """This report together with what its person added later; what they add replaces what they had left out."""
        said, new = self.declarations, more.declarations
        declarations = Declarations(
            said.shows_intimate_content if new.shows_intimate_content is None else new.shows_intimate_content,
            said.no_consent if new.no_consent is None else new.no_consent,
            said.true_and_in_good_faith if new.true_and_in_good_faith is None else new.true_and_in_good_faith,
            new.signature or said.signature,
        )
        return replace(
            self,
            places=tuple(dict.fromkeys((*self.places, *more.places))),
            fingerprints=tuple(dict.fromkeys((*self.fingerprints, *more.fingerprints))),
            reporter=more.reporter or self.reporter,
            contact=more.contact or self.contact,
            person_is_child=self.person_is_child if more.person_is_child is None else more.person_is_child,
            in_danger=self.in_danger or more.in_danger,
            declarations=declarations,
        )


@dataclass(frozen=True, slots=True)
class Addition:
    """What a person adds to their report later."""

    places: tuple[Place, ...] = ()
    fingerprints: tuple[Fingerprint, ...] = ()
    explanation: str = ""
    """Stands beside what was said before, which is kept as it was."""
    reporter: Reporter | None = None
    contact: Contact | None = None
    person_is_child: bool | None = None
    in_danger: bool = False
    declarations: Declarations = Declarations()

    def __post_init__(self) -> None:
        """Raises ReportInvalid for texts beyond their bounds."""
        checked_text("explanation", self.explanation, EXPLANATION_MAX_CHARS)
        checked_text("signature", self.declarations.signature, SIGNATURE_MAX_CHARS)


PLACES_MAX_COUNT = 100
FINGERPRINTS_MAX_COUNT = 50
PLACE_MAX_CHARS = 2_000
EXPLANATION_MAX_CHARS = 10_000
SIGNATURE_MAX_CHARS = 200
CONTACT_MAX_CHARS = 320
"""The longest e-mail address (RFC 5321, 64 + 1 + 255)."""

_GRAVITY = {Matter.CHILD: 0, Matter.INTIMATE: 1, Matter.OTHER: 2}
_ADDRESS = re.compile(r"https?://[^\s\x00-\x1f\x7f<>\"]+", re.IGNORECASE)
_EMAIL = re.compile(r"[^\s@,;:<>\"()\[\]\\]{1,64}@[^\s@,;:<>\"()\[\]\\]{1,255}")
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*")


def checked_text(field: str, text: str, maximum: int, *, minimum: int = 0) -> None:
    """Raises ReportInvalid for text that is too long, or holds what no database or page can take."""
    if len(text) > maximum:
        raise ReportInvalid(field, f"At most {maximum} characters here.")
    if len(text.strip()) < minimum:
        raise ReportInvalid(field, "This cannot be empty.")
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ReportInvalid(field, "This text holds characters that cannot be kept.")
