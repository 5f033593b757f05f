"""What members of the staff see and say: queues, one case on one page, a choice and what it would do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from safelight.accounts.permissions import Role
from safelight.cases.draft import Fingerprint, Matter, Place, ReportDraft, Route
from safelight.cases.elsewhere import Elsewhere
from safelight.cases.model import CaseKind, CaseState, LegalClock, Outcome, ReasonCode, Visibility
from safelight.cases.reporter_model import Letter
from safelight.core.canonical import Json


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
    DECIDE = "decide"
    SECOND = "second"
    UNDO = "undo"
    NOTE = "note"
    LOCATE = "locate"
    """Name an address at which the picture is."""


@dataclass(frozen=True, slots=True)
class Staff:
    """Who acts, as the console has signed them in. `id` stands in the history."""

    id: str
    role: Role
    opted_out: frozenset[Matter] = frozenset()
    """Matters that this person does not work on."""


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One line of a queue: no words, no places, no picture."""

    id: str
    kind: CaseKind
    matter: Matter
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

    def is_held(self, now: datetime) -> bool:
        """Whether somebody works on it: what they hold is free again by itself."""
        return bool(self.held_by and self.held_until and now < self.held_until)


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
    """A value of `history.Step`."""
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
class MadeHere:
    """A picture that this service released, and that is near the one that was reported."""

    output_id: str
    made_at: str
    distance: int | None
    """Bits of 256; None where features say that it is a copy."""
    decision_id: str | None
    """That released it; None where only the edit chain remembers the picture."""
    request_id: str | None
    subject_id: str | None
    """Who asked for it, as a pseudonym."""
    policy_version: str | None


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
    made_here: tuple[MadeHere, ...]
    account: "AccountView | None"
    refusal: "RefusalView | None"
    """Of a contested measure: what it followed from, where that was a refused request."""
    history: tuple[HistoryEntry, ...]
    letters: tuple[Letter, ...]
    effects: tuple[EffectView, ...]
    actions: frozenset[Action]
    """What this member may do with it now."""
    allowed_reasons: Mapping[Outcome, tuple[ReasonCode, ...]]
    deciders: tuple[str, ...]
    """Who took part in a decision: none of them decides a contest of it."""
    seniors_wanting: int
    """How many more seniors have to be appointed before what is contested can be decided."""
    is_proposed: bool
    """Whether a decision waits for a second person's word."""
    decided_by: tuple[str, ...]
    """Who made the decision as it stands now: one, or two who agreed."""


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
class RefusalView:
    """A refused request, as it was recorded: no words and no pictures."""

    decision_id: str
    request_id: str
    at: str
    """RFC 3339."""
    category: str
    reasons: tuple[Mapping[str, Json], ...]
    """`code`, `rule`, `text`, `signals`: names of the signals that it rested on."""
    signals: tuple[Mapping[str, Json], ...]
    """Those that the reasons rest on: `name`, `value`, `where`, `understood`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision, as a member makes it."""

    outcome: Outcome
    reason: ReasonCode
    words: str = ""
    """For colleagues; no party sees it."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a decision would do, before it is made or taken back."""

    needs_second: bool
    letters: tuple[Letter, ...]
    """The exact letters, to each party."""
    effects: tuple[str, ...]
    """In codes, those of `store.cases_tables.case_effects`: `places`, `bank`, `letter` …"""
    measures: tuple[str, ...]
    """What happens to the account: codes of `MeasureKind`, in its order."""
    places: int
    """At how many places."""
    before: Visibility
    after: Visibility
    """What may be seen of it now, and what then."""
    elsewhere: Elsewhere
    """What of it another case keeps out of sight, whatever is decided here."""
    hidden_at_once: tuple[Letter, ...]
    """The letters of the proposal itself, where it hides the picture before a second person has agreed."""
    version: int
    """Of the case that this was worked out on; handed back to take the decision back."""
