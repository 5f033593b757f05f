"""What every platform and every post holds to: the twin in memory, and the same behind signed webhooks."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import cv2
import numpy as np
import pytest

from safelight.cases.draft import Contact, ContactKind
from safelight.cases.model import Party
from safelight.cases.spelling import read_fingerprint, read_place, write_place
from safelight.cases.takedown.memory import MemoryPlatform, MemoryPost
from safelight.cases.takedown.ports import Command, Order, Parcel, Platform, Post
from safelight.cases.takedown.signing import HmacSigner, verify
from safelight.cases.takedown.webhook import Webhook
from tests.cases.house import post
from tests.matching.pictures import photo

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = b"\x09" * 32
COMMAND = Command("eff_1", "case_1", 3, Order.HIDE, "reported", (post("p1"),), ())


class House:
    """Another house's platform and post."""

    def __init__(self) -> None:
        self.now = NOW
        self.platform = MemoryPlatform(lambda: self.now)
        self.letters = MemoryPost()
        picture = photo("astronaut", 256, 256)
        self.platform.publish("p1", picture)
        self.platform.publish("flipped", np.ascontiguousarray(picture[:, ::-1]))
        self.platform.publish("other", photo("coffee", 256, 256))
        self.platform.publish("made", photo("rocket", 256, 256), request_id="req_1")

    def shown(self) -> set[str]:
        return {name for name in self.platform.posts if self.platform.shows(name)}


class _Receiver(HTTPServer):
    """How a platform takes our calls."""

    def __init__(self, house: House) -> None:
        self.house = house
        super().__init__(("127.0.0.1", 0), _Handler)

    def answer(self, call_id: str, said: dict[str, Any]) -> tuple[int, bytes]:
        places = tuple(read_place(place) for place in said.get("places", []))
        if said["type"] == "picture":
            file = asyncio.run(self.house.platform.picture(call_id, read_place(said["place"])))
            return (200, file) if file else (404, b"")
        if said["type"] == "letter":
            party = Party(said["party"])
            letter = Parcel(call_id, said["case"], party, None, None, places, "en", said["subject"], said["body"])
            asyncio.run(self.house.letters.send(letter))
            return 204, b""
        hide_at = datetime.fromisoformat(said["hide_at"]) if said["hide_at"] else None
        prints = tuple(read_fingerprint(one) for one in said["fingerprints"])
        order, requests = Order(said["order"]), tuple(said["requests"])
        command = Command(
            call_id, said["case"], said["sequence"], order, said["reason"], places, prints, hide_at, requests
        )
        done = asyncio.run(self.house.platform.carry_out(command))
        copies = [write_place(place) for place in done.copies]
        return 200, json.dumps({"copies": copies, "picture": done.has_picture}).encode()


class _Handler(BaseHTTPRequestHandler):
    server: _Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, answer = self.server.answer(verify(headers, body, NOW, secret=SECRET), json.loads(body))
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name in the library)
        """Say nothing."""


@contextmanager
def in_memory(house: House) -> Iterator[tuple[Platform, Post]]:
    yield house.platform, house.letters


@contextmanager
def by_webhook(house: House) -> Iterator[tuple[Platform, Post]]:
    receiver = _Receiver(house)
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    class Calling:
        """A webhook for each call: each runs on a loop of its own here."""

        def __getattr__(self, name: str) -> Callable[..., Any]:
            async def call(*words: Any) -> Any:
                webhook = Webhook(f"http://127.0.0.1:{receiver.server_port}/", HmacSigner(SECRET), lambda: NOW)
                try:
                    return await getattr(webhook, name)(*words)
                finally:
                    await webhook.close()

            return call

    both: Any = Calling()
    try:
        yield both, both
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()


@pytest.fixture(params=[in_memory, by_webhook])
def there(request: pytest.FixtureRequest) -> Iterator[tuple[House, Platform, Post]]:
    house = House()
    with request.param(house) as (platform, letters):
        yield house, platform, letters


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def test_done_means_done_at_every_copy_and_says_where(there: tuple[House, Platform, Post]) -> None:
    house, platform, _ = there
    confirmed = run(platform.carry_out(COMMAND))
    assert confirmed.copies == (post("flipped"),)
    assert house.shown() == {"other", "made"}


def test_the_same_order_again_changes_nothing_and_an_older_one_is_not_followed(
    there: tuple[House, Platform, Post],
) -> None:
    house, platform, _ = there
    first = run(platform.carry_out(COMMAND))
    assert run(platform.carry_out(COMMAND)) == first
    assert len(house.platform.commands) == 1
    run(platform.carry_out(replace(COMMAND, id="eff_2", sequence=2, order=Order.RESTORE)))
    assert "p1" not in house.shown()
    run(platform.carry_out(replace(COMMAND, id="eff_3", sequence=4, order=Order.RESTORE)))
    assert house.shown() == set(house.platform.posts)


def test_what_is_watched_is_hidden_unasked_when_its_time_is_over(there: tuple[House, Platform, Post]) -> None:
    house, platform, _ = there
    run(platform.carry_out(replace(COMMAND, order=Order.WATCH, hide_at=NOW + timedelta(hours=1))))
    assert "p1" in house.shown()
    house.now += timedelta(hours=1)
    assert house.shown() == {"other", "made"}


def test_posts_of_what_was_made_here_are_meant_as_well(there: tuple[House, Platform, Post]) -> None:
    house, platform, _ = there
    run(platform.carry_out(replace(COMMAND, requests=("req_1",))))
    assert house.shown() == {"other"}


def test_a_picture_is_handed_out_also_when_it_is_hidden_or_not_at_all(there: tuple[House, Platform, Post]) -> None:
    house, platform, _ = there
    assert not run(platform.carry_out(COMMAND)).has_picture
    assert run(platform.picture("pic_1", post("p1"))) is None
    house.platform.hands_out = True
    assert run(platform.carry_out(replace(COMMAND, id="eff_2", sequence=4, order=Order.REMOVE))).has_picture
    file = run(platform.picture("pic_2", post("p1")))
    frame = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(np.asarray(frame)[..., ::-1], photo("astronaut", 256, 256))
    assert run(platform.picture("pic_3", post("nowhere"))) is None


def test_a_letter_that_comes_again_is_delivered_once(there: tuple[House, Platform, Post]) -> None:
    house, _, letters = there
    contact = Contact(ContactKind.EMAIL, "a@b.example")
    parcel = Parcel("eff_9", "case_1", Party.REPORTER, contact, None, (), "en", "Subject", "Body\n")
    for _ in range(2):
        run(letters.send(parcel))
    assert (len(house.letters.parcels), house.letters.repetitions) == (1, 1)
