"""The steps that a history is made of, and what a case is after some of them (`machine.py` says how)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from safelight.cases.draft import Matter, Route
from safelight.cases.errors import CaseCode, CaseError
from safelight.cases.model import CaseKind, CaseState, Law, Outcome, Party, ReasonCode, Visibility
from safelight.core.canonical import Json


class Step(StrEnum):
    """What can stand in a history. Stable."""

    RECEIVED = "received"
    JOINED = "joined"
    """Another report of the same picture."""
    ADDED = "added"
    WITHDRAWN = "withdrawn"
    """One report was taken back."""
    HIDDEN = "hidden"
    SHOWN = "shown"
    CONFIRMED = "confirmed"
    """The platform has confirmed, for the first time, that nothing of it can be seen where it is known to be."""
    CLAIMED = "claimed"
    RELEASED = "released"
    LOOKED = "looked"
    VIEWED = "viewed"
    """The picture was shown to a member."""
    NOTED = "noted"
    LOCATED = "located"
    """A member has named an address at which they found it: words are for a person to follow."""
    PROPOSED = "proposed"
    REJECTED = "rejected"
    """The second person did not agree; it is open again."""
    DECIDED = "decided"
    UNDONE = "undone"
    CONTESTED = "contested"
    ESCALATED = "escalated"
    CHECKED = "checked"
    """The clock has run out, and everything is as it has to be: gone, left up, or looked for and found nowhere."""
    BREACHED = "breached"
    """The clock has run out, and the platform has not confirmed that the picture is hidden."""
    PRESERVED = "preserved"
    """A court or an authority wants it kept: nothing of it is destroyed."""
    FREED = "freed"
    """That is over."""
    DESTROYED = "destroyed"
    """What people wrote up to a moment is no more."""


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a history."""

    at: datetime
    step: Step
    by: str
    body: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """Where a case stands after some steps."""

    kind: CaseKind
    matter: Matter
    route: Route
    law: Law
    received_at: datetime
    due_at: datetime
    in_danger: bool = False
    state: CaseState = CaseState.OPEN
    visibility: Visibility = Visibility.VISIBLE
    reports: frozenset[str] = frozenset()
    """Those not taken back."""
    is_intimate: bool = False
    """Whether somebody reported an intimate image, whatever the matter is by now."""
    held_by: str = ""
    held_until: datetime | None = None
    first_look_at: datetime | None = None
    hidden_at: datetime | None = None
    """The first time that it was out of sight, by hiding or removal."""
    removed_at: datetime | None = None
    confirmed_at: datetime | None = None
    """The first time that nothing of it could be seen any more: hiding and removal are times of orders."""
    proposed: tuple[Outcome, ReasonCode] | None = None
    proposed_by: str = ""
    outcome: Outcome | None = None
    reason: ReasonCode | None = None
    decided_at: datetime | None = None
    decided_matter: Matter | None = None
    """What it was when it was decided last: it may turn out to be worse."""
    before: "Case | None" = None
    """As it stood before the last decision, for undoing it."""
    decided_by: frozenset[str] = frozenset()
    """Who made the decision as it stands."""
    deciders: frozenset[str] = frozenset()
    """Who took part in any decision so far: none of them decides a contest."""
    viewers: frozenset[str] = frozenset()
    """To whom the picture was shown: it can be decided without looking, and letters say which it was."""
    contested_by: Party | None = None
    contested_at: datetime | None = None
    contested_report: str = ""
    """Whose reporter contests, where a reporter does."""
    has_contested: frozenset[Party] = frozenset()
    """Who cannot contest the decision as it stands any more: it was upheld against them, or made as they wanted it."""
    is_contest_late: bool = False
    """Whether somebody was told that the contest should have been decided by now."""
    was_overturned: bool = False
    escalated_h: frozenset[float] = frozenset()
    closed_at: datetime | None = None
    """When it was last decided, or withdrawn."""
    texts_at: tuple[datetime, ...] = ()
    """When those steps were of which words may still be there."""
    is_preserved: bool = False
    check_from: datetime | None = None
    """When the last report came: the platform has a while from then to confirm."""
    is_checked: bool = False
    """Whether the end of the clock has been looked at."""
    is_breached: bool = False
    version: int = 0
    """Steps so far."""
    substance: int = 0
    """The last step that a decision could depend on: who holds it or has looked is none."""

    @property
    def can_be_located(self) -> bool:
        """Whether it is of use to know where else it is: what was left up, or taken back, nobody takes down."""
        return self.kind is CaseKind.IMAGE and (self.is_waiting or self.visibility is Visibility.REMOVED)

    @property
    def is_waiting(self) -> bool:
        """Whether somebody has to decide."""
        return self.state in (CaseState.OPEN, CaseState.PROPOSED, CaseState.CONTESTED)

    def is_held(self, now: datetime) -> bool:
        """Whether somebody works on it: what they hold is free again by itself."""
        return bool(self.held_by and self.held_until and now < self.held_until)

    def refuse_held(self, by: str, now: datetime) -> None:
        """Raises CaseError where somebody else than `by` works on it."""
        if self.held_by != by and self.is_held(now):
            raise CaseError(CaseCode.HELD_BY_OTHER, "Somebody else works on this case now. Take another one.")
