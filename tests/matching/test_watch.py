"""Silence is told once, exchanges are fetched when due, and one that fails keeps nothing else from being done."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from safelight.core.errors import NotStartable
from safelight.matching.banks import create_bank, events_of, touch
from safelight.matching.exchanges.subscriptions import Source, Subscription, due, read_subscriptions
from safelight.matching.hashes import BankHashes
from safelight.matching.model import Bank, BankCategory
from safelight.matching.watch import STALE, BankWatch, stale_banks
from safelight.store.database import Database
from tests.matching.conftest import NOW
from tests.matching.exchanges.server import Asked, Said, speaking
from tests.matching.test_intake import random_pdqs

FULL = """
[[exchange]]
bank = "list"
source = "stopncii"
url = "https://test.example/v1"
user_env = "A_USER"
secret_env = "A_SECRET"
every_min = 30
"""


def make(database: Database, name: str = "list", stale_after_h: int = 24) -> Bank:
    return database.write_here(
        lambda c: create_bank(
            c,
            name=name,
            owner="a test",
            source="x",
            category=BankCategory.NCII,
            stale_after_h=stale_after_h,
            now=NOW,
        )
    )


class Time:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_USER", "f")
    monkeypatch.setenv("A_SECRET", "s")


def test_a_silence_is_told_once_in_history_log_and_metric(database: Database, hashes: BankHashes) -> None:
    bank, time, told = make(database), Time(), list[int]()
    make(database, "never-stale", stale_after_h=0)
    watch = BankWatch(database, hashes, time, tell_stale=told.append)
    time.now = NOW + timedelta(hours=23)
    watch.look()
    time.now = NOW + timedelta(hours=25)
    with capture_logs() as logs:
        watch.look()
        watch.look()
    assert told == [0, 1, 1]
    assert [(line["event"], line["bank"], line["silent_h"]) for line in logs] == [("bank_stale", "list", 25.0)]
    kinds = [kind for _, kind, _ in database.read_here(lambda c: events_of(c, bank.number))]
    assert kinds == ["made", STALE]


def test_another_silence_is_told_again(database: Database, hashes: BankHashes) -> None:
    bank, time = make(database), Time()
    watch = BankWatch(database, hashes, time)
    for day in (2, 5):
        time.now = NOW + timedelta(days=day)
        watch.look()
        assert [one.name for one in database.read_here(lambda c: stale_banks(c, time.now))] == ["list"]
        database.write_here(lambda c: touch(c, bank.number, time.now))
        assert database.read_here(lambda c: stale_banks(c, time.now)) == []
    kinds = [kind for _, kind, _ in database.read_here(lambda c: events_of(c, bank.number))]
    assert kinds == ["made", STALE, STALE]


@pytest.fixture
def pdqs() -> list[bytes]:
    return random_pdqs(4)


def answers(pdqs: list[bytes]) -> Said:
    records = [
        {"lastModtimestamp": 100, "signalType": "ImagePDQ", "hashValue": one.hex(), "hashStatus": "Active"}
        for one in pdqs
    ]
    page = {"count": 4, "nextPageToken": None, "nextSetTimestamp": 101, "hasMoreRecords": False, "hashRecords": records}
    return Said(json.dumps(page).encode())


@pytest.mark.usefixtures("credentials")
def test_an_exchange_is_fetched_when_it_is_due_and_not_before(
    database: Database, hashes: BankHashes, pdqs: list[bytes]
) -> None:
    bank, time, asked = make(database), Time(), list[Asked]()

    def twin(question: Asked) -> Said:
        asked.append(question)
        return answers(pdqs)

    with speaking(twin) as server:
        one = Subscription("list", Source.STOPNCII, server.address, "A_USER", "A_SECRET", every_min=30)
        watch = BankWatch(database, hashes, time, subscriptions=[one])
        for minutes in (0, 10, 29, 31):
            time.now = NOW + timedelta(minutes=minutes)
            watch.look()
    assert len(asked) == 2
    assert hashes.count() == {bank.number: 4}


@pytest.mark.usefixtures("credentials")
def test_an_exchange_that_fails_is_told_and_keeps_nobody_waiting(
    database: Database, hashes: BankHashes, pdqs: list[bytes]
) -> None:
    make(database)
    other, time = make(database, "other"), Time()
    with speaking(lambda _: answers(pdqs)) as good, speaking(lambda _: Said(status=403)) as broken:
        ones = [
            Subscription("list", Source.STOPNCII, broken.address, "A_USER", "A_SECRET"),
            Subscription("other", Source.STOPNCII, good.address, "A_USER", "A_SECRET"),
        ]
        watch = BankWatch(database, hashes, time, subscriptions=ones)
        with capture_logs() as logs:
            watch.look()
            watch.look()
    assert [line["bank"] for line in logs if line["event"] == "exchange_failed"] == ["list"], "once, not each minute"
    assert hashes.count() == {other.number: 4}


def test_what_was_never_fetched_is_due(database: Database) -> None:
    one = Subscription("list", Source.NCMEC, "https://test.example", "A_USER", "A_SECRET")
    assert database.read_here(lambda c: due(c, [one], NOW)) == [one]


def test_the_file_says_who_is_fetched(tmp_path: Path) -> None:
    path = tmp_path / "exchanges.toml"
    assert read_subscriptions(path) == []
    path.write_text(FULL)
    url = "https://test.example/v1"
    assert read_subscriptions(path) == [Subscription("list", Source.STOPNCII, url, "A_USER", "A_SECRET", 30)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('bank = "list"', ""),
        ('source = "stopncii"', 'source = "other"'),
        ("every_min = 30", 'every_min = "30"'),
        ("every_min = 30", "every_min = 0"),
        ("every_min = 30", "every_min = true"),
        ("every_min = 30", "prodution = true"),
        ("[[exchange]]", "[exchange]"),
        ("every_min = 30", FULL),
        ('user_env = "A_USER"', 'user_env = ""'),
        ("every_min = 30", "every_min = "),
    ],
)
def test_a_file_that_is_not_as_agreed_does_not_start(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "exchanges.toml"
    path.write_text(FULL.replace(before, after, 1))
    with pytest.raises(NotStartable):
        read_subscriptions(path)
