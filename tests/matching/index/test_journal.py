"""Frames of the journal are whole or not there; what was damaged is an error and no end."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.matching.at_rest.sealed import Seal
from safelight.matching.index.journal import Op, append, frames, records
from tests.matching.index.words import SECRET, uniform


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
