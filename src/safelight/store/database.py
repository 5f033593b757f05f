"""The unit of work: one function, one transaction, committed before its result is seen.

Rules of this module
- Only `write` changes anything, and all writes go through one thread: SQLite has one writer, and queueing here is
  fairer than its busy loop.
- A write or read that is not done within `timeout_s` raises StoreFailed. The write may still be committed later: what
  is recorded without being released is safe, the other way round is not.
- SQLite runs in WAL with `synchronous=FULL`: a commit that was answered survives a power cut.
- SQLite writes on into a file that was removed or replaced under it, where nobody will ever read. So nothing is
  committed once the file of that name is not the one that was opened.
- SQLite's driver would begin a transaction only at the first change, so that what a work had read before may be
  overtaken by another process. Each work begins its own: a write takes the lock at once, a read takes its snapshot.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import alembic.command
import alembic.config
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from safelight.core.errors import NotStartable, StoreFailed

T = TypeVar("T")
_READERS = 2


class Database:
    """A SQL database. Open it with `Database(url)`, then `migrate()`; `close()` when done."""

    def __init__(self, url: str, *, timeout_s: float = 5.0) -> None:
        """Opens no connection. Raises NotStartable for an address that cannot be one."""
        self._timeout_s = timeout_s
        try:
            self._engine = create_engine(url, connect_args=_connect_args(url, timeout_s), pool_size=_READERS + 1)
        except (SQLAlchemyError, ImportError) as error:  # its own message would quote the address, password included
            raise NotStartable(
                f"SAFELIGHT_DATABASE_URL is no address of a database, or its driver is not installed "
                f"({type(error).__name__}); leave it empty for a SQLite file in the data folder"
            ) from error
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        self._opened: tuple[int, int] | None = None
        """Which file SQLite has open: its device and its number there."""
        self._last_write_failed = False
        if self._is_sqlite:
            event.listen(self._engine, "connect", _configure_sqlite)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")

    def migrate(self) -> None:
        """Bring the schema to the newest version, or leave it as it was. Raises StoreFailed."""
        config = alembic.config.Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        try:
            with self._engine.begin() as connection:
                # One transaction, and one process at a time: what is broken off half-way would never start again.
                self._begin(connection, "BEGIN IMMEDIATE")
                config.attributes["connection"] = connection
                alembic.command.upgrade(config, "head")
            self._opened = self._file()
        except SQLAlchemyError as error:
            cause = error.orig if isinstance(error, DBAPIError) else type(error).__name__
            message = (
                f"the database could not be opened or migrated ({cause}); look at its folder, its disk and its lock"
            )
            raise StoreFailed(message) from error

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction and return its result once that is committed. Raises StoreFailed."""
        return await self._run(self._writer, self._in_transaction, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a snapshot; nothing that it changes is kept. Raises StoreFailed."""
        return await self._run(self._readers, self._in_snapshot, work)

    def read_here(self, work: Callable[[Connection], T]) -> T:
        """As `read`, in the calling thread, for callers that run beside the event loop. Raises StoreFailed."""
        try:
            return self._in_snapshot(work)
        except SQLAlchemyError as error:
            raise StoreFailed(f"the database failed ({_kind(error)})") from error

    def write_here(self, work: Callable[[Connection], T]) -> T:
        """As `write`, for callers that run beside the event loop: they wait for the one writer. Raises StoreFailed."""
        try:
            return self._writer.submit(self._in_transaction, work).result(self._timeout_s)
        except TimeoutError as error:
            raise StoreFailed(f"the database did not answer within {self._timeout_s:g} s; try again") from error
        except (SQLAlchemyError, RuntimeError) as error:
            raise StoreFailed(f"the database failed ({_kind(error)})") from error

    async def ping(self) -> None:
        """Show that the database answers and lets itself be locked for writing. Raises StoreFailed.

        Something is written only where the last write failed, to see whether that is over: a full disk shows from the
        first `record_failed` until there is room again.
        """
        await self.write(self._prove)

    def close(self) -> None:
        """Wait for the work under way, then let go of the database."""
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        self._engine.dispose()

    async def _run(self, threads: ThreadPoolExecutor, how: Callable[[Callable[[Connection], T]], T], work: Any) -> T:
        try:
            # Not `wait_for`: before Python 3.12 it swallows a cancellation that comes as the work ends, and a task that
            # was told to stop goes on for ever.
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.get_running_loop().run_in_executor(threads, how, work)
        except TimeoutError as error:
            raise StoreFailed(f"the database did not answer within {self._timeout_s:g} s; try again") from error
        except (SQLAlchemyError, RuntimeError) as error:  # RuntimeError: the threads have been shut down
            raise StoreFailed(f"the database failed ({_kind(error)}); nothing was released") from error

    def _in_transaction(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._engine.begin() as connection:
                self._begin(connection, "BEGIN IMMEDIATE")
                result = _done(work, connection)
                if self._opened is not None and self._file() != self._opened:
                    raise StoreFailed(
                        "the database's file was moved or replaced while the service runs, so nothing is recorded or "
                        "released; put it back, or stop every process on it and start again"
                    )
        except OperationalError:
            self._last_write_failed = True
            raise
        self._last_write_failed = False
        return result

    def _prove(self, connection: Connection) -> None:
        connection.execute(text("SELECT 1")).close()
        if self._last_write_failed and self._is_sqlite:
            connection.exec_driver_sql("PRAGMA user_version = 0")  # as it is; written all the same

    def _file(self) -> tuple[int, int] | None:
        """The file that has the database's name now; none for another database than SQLite in a file."""
        name = self._engine.url.database
        if not self._is_sqlite or not name or name == ":memory:" or name.startswith("file:"):
            return None
        try:
            found = Path(name).stat()
        except OSError:
            return (0, 0)
        return found.st_dev, found.st_ino

    def _in_snapshot(self, work: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            self._begin(connection, "BEGIN")
            return _done(work, connection)

    def _begin(self, connection: Connection, how: str) -> None:
        if self._is_sqlite:
            connection.exec_driver_sql(how)


def _done(work: Callable[[Connection], T], connection: Connection) -> T:
    """What `work` comes to. A connection on which it failed is not used again.

    What it was reading stays open for as long as anybody holds the error, with the snapshot that it was read from: the
    next write on that connection would be refused (SQLITE_BUSY_SNAPSHOT), and so would everything that was to be kept.
    """
    try:
        return work(connection)
    except BaseException:
        connection.rollback()
        connection.invalidate()
        raise


def _kind(error: Exception) -> str:
    """What went wrong, such as SQLITE_FULL; never the statement or what was in it."""
    return str(getattr(getattr(error, "orig", None), "sqlite_errorname", type(error).__name__))


def overwrite_deleted(connection: Connection) -> None:
    """Have what this connection deletes or replaces from here on overwritten in the file, not only unlinked."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def make_data_dir(folder: Path) -> None:
    """The data folder or one in it, for its owner only, where it is not there yet. Raises NotStartable."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise NotStartable(f"The data folder {folder} cannot be made ({error.strerror}); name another one.") from error


def sqlite_url(path: Path) -> str:
    """The address of a SQLite file."""
    return f"sqlite:///{path}"


def _connect_args(url: str, timeout_s: float) -> dict[str, Any]:
    # SQLite's own wait for a lock must end before ours, so that the error names the cause.
    return {"timeout": timeout_s * 0.8, "check_same_thread": False} if url.startswith("sqlite") else {}


def _configure_sqlite(connection: Any, _record: Any) -> None:
    path = Path(connection.execute("PRAGMA database_list").fetchone()[2])
    if path.is_file() and not path.stat().st_size:
        path.chmod(0o600)  # new: its owner's alone, in a folder that others may read too; the WAL file follows
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
