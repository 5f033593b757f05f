"""From eight bytes to code bits and, from soft bits, back: a convolutional code with a keyed check.

Source: the rate 1/4 code with 256 states of K. J. Larsen, "Short convolutional codes with maximal free distance for
rates 1/2, 1/3, and 1/4", IEEE Trans. Inf. Theory 19 (1973), generators 463, 535, 733, 745 (octal), free distance 24.
It is closed to a ring (tail biting), so no bits are spent on its ends; decoded with Viterbi's algorithm, run past the
seam on both sides.

The check is the first three bytes of a keyed digest of the payload: a wrong path through the code passes it once in
2²⁴. It guards against wrong bits in marked pictures; that unmarked pictures are not read rests on `confidence.py`.
"""

import hashlib
import hmac

import numpy as np
from numpy.typing import NDArray

from safelight.provenance.watermark.key import WatermarkKey
from safelight.provenance.watermark.model import PAYLOAD_BYTES

CHECK_BYTES = 3
MESSAGE_BITS = 8 * (PAYLOAD_BYTES + CHECK_BYTES)
_GENERATORS = (0o463, 0o535, 0o733, 0o745)
RATE = len(_GENERATORS)
CODE_BITS = MESSAGE_BITS * RATE
_MEMORY = 8
_STATES = 1 << _MEMORY
_SEAM = 44
"""Steps that Viterbi's algorithm runs before and after the ring; five times the memory is the usual depth."""


def encode(payload: bytes, key: WatermarkKey) -> NDArray[np.float32]:
    """(CODE_BITS,) of +1 and -1."""
    bits = np.unpackbits(np.frombuffer(payload + _check(payload, key), np.uint8))
    # Bit j of a register is the message bit j steps ago; a ring has no first bit, so the last ones stand before it.
    past = np.stack([np.roll(bits, delay) for delay in range(_MEMORY + 1)])
    taps = np.array([[generator >> delay & 1 for delay in range(_MEMORY + 1)] for generator in _GENERATORS], np.uint8)
    return np.asarray(1 - 2.0 * ((taps @ past) % 2).T.ravel(), np.float32)


def decode(soft: NDArray[np.float32], key: WatermarkKey) -> list[bytes | None]:
    """The payload of each row of `soft` (rows, CODE_BITS; positive: +1 is likely), or None where its check fails."""
    messages = np.packbits(_viterbi(soft), axis=1)
    payloads = (bytes(row[:PAYLOAD_BYTES]) for row in messages)
    checks = (bytes(row[PAYLOAD_BYTES:]) for row in messages)
    return [
        payload if hmac.compare_digest(check, _check(payload, key)) else None
        for payload, check in zip(payloads, checks, strict=True)
    ]


def _check(payload: bytes, key: WatermarkKey) -> bytes:
    return hmac.new(key.stream("check", 32), payload, hashlib.sha256).digest()[:CHECK_BYTES]


def _branches() -> NDArray[np.float32]:
    """(2, states / 2, 2, RATE): the code bits on the way into each state.

    A state is the last `_MEMORY` message bits, the newest lowest. State 2j + b is reached from j and, where the bit
    that falls out was a one, from j + states / 2; the axes are that bit, j and b.
    """
    lost, rest, newest = np.meshgrid((0, 1), np.arange(_STATES // 2), (0, 1), indexing="ij")
    register = (lost << _MEMORY) | (rest << 1) | newest
    ones = [[int(one & generator).bit_count() & 1 for generator in _GENERATORS] for one in register.ravel()]
    return np.asarray(1 - 2 * np.array(ones), np.float32).reshape(*register.shape, RATE)


_ON_THE_WAY = _branches()


def _viterbi(soft: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(rows, MESSAGE_BITS): the likeliest message of each row."""
    rows, half = len(soft), _STATES // 2
    steps = np.arange(-_SEAM, MESSAGE_BITS + _SEAM) % MESSAGE_BITS
    by_step = soft.reshape(rows, MESSAGE_BITS, RATE).transpose(1, 0, 2).reshape(-1, RATE)
    gains = (by_step @ _ON_THE_WAY.reshape(-1, RATE).T).reshape(MESSAGE_BITS, rows, 2, half, 2)
    score = np.zeros((rows, _STATES), np.float32)
    lost_one = np.empty((len(steps), rows, _STATES), np.bool_)
    for at, step in enumerate(steps):
        zero = score[:, :half, None] + gains[step, :, 0]
        one = score[:, half:, None] + gains[step, :, 1]
        np.greater(one, zero, out=lost_one[at].reshape(rows, half, 2))
        score = np.maximum(zero, one).reshape(rows, _STATES)
    state = score.argmax(axis=1)
    path = np.empty((len(steps), rows), np.uint8)
    every = np.arange(rows)
    for at in range(len(steps) - 1, -1, -1):
        path[at] = state & 1
        state = (state >> 1) | (lost_one[at, every, state].astype(np.intp) << (_MEMORY - 1))
    return path[_SEAM : _SEAM + MESSAGE_BITS].T
