"""A running Safelight with the public pages, a platform and a post in memory, and a clock that a test can move."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from safelight.cases.records import PLACES, WAITING
from safelight.cases.takedown.memory import MemoryPlatform, MemoryPost
from safelight.core.clock import utc_now
from safelight.store.cases_tables import case_effects
from tests.detectors import scripted_detectors
from tests.service import Service, serving


@dataclass
class MovableClock:
    """The machine's clock, moved on by what a test says."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


def settle(service: Service) -> None:
    """Wait until the platform has done what it was told so far."""
    waiting = select(func.count()).where(case_effects.c.kind == PLACES, case_effects.c.state == WAITING)
    for _ in range(200):
        if service.sql(lambda c: c.execute(waiting).scalar_one()) == 0:
            return
        time.sleep(0.05)
    raise AssertionError("the platform was not told in time")


@pytest.fixture(scope="package")
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="package")
def platform(clock: MovableClock) -> MemoryPlatform:
    return MemoryPlatform(clock)


@pytest.fixture(scope="package")
def service(
    tmp_path_factory: pytest.TempPathFactory, clock: MovableClock, platform: MemoryPlatform
) -> Iterator[Service]:
    with serving(
        tmp_path_factory.mktemp("public"),
        detectors=list(scripted_detectors().values()),
        platform=platform,
        post=MemoryPost(),
        clock=clock,
    ) as running:
        yield running
