"""What a member holds goes back to the others once they do not work on its matter any more."""

from sqlalchemy import Connection, select

from safelight.cases.history import Event, Step
from safelight.cases.records import Book
from safelight.cases.staff_model import Staff
from safelight.core.clock import to_rfc3339
from safelight.store.cases_tables import cases


def give_back(connection: Connection, book: Book, staff: Staff) -> None:
    """Release what `staff` holds of the matters that they have opted out of: they can open none of it any more."""
    now = book.clock()
    held = select(cases.c.id).where(cases.c.held_by == staff.id, cases.c.held_until > to_rfc3339(now))
    mine = held.where(cases.c.matter.in_([matter.value for matter in staff.opted_out]))
    for case_id in connection.execute(mine).scalars().all():
        event = Event(now, Step.RELEASED, staff.id, {"freed": False})
        book.add(connection, case_id, book.load(connection, case_id), event)
