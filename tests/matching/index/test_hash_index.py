"""The index keeps what it acknowledged and nothing that was revoked, in every process, and after kill -9."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safelight.core.errors import StoreFailed
from safelight.matching.index.hash_index import HashIndex, Hit, tag_of
from safelight.matching.index.layout import Hashes
from tests.matching.index.words import SECRET, clustered, flipped, uniform

WRITER = "tests.matching.index.writer"
ROOT = Path(__file__).parents[3]


def tags(count: int, bank: int = 1, item: int = 0) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    return np.full(count, tag_of(bank, item), np.uint64)


def banks(index: HashIndex, hash_: Hashes, radius: int = 31) -> list[int]:
    return [hit.bank for hit in index.near(hash_[None], radius)[0]]


def test_what_is_added_is_found_within_the_radius(tmp_path: Path) -> None:
    index, hashes = HashIndex(tmp_path, SECRET), uniform(50)
    assert index.add(hashes, tags(50)) == 50
    near = flipped(hashes, 31)
    assert index.near(near[:1])[0] == [Hit(0, 1, 0, 31)]
    assert index.near(near[:1], 30)[0] == []
    assert index.near(flipped(hashes, 32)[:1])[0] == []


def test_the_nearest_of_each_item_stands_for_it(tmp_path: Path) -> None:
    index, hash_ = HashIndex(tmp_path, SECRET), uniform(1)
    index.add(np.concatenate([flipped(hash_, 9), flipped(hash_, 4), hash_]), tags(3))
    index.add(flipped(hash_, 2), tags(1, bank=2, item=7))
    assert index.near(hash_)[0] == [Hit(0, 1, 0, 0), Hit(0, 2, 7, 2)]


def test_adding_again_changes_nothing(tmp_path: Path) -> None:
    index, hashes = HashIndex(tmp_path, SECRET), uniform(20)
    index.add(hashes, tags(20))
    head = index.head
    assert index.add(hashes, tags(20)) == 0
    assert index.revoke(uniform(3, 5), tags(3)) == 0
    assert index.head == head
    assert index.add(hashes[:5], tags(5, bank=2)) == 5
    assert index.head != head


def test_a_revoked_hash_is_gone_and_may_come_back(tmp_path: Path) -> None:
    index, hashes = HashIndex(tmp_path, SECRET), uniform(3)
    index.add(hashes, tags(3))
    index.add(hashes, tags(3, bank=2))
    assert index.revoke(hashes[:1], tags(1)) == 1
    assert banks(index, hashes[0]) == [2]
    assert banks(index, hashes[1]) == [1, 2]
    index.add(hashes[:1], tags(1))
    assert banks(HashIndex(tmp_path, SECRET), hashes[0]) == [1, 2]


def test_a_dropped_bank_is_gone_from_segments_and_journal(tmp_path: Path) -> None:
    index, old, new = HashIndex(tmp_path, SECRET), uniform(20_000), uniform(5, 3)
    index.add(old, tags(20_000))
    index.add(old[:10], tags(10, bank=2))
    index.add(new, tags(5))
    index.drop_bank(1)
    assert index.count() == {2: 10}
    assert banks(index, old[0]) == [2]
    assert banks(HashIndex(tmp_path, SECRET), new[0]) == []


def test_another_reader_sees_changes_at_its_next_query(tmp_path: Path) -> None:
    writer, reader, hashes = HashIndex(tmp_path, SECRET), HashIndex(tmp_path, SECRET), uniform(30_000)
    for start in range(0, 30_000, 6_000):  # through the journal, and through folds and merges
        writer.add(hashes[start : start + 6_000], tags(6_000))
        assert banks(reader, hashes[start]) == [1]
    writer.revoke(hashes[:9_000], tags(9_000))
    assert banks(reader, hashes[8_999]) == []
    assert banks(reader, hashes[9_000]) == [1]
    assert reader.head == writer.head == HashIndex(tmp_path, SECRET).head
    writer.compact()
    assert reader.count() == {1: 21_000}
    assert len(reader) == 21_000


def test_folding_leaves_nothing_behind(tmp_path: Path) -> None:
    index, hashes = HashIndex(tmp_path, SECRET), uniform(60_000)
    for start in range(0, 60_000, 5_000):
        index.add(hashes[start : start + 5_000], tags(5_000))
    index.revoke(hashes[:10], tags(10))
    index.add(uniform(9_000, 5), tags(9_000))
    segments = [path.name for path in tmp_path.iterdir() if path.name.startswith("segment-")]
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert sorted(segments) == sorted(name for name, _ in manifest["segments"])
    assert len(segments) <= 6
    assert len(list(tmp_path.glob("journal-*"))) <= 1


def test_a_torn_end_of_the_journal_is_not_read_and_does_not_stay(tmp_path: Path) -> None:
    index, hashes = HashIndex(tmp_path, SECRET), uniform(3)
    index.add(hashes[:1], tags(1))
    journal = tmp_path / "journal-0"
    whole = journal.read_bytes()
    for end in range(1, len(whole)):
        journal.write_bytes(whole + whole[:end])
        assert len(HashIndex(tmp_path, SECRET)) == 1
    journal.write_bytes(whole + whole[:-1] + b"\xff")
    index = HashIndex(tmp_path, SECRET)
    index.add(hashes[1:], tags(2))
    assert len(HashIndex(tmp_path, SECRET)) == 3


def test_a_damaged_manifest_is_an_error_and_no_empty_index(tmp_path: Path) -> None:
    HashIndex(tmp_path, SECRET).add(uniform(20_000), tags(20_000))
    for text in ("", "{}", "[]", '{"number": 1, "segments": [["../x", ""]], "head": ""}'):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(StoreFailed):
            HashIndex(tmp_path, SECRET)


def test_a_lost_segment_is_an_error_and_no_smaller_index(tmp_path: Path) -> None:
    HashIndex(tmp_path, SECRET).add(uniform(20_000), tags(20_000))
    next(tmp_path.glob("segment-*")).rename(tmp_path / "elsewhere")
    with pytest.raises(StoreFailed):
        HashIndex(tmp_path, SECRET)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("arfd"), st.integers(0, 11), st.integers(1, 2)), max_size=25))
def test_it_is_what_a_set_would_be(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]) -> None:
    """Whatever is added, revoked, dropped and folded: the same as a plain set of hash and bank."""
    index, hashes = HashIndex(tmp_path_factory.mktemp("index"), SECRET), clustered(1, 12)
    model: set[tuple[bytes, int]] = set()
    for what, place, bank in steps:
        part = hashes[place : place + 4]
        pairs = {(row.tobytes(), bank) for row in part}
        if what == "a":
            assert index.add(part, tags(len(part), bank)) == len(pairs - model)
            model |= pairs
        elif what == "r":
            index.revoke(part, tags(len(part), bank))
            model -= pairs
        elif what == "f":
            index.compact()
        else:
            index.drop_bank(bank)
            model = {pair for pair in model if pair[1] != bank}
    for row in hashes:
        assert banks(index, row, 0) == sorted(bank for one, bank in model if one == row.tobytes())


def test_threads_may_ask_while_another_writes(tmp_path: Path) -> None:
    index, hashes = HashIndex(tmp_path, SECRET), uniform(12_000)
    index.add(hashes[:6_000], tags(6_000))
    wrong: list[int] = []

    def ask() -> None:
        for number in range(150):
            if banks(index, hashes[number]) != [1]:
                wrong.append(number)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for start in range(6_000, 12_000, 1_000):
        index.add(hashes[start : start + 1_000], tags(1_000))
    for thread in threads:
        thread.join()
    assert wrong == []


ROUNDS = int(os.environ.get("SAFELIGHT_TEST_KILLS", "12"))


def test_kill_9_loses_nothing_acknowledged_and_revives_nothing_revoked(tmp_path: Path) -> None:
    """A writer process says what it has done once it is done; it is killed at any moment, again and again.

    `SAFELIGHT_TEST_KILLS=200` for more rounds.
    """
    rng = np.random.default_rng(7)
    said: dict[str, set[int]] = {"added": set(), "revoking": set(), "revoked": set()}
    first = 0
    for _ in range(ROUNDS):
        with subprocess.Popen(  # noqa: S603 (our own script)
            [sys.executable, "-m", WRITER, str(tmp_path), str(first)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as writer:
            assert writer.stdout
            lines = [writer.stdout.readline() for _ in range(int(rng.integers(1, 12)))]
            threading.Event().wait(float(rng.uniform(0, 0.03)))
            writer.send_signal(signal.SIGKILL)
            lines += writer.stdout.readlines()
        for line in lines:
            word, at = line.split()
            said[word].add(int(at))
        index = HashIndex(tmp_path, SECRET)
        for number in said["added"]:
            found = [banks(index, row, 0) for row in uniform(700, number)[::100]]
            if number in said["revoked"]:
                assert found == [[]] * 7
            elif number not in said["revoking"]:
                assert found == [[1]] * 7
        first = max(said["added"]) + 2  # the batch that was under way when the kill came may be there or not
    assert len(said["added"]) > ROUNDS
    assert said["revoked"]
