"""The convolutional code without its check: from bits to code bits and, from soft bits, back to likely bits.

Source: the rate 1/4 code with 256 states of K. J. Larsen, "Short convolutional codes with maximal free distance for
rates 1/2, 1/3, and 1/4", IEEE Trans. Inf. Theory 19 (1973), generators 463, 535, 733, 745 (octal), free distance 24.
It is closed to a ring (tail biting), so no bits are spent on its ends; decoded with Viterbi's algorithm, run past the
seam on both sides.

`likely` goes on where `likeliest` ends (a list decoder, N. Seshadri and C.-E. W. Sundberg, IEEE Trans. Commun. 42,
1994): it runs the same algorithm backwards too, which tells of every state at every step the best path through it.
Among those are the second best path of all and most that come close.
"""

import numpy as np
from numpy.typing import NDArray

_GENERATORS = (0o463, 0o535, 0o733, 0o745)
RATE = len(_GENERATORS)
_MEMORY = 8
_STATES = 1 << _MEMORY
_HALF = _STATES // 2
_SEAM = 44
"""Steps that Viterbi's algorithm runs before and after the ring; five times the memory is the usual depth."""
_NODES_A_PATH = 40
"""A path that leaves the best one for a while is the best one through each state on that way."""

Bits = NDArray[np.uint8]


def coded(bits: Bits) -> NDArray[np.float32]:
    """(…, RATE × bits) of +1 and -1, for (…, bits)."""
    # Bit j of a register is the message bit j steps ago; a ring has no first bit, so the last ones stand before it.
    past = np.stack([np.roll(bits, delay, axis=-1) for delay in range(_MEMORY + 1)], axis=-1)
    taps = np.array([[generator >> delay & 1 for delay in range(_MEMORY + 1)] for generator in _GENERATORS], np.uint8)
    return np.asarray(1 - 2.0 * ((past @ taps.T) % 2), np.float32).reshape(*bits.shape[:-1], -1)


def likeliest(soft: NDArray[np.float32]) -> Bits:
    """(rows, bits): the likeliest bits of each row of `soft` (rows, RATE × bits; positive: +1 is likely)."""
    gains, steps = _gains(soft)
    score, lost_one = _forward(gains, steps)
    state = score[-1].argmax(axis=1)
    path = np.empty((len(steps), len(soft)), np.uint8)
    every = np.arange(len(soft))
    for at in range(len(steps) - 1, -1, -1):
        path[at] = state & 1
        state = (state >> 1) | (lost_one[at, every, state].astype(np.intp) << (_MEMORY - 1))
    return path[_SEAM:-_SEAM].T


def likely(soft: NDArray[np.float32], count: int) -> Bits:
    """(`count` at most, bits): likely bits of one row (RATE × bits), likeliest first, each once."""
    gains, steps = _gains(soft[None])
    score, lost_one = _forward(gains, steps)
    onward, newest_one = _backward(gains[:, 0], steps)
    # Of each state at each step within the ring, how good the best path through it is. Equal ones are one path.
    through = (score[_SEAM + 1 : -_SEAM, 0] + onward[_SEAM + 1 : -_SEAM]).ravel()
    best = np.argsort(-through, kind="stable")[: count * _NODES_A_PATH]
    best = best[np.sort(np.unique(through[best].round(3), return_index=True)[1])][:count]
    at, through_state = best // _STATES + _SEAM + 1, best % _STATES
    path = np.empty((len(steps), len(best)), np.uint8)
    state = through_state
    for step in range(len(steps) - 1, -1, -1):  # back from each state to the beginning
        path[step] = state & 1
        before = (state >> 1) | (lost_one[step, 0, state].astype(np.intp) << (_MEMORY - 1))
        state = np.where(step < at, before, through_state)
    state = through_state
    for step in range(len(steps)):  # and on to the end
        newest = newest_one[step, state]
        after = step >= at
        path[step, after] = newest[after]
        state = np.where(after, ((state % _HALF) << 1) | newest, through_state)
    path = path[_SEAM:-_SEAM].T
    return path[np.sort(np.unique(path, axis=0, return_index=True)[1])]


def _branches() -> NDArray[np.float32]:
    """(2, states / 2, 2, RATE): the code bits on the way into each state.

    A state is the last `_MEMORY` message bits, the newest lowest. State 2j + b is reached from j and, where the bit
    that falls out was a one, from j + states / 2; the axes are that bit, j and b.
    """
    lost, rest, newest = np.meshgrid((0, 1), np.arange(_HALF), (0, 1), indexing="ij")
    register = (lost << _MEMORY) | (rest << 1) | newest
    ones = [[int(one & generator).bit_count() & 1 for generator in _GENERATORS] for one in register.ravel()]
    return np.asarray(1 - 2 * np.array(ones), np.float32).reshape(*register.shape, RATE)


_ON_THE_WAY = _branches()


def _gains(soft: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """(bits, rows, 2, states / 2, 2): what each way into a state adds; and the steps, past the seam on both sides."""
    rows, bits = len(soft), soft.shape[1] // RATE
    by_step = soft.reshape(rows, bits, RATE).transpose(1, 0, 2).reshape(-1, RATE)
    gains = (by_step @ _ON_THE_WAY.reshape(-1, RATE).T).reshape(bits, rows, 2, _HALF, 2)
    return gains, np.arange(-_SEAM, bits + _SEAM) % bits


def _forward(gains: NDArray[np.float32], steps: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(steps + 1, rows, states): the best score on the way to each state; (steps, rows, states): which way that was."""
    rows = gains.shape[1]
    scores = np.zeros((len(steps) + 1, rows, _STATES), np.float32)
    lost_one = np.empty((len(steps), rows, _STATES), np.bool_)
    for at, step in enumerate(steps):
        zero = scores[at, :, :_HALF, None] + gains[step, :, 0]
        one = scores[at, :, _HALF:, None] + gains[step, :, 1]
        np.greater(one, zero, out=lost_one[at].reshape(rows, _HALF, 2))
        np.maximum(zero, one, out=scores[at + 1].reshape(rows, _HALF, 2))
    return scores, lost_one


def _backward(gains: NDArray[np.float32], steps: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """(steps + 1, states): the best score from each state to the end; (steps, states): which bit comes next there."""
    scores = np.zeros((len(steps) + 1, _STATES), np.float32)
    newest_one = np.empty((len(steps), _STATES), np.uint8)
    for at in range(len(steps) - 1, -1, -1):
        onward = (scores[at + 1].reshape(_HALF, 2) + gains[steps[at]]).reshape(_STATES, 2)
        newest_one[at] = onward[:, 1] > onward[:, 0]
        scores[at] = onward.max(axis=1)
    return scores, newest_one
