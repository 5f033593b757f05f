"""A mask hides hashes and keeps how far apart they are; keyed digests keep only equality."""

from hypothesis import given
from hypothesis import strategies as st

from safelight.matching.index.mask import Mask
from safelight.matching.pdq import distance

HASH = st.binary(min_size=32, max_size=32)


@given(HASH, HASH, st.binary(min_size=32, max_size=32))
def test_distances_stay_as_they_are(one: bytes, other: bytes, secret: bytes) -> None:
    first, second = (row.astype(">u8").tobytes() for row in Mask(secret).hashes([one, other]))
    assert distance(first, second) == distance(one, other)


@given(HASH)
def test_another_secret_gives_another_hash(one: bytes) -> None:
    masked = {Mask(bytes([n]) * 32).hashes([one]).tobytes() for n in range(4)}
    assert len(masked) == 4
    assert Mask(b"\1" * 32).hashes([one]).tobytes() == Mask(b"\1" * 32).hashes([one]).tobytes()


def test_digests_depend_on_purpose_content_and_secret() -> None:
    mask = Mask(b"\1" * 32)
    found = {
        mask.digests("md5", [b"a"]).tobytes(),
        mask.digests("md5", [b"b"]).tobytes(),
        mask.digests("sha1", [b"a"]).tobytes(),
        Mask(b"\2" * 32).digests("md5", [b"a"]).tobytes(),
    }
    assert len(found) == 4
