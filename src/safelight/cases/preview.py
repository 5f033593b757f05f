"""What a decision would do, before it is made: it is made, looked at, and not kept."""

from dataclasses import replace

from sqlalchemy import Connection, select

from safelight.accounts.measures import AccountEvent, MeasureKind, account_history
from safelight.cases.decisions import Decisions
from safelight.cases.elsewhere import elsewhere
from safelight.cases.history import Case
from safelight.cases.mailroom import Mailroom
from safelight.cases.model import Visibility
from safelight.cases.records import Book
from safelight.cases.reporter_model import Letter
from safelight.cases.staff_model import Choice, Preview, Staff
from safelight.store.cases_tables import case_effects


def try_out(
    connection: Connection,
    book: Book,
    mail: Mailroom,
    decisions: Decisions,
    staff: Staff,
    case_id: str,
    choice: Choice | None,
) -> Preview:
    """Decide inside a transaction that the caller rolls back, and say what that did. Raises CaseError.

    Where `choice` is what somebody else has proposed, it is agreed to; None takes the last decision back.
    """
    before = {letter.id for letter in mail.letters(connection, case_id=case_id)}
    known = set(connection.execute(select(case_effects.c.id).where(case_effects.c.case_id == case_id)).scalars())
    subject_id = book.row(connection, case_id).subject_id
    past = {event.id for event in _events(connection, subject_id)}
    case = book.load(connection, case_id)
    needs_second = choice is not None and decisions.needs_second(case, choice)
    proposal = _proposal(connection, mail, decisions, staff, case_id, choice, case) if choice and needs_second else ()
    if choice is None:
        decisions.undo(connection, staff, case_id, case.version, "")
    elif case.proposed == (choice.outcome, choice.reason):
        decisions.second(connection, staff, case_id, case.version, agrees=True, words="")
    else:
        decisions.decide(connection, staff, case_id, choice, case.version, preview=True)
    query = select(case_effects.c.id, case_effects.c.kind).where(case_effects.c.case_id == case_id)
    effects = tuple(row.kind for row in connection.execute(query) if row.id not in known)
    letters = mail.letters_for_staff(connection, case_id)
    new = tuple(replace(letter, sent_at=None) for letter in letters if letter.id not in before)
    taken = {event.kind for event in _events(connection, subject_id) if event.id not in past}
    measures = tuple(kind.value for kind in MeasureKind if kind in taken)
    row = book.row(connection, case_id)
    seen = (case.visibility, Visibility(row.visibility))
    return Preview(
        needs_second, new, effects, measures, row.places, *seen, elsewhere(connection, case_id), proposal, case.version
    )


def _proposal(
    connection: Connection,
    mail: Mailroom,
    decisions: Decisions,
    staff: Staff,
    case_id: str,
    choice: Choice,
    case: Case,
) -> tuple[Letter, ...]:
    """The letters that go out with the proposal; it is taken back again."""
    before = {letter.id for letter in mail.letters(connection, case_id=case_id)}
    trial = connection.begin_nested()
    try:
        decisions.decide(connection, staff, case_id, choice, case.version)
        letters = mail.letters_for_staff(connection, case_id)
    finally:
        trial.rollback()
    return tuple(replace(letter, sent_at=None) for letter in letters if letter.id not in before)


def _events(connection: Connection, subject_id: str | None) -> list[AccountEvent]:
    return account_history(connection, subject_id) if subject_id else []
