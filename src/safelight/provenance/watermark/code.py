"""From eight bytes to code bits and back: the convolutional code of `viterbi.py` around a keyed check.

The check is the first three bytes of a keyed digest of the payload: wrong bits pass it once in 2²⁴. It guards against
wrong bits in marked pictures; that unmarked pictures are not read rests on `confidence.py`.
"""

import hashlib
import hmac

import numpy as np
from numpy.typing import NDArray

from safelight.provenance.watermark.key import WatermarkKey
from safelight.provenance.watermark.model import PAYLOAD_BYTES
from safelight.provenance.watermark.viterbi import RATE, Bits, coded

CHECK_BYTES = 3
MESSAGE_BITS = 8 * (PAYLOAD_BYTES + CHECK_BYTES)
CODE_BITS = MESSAGE_BITS * RATE


def encode(payload: bytes, key: WatermarkKey) -> NDArray[np.float32]:
    """(CODE_BITS,) of +1 and -1."""
    return coded(np.unpackbits(np.frombuffer(payload + _check(payload, key), np.uint8)))


def payload_of(message: Bits, key: WatermarkKey) -> bytes | None:
    """The payload in `message` (MESSAGE_BITS,), or None where its check fails."""
    packed = np.packbits(message).tobytes()
    payload, check = packed[:PAYLOAD_BYTES], packed[PAYLOAD_BYTES:]
    return payload if hmac.compare_digest(check, _check(payload, key)) else None


def _check(payload: bytes, key: WatermarkKey) -> bytes:
    return hmac.new(key.stream("check", 32), payload, hashlib.sha256).digest()[:CHECK_BYTES]
