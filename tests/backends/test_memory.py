"""The in-memory twin keeps the contract, so a test that uses it stands for every backend."""

import pytest

from safelight.backends.memory import MemoryBackend
from safelight.backends.ports import Job
from safelight.core.errors import BackendRefused
from safelight.core.request import Operation
from tests.backends.contract import BackendContract
from tests.upstream import picture

pytestmark = pytest.mark.anyio


class TestMemoryBackend(BackendContract):
    @pytest.fixture
    def backend(self) -> MemoryBackend:
        return MemoryBackend(picture(), partials=(picture(32),))

    async def test_answers_what_was_prepared_then_the_picture(self, backend: MemoryBackend) -> None:
        backend.answers.append(BackendRefused("no"))
        with pytest.raises(BackendRefused):
            await backend.make(Job(Operation.GENERATE, "a hill"))
        assert (await backend.make(Job(Operation.GENERATE, "a hill"))).images == (picture(),)
        assert len(backend.jobs) == 2
