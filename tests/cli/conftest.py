"""Commands run inside the test process must leave no trace of their settings there."""

from collections.abc import Iterator

import pytest
import structlog

from safelight.cli.output import console


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A command points the logs at its own standard error, which a runner closes: put them back."""
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """No table wraps: how long the paths in it are is the machine's, not the test's."""
    monkeypatch.setattr(console, "width", 240)
