"""In which language an account's letters go out: as its platform said last, with a request or with a report.

Nothing is remembered of whoever's platform says nothing; their letters go out in the language of the settings.
"""

import re
from collections import OrderedDict

from sqlalchemy import Connection, delete, insert, select

from safelight.core.clock import Clock, to_rfc3339
from safelight.core.errors import BadInput, InputCode
from safelight.store.database import Database
from safelight.store.standing_tables import account_languages

_TAG = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*")
"""What is taken of BCP 47."""
_TAG_MAX_CHARS = 35
_REMEMBERED_MAX_COUNT = 10_000
"""Accounts whose language is known in memory: a header that says the same each time costs nothing."""


class Languages:
    """Notes what platforms say."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._noted: OrderedDict[str, str] = OrderedDict()

    async def note(self, subject_id: str, tag: str) -> None:
        """Remember an account's language. Raises BadInput for what is no language tag, StoreFailed."""
        if len(tag) > _TAG_MAX_CHARS or not _TAG.fullmatch(tag):
            raise BadInput(InputCode.FIELD_INVALID, "A language tag such as `en`, `cy` or `ar`.", param="language")
        if self._noted.get(subject_id) != tag:
            await self._database.write(lambda connection: set_language(connection, subject_id, tag, self._clock))
        self._noted[subject_id] = tag
        self._noted.move_to_end(subject_id)
        if len(self._noted) > _REMEMBERED_MAX_COUNT:
            self._noted.popitem(last=False)


def set_language(connection: Connection, subject_id: str, tag: str, clock: Clock) -> None:
    """Remember it, in a caller's transaction."""
    if language_of(connection, subject_id) == tag:
        return
    connection.execute(delete(account_languages).where(account_languages.c.subject_id == subject_id))
    row = {"subject_id": subject_id, "language": tag, "changed_at": to_rfc3339(clock())}
    connection.execute(insert(account_languages), [row])


def language_of(connection: Connection, subject_id: str) -> str | None:
    """As it was said last; None where it never was."""
    query = select(account_languages.c.language).where(account_languages.c.subject_id == subject_id)
    found: str | None = connection.execute(query).scalar()
    return found
