"""A database on its own, and moments."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

import pytest
from sqlalchemy import Connection

from tests.database import empty_database

T = TypeVar("T")


class Run(Protocol):
    """Runs one piece of work in one transaction."""

    def __call__(self, work: Callable[[Connection], T]) -> T:
        """What `work` gives, once it is committed."""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Runs one piece of work in one transaction."""
    database = empty_database(tmp_path / "staff.db")
    yield database.write_here
    database.close()
