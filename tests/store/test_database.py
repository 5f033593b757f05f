"""One work, one transaction; a database that does not answer is an error in time, never a wait without end."""

import asyncio
import re
import resource
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, insert, select

from safelight.core.errors import NotStartable, StoreFailed
from safelight.core.request import Standing
from safelight.store.database import Database, make_data_dir, sqlite_url
from safelight.store.tables import metadata, subjects

ROW = {"id": "sub_1", "standing": Standing.GOOD.value, "reason": "", "changed_at": "2026-11-22T12:00:00.000000Z"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "test.db"


def opened(path: Path, timeout_s: float = 5.0) -> Database:
    database = Database(sqlite_url(path), timeout_s=timeout_s)
    database.migrate()
    return database


def test_a_new_database_is_its_owner_s_alone_and_stays_as_it_was_shared(path: Path) -> None:
    opened(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    database = opened(path)
    try:
        assert {file.stat().st_mode & 0o777 for file in path.parent.glob("test.db*")} == {0o640}
    finally:
        database.close()


def test_the_migrations_make_the_tables_that_the_code_uses(path: Path) -> None:
    opened(path).close()
    engine = create_engine(sqlite_url(path))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_migrating_twice_changes_nothing(path: Path) -> None:
    opened(path).close()
    opened(path).close()


def test_a_migration_that_is_broken_off_can_be_made_again(path: Path) -> None:
    """A disk that fills up half-way; a process that is killed leaves the same."""
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, most))
    try:
        with pytest.raises(StoreFailed, match="look at its folder, its disk"):
            opened(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))
    opened(path).close()


@pytest.mark.parametrize("url", ["nonsense", "nosuch://u:secret@h/d", "postgresql+nosuch://u:secret@h/d"])
def test_an_address_that_is_none_is_named_without_its_password(url: str) -> None:
    with pytest.raises(NotStartable, match="SAFELIGHT_DATABASE_URL") as caught:
        Database(url)
    assert "secret" not in caught.value.message


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "within"):
        with pytest.raises(NotStartable, match=re.escape(str(folder))):
            make_data_dir(folder)


def test_what_was_written_is_there_after_reopening(path: Path) -> None:
    database = opened(path)
    asyncio.run(database.write(lambda c: c.execute(insert(subjects), [ROW]).close()))
    database.close()
    database = opened(path)
    assert asyncio.run(database.read(lambda c: c.execute(select(subjects.c.id)).scalars().all())) == ["sub_1"]
    database.close()


def test_a_work_that_fails_leaves_nothing(path: Path) -> None:
    database = opened(path)

    def half(connection: object) -> None:
        connection.execute(insert(subjects), [ROW])  # type: ignore[attr-defined]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(database.write(half))
    assert asyncio.run(database.read(lambda c: c.execute(select(subjects)).all())) == []
    database.close()


@pytest.mark.parametrize("how", ["read", "write"])
def test_what_a_work_that_failed_was_reading_stands_in_no_later_work_s_way(path: Path, how: str) -> None:
    """Whoever holds the error holds what was being read: every write was refused until they let go of it."""
    database = opened(path)
    more = [{**ROW, "id": f"sub_{number}"} for number in range(2000)]
    asyncio.run(database.write(lambda c: c.execute(insert(subjects), more).close()))

    def stops(connection: Connection) -> None:
        halfway = connection.connection.cursor().execute("SELECT id FROM subjects")  # type: ignore[func-returns-value]
        halfway.fetchone()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as held:
        asyncio.run(getattr(database, how)(stops))
    other = sqlite3.connect(path)
    with other:
        other.execute("UPDATE subjects SET reason = 'seen'")
    other.close()
    for number in range(4):  # more than there are connections
        again = {**ROW, "id": f"sub_x{number}"}
        asyncio.run(database.write(lambda c, again=again: c.execute(insert(subjects), [again]).close()))
    assert held.tb is not None
    database.close()


def test_a_read_keeps_nothing(path: Path) -> None:
    database = opened(path)
    asyncio.run(database.read(lambda c: c.execute(insert(subjects), [ROW]).close()))
    assert asyncio.run(database.read(lambda c: c.execute(select(subjects)).all())) == []
    database.close()


def test_a_locked_database_is_an_error_in_time(path: Path) -> None:
    database = opened(path, timeout_s=0.5)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreFailed):
        asyncio.run(database.ping())
    other.execute("ROLLBACK")
    other.close()
    asyncio.run(database.ping())
    database.close()


def test_a_file_that_is_no_database_is_an_error(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(StoreFailed):
        opened(path)


def test_a_closed_database_is_an_error(path: Path) -> None:
    database = opened(path)
    database.close()
    with pytest.raises(StoreFailed):
        asyncio.run(database.ping())


def test_writes_from_many_tasks_are_all_kept(path: Path) -> None:
    database = opened(path)

    async def write_all() -> None:
        rows = [ROW | {"id": f"sub_{number}"} for number in range(100)]
        await asyncio.gather(
            *(database.write(lambda c, row=row: c.execute(insert(subjects), [row]).close()) for row in rows)
        )

    asyncio.run(write_all())
    assert len(asyncio.run(database.read(lambda c: c.execute(select(subjects.c.id)).all()))) == 100
    database.close()


def add_row(connection: Connection) -> None:
    connection.execute(insert(subjects), [ROW])


def test_beside_the_loop_reads_and_writes_are_as_safe(path: Path) -> None:
    database = opened(path)
    database.write_here(add_row)
    assert database.read_here(lambda c: c.execute(select(subjects.c.id)).scalars().all()) == ["sub_1"]
    with pytest.raises(StoreFailed):
        database.write_here(add_row)
    database.close()
    with pytest.raises(StoreFailed):
        database.write_here(add_row)


def test_a_read_is_one_snapshot_and_a_write_is_not_overtaken(path: Path) -> None:
    """Two processes, as two `Database`s: what one of them has read stands until its work ends."""
    one, other = opened(path), opened(path, timeout_s=0.5)

    def count(connection: Connection) -> int:
        return len(connection.execute(select(subjects.c.id)).all())

    def read_twice(connection: Connection) -> tuple[int, int]:
        first = count(connection)
        other.write_here(lambda c: c.execute(insert(subjects), [ROW]).close())
        return first, count(connection)

    def read_then_write(connection: Connection) -> int:
        with pytest.raises(StoreFailed):
            other.write_here(lambda c: c.execute(insert(subjects), [ROW | {"id": "sub_2"}]).close())
        return count(connection)

    assert one.read_here(read_twice) == (0, 0)
    assert one.read_here(count) == 1
    assert one.write_here(read_then_write) == 1
    one.close()
    other.close()


def test_whoever_is_told_to_stop_as_the_work_ends_stops(path: Path) -> None:
    async def stopped() -> bool:
        task = asyncio.create_task(database.write(lambda _: None))
        await asyncio.sleep(0)  # the task waits for the writer now
        database.write_here(lambda _: None)  # which has done its work, and the loop has not seen it yet
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    database = opened(path)
    assert asyncio.run(stopped())
    database.close()
