"""The index on disk tells nothing, is of one key, and one from before it was encrypted is written anew."""

import hashlib
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from safelight.core.errors import StoreFailed
from safelight.matching.at_rest.sealed import Seal
from safelight.matching.index.hash_index import HashIndex, tag_of
from safelight.matching.index.journal import Op, records
from safelight.matching.index.layout import Hashes
from safelight.matching.index.segment import Segment
from tests.matching.index.words import SECRET, flipped, uniform

TAG = tag_of(0xABCDE, 0x12_3456_789A)
OTHER = b"\6" * 32


def tags(count: int) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    return np.full(count, TAG, np.uint64)


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def tells(folder: Path, hashes: Hashes) -> bool:
    """Whether a hash, half of one, or the tag stands in any file, whichever way round its bytes are."""
    words = [row.tobytes() for row in hashes] + [half.tobytes() for half in hashes.reshape(-1, 2)]
    words += [row.astype(">u8").tobytes() for row in hashes]
    words += [TAG.to_bytes(8, "big"), TAG.to_bytes(8, "little")]
    words += [word.hex().encode() for word in words]
    return any(word in content for content in contents(folder) for word in words)


def test_no_hash_and_no_tag_stands_in_any_file(tmp_path: Path) -> None:
    """Not in segments, large ones and small ones, nor in the journal, nor where rows were revoked."""
    index, hashes = HashIndex(tmp_path, SECRET), uniform(9_300)
    index.add(hashes[:9_000], tags(9_000))
    index.add(hashes[9_000:], tags(300))
    index.revoke(hashes[:10], tags(10))
    assert {path.name.partition("-")[0] for path in tmp_path.iterdir()} >= {"segment", "journal"}
    assert not tells(tmp_path, hashes[::1_500])
    index.add(uniform(400, 3), tags(400))
    index.compact()
    assert not tells(tmp_path, hashes[::1_500])


def test_another_key_refuses_and_changes_nothing(tmp_path: Path) -> None:
    index, hashes = HashIndex(tmp_path, SECRET), uniform(9_010)
    for rows in (hashes[:10], hashes[10:]):  # first a journal alone, then a segment
        index.add(rows, tags(len(rows)))
        before = contents(tmp_path)
        with pytest.raises(StoreFailed, match="another key"):
            HashIndex(tmp_path, OTHER)
        assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["segment-1", "dead-2-segment-1", "manifest.json", "journal-2"])
