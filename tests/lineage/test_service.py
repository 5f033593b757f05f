"""What comes back is recognised, brings its history, and is forgotten in time. Nothing can be read in the store."""

import asyncio
import io
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from sqlalchemy import func, select

from safelight.core.errors import NotStartable
from safelight.core.request import Subject
from safelight.core.signal import Signal
from safelight.lineage.model import NO_HISTORY, History, Made, carried
from safelight.lineage.service import NEAR_MAX_BITS, Lineage, bands_of
from safelight.lineage.words import WordsKey
from safelight.store.digest_key import DigestKey
from safelight.store.tables import made_image_bands, made_images
from safelight.wiring import fingerprint
from tests.database import empty_database

T = TypeVar("T")
ANNA = Subject("sub_a", "key_1", platform="shop")
BEN = Subject("sub_b", "key_1", platform="shop")
ELSEWHERE = Subject("sub_a", "key_2", platform="other")
CUP: NDArray[np.uint8] = skimage.data.coffee()


class Memory:
    """A lineage with a clock that is set by hand."""

    def __init__(self, folder: Path, *, keep_hours: int = 72, words: bool = True) -> None:
        self.now = datetime(2026, 7, 1, tzinfo=UTC)
        self.database = empty_database(folder / "test.db")
        self.lineage = Lineage(
            self.database,
            DigestKey(b"d" * 32),
            lambda: self.now,
            fingerprint,
            WordsKey(b"w" * 32) if words else None,
            keep=timedelta(hours=keep_hours),
        )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)

    def remember(self, content: bytes = b"file", frame: NDArray[np.uint8] = CUP, **more: Any) -> None:
        given: dict[str, Any] = {"before": NO_HISTORY, "words": ["a red cup"], "signals": ()}
        draft = self.run(self.lineage.draft([Made(content, frame)], ANNA, **(given | more)))
        self.run(self.database.write(lambda connection: self.lineage.write(connection, [draft])))

    def look(self, content: bytes = b"file", frame: NDArray[np.uint8] = CUP, subject: Subject = ANNA) -> History:
        return self.run(self.lineage.look([(content, frame)], subject))

    def count(self) -> int:
        return self.run(
            self.database.read(lambda c: c.execute(select(func.count()).select_from(made_images)).scalar() or 0)
        )


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    made = Memory(tmp_path)
    yield made
    made.database.close()


def recompressed(frame: NDArray[np.uint8], size: tuple[int, int] = (480, 320)) -> NDArray[np.uint8]:
    file = io.BytesIO()
    Image.fromarray(frame).resize(size).save(file, "JPEG", quality=50)
    return np.asarray(Image.open(file))


def test_the_exact_file_brings_its_history_whoever_sends_it(memory: Memory) -> None:
    memory.remember(signals=[Signal("text_undress", 0.4, "x@1", "prompt")])
    for subject in (ANNA, BEN):
        history = memory.look(subject=subject)
        assert (history.edits, history.words) == (1, ("a red cup",))
        assert [(signal.name, signal.value) for signal in history.signals] == [("text_undress", 0.4)]


def test_another_platform_knows_nothing_of_it(memory: Memory) -> None:
    memory.remember()
    assert memory.look(subject=ELSEWHERE).edits == 0


@pytest.mark.parametrize(
    "change",
    [
        recompressed,
        lambda frame: frame[:, ::-1].copy(),
        lambda frame: np.rot90(frame).copy(),
        lambda f: recompressed(f, (900, 600)),
    ],
    ids=["small and recompressed", "mirrored", "turned", "enlarged"],
)
def test_a_copy_is_recognised_for_the_account_it_was_made_for(
    memory: Memory, change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
) -> None:
    memory.remember()
    assert memory.look(b"another file", change(CUP)).edits == 1
    assert memory.look(b"another file", change(CUP), BEN).edits == 0


def test_the_file_that_an_output_was_made_from_begins_anew(memory: Memory) -> None:
    """A shop edits one photo ten times: what was asked of the second edit is not asked of the original."""
    memory.remember(b"first output", recompressed(CUP), before=memory.look(b"original"))
    chained = memory.look(b"first output", recompressed(CUP))
    memory.remember(b"second output", recompressed(CUP, (360, 240)), before=chained)
    assert memory.look(b"original").edits == 0
    assert memory.look(b"a copy of it", recompressed(CUP, (500, 340))).edits > 0
    assert memory.look(b"second output", recompressed(CUP, (360, 240))).edits == 2


