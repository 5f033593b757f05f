"""Reading the mark: find the square of each key, decode what it carries, and say how sure that is.

    (1) look       at what is faint in the picture; where nothing is found, at what is lively too
    (2) search     the size, place and mirroring in which a key's pilot stands out
    (3) refine     the clearest of them, each side by itself
    (4) decode     soft bits, the code, the check; with fine waves heard more and less; near misses by a list
    (5) judge      how often chance would give as much

A picture in which nothing reaches `LARGEST_FALSE_LOG10` with its check passed gives `NotRead`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from safelight.provenance.watermark.code import encode, payload_of
from safelight.provenance.watermark.confidence import LARGEST_FALSE_LOG10, false_log10
from safelight.provenance.watermark.key import WatermarkKey
from safelight.provenance.watermark.layout import RADII, Layout, fading, layout
from safelight.provenance.watermark.model import NotRead, Picture, Reading, WhyNotRead
from safelight.provenance.watermark.picture import Look
from safelight.provenance.watermark.search import Found, refined, search, straightened
from safelight.provenance.watermark.spectrum import Spectrum, Working, spectrum, working
from safelight.provenance.watermark.viterbi import Bits, coded, likeliest, likely

MIN_SIDE_PX = 48
_DECODED = 6
"""Poses that are decoded with each key and look."""
_EARS = (fading(10.0), fading(18.0), fading(50.0), np.sqrt(RADII) * fading(40.0))
"""The last for lines that were made brighter: there the fine waves are what is left."""
_LISTED_ROWS, _LISTED = 3, 64
"""Where the likeliest message fails its check but is nearly as clear as a reading, so many likely ones are asked too.
Wrong bits pass the check once in 2²⁴, so all of these together once in 40,000 damaged marks."""
_LISTED_LOG10 = -4.0
"""How clear that is: chance hardly comes so far, so this costs nothing where there is no mark. The likeliest message
need not be a ring, so one that is can be clearer."""
_SEEN_CLARITY = 7.5
"""Of the pilot. Chance reached 6.1 at most in 700 unmarked crops."""


def read(picture: Picture, keys: Sequence[WatermarkKey], *, turns: bool = False) -> Reading | NotRead:
    """The payload in `picture`, with the first of `keys` that reads; put the key that marks now first.

    With `turns`, pictures that are turned by up to 5° are read too, which takes many times as long.
    """
    if min(picture.shape[:2]) < MIN_SIDE_PX:
        return NotRead(WhyNotRead.TOO_SMALL)
    seen = working(picture)
    damaged: NotRead | None = None
    for look in Look:
        waves = spectrum(seen, look)
        for key in keys:
            answer = _with(key, seen, waves, turns=turns)
            if isinstance(answer, Reading):
                return answer
            if answer.why is WhyNotRead.DAMAGED:
                damaged = damaged or answer
    return damaged or NotRead(WhyNotRead.NOTHING_FOUND)


def carried(picture: Picture, payloads: Sequence[bytes], keys: Sequence[WatermarkKey]) -> bytes | None:
    """The one of a few `payloads` that `picture` carries, also where it is too damaged for `read` to find it.

    A payload that is known beforehand need not be told from 2⁶⁴ others, so less than half of the mark's energy will do.
    """
    if min(picture.shape[:2]) < MIN_SIDE_PX:
        return None
    seen = working(picture)
    for look in Look:
        waves = spectrum(seen, look)
        for key in keys:
            keyed = layout(key)
            _, values = _heard(keyed, seen, waves, turns=False)
            tried = len(values) * len(Look) * len(payloads)
            for payload in payloads:
                expected = encode(payload, key)[keyed.bit_of]
                bounds = [false_log10(row, expected, tried, payload_bits=0) for row in values]
                if min(bounds) <= LARGEST_FALSE_LOG10:
                    return payload
    return None


def _heard(keyed: Layout, seen: Working, waves: Spectrum, *, turns: bool) -> tuple[list[Found], NDArray[np.float32]]:
    """The clearest places, and what stands there, as each ear hears it: one row for each ear and place."""
    places = [
        refined(waves, seen.side, keyed, found) for found in search(waves, seen.side, keyed, _DECODED, turns=turns)
    ]
    heard = np.stack([straightened(waves, found) for found in places])
    return places, np.concatenate([keyed.values(heard * ear) for ear in _EARS])


def _with(key: WatermarkKey, seen: Working, waves: Spectrum, *, turns: bool) -> Reading | NotRead:
    keyed = layout(key)
    places, values = _heard(keyed, seen, waves, turns=turns)
    best = _clearest(key, keyed, values, places * len(_EARS), seen)
    if best is not None:
        return best
    if max(place.clarity for place in places) >= _SEEN_CLARITY:
        return NotRead(WhyNotRead.DAMAGED, key.id)
    return NotRead(WhyNotRead.NOTHING_FOUND)


def _clearest(
    key: WatermarkKey, keyed: Layout, values: NDArray[np.float32], places: Sequence[Found], seen: Working
) -> Reading | None:
    """The surest reading among the rows of `values`, each from one of `places`."""
    tried = len(values) * len(Look)
    soft = keyed.soft_bits(values)

    def bound(row: int, message: Bits) -> float:
        return false_log10(values[row], coded(message)[keyed.bit_of], tried)

    first = likeliest(soft)
    bounds = [bound(row, message) for row, message in enumerate(first)]
    rows = [row for row in np.argsort(bounds) if bounds[row] <= _LISTED_LOG10]
    for row in rows:
        payload = payload_of(first[row], key)
        if payload is not None and bounds[row] <= LARGEST_FALSE_LOG10:
            return _reading(payload, key, bounds[row], places[row], seen)
    for row in rows[:_LISTED_ROWS]:
        for message in likely(soft[row], _LISTED):
            payload, sure = payload_of(message, key), bound(row, message)
            if payload is not None and sure <= LARGEST_FALSE_LOG10:
                return _reading(payload, key, sure, places[row], seen)
    return None


def _reading(payload: bytes, key: WatermarkKey, bound: float, place: Found, seen: Working) -> Reading:
    return Reading(
        payload=payload,
        key_id=key.id,
        false_log10=bound,
        mirrored=place.pose.mirrored,
        tile_px=(place.pose.down_px / seen.scale[0], place.pose.across_px / seen.scale[1]),
        turned_deg=float(np.degrees(place.pose.turned)),
    )
