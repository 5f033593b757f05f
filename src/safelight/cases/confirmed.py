"""What the platform has confirmed of what it was told, and what of a picture may still be in sight.

The two are not the same: while the removal of a picture waits that was confirmed to be hidden, something was not
confirmed, and nothing is to be seen.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, func, select

from safelight.cases.history import Case, Event
from safelight.cases.machine import apply
from safelight.cases.model import Visibility
from safelight.cases.records import DEAD, DONE, DOUBTFUL, INDEX, PLACES, WAITING, Book
from safelight.cases.stay_down import found_made_here_at
from safelight.core.clock import to_rfc3339
from safelight.store.cases_tables import case_effects, case_places

_NOT_DONE = (WAITING, DEAD, DOUBTFUL)


def unconfirmed(connection: Connection, case_ids: Collection[str]) -> set[str]:
    """Those cases of which the platform has not confirmed everything that it was told last; asked once for all."""
    if not case_ids:
        return set()
    lanes = [f"{case_id}/{PLACES}" for case_id in case_ids]
    ordered = select(case_effects.c.case_id).where(case_effects.c.lane.in_(lanes), case_effects.c.state.in_(_NOT_DONE))
    shown = _in_sight(case_ids).with_only_columns(case_places.c.case_id)
    return {*connection.execute(shown).scalars(), *connection.execute(ordered).scalars()}


def maybe_in_sight(connection: Connection, book: Book, case_id: str) -> int:
    """How much of a case may still be seen, as far as the platform has confirmed: places, and an order that waits.

    The order counts unless the platform has carried out one since the picture went down, and after all that is known
    of it was known: more fingerprints, or more that was made here of it, may be more posts.
    """
    places = connection.execute(_in_sight([case_id]).with_only_columns(func.count())).scalar_one()
    lane = case_effects.c.lane == f"{case_id}/{PLACES}"
    orders = connection.execute(select(func.count()).where(lane, case_effects.c.state.in_(_NOT_DONE))).scalar_one()
    if orders and (since := _down_since(book.events(connection, [case_id])[case_id])):
        queued = select(func.max(case_effects.c.created_at))
        indexed = connection.execute(queued.where(case_effects.c.lane == f"{case_id}/{INDEX}")).scalar()
        made = found_made_here_at(connection, book.row(connection, case_id).number)
        done = connection.execute(queued.where(lane, case_effects.c.state == DONE)).scalar()
        if done and done >= max(to_rfc3339(since), indexed or "", made or ""):
            orders = 0
    return int(places) + int(orders)


def _in_sight(case_ids: Collection[str]) -> Select[tuple[str]]:
    return select(case_places.c.id).where(
        case_places.c.case_id.in_(case_ids), case_places.c.visibility == Visibility.VISIBLE.value
    )


def _down_since(events: Sequence[Event]) -> datetime | None:
    """When the picture was last hidden or removed that could be seen before; None where it can be seen."""
    case: Case | None = None
    since: datetime | None = None
    for event in events:
        case = apply(case, event)
        if case.visibility is Visibility.VISIBLE:
            since = None
        elif since is None:
            since = event.at
    return since
