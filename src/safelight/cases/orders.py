"""What an effect says, read from the store when it runs: what holds then, not what held when it was queued."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from safelight.cases.draft import Place
from safelight.cases.history import Case
from safelight.cases.mailroom import Mailroom
from safelight.cases.model import CaseState, Outcome, Party, Visibility
from safelight.cases.records import LETTER, PICTURE, PLACES, Book, is_findable
from safelight.cases.stay_down import made_here
from safelight.cases.takedown.ports import Command, Order, Parcel
from safelight.cases.timers import hide_by
from safelight.store.cases_tables import case_letters, case_receipts, cases

_PICTURES_ASKED = 3
"""Places of one case at which the platform is asked for the picture; the first that it gives will do."""


@dataclass(frozen=True, slots=True)
class Work:
    """An effect, with what it needs from the store."""

    row: Row[Any]
    command: Command | None = None
    parcel: Parcel | None = None
    case: Case | None = None
    number: int = 0
    places: tuple[Place, ...] = ()


class Orders:
    """Reads, inside a caller's transaction."""

    def __init__(self, book: Book, mail: Mailroom) -> None:
        self._book = book
        self._mail = mail

    def work(self, connection: Connection, row: Row[Any]) -> Work:
        """What it takes to run an effect. Raises CaseError, StoreFailed."""
        if row.kind == LETTER:
            return Work(row, parcel=self._parcel(connection, row))
        case = self._book.load(connection, row.case_id)
        number = connection.execute(select(cases.c.number).where(cases.c.id == row.case_id)).scalar_one()
        command = self._command(connection, row, case, number) if row.kind == PLACES else None
        places: tuple[Place, ...] = ()
        if row.kind == PICTURE:
            known = [place for place, found in self._book.places(connection, row.case_id) if not found.is_copy]
            places = tuple(place for place in known if is_findable(place))[:_PICTURES_ASKED]
        return Work(row, command=command, case=case, number=number, places=places)

    def _command(self, connection: Connection, row: Row[Any], case: Case, number: int) -> Command | None:
        """What the platform is to hear now; None where there is nothing to tell it."""
        hide_at = None
        if case.visibility is Visibility.REMOVED:
            order = Order.REMOVE
        elif case.visibility is Visibility.HIDDEN:
            order = Order.HIDE
        elif case.state in (CaseState.DECIDED, CaseState.WITHDRAWN, CaseState.CONTESTED):
            order = Order.RESTORE
        elif hide_at := hide_by(case, self._book.rules):
            order = Order.WATCH
        else:
            return None
        reason = case.reason.value if case.reason and case.outcome is Outcome.REMOVE else "reported"
        return Command(
            id=row.id,
            case_id=row.case_id,
            sequence=row.seq,
            order=order,
            reason=reason if order is not Order.RESTORE else "",
            places=tuple(place for place, _ in self._book.places(connection, row.case_id)),
            fingerprints=tuple(one for one in self._book.prints(connection, row.case_id) if one.is_usable),
            hide_at=hide_at,
            requests=tuple(dict.fromkeys(one.request_id for one in made_here(connection, number) if one.request_id)),
        )

    def _parcel(self, connection: Connection, row: Row[Any]) -> Parcel:
        letter = connection.execute(select(case_letters).where(case_letters.c.id == row.target)).one()
        receipt = connection.execute(
            select(case_receipts).where(case_receipts.c.code_digest == letter.code_digest)
        ).one()
        opened = self._book.seal.open(letter.id, letter.sealed)
        party = Party(receipt.party)
        places: tuple[Place, ...] = ()
        if party is Party.ACCOUNT and letter.case_id:
            places = tuple(place for place, _ in self._book.places(connection, letter.case_id))
        return Parcel(
            id=row.id,
            case_id=letter.case_id,
            party=party,
            to=self._mail.contact(receipt),
            subject_id=receipt.subject_id,
            places=places,
            language=letter.language,
            subject=opened["subject"],
            body=opened["body"],
        )
