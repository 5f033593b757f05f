"""One gate process without a gate: it opens the log, decides without end, and prints each receipt it was given."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from safelight.ledger.append import Ledger
from safelight.ledger.draft import Draft
from safelight.ledger.head_file import HeadFile
from safelight.ledger.keeper import Keeper
from safelight.store.database import Database, sqlite_url
from safelight.store.group import GroupCommit
from tests.ledger.store_log import decision
from tests.ledger.twin import KEY

AT_ONCE = 8
LASTS_S = 60.0
"""Should nobody kill it."""


async def main(folder: Path) -> None:
    """Write until killed."""
    clock = lambda: datetime.now(UTC)  # noqa: E731 (the shortest clock)
    database = Database(sqlite_url(folder / "log.db"), timeout_s=20)
    ledger = Ledger(KEY, clock)
    keeper = Keeper(database, ledger, HeadFile(folder / "log.head", KEY.public()), clock, behind_max_s=20)
    await keeper.open(release="1", policy="sha256:aa", models=["one@1"])
    group: GroupCommit[Draft, str] = GroupCommit(
        database, lambda c, items: [ledger.receipt(one) for one in ledger.append(c, items)]
    )

    async def ask() -> None:
        while True:
            sys.stdout.write(await group.add(decision()) + "\n")
            sys.stdout.flush()

    async with asyncio.timeout(LASTS_S):
        await asyncio.gather(*(ask() for _ in range(AT_ONCE)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
