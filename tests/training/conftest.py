"""The grammar, and what it gives once: made for all tests that only read it."""

import pytest
from training.grammar.generate import Grammar
from training.grammar.rows import Row


@pytest.fixture(scope="session")
def grammar() -> Grammar:
    return Grammar()


@pytest.fixture(scope="session")
def drawn(grammar: Grammar) -> list[Row]:
    """Every template drawn at least once, with seed 1."""
    return list(grammar.rows(1, seed=1))