def test_a_changed_byte_is_an_error_and_no_smaller_index(tmp_path: Path, name: str) -> None:
    index, hashes = HashIndex(tmp_path, SECRET), uniform(31_000)
    index.add(hashes[:20_000], tags(20_000))
    index.revoke(hashes[:10], tags(10))
    index.add(hashes[20_000:29_000], tags(9_000))
    index.add(hashes[29_000:30_000], tags(1_000))
    index.add(hashes[30_000:], tags(1_000))
    del index  # with it its memory, so that the next is read from the disk
    whole = (tmp_path / name).read_bytes()
    for at in np.random.default_rng(3).integers(0, len(whole) if name != "journal-2" else len(whole) // 2, 3):
        changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        (tmp_path / name).write_bytes(changed)
        with pytest.raises(StoreFailed):
            HashIndex(tmp_path, SECRET)
    (tmp_path / name).write_bytes(whole)
    assert HashIndex(tmp_path, SECRET).count() == {0xABCDE: 30_990}


def test_a_journal_without_its_manifest_is_an_error_and_no_empty_index(tmp_path: Path) -> None:
    HashIndex(tmp_path, SECRET).add(uniform(5), tags(5))
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(StoreFailed, match="no manifest"):
        HashIndex(tmp_path, SECRET)


def test_a_backup_of_the_folder_is_read_elsewhere(tmp_path: Path) -> None:
    index, hashes = HashIndex(tmp_path / "here", SECRET), uniform(20_010)
    index.add(hashes[:20_000], tags(20_000))
    index.add(hashes[20_000:], tags(10))
    (tmp_path / "there").mkdir()
    for path in (tmp_path / "here").iterdir():
        (tmp_path / "there" / path.name).write_bytes(path.read_bytes())
    other = HashIndex(tmp_path / "there", SECRET)
    other.revoke(hashes[:5], tags(5))
    assert (len(other.near(hashes[:1], 0)[0]), len(index.near(hashes[:1], 0)[0])) == (0, 1)


def unsealed_frame(op: Op, hashes: Hashes) -> bytes:
    body = records(op, hashes, tags(len(hashes))).tobytes()
    return struct.pack(">4sII", b"SLJ1", len(hashes), zlib.crc32(body)) + body


def save_unsealed(folder: Path, name: str, hashes: Hashes, dead: str = "") -> None:
    """A segment as it was kept before, its first three rows revoked where `dead` names a file."""
    segment = Segment.build(hashes, tags(len(hashes)))
    (folder / name).mkdir(parents=True)
    stored = {"hashes": segment.hashes, "tags": segment.tags, "offsets": segment.offsets, "rows": segment.entries}
    for part, array in stored.items():
        if array is not None:
            np.save(folder / name / f"{part}.npy", array)
    if dead:
        (folder / dead).write_bytes(np.packbits(np.arange(len(hashes)) < 3).tobytes())


def test_an_index_from_before_is_encrypted_when_it_is_opened(tmp_path: Path) -> None:
    """Its rows, what was revoked, its journal up to the torn end, and its head stay; its files go."""
    hashes, head = uniform(18_000), "ab" * 32
    save_unsealed(tmp_path, "segment-4", hashes[:17_000], "dead-5-segment-4")
    save_unsealed(tmp_path, "segment-5", hashes[17_000:17_900])
    segments = [["segment-4", "dead-5-segment-4"], ["segment-5", ""]]
    (tmp_path / "manifest.json").write_text(json.dumps({"number": 5, "segments": segments, "head": head}))
    frames = [unsealed_frame(Op.ADD, hashes[17_900:]), unsealed_frame(Op.REVOKE, hashes[17_100:17_110])]
    (tmp_path / "journal-5").write_bytes(b"".join(frames) + frames[0][:-1])
    save_unsealed(tmp_path, "segment-9", hashes[:5])  # a leftover
    index = HashIndex(tmp_path, SECRET)
    assert index.count() == {0xABCDE: 18_000 - 3 - 10}
    found = [len(index.near(hashes[at : at + 1], 0)[0]) for at in (0, 2, 3, 16_999, 17_100, 17_110, 17_999)]
    assert found == [0, 0, 1, 1, 0, 1, 1]
    for frame in frames:
        head = hashlib.sha256(bytes.fromhex(head) + frame).hexdigest()
    assert index.head == head
    assert not tells(tmp_path, hashes[::1_500])
    assert all(path.is_file() for path in tmp_path.iterdir())
    before = contents(tmp_path)
    assert HashIndex(tmp_path, SECRET).head == head
    assert contents(tmp_path) == before


def test_a_journal_alone_from_before_is_encrypted_too_and_so_is_what_a_killed_conversion_left(tmp_path: Path) -> None:
    hashes = uniform(20)
    (tmp_path / "journal-0").write_bytes(unsealed_frame(Op.ADD, hashes))
    assert HashIndex(tmp_path, SECRET).count() == {0xABCDE: 20}
    (tmp_path / "journal-0").write_bytes(unsealed_frame(Op.ADD, hashes))
    save_unsealed(tmp_path, "segment-0", hashes)
    index = HashIndex(tmp_path, SECRET)
    assert index.count() == {0xABCDE: 20}
    assert not tells(tmp_path, hashes)
    assert index.add(hashes, tags(20)) == 0


def test_an_index_from_before_its_tables_had_this_form_is_written_anew(tmp_path: Path) -> None:
    """Such tables hold no bits of the next band: read as today's they would hide neighbours."""
    index, hashes = HashIndex(tmp_path, SECRET), uniform(20_000)
    index.add(hashes, tags(20_000))
    index.revoke(hashes[:3], tags(3))
    head = index.head
    del index
    bands, buckets = 16, 1 << 16
    former = [np.zeros(bands * buckets + 1, np.uint32), np.zeros(bands * len(hashes), np.uint32)]
    Seal(SECRET).write(tmp_path / "segment-1", [hashes, tags(20_000), *former])
    again = HashIndex(tmp_path, SECRET)
    assert [len(again.near(flipped(hashes[at : at + 1], 31))[0]) for at in (2, 3, 9_999, 19_999)] == [0, 1, 1, 1]
    assert again.count() == {0xABCDE: 19_997}
    assert again.head == head
    assert not any(part.lacks_tables for part in again._refreshed().parts)
    before = contents(tmp_path)
    assert HashIndex(tmp_path, SECRET).head == head
    assert contents(tmp_path) == before
