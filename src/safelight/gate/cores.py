"""CPU work off the event loop, on no more cores than there are.

A thread cannot be stopped in Python. Work that overruns its deadline is therefore given up, its core is lent to others,
and its owner is told how many such threads it has, so that it stops asking before they pile up.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class TooLate(Exception):
    """The work did not end before its deadline."""


class TooBusy(Exception):
    """The work did not begin: too many threads of this lane are held by work that overran its deadline."""


class NoCoreFree(TooBusy):
    """The work did not begin: no core came free before its deadline."""


class Cores:
    """The right to use a core; shared by every lane."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = asyncio.Semaphore(count)

    def lane(self, name: str) -> "Lane":
        """A lane of its own for one kind of work, so that one that hangs holds up no other."""
        return Lane(name, self.count, self._free)


class Lane:
    """Threads for one kind of work."""

    def __init__(self, name: str, count: int, free: asyncio.Semaphore) -> None:
        # Twice as many threads as cores: until as many hang as there are cores, as many as there are cores are left.
        self._threads = ThreadPoolExecutor(2 * count, thread_name_prefix=name)
        self._count = count
        self._free = free
        self._overdue = 0

    @property
    def is_stuck(self) -> bool:
        """Whether as many threads as there are cores are held by work that overran its deadline."""
        return self._overdue >= self._count

    async def run(self, work: Callable[[], T], *, deadline: float) -> T:
        """Run `work` in a thread once a core is free.

        `deadline` is on the event loop's clock. Raises TooLate, TooBusy (NoCoreFree), or what `work` raised.
        """
        loop = asyncio.get_running_loop()
        if self.is_stuck:
            raise TooBusy
        try:
            async with asyncio.timeout_at(deadline):
                await self._free.acquire()
        except TimeoutError as error:
            raise NoCoreFree from error
        future: asyncio.Future[T] | None = None
        try:
            future = loop.run_in_executor(self._threads, work)
            done, _ = await asyncio.wait({future}, timeout=max(0.0, deadline - loop.time()))
        finally:
            self._free.release()
            if future and not future.done():  # overran, or whoever asked has gone: the thread works on, unwatched
                self._overdue += 1
                future.add_done_callback(self._came_back)
        if not done:
            raise TooLate
        return future.result()

    def _came_back(self, future: "asyncio.Future[T]") -> None:
        self._overdue -= 1
        if not future.cancelled():
            future.exception()  # looked at, so that asyncio does not complain: its asker was told TooLate

    def close(self) -> None:
        """Take no more work. Python itself waits for running threads when the process ends."""
        self._threads.shutdown(wait=False, cancel_futures=True)
