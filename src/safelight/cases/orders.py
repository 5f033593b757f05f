"""What an effect says, read from the store when it runs: what holds then, not what held when it was queued."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, select, union_all

from safelight.cases.draft import Fingerprint, Place
from safelight.cases.history import Case, Event, Step
from safelight.cases.machine import replay
from safelight.cases.mailroom import Mailroom
from safelight.cases.model import CaseState, Outcome, Party, Visibility
from safelight.cases.records import LETTER, PICTURE, PLACES, Book, is_findable
from safelight.cases.sealing import GONE
from safelight.cases.staff_model import MadeHere
from safelight.cases.stay_down import made_here
from safelight.cases.takedown.ports import Command, Order, Parcel
from safelight.cases.timers import hide_by
from safelight.core.errors import SafelightError
from safelight.store.cases_tables import case_letters, case_places, case_prints, case_receipts, cases

_PICTURES_ASKED = 3
"""Places of one case at which the platform is asked for the picture; the first that it gives will do."""


_CASES: BindParameter[str] = bindparam("cases", expanding=True)
_NUMBERS = select(cases.c.id, cases.c.number).where(cases.c.id.in_(_CASES))
_PLACES = (
    select(case_places)
    .where(case_places.c.case_id.in_(_CASES), case_places.c.sealed != GONE)
    .order_by(case_places.c.id)
)
_PRINTS = select(case_prints).where(case_prints.c.case_id.in_(_CASES))
_MARKS: BindParameter[str] = bindparam("marks", expanding=True)
_IS_DOWN = cases.c.visibility != Visibility.VISIBLE.value
_DOWN = union_all(
    select(case_places.c.digest).join(cases).where(case_places.c.digest.in_(_MARKS), _IS_DOWN),
    select(case_prints.c.digest).join(cases).where(case_prints.c.digest.in_(_MARKS), _IS_DOWN),
)
_LETTERS = (
    select(case_letters.c.id, case_letters.c.case_id, case_letters.c.language, case_letters.c.sealed)
    .add_columns(case_receipts.c.code_digest, case_receipts.c.party, case_receipts.c.subject_id)
    .add_columns(case_receipts.c.contact)
    .join(case_receipts, case_receipts.c.code_digest == case_letters.c.code_digest)
    .where(case_letters.c.id.in_(bindparam("letters", expanding=True)))
)


@dataclass(frozen=True, slots=True)
class Work:
    """An effect, with what it needs from the store."""

    row: Row[Any]
    command: Command | None = None
    parcel: Parcel | None = None
    case: Case | None = None
    number: int = 0
    places: tuple[Place, ...] = ()
    prints: tuple[Fingerprint, ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    """What the store holds of several cases, by case."""

    events: Mapping[str, Sequence[Event]]
    numbers: Mapping[str, int]
    places: Mapping[str, Sequence[Row[Any]]]
    prints: Mapping[str, Sequence[Row[Any]]]
    down: frozenset[str]
    """Digests of those places and prints that some case has out of sight."""
    made: Mapping[int, Sequence[MadeHere]]
    """By number."""
    letters: Mapping[str, Row[Any]]
    """By id."""


class Orders:
    """Reads, inside a caller's transaction."""

    def __init__(self, book: Book, mail: Mailroom) -> None:
        self._book = book
        self._mail = mail

    def works(self, connection: Connection, rows: Sequence[Row[Any]]) -> Iterator[tuple[Row[Any], Work | str]]:
        """Of each effect what it takes to run it, or why that cannot be read."""
        read = self._read(connection, rows)
        for row in rows:
            try:
                yield row, self._work(read, row)
            except SafelightError as error:  # what cannot be read must not hold up the others
                yield row, error.message

    def _read(self, connection: Connection, rows: Sequence[Row[Any]]) -> _Read:
        of = {"cases": list({row.case_id for row in rows if row.case_id})}
        places, prints = defaultdict[str, list[Row[Any]]](list), defaultdict[str, list[Row[Any]]](list)
        for found, query in ((places, _PLACES), (prints, _PRINTS)):
            for one in connection.execute(query, of):
                found[one.case_id].append(one)
        marks = {one.digest for found in (places, prints) for rows_of in found.values() for one in rows_of}
        down = frozenset(connection.execute(_DOWN, {"marks": list(marks)}).scalars())
        letters = connection.execute(_LETTERS, {"letters": [row.target for row in rows if row.target]}).all()
        numbers = {one.id: one.number for one in connection.execute(_NUMBERS, of)}
        made = made_here(connection, [numbers[row.case_id] for row in rows if row.kind == PLACES])
        events = self._book.events(connection, of["cases"])
        return _Read(events, numbers, places, prints, down, made, {one.id: one for one in letters})

    def _work(self, read: _Read, row: Row[Any]) -> Work:
        """Raises CaseError, StoreFailed."""
        if row.kind == LETTER:
            return Work(row, parcel=self._parcel(read, row))
        case = replay(read.events[row.case_id])
        number = read.numbers[row.case_id]
        prints = tuple(self._book.print_of(one) for one in read.prints[row.case_id])
        command = self._command(read, row, case) if row.kind == PLACES else None
        places: tuple[Place, ...] = ()
        if row.kind == PICTURE:
            known = [self._book.place_of(one) for one in read.places[row.case_id] if not one.is_copy]
            places = tuple(place for place in known if is_findable(place))[:_PICTURES_ASKED]
        return Work(row, command=command, case=case, number=number, places=places, prints=prints)

    def _command(self, read: _Read, row: Row[Any], case: Case) -> Command | None:
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
        elif any(_puts_down(event) for event in read.events[row.case_id]):
            order = Order.RESTORE  # a decision to remove it was taken back, and nothing hides it by itself
        else:
            return None
        # What lets a picture be seen says nothing of what another case has out of sight: that case says when it may.
        down = read.down if order in (Order.RESTORE, Order.WATCH) else frozenset()
        places = [one for one in read.places[row.case_id] if one.digest not in down]
        prints = [one for one in read.prints[row.case_id] if one.digest not in down]
        is_whole = len(places) + len(prints) == len(read.places[row.case_id]) + len(read.prints[row.case_id])
        if not is_whole and not places and not prints:
            return None
        made = read.made[read.numbers[row.case_id]] if is_whole else ()
        reason = case.reason.value if case.reason and case.outcome is Outcome.REMOVE else "reported"
        return Command(
            id=row.id,
            case_id=row.case_id,
            sequence=row.seq,
            order=order,
            reason=reason if order is not Order.RESTORE else "",
            places=tuple(self._book.place_of(one) for one in places),
            fingerprints=tuple(one for one in map(self._book.print_of, prints) if one.is_usable),
            hide_at=hide_at,
            requests=tuple(dict.fromkeys(one.request_id for one in made if one.request_id)),
        )

    def _parcel(self, read: _Read, row: Row[Any]) -> Parcel:
        letter = read.letters[row.target]
        opened = self._book.seal.open(letter.id, letter.sealed)
        party = Party(letter.party)
        places: tuple[Place, ...] = ()
        if party is Party.ACCOUNT and letter.case_id:
            places = tuple(self._book.place_of(one) for one in read.places[letter.case_id])
        return Parcel(
            id=row.id,
            case_id=letter.case_id,
            party=party,
            to=self._mail.contact(letter),
            subject_id=letter.subject_id,
            places=places,
            language=letter.language,
            subject=opened["subject"],
            body=opened["body"],
        )


def _puts_down(event: Event) -> bool:
    """Whether the platform was ordered to hide or remove it with this step."""
    return event.step is Step.HIDDEN or (event.step is Step.DECIDED and event.body["outcome"] == Outcome.REMOVE.value)
