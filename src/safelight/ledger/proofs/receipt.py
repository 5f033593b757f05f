"""What a person holds to find their leaf: its hash, and the log's signed promise to integrate it.

One line of text: `v1.<leaf hash>.<milliseconds>.<signature>`, base64url without padding. The signature (Ed25519, by the
log's key) is over

    safelight-receipt/v1
    <the log's name>
    <milliseconds since 1970>
    <leaf hash, base64>

and a newline. A head that a witness signed later than `MERGE_DELAY_MAX_S` after it and that does not hold the leaf
shows that the operator broke the promise, and the receipt is the evidence.

An answer may carry several, one for each decision behind it: a header has them with commas between, JSON in an array.
"""

import base64
import re
from dataclasses import dataclass

from .errors import Malformed
from .merkle import HASH_BYTES
from .note import Algorithm, PublicKey, SecretKey, encode_base64

MERGE_DELAY_MAX_S = 60
"""Promised to outsiders; the integrator itself works every half second or so."""

RECEIPTS_MAX_COUNT = 64
"""Of one answer."""

_BETWEEN = re.compile(r'[\s,"\[\]]+')
_HEADER = re.compile(r"safelight-receipt\s*:", re.IGNORECASE)
_RECEIPT = re.compile(r"v1\.([A-Za-z0-9_-]{43})\.(0|[1-9][0-9]{0,15})\.([A-Za-z0-9_-]{86})")


@dataclass(frozen=True, slots=True)
class Receipt:
    """A promise, not yet believed."""

    leaf_hash: bytes
    time_ms: int
    signature: bytes

    def to_text(self) -> str:
        """As the header and the native field carry it."""
        return f"v1.{_encode(self.leaf_hash)}.{self.time_ms}.{_encode(self.signature)}"

    @classmethod
    def parse(cls, text: str) -> "Receipt":
        """Read a receipt. Raises Malformed."""
        if not (found := _RECEIPT.fullmatch(text)):
            raise Malformed("Not a receipt: it reads `v1.<leaf hash>.<milliseconds>.<signature>`.")
        leaf_hash, signature = _decode(found[1]), _decode(found[3])
        receipt = cls(leaf_hash, int(found[2]), signature)
        if receipt.to_text() != text or len(leaf_hash) != HASH_BYTES:
            raise Malformed("A receipt that is spelt in another way than its one.")
        return receipt

    def verify(self, log_key: PublicKey) -> None:
        """Check that the log has given it. Raises SignatureInvalid."""
        key = log_key.signs_as(Algorithm.RECEIPT)
        key.verify(self.signature, _message(log_key.name, self.leaf_hash, self.time_ms))


def split_receipts(text: str) -> list[str]:
    """The receipts of an answer, each once, from its header (with or without the header's name) or its JSON array.

    What they say is for `Receipt.parse`. Raises Malformed for none, and for more than an answer has.
    """
    found = [one for one in dict.fromkeys(_BETWEEN.split(_HEADER.sub(" ", text))) if one]
    if not 0 < len(found) <= RECEIPTS_MAX_COUNT:
        raise Malformed(f"Give one receipt or as many as an answer carries, at most {RECEIPTS_MAX_COUNT}.")
    return found


def give_receipt(leaf_hash: bytes, time_ms: int, key: SecretKey) -> Receipt:
    """Promise that the leaf will be in the tree."""
    return Receipt(leaf_hash, time_ms, key.sign(_message(key.name, leaf_hash, time_ms)))


def _message(origin: str, leaf_hash: bytes, time_ms: int) -> bytes:
    # A checkpoint's second line is a number, so no checkpoint can be mistaken for a receipt, nor the other way round.
    return f"safelight-receipt/v1\n{origin}\n{time_ms}\n{encode_base64(leaf_hash)}\n".encode()


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
