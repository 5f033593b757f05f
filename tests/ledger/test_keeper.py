"""One process's side of the log: whoever began says that it ends, however early it is told to stop."""

import asyncio
import contextlib
import json
from pathlib import Path

from sqlalchemy import Connection, select

from safelight.core.clock import utc_now
from safelight.ledger.append import Ledger
from safelight.ledger.head_file import HeadFile
from safelight.ledger.keeper import Keeper
from safelight.store.tables import ledger_leaves
from tests.database import empty_database
from tests.ledger.twin import KEY


def kinds(connection: Connection) -> list[str]:
    return [json.loads(content)["kind"] for content in connection.execute(select(ledger_leaves.c.content)).scalars()]


def test_told_to_stop_right_after_its_first_leaf_it_says_in_the_log_that_it_ended(tmp_path: Path) -> None:
    database = empty_database(tmp_path / "log.db")
    head_file = HeadFile(tmp_path / "log.head", KEY.public())
    keeper = Keeper(database, Ledger(KEY, utc_now), head_file, utc_now, behind_max_s=20)

    async def run() -> list[str]:
        opening = asyncio.create_task(keeper.open(release="1", policy="sha256:aa", models=["one@1"]))
        while not await database.read(kinds):
            await asyncio.sleep(0)
        opening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await opening
        await keeper.close()
        return await database.read(kinds)

    try:
        written = asyncio.run(run())
    finally:
        database.close()
    assert (written[0], written[-1]) == ("process_start", "process_end")
