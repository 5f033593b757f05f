"""Reading the mark: find the square of each key, decode what it carries, and say how sure that is.

    (1) spectrum   of the picture, once for all keys
    (2) search     the size, place and mirroring in which a key's pilot stands out
    (3) refine     the clearest of them, each side by itself
    (4) decode     soft bits, the code, the check
    (5) judge      how often chance would give as much

A picture in which nothing reaches `LARGEST_FALSE_LOG10` with its check passed gives `NotRead`.
"""

from collections.abc import Sequence

import numpy as np

from safelight.provenance.watermark.code import decode, encode
from safelight.provenance.watermark.confidence import LARGEST_FALSE_LOG10, false_log10
from safelight.provenance.watermark.key import WatermarkKey
from safelight.provenance.watermark.layout import WAVES, layout
from safelight.provenance.watermark.model import NotRead, Picture, Reading, WhyNotRead
from safelight.provenance.watermark.search import Found, refine, search, turned_back, waves_at
from safelight.provenance.watermark.spectrum import Spectrum, spectrum

MIN_SIDE_PX = 64
_DECODED = 6
"""Poses that are decoded with each key."""
_LEAST_CLARITY = 4.0
"""A pilot below this is chance; above `_SEEN_CLARITY` it is not."""
_SEEN_CLARITY = 8.0
_EVERY = np.arange(len(WAVES))


def read(picture: Picture, keys: Sequence[WatermarkKey]) -> Reading | NotRead:
    """The payload in `picture`, with the first of `keys` that reads; put the key that marks now first."""
    if min(picture.shape[:2]) < MIN_SIDE_PX:
        return NotRead(WhyNotRead.TOO_SMALL)
    seen = spectrum(picture)
    damaged: NotRead | None = None
    for key in keys:
        answer = _with(key, seen)
        if isinstance(answer, Reading):
            return answer
        if answer.why is WhyNotRead.DAMAGED and damaged is None:
            damaged = answer
    return damaged or NotRead(WhyNotRead.NOTHING_FOUND)


def _with(key: WatermarkKey, seen: Spectrum) -> Reading | NotRead:
    keyed = layout(key)
    places = [found for found in search(seen, keyed, _DECODED) if found.clarity >= _LEAST_CLARITY]
    if not places:
        return NotRead(WhyNotRead.NOTHING_FOUND)
    places = [refine(seen, keyed, found) for found in places]
    waves = np.stack([turned_back(waves_at(seen, found.pose, _EVERY), found.shift) for found in places])
    values = keyed.values(waves)
    payloads = decode(keyed.soft_bits(values), key)
    for place, row, payload in zip(places, values, payloads, strict=True):
        if payload is None:
            continue
        bound = false_log10(row, encode(payload, key)[keyed.bit_of], len(places))
        if bound <= LARGEST_FALSE_LOG10:
            return _reading(payload, key, bound, place, seen)
    if max(place.clarity for place in places) >= _SEEN_CLARITY:
        return NotRead(WhyNotRead.DAMAGED, key.id)
    return NotRead(WhyNotRead.NOTHING_FOUND)


def _reading(payload: bytes, key: WatermarkKey, bound: float, place: Found, seen: Spectrum) -> Reading:
    return Reading(
        payload=payload,
        key_id=key.id,
        false_log10=bound,
        mirrored=place.pose.mirrored,
        tile_px=(place.pose.down_px / seen.scale[0], place.pose.across_px / seen.scale[1]),
        turned_deg=float(np.degrees(place.pose.turned)),
    )