def test_another_picture_is_another_picture(memory: Memory) -> None:
    memory.remember()
    assert memory.look(b"another file", skimage.data.astronaut()).edits == 0


def test_a_flat_picture_is_known_by_its_file_only(memory: Memory) -> None:
    flat = np.full((64, 64, 3), 128, np.uint8)
    memory.remember(frame=flat)
    assert memory.look(frame=flat).edits == 1
    assert memory.look(b"another file", flat).edits == 0


def test_a_chain_grows_and_keeps_the_worst(memory: Memory) -> None:
    memory.remember(b"1", signals=[Signal("photo_youngest_years", 19.0, "x@1", "photo 1")])
    first = memory.look(b"1")
    later = [Signal("photo_youngest_years", 40.0, "x@1", "photo 1"), Signal("text_minor", 0.6, "x@1", "prompt")]
    memory.remember(b"2", skimage.data.astronaut(), before=first, words=["a blue cup"], signals=later)
    history = memory.look(b"2", skimage.data.astronaut())
    assert history.edits == 2
    assert history.words == ("a red cup", "a blue cup")
    assert {signal.name: signal.value for signal in history.signals} == {
        "photo_youngest_years": 19.0,
        "text_minor": 0.6,
    }


def test_only_what_a_later_edit_needs_is_carried() -> None:
    assert carried([Signal("output_people", 3, "x@1", "output 1"), Signal("text_hidden", 1.0, "x@1", "prompt")]) == ()


def test_it_is_forgotten_in_time_and_removed(memory: Memory) -> None:
    memory.remember()
    memory.now += timedelta(hours=72)
    assert memory.look().edits == 0
    memory.run(memory.lineage.purge())
    assert memory.count() == 0
    assert memory.run(memory.database.read(lambda c: c.execute(select(made_image_bands)).all())) == []


def test_remembering_clears_what_has_expired(memory: Memory) -> None:
    memory.remember(b"1")
    memory.now += timedelta(hours=80)
    memory.remember(b"2")
    assert memory.count() == 1


def test_nothing_can_be_read_in_the_store(memory: Memory, tmp_path: Path) -> None:
    memory.remember(b"a file that was released", words=["a heliotrope umbrella"])
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("test.db*"))
    assert b"sub_a" in kept
    assert b"heliotrope" not in kept
    assert b"a file that was released" not in kept


def test_words_are_kept_only_where_the_operator_wants_them(tmp_path: Path) -> None:
    memory = Memory(tmp_path, words=False)
    memory.remember(signals=[Signal("text_person", 0.9, "x@1", "prompt")])
    assert (memory.look().words, len(memory.look().signals)) == ((), 1)
    memory.database.close()


def test_without_a_time_nothing_is_remembered(tmp_path: Path) -> None:
    memory = Memory(tmp_path, keep_hours=0)
    memory.remember()
    assert memory.count() == 0
    assert memory.look().edits == 0
    memory.database.close()


@given(st.lists(st.text(max_size=50), max_size=6), st.text(max_size=20))
def test_sealed_words_open_for_their_row_and_key_only(words: list[str], row: str) -> None:
    key = WordsKey(b"w" * 32)
    sealed = key.seal(words, row)
    assert key.open(sealed, row) == tuple(words)
    assert key.open(sealed, row + "x") == ()
    assert WordsKey(b"v" * 32).open(sealed, row) == ()
    assert key.open(sealed[:-1], row) == ()


def test_a_key_file_is_made_once_and_held_to_its_length(tmp_path: Path) -> None:
    path = tmp_path / "lineage.key"
    sealed = WordsKey.load_or_make(path).seal(["a"], "r")
    assert WordsKey.load_or_make(path).open(sealed, "r") == ("a",)
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(b"short")
    with pytest.raises(NotStartable):
        WordsKey.load_or_make(path)


@given(st.binary(min_size=32, max_size=32), st.sets(st.integers(0, 255), max_size=15))
def test_prints_that_differ_in_fifteen_bits_share_a_band(one: bytes, flipped: set[int]) -> None:
    number = int.from_bytes(one, "big")
    for bit in flipped:
        number ^= 1 << bit
    assert not bands_of([one]).isdisjoint(bands_of([number.to_bytes(32, "big")]))
    assert len(flipped) <= NEAR_MAX_BITS
