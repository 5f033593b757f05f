"""A keyed digest tells only the holder of the key whether a text is the one that was asked."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.errors import NotStartable
from safelight.store.digest_key import DigestKey


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "digest.key"
    first = DigestKey.load_or_make(path).digest("prompt", b"a red bus")
    assert DigestKey.load_or_make(path).digest("prompt", b"a red bus") == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_damaged_key_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "digest.key"
    path.write_bytes(b"short")
    with pytest.raises(NotStartable, match="32 bytes"):
        DigestKey.load_or_make(path)


def test_a_folder_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(NotStartable):
        DigestKey.load_or_make(tmp_path / "nowhere" / "digest.key")


@given(st.binary(max_size=64))
def test_digests_differ_by_key_and_by_purpose(content: bytes) -> None:
    one, other = DigestKey(b"1" * 32), DigestKey(b"2" * 32)
    digests = {one.digest("prompt", content), one.digest("image", content), other.digest("prompt", content)}
    assert len(digests) == 3
    assert one.pseudonym(content) != other.pseudonym(content)


def test_each_purpose_has_a_secret_of_its_own() -> None:
    key = DigestKey(b"\1" * 32)
    assert len({key.derived("one"), key.derived("two"), DigestKey(b"\2" * 32).derived("one")}) == 3
    assert len(key.derived("one")) == 32
    assert key.derived("one") == key.derived("one")
