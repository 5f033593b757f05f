"""Commands run inside the test process must leave no trace of their settings there."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A command points the logs at its own standard error, which a runner closes: put them back."""
    yield
    structlog.reset_defaults()
