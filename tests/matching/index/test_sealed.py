"""What is written is encrypted; whatever was changed, moved or belongs to another key is found when it is read."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.matching.index.journal import Op, append, frames, records
from safelight.matching.index.sealed import Seal
from safelight.matching.index.shared import own_memory
from tests.matching.index.words import SECRET, uniform

PIECE = 1 << 20


def opened(path: Path, secret: bytes = SECRET) -> list[bytes]:
    file = Seal(secret).file(path)
    return [part.tobytes() for part in file.parts(own_memory(file.size, file.read))]


@settings(deadline=None, max_examples=30)
@given(parts=st.lists(st.binary(max_size=300), max_size=4))
def test_a_file_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]) -> None:
    path = tmp_path_factory.getbasetemp() / "one"
    Seal(SECRET).write(path, [np.frombuffer(part, np.uint8) for part in parts])
    assert opened(path) == parts + [b""] * (4 - len(parts))


@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1])
def test_a_piece_may_end_anywhere(tmp_path: Path, size: int) -> None:
    parts = [np.random.default_rng(1).bytes(size), b"", b"x" * size]
    Seal(SECRET).write(tmp_path / "one", [np.frombuffer(part, np.uint8) for part in parts])
    assert opened(tmp_path / "one") == [*parts, b""]


def test_two_threads_read_what_one_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safelight.matching.index.sealed._THREADS_FROM", 1)
    content = np.random.default_rng(1).bytes(4 * PIECE + 7)
    Seal(SECRET).write(tmp_path / "one", [np.frombuffer(content, np.uint8)])
    assert opened(tmp_path / "one")[0] == content
    changed = bytearray((tmp_path / "one").read_bytes())
    changed[-1] ^= 1
    (tmp_path / "one").write_bytes(changed)
    with pytest.raises(ValueError, match="was changed"):
        opened(tmp_path / "one")


def test_a_changed_byte_is_found_wherever_it_is(tmp_path: Path) -> None:
    Seal(SECRET).write(tmp_path / "one", [uniform(3), uniform(1)[0]])
    whole = (tmp_path / "one").read_bytes()
    for at in range(len(whole)):
        (tmp_path / "one").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ValueError, match="restore"):
            opened(tmp_path / "one")
    for changed in (whole[:-1], whole + b"\0", whole[:20], b""):
        (tmp_path / "one").write_bytes(changed)
        with pytest.raises(ValueError, match="restore"):
            opened(tmp_path / "one")


def test_pieces_cannot_change_places_nor_files_their_names(tmp_path: Path) -> None:
    Seal(SECRET).write(tmp_path / "one", [uniform(2 * PIECE // 32)])
    whole = (tmp_path / "one").read_bytes()
    (tmp_path / "one").rename(tmp_path / "two")
    with pytest.raises(ValueError, match="was changed"):
        opened(tmp_path / "two")
    head, first, second = np.split(np.frombuffer(whole, np.uint8), [52, 52 + PIECE + 16])
    rest = second[PIECE + 16 :]
    (tmp_path / "one").write_bytes(np.concatenate([head, second[: PIECE + 16], first, rest]).tobytes())
    with pytest.raises(ValueError, match="was changed"):
        opened(tmp_path / "one")


def test_nothing_that_was_written_stands_in_the_file_and_no_two_files_are_alike(tmp_path: Path) -> None:
    hashes = uniform(500)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        Seal(SECRET).write(tmp_path / folder / "one", [hashes])
    first, second = ((tmp_path / folder / "one").read_bytes() for folder in ("a", "b"))
    assert not any(word.tobytes() in first or word.byteswap().tobytes() in first for word in hashes.ravel())
    assert first[52:] != second[52:]
    assert Seal(SECRET).file(tmp_path / "a" / "one").mark != Seal(SECRET).file(tmp_path / "b" / "one").mark
    with pytest.raises(ValueError, match="another key"):
        opened(tmp_path / "a" / "one", b"\6" * 32)


@settings(deadline=None, max_examples=40)
@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4), torn=st.integers(0, 400), split=st.integers(0, 3))
def test_whole_frames_are_read_from_wherever_a_reader_was(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], torn: int, split: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "journal-0"
    path.unlink(missing_ok=True)
    cipher, ends = Seal(SECRET).cipher("journal", b""), [0]
    batches = [records(Op.ADD, uniform(size, size), np.arange(size, dtype=np.uint64)) for size in sizes]
    for batch in batches:
        append(path, ends[-1], batch, cipher)
        ends.append(path.stat().st_size)
    begins = ends[min(split, len(sizes))]
    content = path.read_bytes()[begins:] + os.urandom(torn)
    read = list(frames(content, begins, cipher))
    assert [end for _, end in read] == [end for end in ends if end > begins]
    assert [batch.tobytes() for batch, _ in read] == [batch.tobytes() for batch in batches[len(batches) - len(read) :]]
    if begins == 0 and len(batches) > 1:
        moved = content[ends[1] :] + content[: ends[1]]
        assert list(frames(moved, 0, cipher)) == []


def test_a_frame_that_was_damaged_before_others_is_an_error_and_no_end(tmp_path: Path) -> None:
    path, cipher = tmp_path / "journal-0", Seal(SECRET).cipher("journal", b"")
    batch = records(Op.ADD, uniform(1), np.zeros(1, np.uint64))
    append(path, 0, batch, cipher)
    size = path.stat().st_size
    append(path, size, batch, cipher)
    whole = path.read_bytes()
    for at in range(size):
        with pytest.raises(ValueError, match="changed"):
            list(frames(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], 0, cipher))
