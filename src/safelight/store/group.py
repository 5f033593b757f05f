"""Group commit: what is asked while the writer is busy goes into one transaction, and waits for the disk once.

Each caller gets an answer when, and only when, the transaction that holds its item has been committed. A group that the
database refuses for what is in it is tried again one by one, so that nobody fails for a neighbour's sake.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError

from safelight.core.errors import StoreFailed
from safelight.store.database import Database

Item = TypeVar("Item")
Result = TypeVar("Result")

GROUP_MAX_COUNT = 256
"""Items in one transaction."""


class GroupCommit(Generic[Item, Result]):
    """Writes items of one kind."""

    def __init__(
        self,
        database: Database,
        write: Callable[[Connection, Sequence[Item]], Sequence[Result]],
        max_count: int = GROUP_MAX_COUNT,
    ) -> None:
        """`write` puts a group into the transaction and gives one result an item, in order.

        `max_count`: items in one transaction; fewer where one costs much, since a transaction has to end in time.
        """
        self._max_count = max_count
        self._database = database
        self._write = write
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> Result:
        """Write `item`; returns once it is committed. Raises StoreFailed, or what `write` raises."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return await future

    async def _write_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[: self._max_count], self._waiting[self._max_count :]
            await self._write_group(group)

    async def _write_group(self, group: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        items = [item for item, _ in group]
        try:
            results = await self._database.write(lambda connection: self._write(connection, items))
        except BaseException as error:
            if (
                len(group) > 1
                and isinstance(error, StoreFailed)
                and isinstance(error.__cause__, (IntegrityError, DataError))
            ):
                for one in group:
                    await self._write_group([one])
                return
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for (_, future), result in zip(group, results, strict=True):
            if not future.done():  # whoever waited may have gone
                future.set_result(result)
