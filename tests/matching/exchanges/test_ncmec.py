"""NCMEC hash sharing: XML pages, deletions by name, addresses that die, and XML that is a weapon."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from safelight.core.clock import utc_now
from safelight.matching.errors import ExchangeFailed
from safelight.matching.exchanges.http import ExchangeClient
from safelight.matching.exchanges.ncmec import Ncmec
from safelight.matching.exchanges.sync import checkpoint_of, sync
from safelight.matching.fingerprints import HashKind, file_digests
from safelight.matching.hashes import BankHashes
from safelight.matching.model import Bank, item_of
from safelight.store.database import Database
from tests.matching.exchanges.server import Asked, Exchange, Said, speaking
from tests.matching.test_intake import random_pdqs

PDQS = random_pdqs(20)
SPACE = 'xmlns="https://hashsharing.ncmec.org/hashsharing/v2"'
DAY_S = 86_400


def entry(number: int, at: str = "2026-11-20T10:00:00Z", *, deleted: bool = False) -> str:
    name = f'<member id="42">A member</member><timestamp>{at}</timestamp><id>image{number}</id>'
    if deleted:
        return f"<deletedImage>{name}</deletedImage>"
    sha1 = file_digests(str(number).encode())[HashKind.SHA1].hex()
    prints = f"<sha1>{sha1}</sha1><pdq>{PDQS[number].hex()}</pdq><pdna>AAAA</pdna>"
    return f"<image>{name}<classification>A1</classification><fingerprints>{prints}</fingerprints></image>"


def document(*entries: str, next_: str = "") -> bytes:
    paging = f"<paging><next>{next_.replace('&', '&amp;')}</next></paging>" if next_ else ""
    images = f'<images count="{len(entries)}" maxTimestamp="2026-11-20T10:00:00Z">{"".join(entries)}</images>'
    return f"<?xml version='1.0' encoding='UTF-8'?><queryResult {SPACE}>{images}{paging}</queryResult>".encode()


@dataclass
class Twin:
    """Gives its pages one after the other."""

    pages: list[list[str]] = field(default_factory=lambda: [[]])

    def __call__(self, asked: Asked) -> Said:
        if not asked.headers.get("authorization", "").startswith("Basic "):
            return Said(status=401)
        place = int(asked.query.get("start", "0"))
        next_ = f"/v2/entries?start={place + 1}&size=1000" if place + 1 < len(self.pages) else ""
        return Said(document(*self.pages[place], next_=next_))


@dataclass
class Clock:
    """Seconds since 1970."""

    at: float = 1_795_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def twin() -> Twin:
    return Twin()


@pytest.fixture
def server(twin: Twin) -> Iterator[Exchange]:
    with speaking(twin) as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def exchange(server: Exchange, clock: Clock) -> Iterator[Ncmec]:
    client = ExchangeClient(server.address, auth=("u", "p"), sleep=lambda _s: None)
    yield Ncmec(client, server.address, now=clock)
    client.close()


def held(hashes: BankHashes) -> set[int]:
    found = {number for number, one in enumerate(PDQS) if hashes.near([one], 0)}
    sha1s = {n for n in range(20) if hashes.same(HashKind.SHA1, file_digests(str(n).encode())[HashKind.SHA1])}
    assert found == sha1s
    return found


def test_pages_are_followed_and_unknown_fingerprints_counted(
    database: Database, hashes: BankHashes, bank: Bank, twin: Twin, exchange: Ncmec, server: Exchange
) -> None:
    twin.pages = [[entry(0), entry(1)], [entry(2)]]
    taken = sync(database, hashes, bank, exchange, utc_now)
    assert (taken.added, taken.aside) == (6, {"pdna": 3})
    assert held(hashes) == {0, 1, 2}
    assert json.loads(database.read_here(lambda c: checkpoint_of(c, exchange.name, bank.number))) == {
        "from": "2026-11-20T09:59:59Z"
    }
    sync(database, hashes, bank, exchange, utc_now)
    assert server.asked[-2].query["from"] == "2026-11-20T09:59:59Z"


def test_a_deleted_entry_takes_its_hashes_with_it_whichever_comes_first(
    database: Database, hashes: BankHashes, bank: Bank, twin: Twin, exchange: Ncmec
) -> None:
    twin.pages = [[entry(0), entry(1)], [entry(5, "2026-11-20T12:00:00Z", deleted=True)], [entry(5), entry(6)]]
    sync(database, hashes, bank, exchange, utc_now)
    assert held(hashes) == {0, 1, 6}
    twin.pages = [[entry(0, "2026-11-21T12:00:00Z", deleted=True)], [entry(5, "2026-11-21T12:00:00Z")]]
    sync(database, hashes, bank, exchange, utc_now)
    assert held(hashes) == {1, 5, 6}


def test_a_run_goes_on_at_its_next_page_while_the_address_lives(
    database: Database, hashes: BankHashes, bank: Bank, twin: Twin, exchange: Ncmec, server: Exchange
) -> None:
    twin.pages = [[entry(0)], [entry(1)], [entry(2)]]
    normal = server.answer
    server.answer = lambda asked: Said(status=500) if asked.query.get("start") == "2" else normal(asked)
    with pytest.raises(ExchangeFailed):
        sync(database, hashes, bank, exchange, utc_now)
    server.answer, before = normal, len(server.asked)
    sync(database, hashes, bank, exchange, utc_now)
    assert [one.query.get("start") for one in server.asked[before:]] == ["2"]
    assert held(hashes) == {0, 1, 2}


def test_a_dead_address_is_not_used_again(
    database: Database, hashes: BankHashes, bank: Bank, twin: Twin, exchange: Ncmec, server: Exchange, clock: Clock
) -> None:
    twin.pages = [[entry(0)], [entry(1)]]
    normal = server.answer
    server.answer = lambda asked: Said(status=500) if "start" in asked.query else normal(asked)
    with pytest.raises(ExchangeFailed):
        sync(database, hashes, bank, exchange, utc_now)
    server.answer, before = normal, len(server.asked)
    clock.at += DAY_S / 2
    sync(database, hashes, bank, exchange, utc_now)
    assert [one.query.get("start") for one in server.asked[before:]] == [None, "1"]


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))


@pytest.mark.parametrize(
    "body",
    [
        f'<!DOCTYPE q [<!ENTITY l0 "ha">{LAUGHS}]><queryResult>&l8;</queryResult>'.encode(),
        b'<!DOCTYPE q SYSTEM "file:///etc/passwd"><queryResult/>',
        '<!DOCTYPE q [<!ENTITY x SYSTEM "file:///etc/passwd">]><queryResult>&x;</queryResult>'.encode("utf-16"),
        b"<queryResult>",
        b"",
        b"<html/>",
        document(entry(0)).replace(b"<id>image0</id>", b""),
        document(entry(0)).replace(b"2026-11-20T10:00:00Z</timestamp>", b"soon</timestamp>"),
        document(entry(0), next_="https://elsewhere.example/v2/entries"),
    ],
    ids=["laughs", "system", "utf-16", "cut", "empty", "html", "no id", "no time", "elsewhere"],
)
def test_what_is_no_honest_page_is_an_error(server: Exchange, exchange: Ncmec, body: bytes) -> None:
    server.answer = lambda _asked: Said(body)
    with pytest.raises(ExchangeFailed):
        list(exchange.pages(""))


def test_a_page_that_names_itself_is_an_error(server: Exchange, exchange: Ncmec) -> None:
    server.answer = lambda _asked: Said(document(next_="/v2/entries?start=7"))
    with pytest.raises(ExchangeFailed, match="read already"):
        list(exchange.pages(""))


def test_feedback_names_the_entry(server: Exchange, exchange: Ncmec) -> None:
    exchange.send_feedback("42", "image1", HashKind.PDQ, agrees=False)
    assert server.asked[-1].path == "/v2/entries/42/image1/pdq/feedback"
    assert b"<negative/>" in server.asked[-1].body
    with pytest.raises(ExchangeFailed):
        exchange.send_feedback("42", "../../x", HashKind.PDQ, agrees=True)


def test_items_have_forty_bits() -> None:
    items = {item_of(f"42 image{number}") for number in range(1_000)}
    assert len(items) == 1_000
    assert all(0 < item < 1 << 40 for item in items)
