"""What the holder of a receipt sees of a case: steps in plain words, their own letters, and what they can do.

Nothing here names the picture, a place, the other side, or who decided.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from safelight.accounts.measures import account_history, standing_of, strikes_of
from safelight.cases.confirmed import unconfirmed
from safelight.cases.draft import Matter
from safelight.cases.elsewhere import elsewhere
from safelight.cases.history import Event, Step
from safelight.cases.intake import Intake
from safelight.cases.machine import replay
from safelight.cases.mailroom import Mailroom
from safelight.cases.model import CaseKind, CaseState, Outcome, Party, Visibility
from safelight.cases.records import DEAD, DOUBTFUL, PLACES, WAITING, Book
from safelight.cases.reporter_model import Delivery, KnownBy, PublicStep, ReportStatus
from safelight.cases.rules import HideWhen
from safelight.cases.sealing import GONE
from safelight.cases.stay_down import known_by
from safelight.cases.timers import clock_of
from safelight.core.request import Standing
from safelight.store.cases_tables import case_effects, case_places, case_reports
from safelight.store.standing_tables import account_events


def read_status(connection: Connection, book: Book, mail: Mailroom, intake: Intake, receipt: Row[Any]) -> ReportStatus:
    """The status behind one receipt."""
    party = Party(receipt.party)
    letters = mail.letters(connection, digest=receipt.code_digest)
    standing, standing_until, strikes = _standing(connection, book, receipt)
    if receipt.case_id is None:
        at = _measured_at(connection, receipt)
        last = intake.contest_until(at)
        return ReportStatus(
            party=party,
            language=receipt.language,
            matter=None,
            has_picture=False,
            state=CaseState.DECIDED,
            visibility=Visibility.VISIBLE,
            outcome=None,  # nobody has looked at it a second time
            received_at=at,
            clock=None,
            steps=((at, PublicStep.MEASURE),),
            copies=0,
            missing=(),
            letters=letters,
            is_confirmed=False,
            delivery=Delivery.NOBODY,
            is_held_elsewhere=False,
            known_by=KnownBy.PLACE,
            is_late=False,
            is_flood=False,
            is_withdrawn=False,
            letters_wait=False,
            reporter_is_child=False,
            can_add=False,
            can_withdraw=False,
            can_contest=book.clock() <= last,
            contest_until=last,
            standing=standing,
            standing_until=standing_until,
            strikes=strikes,
        )
    case = book.load(connection, receipt.case_id)
    draft = book.report(connection, receipt.report_id) if receipt.report_id else None
    mine = receipt.report_id in case.reports
    is_withdrawn = party is Party.REPORTER and not mine
    history: Sequence[Event] = [event for _, event, _ in book.history(connection, receipt.case_id)]
    outcome = case.outcome
    if is_withdrawn:
        history = _until_withdrawn(history, receipt.report_id)
        outcome = outcome if replay(history).outcome is outcome else None
    mine_is_kept, is_flood = False, False
    received_at = case.received_at
    if receipt.report_id:
        report = connection.execute(select(case_reports).where(case_reports.c.id == receipt.report_id)).one()
        received_at = datetime.fromisoformat(report.at)
        mine_is_kept, is_flood = report.sealed != GONE, report.is_flood
    measured_at = _measured_at(connection, receipt) if receipt.event_id else None
    if measured_at:
        received_at = measured_at
    copies = connection.execute(
        select(func.count()).where(
            case_places.c.case_id == receipt.case_id,
            case_places.c.is_copy,
            case_places.c.visibility != Visibility.VISIBLE.value,
        )
    ).scalar_one()
    until = intake.contest_until(case.decided_at) if case.decided_at else None
    is_down = case.visibility is not Visibility.VISIBLE
    was_found = book.was_findable(connection, receipt.case_id)
    is_confirmed = is_down and was_found and not unconfirmed(connection, [receipt.case_id])
    is_against = (party is Party.REPORTER) == (case.outcome is Outcome.KEEP)
    return ReportStatus(
        party=party,
        language=receipt.language,
        matter=case.matter if party is Party.REPORTER else None,
        has_picture=case.kind is CaseKind.IMAGE,
        state=case.state,
        visibility=case.visibility,
        outcome=outcome,
        received_at=received_at,
        clock=clock_of(case, book.rules) if case.kind is CaseKind.IMAGE or case.is_waiting else None,
        steps=(
            *(((measured_at, PublicStep.MEASURE),) if measured_at else ()),
            *_steps(history, receipt.report_id, party, received_at, has_platform=mail.has_platform),
        ),
        copies=int(copies),
        missing=draft.missing() if draft and mine and mine_is_kept and case.outcome is None else (),
        letters=letters,
        is_confirmed=is_confirmed,
        delivery=_delivery(connection, receipt.case_id, is_down=is_down, was_found=was_found)
        if mail.has_platform
        else Delivery.NOBODY,
        is_held_elsewhere=party is Party.ACCOUNT and not is_down and elsewhere(connection, receipt.case_id).held > 0,
        known_by=known_by(book.prints(connection, receipt.case_id)),
        is_late=not is_confirmed and any(event.step is Step.BREACHED for event in history),
        is_flood=is_flood
        and mine
        and not is_down
        and case.state in (CaseState.OPEN, CaseState.PROPOSED)
        and book.rules.matter[case.matter].hide is HideWhen.COMPLETE,
        is_withdrawn=is_withdrawn,
        letters_wait=mail.letters_wait(connection, receipt),
        reporter_is_child=bool(draft and (draft.reporter_is_child or draft.effective_matter is Matter.CHILD)),
        can_add=party is Party.REPORTER and mine,
        can_withdraw=party is Party.REPORTER and mine,
        can_contest=case.state is CaseState.DECIDED
        and is_against
        and party not in case.has_contested
        and (until is None or book.clock() <= until)
        and (mine or party is Party.ACCOUNT),
        contest_until=until,
        standing=standing,
        standing_until=standing_until,
        strikes=strikes,
    )


def _standing(connection: Connection, book: Book, receipt: Row[Any]) -> tuple[Standing | None, datetime | None, int]:
    """The account's standing, until when, and its strikes in force."""
    if receipt.party != Party.ACCOUNT.value or not receipt.subject_id:
        return None, None, 0
    events, now = account_history(connection, receipt.subject_id), book.clock()
    window = timedelta(days=book.rules.measures.window_days)
    return *standing_of(events, now), strikes_of(events, now, window)


