"""Retries with back-off, bounds on what comes back, and production only on purpose."""

from collections.abc import Iterator

import pytest

from safelight.core.errors import NotStartable
from safelight.matching.errors import ExchangeFailed
from safelight.matching.exchanges import http
from safelight.matching.exchanges.http import PRODUCTION_HOSTS, ExchangeClient
from tests.matching.exchanges.server import Exchange, Said, speaking


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with speaking(lambda _asked: Said(b"fine")) as server:
        yield server


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(exchange: Exchange, waits: list[float]) -> Iterator[ExchangeClient]:
    client = ExchangeClient(exchange.address, sleep=waits.append)
    yield client
    client.close()


@pytest.mark.parametrize(
    "fault", [Said(status=500), Said(status=503), Said(status=429), Said(b"half of it", dies_after=4)], ids=repr
)
def test_a_passing_fault_is_tried_again_with_growing_waits(
    exchange: Exchange, client: ExchangeClient, waits: list[float], fault: Said
) -> None:
    exchange.faults = [fault] * 3
    assert client.send("GET", "/list") == b"fine"
    assert len(waits) == 3
    assert waits[0] < waits[2]


def test_a_lasting_fault_is_an_error_after_a_few_attempts(exchange: Exchange, client: ExchangeClient) -> None:
    exchange.faults = [Said(status=500)] * 100
    with pytest.raises(ExchangeFailed, match="failed 5 times"):
        client.send("GET", "/list")
    assert len(exchange.asked) == 5


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404])
def test_what_trying_again_does_not_change_is_an_error_at_once(
    exchange: Exchange, client: ExchangeClient, status: int
) -> None:
    exchange.faults = [Said(status=status, headers={"location": "http://127.0.0.1:9/"})]
    with pytest.raises(ExchangeFailed, match=str(status)):
        client.send("GET", "/list")
    assert len(exchange.asked) == 1


def test_an_answer_that_never_ends_is_cut_off(
    exchange: Exchange, client: ExchangeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_ANSWER_MAX_BYTES", 1_000_000)
    exchange.faults = [Said(endless=True)]
    with pytest.raises(ExchangeFailed, match="no end"):
        client.send("GET", "/list")


def test_an_address_on_another_host_is_not_followed(exchange: Exchange, client: ExchangeClient) -> None:
    for address in ("http://127.0.0.1:9/x", "https://example.org/", "http://localhost.evil.example/"):
        with pytest.raises(ExchangeFailed, match="another host"):
            client.send("GET", address)
    assert exchange.asked == []


@pytest.mark.parametrize("host", sorted(PRODUCTION_HOSTS))
def test_production_is_a_deliberate_choice(host: str) -> None:
    with pytest.raises(NotStartable, match="--production"):
        ExchangeClient(f"https://{host}/v1")
    ExchangeClient(f"https://{host}/v1", production=True).close()


def test_plain_http_is_for_this_machine_only() -> None:
    with pytest.raises(NotStartable, match="https"):
        ExchangeClient("http://lists.example")
