"""Ways to mark that stand in one table: Safelight's, and those of the packages that are installed (extra `bench`).

`invisible-watermark` imports PyTorch for a method that is not asked here, which makes the extra a large one.
"""

import importlib.util
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from safelight.provenance.watermark import Picture, Reading, WatermarkKey, embed, read

KEY = WatermarkKey(bytes(range(32)))


def payload_of(name: str) -> bytes:
    """Another one for each picture, the same in each run."""
    return zlib.crc32(name.encode()).to_bytes(4, "big") + zlib.crc32(name[::-1].encode()).to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class Method:
    """One way to mark."""

    name: str
    mark: Callable[[Picture, bytes], Picture]
    bits: Callable[[Picture], bytes | None]


def ours() -> Method:
    """Safelight's."""

    def bits(picture: Picture) -> bytes | None:
        answer = read(np.ascontiguousarray(picture[..., ::-1]), [KEY])
        return answer.payload if isinstance(answer, Reading) else None

    return Method("Safelight", lambda picture, payload: embed(picture[..., ::-1], payload, KEY)[..., ::-1], bits)


def others() -> list[Method]:
    """Those of the packages that are installed."""
    methods = []
    if importlib.util.find_spec("imwatermark"):
        from imwatermark import (  # type: ignore[import-not-found, unused-ignore]
            WatermarkDecoder,
            WatermarkEncoder,
        )

        def write(picture: Picture, payload: bytes) -> Picture:
            encoder = WatermarkEncoder()
            encoder.set_watermark("bytes", payload)
            return np.asarray(encoder.encode(np.ascontiguousarray(picture), "dwtDct"), np.uint8)

        def look(picture: Picture) -> bytes | None:
            return bytes(WatermarkDecoder("bytes", 64).decode(picture, "dwtDct"))

        methods.append(Method("invisible-watermark", write, look))
    if importlib.util.find_spec("blind_watermark"):
        from blind_watermark import WaterMark, bw_notes  # type: ignore[import-not-found, unused-ignore]

        bw_notes.close()

        def ink(picture: Picture, payload: bytes) -> Picture:
            marker = WaterMark(password_img=1, password_wm=1)
            marker.read_img(img=np.ascontiguousarray(picture))
            marker.read_wm(np.unpackbits(np.frombuffer(payload, np.uint8)).astype(bool).tolist(), mode="bit")
            return np.asarray(np.clip(marker.embed(), 0, 255), np.uint8)

        def wash(picture: Picture) -> bytes | None:
            marker = WaterMark(password_img=1, password_wm=1)
            found = marker.extract(embed_img=picture, wm_shape=64, mode="bit")
            return np.packbits(np.asarray(found) > 0.5).tobytes()

        methods.append(Method("blind-watermark", ink, wash))
    return methods
