"""The key: made once, found again, and told apart by an id that gives nothing away."""

from pathlib import Path

import pytest

from safelight.core.errors import NotStartable
from safelight.provenance.watermark import WatermarkKey


def test_a_key_is_made_once_and_found_again(tmp_path: Path) -> None:
    made = WatermarkKey.load_or_make(tmp_path / "key")
    assert WatermarkKey.load_or_make(tmp_path / "key") == made
    assert (tmp_path / "key").read_bytes() == made.secret


def test_a_secret_of_another_length_is_no_key() -> None:
    with pytest.raises(NotStartable, match="restore it from backup"):
        WatermarkKey(b"short")


def test_neither_the_id_nor_the_representation_holds_the_secret() -> None:
    secret = bytes(range(32))
    key = WatermarkKey(secret)
    assert key.id.startswith("wmk_")
    assert secret.hex() not in repr(key)
    assert repr(secret) not in repr(key)
    assert WatermarkKey(secret[::-1]).id != key.id


def test_streams_for_different_purposes_have_nothing_in_common() -> None:
    key = WatermarkKey(bytes(range(32)))
    assert key.stream("pilot", 16) != key.stream("signs", 16)
    assert key.stream("pilot", 16) == key.stream("pilot", 32)[:16]
