"""A database and an empty set of banks, and pictures that may be shown to anyone."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from safelight.matching.hashes import BankHashes
from safelight.matching.known import KnownImages
from safelight.store.database import Database
from tests.database import empty_database

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = b"\7" * 32


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = empty_database(tmp_path / "test.db")
    yield database
    database.close()


@pytest.fixture
def hashes(tmp_path: Path) -> BankHashes:
    return BankHashes(tmp_path / "banks", SECRET)


@pytest.fixture
def known(database: Database, hashes: BankHashes, monkeypatch: pytest.MonkeyPatch) -> KnownImages:
    """That looks at the banks anew each time."""
    monkeypatch.setattr("safelight.matching.known._BANKS_MAX_AGE_S", -1.0)
    return KnownImages(database, hashes)
