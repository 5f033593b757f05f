"""A bank to sync into."""

import pytest

from safelight.matching.banks import create_bank
from safelight.matching.model import Bank, BankCategory
from safelight.store.database import Database
from tests.matching.conftest import NOW


@pytest.fixture
def bank(database: Database) -> Bank:
    return database.write_here(
        lambda c: create_bank(c, name="list", owner="a test", source="x", category=BankCategory.NCII, now=NOW)
    )
