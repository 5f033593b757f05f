"""StopNCII: pages, withdrawals, unknown types and every fault that a list can have."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from safelight.core.clock import utc_now
from safelight.matching.banks import create_bank
from safelight.matching.errors import ExchangeFailed
from safelight.matching.exchanges.stopncii import Feedback, StopNcii
from safelight.matching.exchanges.sync import checkpoint_of, sync
from safelight.matching.hashes import BankHashes
from safelight.matching.intake import Taken
from safelight.matching.model import Bank, BankCategory
from safelight.store.database import Database
from tests.matching.exchanges.server import Asked, Exchange, Said, speaking
from tests.matching.test_intake import random_pdqs

PDQS = random_pdqs(40)


def record(number: int, status: str = "Active", at: int = 100, kind: str = "ImagePDQ") -> dict[str, Any]:
    return {
        "lastModtimestamp": at,
        "signalType": kind,
        "hashValue": PDQS[number].hex(),
        "hashStatus": status,
        "caseNumbers": {},
        "CSPFeedbacks": [],
    }


@dataclass
class Twin:
    """Answers as StopNCII does; the test may reorder or repeat its pages."""

    records: list[dict[str, Any]] = field(default_factory=list)
    page_size: int = 10
    order: list[int] | None = None
    posted: list[tuple[str, Any]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Said:
        if asked.headers.get("x-functions-key") != "f" or asked.headers.get("ocp-apim-subscription-key") != "s":
            return Said(status=401)
        if asked.method == "POST":
            self.posted.append((asked.path, json.loads(asked.body)))
            return Said(b"{}")
        start = int(asked.query["startTimestamp"])
        new = [one for one in self.records if one["lastModtimestamp"] >= start]
        pages = [new[n : n + self.page_size] for n in range(0, len(new), self.page_size)] or [[]]
        order = self.order or list(range(len(pages)))
        place = int(asked.query.get("nextPageToken", "t0")[1:])
        more = place + 1 < len(order)
        answer = {
            "count": len(pages[order[place]]),
            "nextPageToken": f"t{place + 1}" if more else None,
            "nextSetTimestamp": max((one["lastModtimestamp"] for one in self.records), default=start),
            "hasMoreRecords": more,
            "hashRecords": pages[order[place]],
        }
        return Said(json.dumps(answer).encode())


@pytest.fixture
def twin() -> Twin:
    return Twin()


@pytest.fixture
def server(twin: Twin) -> Iterator[Exchange]:
    with speaking(twin) as server:
        yield server


@dataclass
class Run:
    """A run against the twin, and what is in the bank after it."""

    database: Database
    hashes: BankHashes
    bank: Bank
    exchange: StopNcii

    def __call__(self) -> Taken:
        return sync(self.database, self.hashes, self.bank, self.exchange, utc_now)

    def held(self) -> set[int]:
        return {number for number, one in enumerate(PDQS) if self.hashes.near([one], 0)}

    @property
    def checkpoint(self) -> str:
        return self.database.read_here(
            lambda connection: checkpoint_of(connection, self.exchange.name, self.bank.number)
        )


@pytest.fixture
def run(database: Database, hashes: BankHashes, bank: Bank, server: Exchange) -> Iterator[Run]:
    exchange = StopNcii.connect(server.address, function_key="f", subscription_key="s", sleep=lambda _s: None)
    yield Run(database, hashes, bank, exchange)
    exchange.close()


def test_every_page_is_taken_in_and_the_next_run_begins_there(run: Run, twin: Twin, server: Exchange) -> None:
    twin.records = [record(number, at=100 + number) for number in range(25)]
    assert run().added == 25
    assert run.held() == set(range(25))
    assert run.checkpoint == "124"
    twin.records.append(record(30, "Received", at=200))
    assert run().added == 1
    assert server.asked[-1].query["startTimestamp"] == "124"


def test_another_bank_and_another_address_begin_at_the_beginning(
    run: Run, twin: Twin, database: Database, server: Exchange
) -> None:
    """A test environment is tried before the list, and a new bank made for one that was removed: neither has a hole."""
    twin.records = [record(number, at=100 + number) for number in range(5)]
    assert run().added == 5
    other = database.write_here(
        lambda c: create_bank(c, name="o", owner="o", source="s", category=BankCategory.NCII, now=utc_now())
    )
    assert sync(database, run.hashes, other, run.exchange, utc_now).added == 5
    elsewhere = f"{server.address}/test"
    exchange = StopNcii.connect(elsewhere, function_key="f", subscription_key="s", sleep=lambda _s: None)
    try:
        sync(database, run.hashes, run.bank, exchange, utc_now)
    finally:
        exchange.close()
    assert [asked.query["startTimestamp"] for asked in server.asked] == ["0", "0", "0"]
    run()
    assert server.asked[-1].query["startTimestamp"] == "104"


def test_withdrawn_and_deleted_go(run: Run, twin: Twin) -> None:
    twin.records = [record(number) for number in range(6)]
    run()
    twin.records = [record(0, "Withdrawn", at=101), record(1, "Deleted", at=102)]
    assert run().withdrawn == 2
    assert run.held() == {2, 3, 4, 5}


def test_repeated_and_reordered_pages_change_nothing(run: Run, twin: Twin) -> None:
    twin.records = [record(number, at=100) for number in range(30)]
    twin.records[0] = record(25, "Withdrawn", at=150)  # its tombstone comes before it
    twin.order = [0, 2, 1, 0, 2]
    run()
    assert run.held() == set(range(1, 30)) - {25}


def test_a_tombstone_holds_in_a_later_run_and_a_newer_entry_overcomes_it(run: Run, twin: Twin) -> None:
    twin.records = [record(3, "Deleted", at=150)]
    run()
    twin.records = [record(3, "Active", at=150)]
    run()
    assert run.held() == set()
    twin.records = [record(3, "Active", at=151)]
    run()
    assert run.held() == {3}


def test_an_old_withdrawal_does_not_undo_a_newer_listing_of_the_same_page(run: Run, twin: Twin) -> None:
    twin.records = [record(3, "Active", at=200), record(3, "Withdrawn", at=150)]
    run()
    assert run.held() == {3}


def test_unknown_types_and_states_are_counted(run: Run, twin: Twin) -> None:
    broken = record(1) | {"hashValue": "xyz"}
    twin.records = [record(0), record(1, kind="VideoTMK"), record(2, "Paused"), broken]
    taken = run()
    assert taken.added == 1
    assert taken.aside == {"VideoTMK Active": 1, "ImagePDQ Paused": 1, "pdq that does not parse": 1}


@pytest.mark.parametrize(
    "fault",
    [
        Said(status=500),
        Said(b'{"count": 1, "hashRec', dies_after=10),
        Said(b"<html>maintenance</html>"),
        Said(b'{"hashRecords": "none", "hasMoreRecords": true}'),
        Said(b'{"hashRecords": [7], "hasMoreRecords": false, "nextSetTimestamp": 5}'),
        Said(b'{"hashRecords": [], "hasMoreRecords": true, "nextPageToken": null}'),
        Said(b"[]"),
    ],
    ids=["500", "dies", "html", "no list", "no record", "no token", "no object"],
)
def test_a_run_that_breaks_goes_on_where_it_broke(run: Run, twin: Twin, server: Exchange, fault: Said) -> None:
    twin.records = [record(number, at=100 + number) for number in range(25)]
    normal = server.answer
    server.answer = lambda asked: fault if asked.query.get("nextPageToken") == "t2" else normal(asked)
    with pytest.raises(ExchangeFailed):
        run()
    assert run.held() == set(range(20))
    before = len(server.asked)
    server.answer = normal
    assert run().added == 5
    assert len(server.asked) == before + 1
    assert run.held() == set(range(25))


def test_a_page_that_comes_again_without_end_is_an_error(run: Run, server: Exchange) -> None:
    answer = {"hashRecords": [], "hasMoreRecords": True, "nextPageToken": "again", "nextSetTimestamp": 1}
    server.answer = lambda _asked: Said(json.dumps(answer).encode())
    with pytest.raises(ExchangeFailed, match="read already"):
        run()


def test_feedback_and_submissions_go_by_value(run: Run, twin: Twin) -> None:
    run.exchange.send_feedback([PDQS[0].hex()], Feedback.BLOCKED)
    run.exchange.submit([PDQS[1].hex()])
    (feedback_path, feedback), (submit_path, submitted) = twin.posted
    assert (feedback_path, submit_path) == ("/SubmitFeedback", "/SubmitHashes")
    assert feedback["hashRecords"][0]["CSPFeedbacks"][0]["feedbackValue"] == "Blocked"
    assert submitted == {"count": 1, "hashRecords": [{"hashValue": PDQS[1].hex(), "signalType": "ImagePDQ"}]}


def test_wrong_keys_are_an_error(server: Exchange) -> None:
    exchange = StopNcii.connect(server.address, function_key="x", subscription_key="s", sleep=lambda _s: None)
    with pytest.raises(ExchangeFailed, match="401"):
        list(exchange.pages(""))
    exchange.close()
