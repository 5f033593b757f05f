"""Signed webhooks: what a receiver verifies, what a replay meets, and what the other side's failures come to."""

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from safelight.cases.model import Party
from safelight.cases.takedown.ports import Command, DeliveryFailed, Order, Parcel
from safelight.cases.takedown.signing import Ed25519Signer, HmacSigner, parse_signer, signed_headers, verify
from safelight.cases.takedown.webhook import Webhook
from safelight.core.errors import NotAllowed, NotStartable
from tests.cases.house import post, print_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = b"\x09" * 32
COMMAND = Command(
    "eff_1", "case_1", 3, Order.REMOVE, "intimate_without_consent", (post("p1"),), (print_of(b"\5" * 32),)
)
PARCEL = Parcel("eff_2", "case_1", Party.ACCOUNT, None, "sub_1", (post("p1"),), "en", "Subject", "Body\n")


class Receiver(HTTPServer):
    """A platform's end of it, with answers to give."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = []
        self.seen: list[tuple[dict[str, str], bytes]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append(({name.lower(): value for name, value in self.headers.items()}, body))
        status, answer = self.server.answers.pop(0)
        self.send_response(status)
        self.send_header("location", "http://127.0.0.1:1/")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name in the library)
        """Say nothing."""


@contextmanager
def receiving(*answers: tuple[int, bytes]) -> Iterator[Receiver]:
    receiver = Receiver()
    receiver.answers = list(answers)
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()


async def call(receiver: Receiver, what: Command | Parcel) -> Any:
    webhook = Webhook(f"http://127.0.0.1:{receiver.server_port}/hook", HmacSigner(SECRET), lambda: NOW)
    try:
        return await (webhook.carry_out(what) if isinstance(what, Command) else webhook.send(what))
    finally:
        await webhook.close()


def test_an_order_is_signed_and_its_answer_names_copies() -> None:
    with receiving((200, b'{"copies": [{"kind": "post", "value": "p2"}]}')) as receiver:
        confirmed = asyncio.run(call(receiver, COMMAND))
        headers, body = receiver.seen[0]
    assert confirmed.copies == (post("p2"),)
    assert verify(headers, body, NOW, secret=SECRET) == "eff_1"
    said = json.loads(body)
    assert (said["order"], said["sequence"], said["places"]) == ("remove", 3, [{"kind": "post", "value": "p1"}])


def test_a_letter_is_signed_as_well() -> None:
    with receiving((204, b"")) as receiver:
        asyncio.run(call(receiver, PARCEL))
        headers, body = receiver.seen[0]
    assert verify(headers, body, NOW, secret=SECRET) == "eff_2"
    assert json.loads(body)["subject_id"] == "sub_1"


@pytest.mark.parametrize(
    ("answer", "is_final"),
    [
        ((500, b""), False),
        ((429, b""), False),
        ((302, b""), False),
        ((410, b""), True),
        ((400, b""), True),
        ((200, b"[1]"), False),
        ((200, b"<html>"), False),
        ((200, b'{"copies": [{"kind": "nowhere", "value": "x"}]}'), False),
        ((200, b'{"copies": [{"kind": "post", "value": ""}]}'), False),
        ((200, b"x" * 1_100_000), False),
    ],
)
def test_anything_but_what_was_agreed_is_a_failure(answer: tuple[int, bytes], is_final: bool) -> None:
    with receiving(answer) as receiver, pytest.raises(DeliveryFailed) as caught:
        asyncio.run(call(receiver, COMMAND))
    assert caught.value.is_final is is_final


def test_nobody_there_is_a_failure_to_be_tried_again() -> None:
    with receiving() as receiver:
        port = receiver.server_port
    webhook = Webhook(f"http://127.0.0.1:{port}/", HmacSigner(SECRET), lambda: NOW)

    async def knock() -> None:
        try:
            await webhook.carry_out(COMMAND)
        finally:
            await webhook.close()

    with pytest.raises(DeliveryFailed) as caught:
        asyncio.run(knock())
    assert not caught.value.is_final


@pytest.mark.parametrize("is_public", [False, True])
def test_a_receiver_takes_what_is_signed_and_nothing_else(is_public: bool) -> None:
    private = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
    signer = Ed25519Signer(private) if is_public else HmacSigner(SECRET)
    check: dict[str, Any] = {"public_key": private.public_key()} if is_public else {"secret": SECRET}
    headers = signed_headers(signer, "eff_1", b"{}", NOW)
    assert verify(headers, b"{}", NOW, **check) == "eff_1"
    broken = [
        (headers, b"{ }", NOW),
        (headers | {"webhook-id": "eff_2"}, b"{}", NOW),
        (headers | {"webhook-timestamp": "1"}, b"{}", NOW),
        (headers | {"webhook-timestamp": "\u0661"}, b"{}", NOW),
        (headers | {"webhook-signature": "v1,AAAA"}, b"{}", NOW),
        (headers | {"webhook-signature": "v1a,!"}, b"{}", NOW),
        ({}, b"{}", NOW),
        (headers, b"{}", NOW + timedelta(seconds=301)),  # a replay
        (headers, b"{}", NOW - timedelta(seconds=301)),
    ]
    for got, body, now in broken:
        with pytest.raises(NotAllowed):
            verify(got, body, now, **check)


@pytest.mark.parametrize("text", ["", "secret", "whsec_!", "whsec_" + base64.b64encode(b"short").decode(), "whsk_!"])
def test_a_weak_secret_does_not_start(text: str) -> None:
    with pytest.raises(NotStartable):
        parse_signer(text)


def test_the_signature_is_the_specification_s_own_example() -> None:
    # The example of the Standard Webhooks specification and its reference libraries.
    signer = parse_signer("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    headers = signed_headers(signer, "msg_p5jXN8AQM9LWM0D4loKWxJek", body, datetime.fromtimestamp(1614265330, UTC))
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
