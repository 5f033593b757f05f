"""Parts of the index of copies: sealed on the disk, one memory for all, and whole whatever happens to who writes."""

import errno
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from safelight.core.errors import StoreFailed
from safelight.matching.at_rest.shared import PLACE, _is_memory
from safelight.matching.copy_files import NOTHING, CopyFiles, Filed
from safelight.matching.copy_index import TABLES, Part

SECRET, METHOD = b"\3" * 32, "method"
FEATURES, KEY_BITS = 40, 8


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of few keys, which are shared all the same."""
    monkeypatch.setattr("safelight.matching.copy_files.KEY_BITS", KEY_BITS)
    monkeypatch.setattr("safelight.matching.copy_index.KEY_BITS", KEY_BITS)
    monkeypatch.setattr("safelight.matching.at_rest.shared.SHARED_FROM", 0)


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=PLACE, prefix="safelight-test-") as folder:
        yield Path(folder)


def part(first: int, count: int = 3) -> Part:
    rng = np.random.default_rng(first)
    sides = rng.integers(0, 1 << KEY_BITS, (count, 2, FEATURES, TABLES), dtype=np.uint32)
    return Part.build(range(first, first + count), [7] * count, [(plain, mirrored) for plain, mirrored in sides])


def saved(folder: Path, *parts: Part) -> None:
    files = CopyFiles(folder, METHOD, SECRET)
    with files.writing():
        files.replace([("", one) for one in parts])


def save_unsealed(folder: Path, *parts: Part, method: str = METHOD) -> list[str]:
    """As it was done before parts were encrypted."""
    names = [f"part-{number:016x}" for number in range(len(parts))]
    for name, one in zip(names, parts, strict=True):
        (folder / name).mkdir(parents=True)
        for field in fields(one):
            np.save(folder / name / f"{field.name}.npy", getattr(one, field.name))
    (folder / "manifest.json").write_text(json.dumps({"method": method, "parts": names}), "ascii")
    return names


def content(filed: Filed) -> list[list[bytes]]:
    return [[getattr(one, field.name).tobytes() for field in fields(one)] for _, one in filed.parts]


def read(folder: Path) -> list[list[bytes]]:
    return content(CopyFiles(folder, METHOD, SECRET).followed(NOTHING))


def in_memory(*parts: Part) -> list[list[bytes]]:
    return content(Filed((1, 1), tuple(("", one) for one in parts)))


def stored(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_what_is_on_disk_tells_nothing_and_is_read_as_it_was_written(tmp_path: Path) -> None:
    saved(tmp_path, part(1), part(5, 4))
    assert read(tmp_path) == in_memory(part(1), part(5, 4))
    assert not any(bytes(row[:32]) in stored(tmp_path) for one in (part(1), part(5, 4)) for row in one.sides)
    assert part(1).numbers.tobytes() not in stored(tmp_path)
    assert {path.stat().st_mode & 0o077 for path in tmp_path.glob("part-*")} == {0}


def test_the_highest_number_is_known_without_the_parts(tmp_path: Path) -> None:
    assert CopyFiles(tmp_path, METHOD, SECRET).newest == 0
    saved(tmp_path, part(5, 4), part(1))
    for path in tmp_path.glob("part-*"):
        path.unlink()
    assert CopyFiles(tmp_path, METHOD, SECRET).newest == 8
    assert CopyFiles(tmp_path, METHOD, b"\4" * 32).newest == 0


@pytest.mark.parametrize("damaged", ["part", "manifest", "key", "method"])
def test_what_was_changed_or_is_of_another_key_is_not_used(tmp_path: Path, damaged: str) -> None:
    saved(tmp_path, part(1))
    (path,) = tmp_path.glob("part-*") if damaged == "part" else [tmp_path / "manifest.json"]
    if damaged in {"part", "manifest"}:
        whole = path.read_bytes()
        at = whole.index(b"newest") + 9 if damaged == "manifest" else len(whole) // 2
        path.write_bytes(whole[:at] + b"2" + whole[at + 1 :])
    files = CopyFiles(tmp_path, "other" if damaged == "method" else METHOD, b"\4" * 32 if damaged == "key" else SECRET)
    assert files.followed(NOTHING).parts == ()
    with files.writing():
        files.replace([("", part(5))])
    assert content(files.followed(NOTHING)) == in_memory(part(5))
    assert len(list(tmp_path.glob("part-*"))) == 1


@pytest.mark.skipif(not _is_memory(PLACE), reason="this machine has no shared memory in files")
def test_processes_have_one_memory_which_ends_with_the_last_of_them(tmp_path: Path, place: Path) -> None:
    saved(tmp_path, part(1))
    one, other = (CopyFiles(tmp_path, METHOD, SECRET, place) for _ in range(2))
    first = one.followed(NOTHING)
    (file,) = [path for path in place.rglob("*") if path.is_file()]
    inode = file.stat().st_ino
    second = other.followed(NOTHING)
    assert [path.stat().st_ino for path in place.rglob("*") if path.is_file()] == [inode]
    with one.writing():
        one.replace([*one.followed_anew(first).parts, ("", part(5))])
    first = one.followed(first)
    assert content(first) == in_memory(part(1), part(5))
    assert len([path for path in place.rglob("*") if path.is_file()]) == 2
    del first, second
    assert list(place.iterdir()) == []


def test_parts_from_before_are_encrypted_when_the_folder_is_opened(tmp_path: Path) -> None:
    save_unsealed(tmp_path, part(1), part(5, 4))
    assert read(tmp_path) == in_memory(part(1), part(5, 4))
    assert CopyFiles(tmp_path, METHOD, SECRET).newest == 8
    assert all(path.is_file() for path in tmp_path.iterdir())
    assert not any(bytes(row[:32]) in stored(tmp_path) for row in part(1).sides)


@pytest.mark.parametrize("why", ["another method", "damaged", "empty", "no parts", "left by a killed conversion"])
def test_what_cannot_be_converted_does_not_stay_in_the_clear(tmp_path: Path, why: str) -> None:
    names = save_unsealed(tmp_path, part(1), method="another" if why == "another method" else METHOD)
    if why == "damaged":
        os.truncate(tmp_path / names[0] / "sides.npy", 200)
    elif why == "empty":
        os.truncate(tmp_path / names[0] / "offsets.npy", 0)
    elif why == "no parts":
        (tmp_path / "manifest.json").write_text(f'{{"method": "{METHOD}", "parts": []}}', "ascii")
    elif why == "left by a killed conversion":
        (tmp_path / names[0]).rename(tmp_path / "aside")
        saved(tmp_path, part(5))
        (tmp_path / "aside").rename(tmp_path / names[0])
    assert read(tmp_path) == (in_memory(part(5)) if why.startswith("left") else [])
    assert not any(path.is_dir() for path in tmp_path.iterdir())


def killed_at(step: int, folder: Path) -> bool:
    """Whether a process that opens the folder and then replaces its part came as far as this step, and ended there."""
    child = os.fork()
    if not child:
        left = iter(range(step))

        def sync(_file: int) -> None:
            if next(left, None) is None:
                os._exit(9)

        try:
            os.fsync = sync
            files = CopyFiles(folder, METHOD, SECRET)
            with files.writing():
                files.replace([*files.followed(NOTHING).parts, ("", part(20))])
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("is_old", [False, True])
def test_killed_at_any_point_what_stood_or_what_was_to_be_stands(tmp_path: Path, is_old: bool) -> None:
    """Each kill on a folder of its own, and then another on what it left."""
    step = ends = 0
    while step < 20 and not ends:
        folder = tmp_path / str(step)
        (save_unsealed if is_old else saved)(folder, part(1))
        was_killed = killed_at(step, folder)
        killed_at(step // 2, folder)
        found = read(folder)
        assert found[:1] == in_memory(part(1))
        assert all(one == in_memory(part(20))[0] for one in found[1:])
        saved(folder, part(7))
        assert read(folder) == in_memory(part(7))
        assert len([path for path in folder.iterdir() if path.name.startswith("part-")]) == 1
        step, ends = step + 1, not was_killed
    assert step > (8 if is_old else 4)


@pytest.mark.parametrize("is_old", [False, True])
def test_a_full_disk_loses_nothing_and_once_there_is_room_what_it_left_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_old: bool
) -> None:
    sync, left = os.fsync, iter(range(1))

    def full(file: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(file)

    (save_unsealed if is_old else saved)(tmp_path, part(1))
    with monkeypatch.context() as disk:
        disk.setattr("safelight.matching.at_rest.sealed.os.fsync", full)
        for _ in range(3):
            with pytest.raises(StoreFailed, match="No space left"):
                saved(tmp_path, part(5), part(9))
    assert len(list(tmp_path.glob("part-*"))) <= 3
    assert read(tmp_path) == in_memory(part(1))
    saved(tmp_path, part(5))
    assert len(list(tmp_path.glob("part-*"))) == 1
