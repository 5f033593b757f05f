"""Signatures of webhooks as the Standard Webhooks specification 1.0.0 has them, so that its libraries verify ours.

    webhook-id: eff_…            the idempotency key
    webhook-timestamp: 1790000000
    webhook-signature: v1,<base64 of HMAC-SHA-256(secret, "{id}.{timestamp}.{body}")>
                       or v1a,<base64 of Ed25519 over the same>

A receiver refuses what is more than five minutes old, and remembers ids for longer than that: so nothing is replayed.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from safelight.core.errors import NotAllowed, NotStartable

TOLERANCE_S = 300
_SECRET_PREFIX, _MIN_SECRET_BYTES = "whsec_", 24
_PRIVATE_PREFIX = "whsk_"


class Signer(Protocol):
    """Signs what goes out."""

    def sign(self, message: bytes) -> str:
        """`v1,…` or `v1a,…`."""


class HmacSigner:
    """A secret that both sides know."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, message: bytes) -> str:
        """`v1,` and the MAC."""
        return "v1," + base64.b64encode(hmac.digest(self._secret, message, hashlib.sha256)).decode()


class Ed25519Signer:
    """A key of ours, of which the platform has the public half."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def sign(self, message: bytes) -> str:
        """`v1a,` and the signature."""
        return "v1a," + base64.b64encode(self._key.sign(message)).decode()


def parse_signer(text: str) -> Signer:
    """`whsec_<base64>`: a shared secret of at least 24 bytes; `whsk_<base64>`: an Ed25519 key. Raises NotStartable."""
    try:
        if text.startswith(_PRIVATE_PREFIX):
            seed = base64.b64decode(text.removeprefix(_PRIVATE_PREFIX), validate=True)
            return Ed25519Signer(Ed25519PrivateKey.from_private_bytes(seed[:32]))
        secret = base64.b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotStartable("The platform's webhook secret is no base64 behind whsec_ or whsk_.") from error
    if not text.startswith(_SECRET_PREFIX) or len(secret) < _MIN_SECRET_BYTES:
        raise NotStartable("The platform's webhook secret is `whsec_` and base64 of at least 24 random bytes.")
    return HmacSigner(secret)


def signed_headers(signer: Signer, message_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """The three headers for `body`."""
    timestamp = str(int(now.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signer.sign(_message(message_id, timestamp, body)),
    }


def verify(
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    *,
    secret: bytes | None = None,
    public_key: Ed25519PublicKey | None = None,
) -> str:
    """What a receiver does with every call: returns the id to remember. Raises NotAllowed, whatever is wrong.

    `headers` in lower case.
    """
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    refused = NotAllowed("This call is not signed by Safelight, or too long ago.")
    if not message_id or "." in message_id or not timestamp.isascii() or not timestamp.isdigit():
        raise refused
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_S:
        raise refused
    message = _message(message_id, timestamp, body)
    for signature in headers.get("webhook-signature", "").split(" "):
        version, _, value = signature.partition(",")
        if version == "v1" and secret and hmac.compare_digest(HmacSigner(secret).sign(message), signature):
            return message_id
        if version == "v1a" and public_key and _is_signed(public_key, value, message):
            return message_id
    raise refused


def _is_signed(key: Ed25519PublicKey, value: str, message: bytes) -> bool:
    try:
        key.verify(base64.b64decode(value, validate=True), message)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _message(message_id: str, timestamp: str, body: bytes) -> bytes:
    return f"{message_id}.{timestamp}.".encode() + body
