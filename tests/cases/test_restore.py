"""A database that comes back from an older backup: no clock is lost, nothing that was reported is shown at 48 hours,
and a log that is older than its kept head does not start at all."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from safelight.cases.draft import Declarations
from safelight.cases.takedown.memory import MemoryPlatform, MemoryPost
from safelight.core.errors import SafelightError
from safelight.settings import Settings
from safelight.wiring import Safelight
from tests.cases.house import KEEP, MODERATOR, START, House, house, post, print_of, report
from tests.detectors import scripted_detectors
from tests.matching.pictures import hash_of, photo

NOT_DECLARED = Declarations(shows_intimate_content=True)
PICTURE = photo("astronaut", 256, 256)
OTHER = photo("rocket", 256, 256)


class Town:
    """A platform that goes on, whatever becomes of the database behind it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = START
        self.platform = MemoryPlatform(lambda: self.now)

    @contextmanager
    def house(self, *, begin: bool = False) -> Iterator[House]:
        with house(self.folder, now=self.now, begin=begin, platform=self.platform) as opened:
            self.platform.clock = opened.clock
            yield opened
            self.now = opened.now

    def keep(self) -> bytes:
        return (self.folder / "cases.db").read_bytes()

    def bring_back(self, backup: bytes) -> None:
        """The database alone, as operators do it: the index of fingerprints beside it is as it was."""
        for rest in ("cases.db-wal", "cases.db-shm"):
            (self.folder / rest).unlink(missing_ok=True)
        (self.folder / "cases.db").write_bytes(backup)


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr("safelight.matching.known._BANKS_MAX_AGE_S", -1.0)
    town = Town(tmp_path)
    town.platform.publish("p1", PICTURE)
    town.platform.publish("p2", OTHER)
    return town


def test_what_was_decided_after_the_backup_is_undecided_again_and_hidden_in_time(town: Town) -> None:
    """The platform has followed later orders than the database knows, and still takes the next one for newer."""
    with town.house(begin=True) as home:
        receipt = home.run(home.cases.receive(report(declarations=NOT_DECLARED), "here"))
        home.tick()
    backup = town.keep()
    with town.house() as home:
        home.travel(hours=1)
        home.decide(receipt.case_id, KEEP)
    assert town.platform.shows("p1")
    town.bring_back(backup)
    town.now = START + timedelta(hours=47)
    with town.house() as home:
        home.tick()
        assert not home.run(home.cases.is_visible(post("p1")))
        assert not town.platform.shows("p1")
        home.travel(hours=1)
        assert home.run(home.cases.figures(START, home.now)).breaches == 0


def test_what_was_reported_after_the_backup_is_hidden_and_stays_down_until_somebody_decides(town: Town) -> None:
    known = print_of(hash_of(OTHER))
    with town.house(begin=True) as home:
        home.run(home.cases.receive(report(fingerprints=(print_of(hash_of(PICTURE)),)), "here"))
        home.tick()
    backup = town.keep()
    with town.house() as home:
        for declarations, place in ((report().declarations, "p2"), (NOT_DECLARED, "p3")):
            town.platform.publish(place, OTHER)
            draft = report(places=(post(place),), fingerprints=(known,), declarations=declarations)
            lost = home.run(home.cases.receive(draft, "here"))
        home.tick()
    town.bring_back(backup)
    with town.house() as home:
        # The platform was told before; whoever asks is told no; and the gate goes on refusing.
        assert not town.platform.shows("p2")
        assert not home.run(home.cases.is_visible(fingerprint=known))
        assert home.known.look([OTHER]).matches
        # The next case is another's: it has not inherited the lost one's fingerprints.
        fresh = home.run(home.cases.receive(report(places=(post("p4"),)), "here"))
        home.tick()
        home.decide(fresh.case_id, KEEP)
        assert home.known.look([OTHER]).matches
        # Who reports it again is heard like anybody, and a decision counts for what was lost as well.
        again = home.run(home.cases.receive(report(places=(post("p2"),), fingerprints=(known,)), "here"))
        assert again.case_id not in (fresh.case_id, lost.case_id)
        home.tick()
        home.decide(again.case_id, KEEP)
        assert town.platform.shows("p2")
        assert home.run(home.cases.is_visible(fingerprint=known))
        assert not home.known.look([OTHER]).matches


def test_a_platform_that_was_told_to_watch_hides_by_itself_what_the_database_has_lost(town: Town) -> None:
    with town.house(begin=True):
        pass
    backup = town.keep()
    with town.house() as home:
        home.run(home.cases.receive(report(declarations=NOT_DECLARED), "here"))
        home.tick()
    town.bring_back(backup)
    with town.house() as home:
        home.travel(hours=46)
        assert town.platform.shows("p1")
        home.travel(hours=1)
        assert not home.run(home.cases.queue(MODERATOR)).rows
        assert not town.platform.shows("p1")


def test_a_service_with_a_database_that_is_older_than_its_log_does_not_start(tmp_path: Path) -> None:
    async def receive(place: str) -> None:
        settings = Settings(_env_file=None, data_dir=tmp_path, database_url="", open=True, host="127.0.0.1")
        detectors = list(scripted_detectors().values())
        platform = MemoryPlatform(lambda: START)
        async with Safelight(settings, detectors=detectors, platform=platform, post=MemoryPost()) as safelight:
            await safelight.cases.receive(report(places=(post(place),)), "here")

    asyncio.run(receive("p1"))
    shutil.copy(tmp_path / "safelight.db", tmp_path / "backup.db")
    asyncio.run(receive("p2"))
    for rest in ("safelight.db-wal", "safelight.db-shm"):
        (tmp_path / rest).unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.db", tmp_path / "safelight.db")
    with pytest.raises(SafelightError) as caught:
        asyncio.run(receive("p3"))
    assert caught.value.code == "ledger_rolled_back"
