"""Whether a platform that asks before it shows may show something, whatever became of the orders to it."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from safelight.cases.draft import Fingerprint, Place
from safelight.cases.model import Visibility
from safelight.cases.records import Book, unknown_numbers
from safelight.store.cases_tables import case_places, case_prints, cases


def is_visible(
    connection: Connection, book: Book, place: Place | None, fingerprint: Fingerprint | None, near: Sequence[int]
) -> bool:
    """Whether none of these is hidden or removed. `near`: numbers of cases whose picture the fingerprint is near."""
    hidden = cases.c.visibility != Visibility.VISIBLE.value
    if place is not None:
        digest = book.place_digest(place)
        query = select(cases.c.id).join(case_places).where(case_places.c.digest == digest, hidden).limit(1)
        if connection.execute(query).first() is not None:
            return False
    if near:
        if connection.execute(select(cases.c.id).where(cases.c.number.in_(near), hidden).limit(1)).first():
            return False
        if unknown_numbers(connection, near):
            return False  # it was reported, and the report was lost with a database: nobody has decided to show it
    if fingerprint is not None:
        digest = book.print_digest(fingerprint)
        query = select(cases.c.id).join(case_prints).where(case_prints.c.digest == digest, hidden).limit(1)
        if connection.execute(query).first() is not None:
            return False
    return True
