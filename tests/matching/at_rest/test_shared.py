"""Processes share one memory, nothing of a killed one stays, and where there is no room each has its own."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import structlog

from safelight.matching.at_rest.pages import THREAD
from safelight.matching.at_rest.sealed import Put
from safelight.matching.at_rest.shared import PLACE, SHARED_FROM, SharedMemory, _is_memory
from safelight.matching.index.hash_index import HashIndex
from tests.matching.index.words import SECRET, numbers, uniform

READER = "tests.matching.index.reader"
ROOT = Path(__file__).parents[3]
SIZE = SHARED_FROM + 5
pytestmark = pytest.mark.skipif(not _is_memory(PLACE), reason="this machine has no shared memory in files")


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=PLACE, prefix="safelight-test-") as folder:
        yield Path(folder)


class Filling:
    """Puts a pattern, and counts how often it was asked to."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, put: Put) -> None:
        self.times += 1
        pattern = bytes(range(256)) * (SIZE // 256)
        put(0, memoryview(pattern))
        put(len(pattern), memoryview(b"\7" * (SIZE - len(pattern))))


def files(place: Path) -> list[Path]:
    return [path for path in place.rglob("*") if path.is_file()]


def started(folder: Path, place: Path) -> "subprocess.Popen[str]":
    """A process that has the index open, and how it says that it has."""
    return subprocess.Popen(  # noqa: S603 (our own script)
        [sys.executable, "-m", READER, str(folder), str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def said(reader: "subprocess.Popen[str]") -> str:
    assert reader.stdout
    return reader.stdout.readline().strip()


def test_what_is_shared_is_filled_once_and_removed_by_the_last_to_let_go(place: Path) -> None:
    fill, one, other = Filling(), SharedMemory("x", place), SharedMemory("x", place)
    first, second = one.mapped("a", SIZE, fill), other.mapped("a", SIZE, fill)
    assert fill.times == 1
    assert first.tobytes() == second.tobytes()
    assert (first[255], first[-1]) == (255, 7)
    assert not first.flags.writeable
    (file,) = files(place)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    del first
    assert files(place) == [file]
    del second
    assert list(place.iterdir()) == []


def test_large_pages_change_nothing_that_is_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safelight.matching.at_rest.pages.ENLARGED_FROM", 0)
    content = np.random.default_rng(1).bytes((4 << 20) + 5)
    memory = SharedMemory("x", place).mapped("a", len(content), lambda put: put(0, memoryview(content)))
    again = SharedMemory("x", place).mapped("a", len(content), lambda _put: None)
    for thread in [thread for thread in threading.enumerate() if thread.name == THREAD]:
        thread.join()
    assert memory.tobytes() == again.tobytes() == content
    assert memory.ctypes.data % (2 << 20) == again.ctypes.data % (2 << 20) == 0
    del memory, again
    assert list(place.iterdir()) == []


def test_who_maps_what_another_made_asks_for_large_pages_too(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that imports a list ends before its pages are large; the service that goes on would stay slow."""
    asked: list[int] = []
    monkeypatch.setattr("safelight.matching.at_rest.pages.enlarge", lambda _room, memory: asked.append(memory.nbytes))
    made = SharedMemory("x", place).mapped("a", SIZE, lambda put: put(0, memoryview(bytes(SIZE))))
    again = SharedMemory("x", place).mapped("a", SIZE, lambda _put: None)
    assert asked == [SIZE, SIZE]
    del made, again


def test_little_is_not_worth_a_file(place: Path) -> None:
    memory = SharedMemory("x", place).mapped("a", 3, lambda put: put(0, memoryview(b"abc")))
    assert memory.tobytes() == b"abc"
    assert list(place.iterdir()) == []


def test_what_could_not_be_filled_leaves_nothing(place: Path) -> None:
    def fill(put: Put) -> None:
        put(0, memoryview(b"abc"))
        raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        SharedMemory("x", place).mapped("a", SIZE, fill)
    assert files(place) == []


def test_a_leftover_is_removed_and_what_somebody_maps_is_not(place: Path) -> None:
    memory = SharedMemory("x", place)
    held = memory.mapped("held", SIZE, Filling())
    (place / "safelight-x" / "dead").write_bytes(b"x")
    (place / "safelight-x" / "half.partial").write_bytes(b"x")
    memory.keep({"wanted"})
    assert [file.name for file in files(place)] == ["held"]
    assert held[255] == 255


@pytest.mark.parametrize("spoil", ["no room", "somebody else's", "a link", "not memory", "absent"])
def test_where_memory_cannot_be_shared_each_has_its_own_and_it_is_said_once(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    if spoil == "no room":
        full = os.statvfs_result((4096, 4096, 1000, 1, 1, 10, 10, 10, 0, 255))
        monkeypatch.setattr("safelight.matching.at_rest.shared.os.fstatvfs", lambda _folder: full)
    elif spoil == "somebody else's":
        (place / "safelight-x").mkdir()
        (place / "safelight-x").chmod(0o777)
    elif spoil == "a link":
        (place / "safelight-x").symlink_to(tmp_path)
    else:
        place = tmp_path if spoil == "not memory" else tmp_path / "absent"
    memory, fill = SharedMemory("x", place), Filling()
    with structlog.testing.capture_logs() as logs:
        first, second = memory.mapped("a", SIZE, fill), memory.mapped("b", SIZE, fill)
    assert first.tobytes() == second.tobytes()
    assert fill.times == 2
    assert [(line["event"], line["log_level"]) for line in logs] == [("index_memory_is_not_shared", "warning")]
    assert "--shm-size" in logs[0]["next_step"]
    assert files(place) == []
    assert list(tmp_path.iterdir()) == []


def test_processes_share_one_file_and_kill_9_of_the_first_leaves_the_others_to_it(tmp_path: Path, place: Path) -> None:
    """The second maps what the first has filled; a third comes after the first was killed. The last leaves nothing."""
    hashes = uniform(17_000)
    HashIndex(tmp_path, SECRET, place).add(hashes, numbers(len(hashes)))
    assert files(place) == []
    with started(tmp_path, place) as first:
        answers = [said(first)]
        (file,) = files(place)
        inode = file.stat().st_ino
        with started(tmp_path, place) as second:
            answers.append(said(second))
            assert [one.stat().st_ino for one in files(place)] == [inode]
            first.send_signal(signal.SIGKILL)
            first.wait()
            third = HashIndex(tmp_path, SECRET, place)
            assert [one.stat().st_ino for one in files(place)] == [inode]
            answers.append(str(len(third.near(hashes[:1], 0)[0])))
            second.send_signal(signal.SIGKILL)
            second.wait()
        assert answers == ["1", "1", "1"]
        del third
    assert list(place.iterdir()) == []


def test_memory_that_ends_while_it_is_filled_costs_no_answer(tmp_path: Path, place: Path) -> None:
    """The kernel refuses to let the file grow, as it does where the room is used up meanwhile."""
    hashes = uniform(17_000)
    HashIndex(tmp_path, SECRET, place).add(hashes, numbers(len(hashes)))
    with started(tmp_path, place / "limited") as reader:
        assert said(reader) == "1"
        assert reader.stdin
        reader.stdin.close()
    assert files(place) == []


def test_arrays_keep_their_memory_when_the_index_is_gone(tmp_path: Path, place: Path) -> None:
    hashes = uniform(17_000)
    index = HashIndex(tmp_path, SECRET, place)
    index.add(hashes, numbers(len(hashes)))
    part = index._refreshed().parts[0]
    del index
    assert len(files(place)) == 1
    assert np.array_equal(np.sort(part.hashes, axis=0), np.sort(hashes, axis=0))
