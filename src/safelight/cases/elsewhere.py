"""What other cases keep out of sight of a picture that this one does not, or no longer."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, union_all

from safelight.cases.letters.compose import LetterKind
from safelight.cases.model import Visibility
from safelight.cases.sealing import GONE
from safelight.store.cases_tables import case_places, case_prints, cases


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Of the places and fingerprints of a case, how many another case has hidden or removed."""

    held: int
    of: int

    @property
    def is_whole(self) -> bool:
        """Whether there is nothing that this case could have shown again."""
        return 0 < self.held == self.of


def elsewhere(connection: Connection, case_id: str) -> Elsewhere:
    """Read it: as `orders.py` leaves out of an order what another case has down."""
    down = (cases.c.id != case_id) & (cases.c.visibility != Visibility.VISIBLE.value)
    held = union_all(*(select(table.c.digest).join(cases).where(down) for table in (case_places, case_prints)))
    own = union_all(
        select(case_places.c.digest).where(case_places.c.case_id == case_id, case_places.c.sealed != GONE),
        select(case_prints.c.digest).where(case_prints.c.case_id == case_id),
    ).subquery()
    count = select(func.count()).select_from(own)
    whole = connection.execute(count).scalar_one()
    return Elsewhere(connection.execute(count.where(own.c.digest.in_(held))).scalar_one() if whole else 0, whole)


def letter_once_shown(connection: Connection, case_id: str) -> LetterKind:
    """What the account is told of a picture that this case lets be seen."""
    return LetterKind.CLEARED if elsewhere(connection, case_id).held else LetterKind.RESTORED
