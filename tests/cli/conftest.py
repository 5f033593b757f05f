"""What every test of a command stands on."""

import pytest

from safelight.cli.output import console


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """No table wraps: how long the paths in it are is the machine's, not the test's."""
    monkeypatch.setattr(console, "width", 240)
