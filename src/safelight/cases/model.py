"""The words of this room: a case, its states, its clock, and what its people see of it.

A report (`draft.py`) is what one person sends. A case is one matter: every report about one picture, one clock, one
history, one decision. What a case is follows from its history alone (`machine.py`); the columns of its row are that
history's last word, kept for looking things up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from safelight.accounts.permissions import Role
from safelight.cases.draft import Fingerprint, Matter, Missing, Place, ReportDraft, Route
from safelight.core.canonical import Json


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


class Priority(StrEnum):
    """What comes first; how long each may wait is in the rules, and age overtakes every priority in the end."""

    URGENT = "urgent"
    """A child, or danger to life."""
    INTIMATE = "intimate"
    REST = "rest"


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
    """Why. Stable; `machine.ALLOWED_REASONS` says which go with which matter and outcome."""

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


class Action(StrEnum):
    """What may be done with a case: the console's buttons and the audit's words."""

    CLAIM = "claim"
    RELEASE = "release"
    FREE = "free"
    """Take it away from whoever holds it."""
    OPEN = "open"
    VIEW = "view"
    """Have the picture shown; counted and capped."""
    HIDE = "hide"
    UNHIDE = "unhide"
    DECIDE = "decide"
    SECOND = "second"
    UNDO = "undo"
    NOTE = "note"


class Party(StrEnum):
    """Whose receipt it is."""

    REPORTER = "reporter"
    ACCOUNT = "account"
    """The account that published it, or that a measure struck."""


@dataclass(frozen=True, slots=True)
class Staff:
    """Who acts, as the console has signed them in. `id` stands in the history."""

    id: str
    role: Role
    opted_out: frozenset[Matter] = frozenset()
    """Matters that this person does not work on."""


CLOCK_ID = "clock"
"""Who acts in the history where time does."""
RULES_ID = "rules"
"""Who acts where the rules do, at once and by themselves."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a person holds. Shown once; kept here only as keyed digests."""

    code: str
    """`XXXX-XXXX-XXXX`, 60 random bits in Crockford's base 32; case, dashes and spaces do not matter."""
    pin: str
    """Six digits."""
    case_id: str
    """For the log and the platform; not for the person, and no way in."""
    missing: tuple[Missing, ...] = ()
    """What the person is asked for still."""
    due_at: datetime | None = None
    """When the strictest clock runs out."""
    hidden_at: datetime | None = None
    """When it was hidden for the time being, where it was at once."""


class PublicStep(StrEnum):
    """What was done, in words that a stranger at the same phone learns nothing from."""

    RECEIVED = "received"
    ADDED = "added"
    HIDDEN = "hidden"
    SHOWN = "shown"
    """No longer hidden, before or after a decision."""
    LOOKED_AT = "looked_at"
    REMOVED = "removed"
    KEPT = "kept"
    RESTORED = "restored"
    CONTESTED = "contested"
    APPEAL_UPHELD = "appeal_upheld"
    """A second person came to the same decision."""
    APPEAL_REVERSED = "appeal_reversed"
    WITHDRAWN = "withdrawn"
    MEASURE = "measure"
    """A strike or suspension, for the account that it struck."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What a party is told, as it is sent. Plain text; the exact words are kept."""

    id: str
    at: datetime
    kind: str
    """`received`, `reasons`, `kept`, `restored`, `appeal_received`, `appeal_decided`, `measure`, `undone`."""
    language: str
    subject: str
    body: str
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReportStatus:
    """What the holder of a receipt sees. It names neither the picture, nor a place, nor anybody."""

    party: Party
    language: str
    matter: Matter | None
    """None for an account's measure."""
    state: CaseState
    visibility: Visibility
    outcome: Outcome | None
    received_at: datetime
    clock: LegalClock | None
    steps: tuple[tuple[datetime, PublicStep], ...]
    """Oldest first."""
    copies: int
    """How many further places it was hidden at or taken from."""
    missing: tuple[Missing, ...]
    letters: tuple[Letter, ...]
    """To this party only, oldest first."""
    is_withdrawn: bool
    """Whether this report was taken back, whatever becomes of the case."""
    reporter_is_child: bool
    can_add: bool
    can_withdraw: bool
    can_contest: bool
    contest_until: datetime | None


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One line of a queue: no words, no places, no picture."""

    id: str
    kind: CaseKind
    matter: Matter
    priority: Priority
    route: Route
    state: CaseState
    visibility: Visibility
    received_at: datetime
    due_at: datetime
    rank_at: datetime
    """The order of work: the moment by which its turn has come, whoever else came later."""
    reports: int
    places: int
    views: int
    held_by: str
    """Who has claimed it; empty for nobody."""
    held_until: datetime | None
    in_danger: bool
    is_known: bool
    """Whether the fingerprint is in a bank already: it can be decided without opening the picture."""
    first_look_at: datetime | None
    outcome: Outcome | None
    decided_at: datetime | None
    version: int
    """Steps so far; handed back with a decision, so that nobody decides on what has changed."""

    def remaining_s(self, now: datetime) -> float:
        """Seconds until its clock has run out; negative afterwards."""
        return (self.due_at - now).total_seconds()


class QueueSort(StrEnum):
    """In which order."""

    RANK = "rank"
    """As the work should be done (`rank_at`)."""
    DUE = "due"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Which cases; empty means all. All of what is given must hold."""

    states: frozenset[CaseState] = frozenset({CaseState.OPEN, CaseState.PROPOSED, CaseState.CONTESTED})
    matters: frozenset[Matter] = frozenset()
    routes: frozenset[Route] = frozenset()
    kinds: frozenset[CaseKind] = frozenset()
    held_by: str | None = None
    """A member's id; empty string: those that nobody holds."""
    due_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueuePage:
    """One page of a queue."""

    rows: tuple[CaseRow, ...]
    next_after: str | None
    """To be handed back for the next page; None at the end."""


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """The backlog, by clock and by matter; open, proposed and contested cases."""

    total: int
    by_matter: Mapping[Matter, int]
    by_clock: Mapping[str, int]
    """`overdue`, `under_4_h`, `under_12_h`, `under_24_h`, `later`."""
    contested: int
    proposed: int


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One step, as it is kept for good."""

    seq: int
    at: datetime
    kind: str
    """A value of `machine.Step`."""
    by: str
    """A member's id, `clock`, `rules`, or a party."""
    body: Mapping[str, Json]
    """Codes and counts."""
    words: str = ""
    """What a member wrote; empty where nothing was."""


