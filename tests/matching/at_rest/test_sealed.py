"""What is written is encrypted; whatever was changed, moved or belongs to another key is found when it is read."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.matching.at_rest.sealed import Seal
from safelight.matching.at_rest.shared import own_memory
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
    monkeypatch.setattr("safelight.matching.at_rest.sealed._THREADS_FROM", 1)
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
