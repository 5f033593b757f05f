"""A key file is made once, whole, for its owner only; one that is unfit is never replaced."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from safelight.core.errors import NotStartable
from safelight.store.key_file import load_or_make


def test_a_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    key = load_or_make(path, "the key")
    assert len(key) == 32
    assert load_or_make(path, "the key") == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["a.key"]
    assert len(load_or_make(tmp_path / "b.key", "the key", size_bytes=16)) == 16


def test_many_at_once_get_the_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        keys = set(threads.map(lambda _: load_or_make(tmp_path / "a.key", "the key"), range(64)))
    assert len(keys) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["a.key"]


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_an_unfit_key_is_an_error_and_stays(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.key"
    path.write_bytes(content)
    with pytest.raises(NotStartable, match=r"the key .* must have 32 bytes, not \d+; ask the operator"):
        load_or_make(path, "the key", if_lost="ask the operator")
    assert path.read_bytes() == content


def test_a_folder_that_is_none_or_shut_is_an_error_with_a_next_step(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere" / "a.key", tmp_path):
        with pytest.raises(NotStartable, match="look at the folder"):
            load_or_make(path, "the key")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_key_that_may_not_be_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    load_or_make(path, "the key")
    path.chmod(0)
    with pytest.raises(NotStartable):
        load_or_make(path, "the key")
