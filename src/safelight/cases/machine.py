"""What a case is follows from its history: a pure fold, and what each step needs to be allowed.

Rules of this module
- `apply` is the only place where a state changes; it is handed the step that is to stand in the history and raises
  CaseError where that step may not come next. No input, no output, no clock of its own.
- While anything is undecided, time may only hide: nothing but a person's decision or the reporters' withdrawal shows.
- Whoever took part in a decision takes no part in deciding a contest of it (DSA Art. 20(6); Ofcom D8).
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import cast

from safelight.cases.draft import Matter, Route, worst
from safelight.cases.errors import CaseCode, CaseError
from safelight.cases.history import Case, Event, Step
from safelight.cases.model import CaseKind, CaseState, Law, Outcome, Party, ReasonCode, Visibility
from safelight.cases.reasons import allowed_reasons
from safelight.core.canonical import Json


def replay(events: Iterable[Event]) -> Case:
    """The case that these steps come to. Raises CaseError where one of them may not follow the others."""
    case: Case | None = None
    for event in events:
        case = apply(case, event)
    if case is None:
        raise CaseError(CaseCode.UNKNOWN, "There is no such case.")
    return case


def apply(case: Case | None, event: Event) -> Case:
    """`case` after one more step. Raises CaseError."""
    if case is None:
        if event.step is not Step.RECEIVED:
            raise _forbidden("A case begins with what was received.")
        return _received(event)
    if event.step is Step.RECEIVED:
        raise _forbidden("A case is received once.")
    after = _STEPS[event.step](case, event)
    version = case.version + 1
    texts_at = after.texts_at if event.step in _WORDLESS else (*after.texts_at, event.at)
    substance = case.substance if event.step in _ASIDE else version
    return replace(after, version=version, substance=substance, texts_at=texts_at)


def _received(event: Event) -> Case:
    body = event.body
    report = body.get("report")
    contested_by = Party(cast(str, body["contested_by"])) if "contested_by" in body else None
    return Case(
        kind=CaseKind(cast(str, body["kind"])),
        matter=Matter(cast(str, body["matter"])),
        route=Route(cast(str, body["route"])),
        law=Law(cast(str, body["law"])),
        received_at=event.at,
        due_at=_moment(body["due_at"]),
        in_danger=bool(body.get("in_danger")),
        is_intimate=bool(body.get("is_intimate")),
        state=CaseState.CONTESTED if contested_by else CaseState.OPEN,
        reports=frozenset({cast(str, report)}) if report else frozenset(),
        deciders=frozenset(cast(list[str], body.get("deciders", []))),
        contested_by=contested_by,
        contested_at=event.at if contested_by else None,
        check_from=event.at,
        texts_at=(event.at,),
        has_contested=frozenset({contested_by}) if contested_by else frozenset(),
        version=1,
        substance=1,
    )


def _joined(case: Case, event: Event) -> Case:
    reports = case.reports | {cast(str, event.body["report"])}
    joined = replace(_with_said(case, event), reports=reports, check_from=event.at, is_checked=False)
    # What ran before was taken back.
    return _begun_anew(joined, event) if case.state is CaseState.WITHDRAWN else joined


def _with_said(case: Case, event: Event) -> Case:
    """With what a report says of the matter: the graver one, and the stricter clock."""
    due_at = min(case.due_at, _moment(event.body["due_at"]))
    return replace(
        case,
        matter=worst(case.matter, Matter(cast(str, event.body["matter"]))),
        law=case.law if due_at == case.due_at else Law(cast(str, event.body["law"])),
        due_at=due_at,
        in_danger=case.in_danger or bool(event.body.get("in_danger")),
        is_intimate=case.is_intimate or bool(event.body.get("is_intimate")),
    )


def _begun_anew(case: Case, event: Event) -> Case:
    """Open, with a clock of its own, whole, and as if nobody had looked before."""
    return replace(
        case,
        state=CaseState.OPEN,
        due_at=_moment(event.body["due_at"]),
        law=Law(cast(str, event.body["law"])),
        received_at=event.at,
        check_from=event.at,
        is_checked=False,
        escalated_h=frozenset(),
        first_look_at=None,
        hidden_at=None,
        removed_at=None,
        confirmed_at=None,
        outcome=None,
        reason=None,
        decided_at=None,
        decided_matter=None,
        decided_by=frozenset(),
        before=None,
        has_contested=frozenset(),
    )


def _added(case: Case, event: Event) -> Case:
    if cast(str, event.body["report"]) not in case.reports:
        raise _forbidden("This report was taken back; send a new one.")
    if event.body.get("names_more"):  # as with another report, the platform has a while to confirm these too
        case = replace(case, check_from=event.at, is_checked=False)
    if "matter" not in event.body:
        return case
    added = _with_said(case, event)
    is_kept = case.state is CaseState.DECIDED and case.outcome is Outcome.KEEP
    # It was left up as something less: nobody has decided on what it is now.
    return _begun_anew(added, event) if is_kept and event.body.get("reopens") else added


def _withdrawn(case: Case, event: Event) -> Case:
    report = cast(str, event.body["report"])
    if report not in case.reports:
        raise _forbidden("This report was taken back already.")
    left = replace(case, reports=case.reports - {report})
    ends = not left.reports and case.matter is not Matter.CHILD
    if not ends or case.state not in (CaseState.OPEN, CaseState.PROPOSED):
        return left
    ended = replace(left, state=CaseState.WITHDRAWN, closed_at=event.at)
    return replace(ended, proposed=None, proposed_by="", held_by="", held_until=None)


def _hidden(case: Case, event: Event) -> Case:
    if case.kind is not CaseKind.IMAGE or case.visibility is not Visibility.VISIBLE or not case.is_waiting:
        raise _forbidden("Only what is visible and undecided is hidden for the time being.")
    return replace(case, visibility=Visibility.HIDDEN, hidden_at=case.hidden_at or event.at)


def _shown(case: Case, _event: Event) -> Case:
    # Before a decision, only the reporters' own withdrawal shows what was hidden.
    if case.visibility is not Visibility.HIDDEN or case.state is not CaseState.WITHDRAWN:
        raise _forbidden("What is undecided stays hidden; decide it.")
    return replace(case, visibility=Visibility.VISIBLE)


def _confirmed(case: Case, event: Event) -> Case:
    if case.visibility is Visibility.VISIBLE or case.confirmed_at:
        raise _forbidden("Only what was hidden or removed is confirmed to be gone, and once.")
    return replace(case, confirmed_at=event.at)


def _claimed(case: Case, event: Event) -> Case:
    if not case.is_waiting:
        raise _forbidden("There is nothing to decide in this case.")
    case.refuse_held(event.by, event.at)
    return replace(case, held_by=event.by, held_until=_moment(event.body["until"]))


def _released(case: Case, event: Event) -> Case:
    if not case.held_by:
        raise _forbidden("Nobody holds this case.")
    if not event.body.get("freed"):
        case.refuse_held(event.by, event.at)
    return replace(case, held_by="", held_until=None)


def _looked(case: Case, event: Event) -> Case:
    return replace(case, first_look_at=case.first_look_at or event.at)


def _viewed(case: Case, event: Event) -> Case:
    return replace(case, viewers=case.viewers | {event.by})


def _unchanged(case: Case, _event: Event) -> Case:
    return case


def _located(case: Case, event: Event) -> Case:
    if not case.can_be_located:
        raise _forbidden("Nothing of this case is to be taken down, so no place of it is named.")
    return replace(case, check_from=event.at, is_checked=False)  # as with a report, the platform has a while for it


def _proposed(case: Case, event: Event) -> Case:
    if case.state not in (CaseState.OPEN, CaseState.CONTESTED) or case.proposed:
        raise _forbidden("Only what nobody has decided or proposed is proposed for decision.")
    _refuse_part(case, event)
    return replace(
        case,
        first_look_at=case.first_look_at or event.at,
        state=CaseState.PROPOSED if case.state is CaseState.OPEN else case.state,  # a contest stays one
        proposed=_choice(case, event),
        proposed_by=event.by,
        held_by="",
        held_until=None,
    )


def _rejected(case: Case, event: Event) -> Case:
    if not case.proposed:
        raise _forbidden("Nothing was proposed.")
    _refuse_part(case, event)
    state = CaseState.OPEN if case.state is CaseState.PROPOSED else case.state
    return replace(case, state=state, proposed=None, proposed_by="", held_by="", held_until=None)


def _decided(case: Case, event: Event) -> Case:
    if not case.is_waiting:
        raise _forbidden("There is nothing to decide in this case.")
    _refuse_part(case, event)
    outcome, reason = _choice(case, event)
    if case.proposed not in (None, (outcome, reason)):
        raise _forbidden("The second person agrees to what was proposed, or rejects it.")
    deciders = frozenset({event.by, case.proposed_by} - {""})
    visibility = case.visibility
    if case.kind is CaseKind.IMAGE:
        visibility = Visibility.REMOVED if outcome is Outcome.REMOVE else Visibility.VISIBLE
    is_reversal = case.state is CaseState.CONTESTED and outcome is not (case.outcome or Outcome.MEASURE_STANDS)
    is_removed = visibility is Visibility.REMOVED
    # A decision that goes the other way is another one: whoever it is against now may contest it, as each decision.
    still = frozenset({case.contested_by}) if is_reversal and case.contested_by else case.has_contested
    return replace(
        case,
        state=CaseState.DECIDED,
        visibility=visibility,
        outcome=outcome,
        reason=reason,
        decided_at=event.at,
        decided_matter=case.matter,
        closed_at=event.at,
        first_look_at=case.first_look_at or event.at,
        hidden_at=case.hidden_at or (event.at if is_removed else None),
        removed_at=case.removed_at or (event.at if is_removed else None),
        before=replace(case, before=None),
        decided_by=deciders,
        deciders=case.deciders | deciders,
        proposed=None,
        proposed_by="",
        contested_by=None,
        has_contested=still,
        was_overturned=case.was_overturned or is_reversal,
        held_by="",
        held_until=None,
    )


def _undone(case: Case, _event: Event) -> Case:
    if case.state is not CaseState.DECIDED or case.before is None:
        raise _forbidden("Only a decision can be undone.")
    before = case.before
    is_seen = before.visibility is Visibility.VISIBLE
    return replace(
        case,
        # Two people's decision is undone to none, and a contest's to the contest.
        state=CaseState.OPEN if before.state is CaseState.PROPOSED else before.state,
        visibility=before.visibility,
        outcome=before.outcome,
        reason=before.reason,
        decided_at=before.decided_at,
        decided_matter=before.decided_matter,
        contested_by=before.contested_by,
        has_contested=before.has_contested,
        # Whoever takes back their own decision of a contest may decide it again; it was no part of what is contested.
        deciders=before.deciders,
        decided_by=before.decided_by,
        # What is taken back is no removal in any figure, and no reversal: the picture is where it was.
        hidden_at=before.hidden_at,
        removed_at=before.removed_at,
        confirmed_at=before.confirmed_at if is_seen else case.confirmed_at,
        was_overturned=before.was_overturned,
        before=None,
    )


def _contested(case: Case, event: Event) -> Case:
    party = Party(cast(str, event.body["party"]))
    if case.state is not CaseState.DECIDED or party in case.has_contested:
        raise _forbidden("There is no decision to contest, or it was contested already.")
    if (party is Party.REPORTER) != (case.outcome is Outcome.KEEP):
        raise _forbidden("This decision was not made against you.")
    return replace(
        case,
        state=CaseState.CONTESTED,
        contested_by=party,
        contested_at=event.at,
        contested_report=cast(str, event.body.get("report", "")),
        has_contested=case.has_contested | {party},
        is_contest_late=False,
        before=None,
        held_by="",
        held_until=None,
    )


def _escalated(case: Case, event: Event) -> Case:
    if event.body.get("is_contest"):
        return replace(case, is_contest_late=True)
    return replace(case, escalated_h=case.escalated_h | {float(cast(float, event.body["after_h"]))})


def _checked(case: Case, _event: Event) -> Case:
    return replace(case, is_checked=True)


def _breached(case: Case, _event: Event) -> Case:
    return replace(case, is_checked=True, is_breached=True)


def _preserved(case: Case, _event: Event) -> Case:
    if case.is_preserved:
        raise _forbidden("This case is preserved already.")
    return replace(case, is_preserved=True)


def _freed(case: Case, _event: Event) -> Case:
    if not case.is_preserved:
        raise _forbidden("This case is not preserved.")
    return replace(case, is_preserved=False)


def _destroyed(case: Case, event: Event) -> Case:
    if case.is_waiting or case.is_preserved:
        raise _forbidden("Nothing is destroyed of a case that is not closed, or that is preserved.")
    before = _moment(event.body["before"])
    return replace(case, texts_at=tuple(at for at in case.texts_at if at > before))


_WORDLESS = frozenset(
    {
        Step.CLAIMED,
        Step.RELEASED,
        Step.LOOKED,
        Step.VIEWED,
        Step.CONFIRMED,
        Step.ESCALATED,
        Step.CHECKED,
        Step.BREACHED,
        Step.FREED,
        Step.DESTROYED,
    }
)
_ASIDE = _WORDLESS | {Step.NOTED, Step.PRESERVED}
_STEPS = {
    Step.JOINED: _joined,
    Step.ADDED: _added,
    Step.WITHDRAWN: _withdrawn,
    Step.HIDDEN: _hidden,
    Step.SHOWN: _shown,
    Step.CONFIRMED: _confirmed,
    Step.CLAIMED: _claimed,
    Step.RELEASED: _released,
    Step.LOOKED: _looked,
    Step.VIEWED: _viewed,
    Step.NOTED: _unchanged,
    Step.LOCATED: _located,
    Step.PROPOSED: _proposed,
    Step.REJECTED: _rejected,
    Step.DECIDED: _decided,
    Step.UNDONE: _undone,
    Step.CONTESTED: _contested,
    Step.ESCALATED: _escalated,
    Step.CHECKED: _checked,
    Step.BREACHED: _breached,
    Step.PRESERVED: _preserved,
    Step.FREED: _freed,
    Step.DESTROYED: _destroyed,
}


def _choice(case: Case, event: Event) -> tuple[Outcome, ReasonCode]:
    outcome, reason = Outcome(cast(str, event.body["outcome"])), ReasonCode(cast(str, event.body["reason"]))
    if reason not in allowed_reasons(case).get(outcome, ()):
        raise CaseError(
            CaseCode.REASON_FORBIDDEN,
            f"`{reason.value}` is no reason for `{outcome.value}` in a matter of `{case.matter.value}`.",
        )
    return outcome, reason


def _refuse_part(case: Case, event: Event) -> None:
    """Raises CaseError for whoever has had their say: in what was proposed, or in what is contested."""
    if event.by == case.proposed_by:
        raise CaseError(CaseCode.SAME_PERSON, "Another person has to look at what you proposed.")
    if case.state is CaseState.CONTESTED and event.by in case.deciders:
        message = "You took part in the decision that is contested; another person decides."
        raise CaseError(CaseCode.SAME_PERSON, message)


def _moment(value: Json) -> datetime:
    return datetime.fromisoformat(cast(str, value))


def _forbidden(message: str) -> CaseError:
    return CaseError(CaseCode.STEP_FORBIDDEN, message)
