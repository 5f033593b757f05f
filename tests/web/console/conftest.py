"""One console for the tests of a file: members and cases are each test's own."""

from collections.abc import Iterator

import pytest

from tests.web.console.studio import Studio, studio


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A running console."""
    with studio(tmp_path_factory.mktemp("console")) as opened:
        yield opened