def _delivery(connection: Connection, case_id: str, *, is_down: bool, was_found: bool) -> Delivery:
    """What has become of the last order to the platform."""
    lane = case_effects.c.lane == f"{case_id}/{PLACES}"
    states = set(connection.execute(select(case_effects.c.state).where(lane)).scalars())
    if DEAD in states:
        return Delivery.GIVEN_UP
    if states & {WAITING, DOUBTFUL} or (is_down and was_found):
        return Delivery.TRYING
    return Delivery.NOT_FOUND if is_down else Delivery.NOTHING


def _measured_at(connection: Connection, receipt: Row[Any]) -> datetime:
    """When the measure was taken that a receipt is about."""
    at = select(account_events.c.at).where(account_events.c.id == receipt.event_id)
    return datetime.fromisoformat(connection.execute(at).scalar_one())


def _until_withdrawn(history: Sequence[Event], report_id: str) -> Sequence[Event]:
    """The history as far as it is shown to whoever took this report back: what others do later is none of theirs."""
    mine = (n for n, event in enumerate(history, 1) if _is_withdrawal(event, report_id))
    return history[: next(mine)]


def _is_withdrawal(event: Event, report_id: str) -> bool:
    return event.step is Step.WITHDRAWN and event.body["report"] == report_id


_PLAIN = {
    Step.HIDDEN: PublicStep.HIDDEN,
    Step.SHOWN: PublicStep.SHOWN,
    Step.LOOKED: PublicStep.LOOKED_AT,
}
_OF_PLATFORM = frozenset({PublicStep.HIDDEN, PublicStep.SHOWN})
"""What nobody does where no platform is connected."""
_DECISIONS = frozenset({PublicStep.REMOVED, PublicStep.KEPT, PublicStep.APPEAL_UPHELD, PublicStep.APPEAL_REVERSED})


def _steps(
    history: Sequence[Event], report_id: str | None, party: Party, since: datetime, *, has_platform: bool
) -> tuple[tuple[datetime, PublicStep], ...]:
    """What was done, in plain words: to a reporter since their report, and before it what still held when it came."""
    earlier: list[tuple[datetime, PublicStep]] = []
    steps = [(since, PublicStep.RECEIVED)] if party is Party.REPORTER else []
    outcome: Outcome | None = None
    is_contested = False
    before = outcome, is_contested
    for event in history:
        plain = _PLAIN.get(event.step)
        if event.step in (Step.ADDED, Step.WITHDRAWN) and event.body.get("report") == report_id:
            plain = PublicStep.ADDED if event.step is Step.ADDED else PublicStep.WITHDRAWN
        elif event.step is Step.CONTESTED or (event.step is Step.RECEIVED and "contested_by" in event.body):
            plain, is_contested = PublicStep.CONTESTED, True
            outcome = outcome or Outcome.MEASURE_STANDS
        elif event.step is Step.DECIDED:
            decided = Outcome(str(event.body["outcome"]))
            plain = _decided(decided, outcome, is_contested=is_contested)
            before = outcome, is_contested
            outcome, is_contested = decided, False
        elif event.step is Step.UNDONE:
            plain, (outcome, is_contested) = PublicStep.UNDONE, before
        if plain is None or (plain in _OF_PLATFORM and not has_platform):
            continue
        if event.at >= since or party is Party.ACCOUNT:
            steps.append((event.at, plain))
        else:
            earlier = _still_held(earlier, event.at, plain, outcome)
    return (*earlier, *steps)


def _still_held(
    earlier: list[tuple[datetime, PublicStep]], at: datetime, step: PublicStep, outcome: Outcome | None
) -> list[tuple[datetime, PublicStep]]:
    """What still holds after one more step: later ones speak of it, as of a decision that is taken back."""
    if step in (PublicStep.HIDDEN, PublicStep.CONTESTED):
        return [*earlier, (at, step)]
    if step in (PublicStep.SHOWN, PublicStep.UNDONE):
        return []
    if step in _DECISIONS and outcome is not None:
        return [(at, _decided(outcome, None, is_contested=False))]
    return earlier


def _decided(decided: Outcome, before: Outcome | None, *, is_contested: bool) -> PublicStep:
    if is_contested:
        return PublicStep.APPEAL_UPHELD if decided is before else PublicStep.APPEAL_REVERSED
    return PublicStep.REMOVED if decided is Outcome.REMOVE else PublicStep.KEPT
