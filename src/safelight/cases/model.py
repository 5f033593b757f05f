"""The words of this room: a case, its states, its clock, and what its people see of it.

A report (`draft.py`) is what one person sends. A case is one matter: every report about one picture, one clock, one
history, one decision. What a case is follows from its history alone (`machine.py`); the columns of its row are that
history's last word, kept for looking things up.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CaseKind(StrEnum):
    """What is decided."""

    IMAGE = "image"
    """Whether a picture stays."""
    ACCOUNT = "account"
    """Whether a measure against an account (a strike, a suspension) stands: opened when somebody contests it."""


class CaseState(StrEnum):
    """Where a case stands. Whether the picture can be seen is another matter: `Visibility`."""

    OPEN = "open"
    """Waits for a decision."""
    PROPOSED = "proposed"
    """One person has decided; another must agree before it counts."""
    DECIDED = "decided"
    CONTESTED = "contested"
    """Somebody contests the decision; a person who had no part in it decides again."""
    WITHDRAWN = "withdrawn"
    """Everybody who reported it took their report back. A matter of a child is never withdrawn."""


class Visibility(StrEnum):
    """What Safelight has said about the picture and its copies, at every place and at the gate."""

    VISIBLE = "visible"
    HIDDEN = "hidden"
    """For the time being, until somebody has decided."""
    REMOVED = "removed"
    """For good; and new uploads and generations of it are refused."""


class Law(StrEnum):
    """Which law's clock runs."""

    CHILD = "child"
    """The picture is hidden at once; the clock has run out when it starts."""
    UK_OSA = "uk_osa_s10"
    """Online Safety Act 2023 s.10(3A): 48 hours from receipt."""
    US_TAKE_IT_DOWN = "us_take_it_down"
    """47 U.S.C. 223a(a)(3): 48 hours from a valid request."""
    HOUSE = "house"
    """No law names hours; the rules of the house do."""


@dataclass(frozen=True, slots=True)
class LegalClock:
    """A deadline that began at a recorded moment. It never stops, and nothing that is asked of a person stops it."""

    law: Law
    started_at: datetime
    due_at: datetime

    def remaining_s(self, now: datetime) -> float:
        """Seconds until it has run out; negative afterwards."""
        return (self.due_at - now).total_seconds()


class Outcome(StrEnum):
    """What can be decided."""

    REMOVE = "remove"
    KEEP = "keep"
    MEASURE_STANDS = "measure_stands"
    """Of a case about an account: the strike or suspension was right."""
    MEASURE_LIFTED = "measure_lifted"
    """It was not: content, account and strike are restored."""


class ReasonCode(StrEnum):
    """Why. Stable; `reasons.py` says which go with which matter and outcome."""

    CHILD_SEXUALISED = "child_sexualised"
    INTIMATE_WITHOUT_CONSENT = "intimate_without_consent"
    OTHER_ILLEGAL = "other_illegal"
    AGAINST_TERMS = "against_terms"
    NOT_INTIMATE_CONTENT = "not_intimate_content"
    """One of the two grounds on which the law lets an intimate image report be refused: it shows no such thing."""
    NOT_ENTITLED = "not_entitled"
    """The other: whoever reported is neither the person shown nor acts for them."""
    NO_CHILD_SEXUALISED = "no_child_sexualised"
    """Two people have looked, and it sexualises nobody who is or may be under 18."""
    WITHIN_TERMS = "within_terms"
    NOT_FOUND = "not_found"
    """Nothing could be found at the places named, and no copy is known."""
    MEASURE_RIGHT = "measure_right"
    MEASURE_WRONG = "measure_wrong"


class Party(StrEnum):
    """Whose receipt it is."""

    REPORTER = "reporter"
    ACCOUNT = "account"
    """The account that published it, or that a measure struck."""


CLOCK_ID = "clock"
"""Who acts in the history where time does."""
RULES_ID = "rules"
"""Who acts where the rules do, at once and by themselves."""
PLATFORM_ID = "platform"
"""Who answers what it was ordered."""
