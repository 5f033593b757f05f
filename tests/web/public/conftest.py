"""A running Safelight with the public pages, a platform and a post in memory, and a clock that a test can move."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from safelight.cases.takedown.memory import MemoryPlatform, MemoryPost
from safelight.core.clock import utc_now
from tests.detectors import scripted_detectors
from tests.service import Service, serving


@dataclass
class MovableClock:
    """The machine's clock, moved on by what a test says."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@pytest.fixture(scope="package")
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory, clock: MovableClock) -> Iterator[Service]:
    with serving(
        tmp_path_factory.mktemp("public"),
        detectors=list(scripted_detectors().values()),
        platform=MemoryPlatform(clock),
        post=MemoryPost(),
        clock=clock,
    ) as running:
        yield running
