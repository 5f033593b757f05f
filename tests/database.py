"""Empty databases: migrated once and copied, since migrating costs more than most tests."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from safelight.store.database import Database, sqlite_url


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        database = Database(sqlite_url(path))
        database.migrate()
        database.close()
        return path.read_bytes()


def lay_empty(path: Path) -> None:
    """Put an empty database there, unless there is one."""
    if not path.exists():
        path.write_bytes(_migrated())


def empty_database(path: Path, *, timeout_s: float = 5.0) -> Database:
    """The database there, at first empty."""
    lay_empty(path)
    return Database(sqlite_url(path), timeout_s=timeout_s)
