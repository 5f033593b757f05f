"""The same files and the same lists give the same answers as `threatexchange`, the library that the field's matcher is
made of. Where it is not installed (`pip install pdqhash threatexchange`: one is compiled), nothing is asked here;
`reference_hashes.json` holds what its hashing answered.
"""

import importlib.util
import io
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from safelight.cli.pictures import read_picture
from safelight.matching.index.hash_index import HashIndex, tag_of
from safelight.matching.index.layout import to_words
from safelight.matching.pdq import Pdq, pdq
from tests.matching.index.words import SECRET
from tests.matching.pictures import photo

pytestmark = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("pdqhash", "threatexchange"))), reason="threatexchange is not installed"
)
PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "camera", "page", "text", "retina", "immunohistochemistry")
SIZES = ((1024, 1024), (640, 427), (300, 500), (160, 160))
FORMATS: tuple[tuple[str, dict[str, int]], ...] = (
    ("PNG", {}),
    *(("JPEG", {"quality": quality}) for quality in (95, 60, 30, 10)),
    ("WEBP", {"quality": 50}),
)
RADIUS = 31
"""Its threshold, and ours."""


def files() -> list[bytes]:
    """Each photo in every size and format."""
    made = []
    for name, size, (kind, options) in product(PHOTOS, SIZES, FORMATS):
        file = io.BytesIO()
        Image.fromarray(photo(name, *size)).save(file, kind, **options)
        made.append(file.getvalue())
    return made


def theirs(content: bytes) -> str:
    from threatexchange.signal_type.pdq.signal import PdqSignal

    return str(PdqSignal.hash_from_bytes(content))


def ours(content: bytes, folder: Path) -> str:
    """As `safelight hash` reads it; empty where it says that it has too little detail."""
    path = folder / "picture"
    path.write_bytes(content)
    found = pdq(read_picture(path)[1].frames[0])
    return found.hex if isinstance(found, Pdq) else ""


def test_every_file_has_the_same_hash(tmp_path: Path) -> None:
    pairs = [(ours(content, tmp_path), theirs(content)) for content in files()]
    assert len(pairs) == 216
    assert [mine for mine, _ in pairs] == [other for _, other in pairs]


def test_every_lookup_finds_the_same_entries_at_the_same_distance(tmp_path: Path) -> None:
    from threatexchange.signal_type.pdq.pdq_index import PDQIndex

    listed = sorted({theirs(content) for content in files()})
    rng = np.random.default_rng(3)
    asked = [*listed, *(near(one, int(rng.integers(25, 36)), rng) for one in listed for _ in range(5))]
    peer: Any = PDQIndex([(one, number) for number, one in enumerate(listed)])
    index = HashIndex(tmp_path, SECRET)
    index.add(words(listed), np.array([tag_of(number) for number in range(len(listed))], np.uint64))
    matches = 0
    for one in asked:
        expected = {(found.metadata, found.similarity_info.distance) for found in peer.query(one)}
        hits, _ = index.near(words([one]), RADIUS)
        assert {(hit.bank, hit.distance) for hit in hits} == expected
        matches += len(expected)
    assert matches > len(asked)


def words(hexes: list[str]) -> Any:
    return to_words(bytes.fromhex("".join(hexes)))


def near(hexes: str, bits: int, rng: np.random.Generator) -> str:
    """The hash with so many bits changed."""
    changed = np.unpackbits(np.frombuffer(bytes.fromhex(hexes), np.uint8))
    changed[rng.choice(256, bits, replace=False)] ^= 1
    return np.packbits(changed).tobytes().hex()