@dataclass(frozen=True, slots=True)
class ReportView:
    """One report, for those who decide."""

    id: str
    at: datetime
    draft: ReportDraft
    additions: tuple[tuple[datetime, str], ...]
    """When, and what was said in addition."""
    is_withdrawn: bool
    is_flood: bool
    """Whether its source sends unusually many."""


@dataclass(frozen=True, slots=True)
class PlaceView:
    """One place, and what the platform says of it."""

    place: Place
    is_copy: bool
    """Found by the platform or here; not named in a report."""
    visibility: Visibility
    confirmed_at: datetime | None
    """When the platform confirmed that; None while it has not."""


@dataclass(frozen=True, slots=True)
class EffectView:
    """A command to a connector, a bank or the post, and what became of it."""

    id: str
    case_id: str
    kind: str
    """Such as `hide`, `remove`, `restore`, `block`, `unblock`, `letter`."""
    state: str
    """`waiting`, `done`, `dead` or `doubtful`."""
    attempts: int
    created_at: datetime
    due_at: datetime
    error: str
    """The last one, in words; empty when there was none."""


@dataclass(frozen=True, slots=True)
class CaseView:
    """One case on one page."""

    row: CaseRow
    clock: LegalClock
    reports: tuple[ReportView, ...]
    places: tuple[PlaceView, ...]
    fingerprints: tuple[Fingerprint, ...]
    banks: tuple[str, ...]
    """Names of the active banks that know the picture."""
    account: "AccountView | None"
    history: tuple[HistoryEntry, ...]
    letters: tuple[Letter, ...]
    effects: tuple[EffectView, ...]
    actions: frozenset[Action]
    """What this member may do with it now."""
    allowed_reasons: Mapping[Outcome, tuple[ReasonCode, ...]]
    deciders: tuple[str, ...]
    """Who took part in a decision: none of them decides a contest of it."""


@dataclass(frozen=True, slots=True)
class AccountView:
    """The account that published it, as far as it is known here."""

    subject_id: str
    standing: str
    strikes: int
    """In force."""
    events: tuple[tuple[datetime, str, str], ...]
    """When, what (`strike`, `limited`, `suspended`, `lifted`, `restored`), and the reason's code; oldest first."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision, as a member makes it."""

    outcome: Outcome
    reason: ReasonCode
    words: str = ""
    """For colleagues; no party sees it."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a decision would do, before it is made."""

    needs_second: bool
    letters: tuple[Letter, ...]
    """The exact letters, to each party."""
    effects: tuple[str, ...]
    """In codes: `remove`, `block`, `restore`, `unblock`, `strike`, `suspend`, `limit`, `lift`."""
    places: int
    """At how many places."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took, in seconds, over the cases that came this far."""

    count: int
    mean_s: float | None
    median_s: float | None
    p85_s: float | None
    p95_s: float | None


@dataclass(frozen=True, slots=True)
class RouteFigures:
    """Of one route of intake, or of all."""

    reports: int
    cases: int
    first_look: Times
    hiding: Times
    removal: Times
    within_48_h: float | None
    """Share of the decided or overdue cases whose picture was hidden or removed, or decided, within 48 hours."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a regulator asks for (Ofcom C4; DSA Art. 15). Every number can be computed again from the histories."""

    since: datetime
    until: datetime
    all: RouteFigures
    by_route: Mapping[Route, RouteFigures]
    by_outcome: Mapping[Outcome, int]
    appeals: int
    overturned: int
    overturn_rate: float | None
    """Of appeals decided."""
    breaches: int
    """Clocks that ran out with the picture not hidden, as far as the platform has confirmed it."""
    backlog: QueueCounts
    exposure: Mapping[str, int]
    """Pictures shown, by member; only for those who may read figures of the staff."""
