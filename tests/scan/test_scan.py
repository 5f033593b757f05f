"""An archive against the banks: what is found, what is broken, what a stop loses (nothing), what the page says.

Each scan is a process of its own: Daft keeps threads and a runner for as long as its process lives.
"""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from safelight.core.errors import BadInput
from safelight.matching.model import Bank, BankCategory, BankKind, BankState, CopyKind, Look, Match
from safelight.matching.pdq import Pdq, Turn, pdq
from safelight.scan.local import files_of
from safelight.scan.model import Looked
from safelight.scan.results import Results, row_of
from tests.conftest import png
from tests.matching.pictures import photo
from tests.scan import archive
from tests.scan.store import Store

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("SAFELIGHT_SCAN_KILLS", "2"))


def run(*words: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "-m", *words]
    environment = {**os.environ, "AWS_EC2_METADATA_DISABLED": "true"}
    return subprocess.run(  # noqa: S603 (our own programme)
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False
    )


def safelight(*words: str) -> subprocess.CompletedProcess[str]:
    return run("safelight", *words)


def rows(out: Path) -> list[dict[str, Any]]:
    found = [row for part in sorted(out.glob("part-*.parquet")) for row in pq.read_table(part).to_pylist()]
    return sorted(found, key=lambda row: str(row["path"]))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one bank that knows one picture, by its hash and by its features."""
    data = tmp_path_factory.mktemp("data")
    found = pdq(photo(archive.KNOWN))
    assert isinstance(found, Pdq)
    (data / "list.csv").write_text(f"PDQ\n{found.hex}\n")
    made = safelight(
        *("banks", "add", "reported", "--owner", "us", "--source", "tests", "--category", "ncii"),
        *("--data-dir", str(data)),
    )
    assert made.returncode == 0, made.stderr
    filled = safelight(
        "banks", "import", "reported", str(data / "list.csv"), "--column", "PDQ=pdq", "--data-dir", str(data)
    )
    assert filled.returncode == 0, filled.stderr
    (data / "known.png").write_bytes(png(photo(archive.KNOWN)))
    described = safelight("banks", "add-picture", "reported", str(data / "known.png"), "--data-dir", str(data))
    assert described.returncode == 0, described.stderr
    return data


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with Store() as store:
        yield store


@pytest.fixture(scope="module")
def scanned(data: Path, store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder and an object store, with a detector, through the command. The last line is the exit code's."""
    folder = tmp_path_factory.mktemp("scan")
    archive.make(folder / "pictures", copies=1)
    for path in (folder / "pictures").glob("*.png"):
        store.objects[f"sets/{path.name}"] = path.read_bytes()
    store.objects["sets/gone.png"] = None
    out = folder / "out"
    answer = safelight(
        *("scan", str(folder / "pictures"), "s3://bucket/**", "--out", str(out), "--data-dir", str(data)),
        *("--detector", "image_nudity_one", "--s3-endpoint", store.address, "--anonymous", "--workers", "1", "--json"),
    )
    assert answer.returncode == 1, answer.stderr + answer.stdout
    assert json.loads(answer.stdout) == json.loads((out / "summary.json").read_text()) | {"outdated": 0}
    assert answer.stdout.count("\n") == 1
    return out


def test_a_known_picture_is_found_in_folders_and_stores_however_it_is_named_or_mirrored(scanned: Path) -> None:
    known = {Path(row["path"]).name: row["matches"][0] for row in rows(scanned) if row["matches"]}
    assert set(known) == {"<b>known & #1.png", "mirrored.jpg", "cropped.jpg"}
    assert known["cropped.jpg"]["by"] == CopyKind.FEATURES
    assert known["mirrored.jpg"]["turn"] == Turn.MIRROR
    assert {match["bank"] for match in known.values()} == {"reported"}
    assert sum("s3://bucket/sets/" in row["path"] and bool(row["matches"]) for row in rows(scanned)) == 1


def test_a_broken_file_is_a_row_with_its_error_and_what_has_no_detail_says_so(scanned: Path) -> None:
    errors = {Path(row["path"]).name: row["error"] for row in rows(scanned) if row["path"].startswith("file:")}
    assert errors["cut off.jpg"] == "image_corrupt"
    assert errors["empty.png"] == "image_empty"
    assert errors["notes.txt"] == "image_unsupported"
    assert errors["coffee 0.jpg"] is None
    assert [row["unhashable"] for row in rows(scanned) if row["path"].endswith("grey.png")] == [True, True]
    [gone] = [row for row in rows(scanned) if row["path"].endswith("gone.png")]
    assert gone["error"] == "unreadable"
    assert gone["matches"] == []


def test_a_detector_scores_every_picture_that_could_be_read(scanned: Path) -> None:
    for row in rows(scanned):
        assert (row["photo_nudity_one"] is None) == (row["error"] is not None)


def test_the_page_has_charts_and_escapes_what_files_are_called(scanned: Path) -> None:
    page = (scanned / "summary.html").read_text("utf-8")
    assert page.count("<svg") >= 5
    assert "<b>known" not in page
    assert "&lt;b&gt;known &amp; #1.png" in page
    assert "<script" not in page


def test_the_results_hold_no_hash(scanned: Path, data: Path) -> None:
    known = (data / "list.csv").read_text().split()[1]
    everything = b"".join(path.read_bytes() for path in scanned.rglob("*") if path.is_file())
    assert bytes.fromhex(known) not in everything
    assert known.encode() not in everything


def test_another_scan_does_not_go_into_the_same_folder(scanned: Path, data: Path, tmp_path: Path) -> None:
    answer = safelight("scan", str(tmp_path), "--out", str(scanned), "--data-dir", str(data), "--json")
    assert answer.returncode == 2
    assert json.loads(answer.stdout)["error"]["code"] == "scan_failed"


def test_killed_at_any_file_and_gone_on_with_it_finds_the_same(data: Path, tmp_path: Path) -> None:
    """`kill -9` after a random file, again and again, then a run to the end: as if nothing had happened."""
    archive.make(tmp_path / "pictures", copies=8)
    runner = "tests.scan.runner"
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert run(runner, str(tmp_path / "pictures"), str(whole), str(data)).returncode == 0
    seed = random.randrange(2**32)
    points = sorted(random.Random(seed).sample(range(2, 29), min(KILLS, 27)))
    for point in points:
        killed = run(runner, str(tmp_path / "pictures"), str(stopped), str(data), "--kill-at", str(point))
        assert killed.returncode in (-signal.SIGKILL, 0), f"seed {seed}: {killed.stderr}"
    before = {row["path"] for row in rows(stopped)}
    assert run(runner, str(tmp_path / "pictures"), str(stopped), str(data)).returncode == 0
    assert before < {row["path"] for row in rows(stopped)}, f"seed {seed}: nothing was left to do"
    assert rows(stopped) == rows(whole), f"seed {seed}"


def test_what_was_held_against_earlier_lists_is_counted(tmp_path: Path) -> None:
    """A finished scan looks at nothing again, however many hashes have come since: that must not pass for an answer."""
    results = Results(tmp_path)
    read = [Looked(f"{number}.png", 1, width=1, height=1, frames=1) for number in range(3)]
    results.add([row_of(one, Look((), False, lists), []) for one, lists in zip(read, "aab", strict=True)], [], {})
    results.add([row_of(Looked("broken.png", 1, error="image_corrupt"), None, [])], [], {})
    assert [results.rows_of_other_lists(lists) for lists in "abc"] == [1, 2, 3]


def test_a_file_that_ends_its_worker_is_a_row_that_says_so(data: Path, tmp_path: Path) -> None:
    archive.make(tmp_path / "pictures", copies=1)
    frame = np.random.default_rng(3).integers(0, 256, (60, 77, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "pictures" / "worst.png"), frame)
    answer = run("tests.scan.runner", str(tmp_path / "pictures"), str(tmp_path / "out"), str(data), "--crash-on", "77")
    assert answer.returncode == 0, answer.stderr
    errors = {Path(row["path"]).name: row["error"] for row in rows(tmp_path / "out")}
    assert errors["worst.png"] == "crashed"
    assert errors["coffee 0.jpg"] is None
    assert len(errors) == len([path for path in (tmp_path / "pictures").rglob("*") if path.is_file()])


def test_hashes_travel_in_the_order_of_their_turns() -> None:
    """A worker sends eight hashes without their names; here they get them back."""
    found = pdq(photo())
    assert isinstance(found, Pdq)
    assert [turn for turn, _ in found.forms] == list(Turn)


def test_a_source_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    """In words of ours: the engine's own speak of its insides."""
    with pytest.raises(BadInput, match="no file or folder"):
        list(files_of(str(tmp_path / "nothing")))
    (tmp_path / "empty" / "within").mkdir(parents=True)
    for source in (tmp_path, tmp_path / "*.png"):
        with pytest.raises(BadInput, match="no file in"):
            list(files_of(str(source)))


def test_patterns_say_which_files(tmp_path: Path) -> None:
    for name in ("a.png", "b.jpg", "deep/a.png", "deep/er/c.png", "[1].png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    fitting = {
        "*.png": {"a.png", "[1].png"},
        "**": {"a.png", "b.jpg", "deep/a.png", "deep/er/c.png", "[1].png"},
        "**/a.png": {"a.png", "deep/a.png"},
        "d*/**/*.png": {"deep/a.png", "deep/er/c.png"},
        "{a,b}.{png,jpg}": {"a.png", "b.jpg"},
        "[1].png": {"[1].png"},
        "*/a.png": {"deep/a.png"},
    }
    for pattern, expected in fitting.items():
        found = {one.path.removeprefix(f"file://{tmp_path.resolve()}/") for one in files_of(str(tmp_path / pattern))}
        assert found == expected, pattern


def test_what_lies_about_that_is_no_file_is_a_row_and_holds_nothing_up(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    archive.make(folder, copies=1)
    picture = (folder / "coffee 0.jpg").read_bytes()
    os.mkfifo(folder / "pipe.jpg")
    (folder / "deep" / "up").symlink_to(folder)
    (folder / "dangling.jpg").symlink_to("nowhere.jpg")
    (folder / "itself.jpg").symlink_to("itself.jpg")
    (folder / "link.jpg").symlink_to("coffee 0.jpg")
    (folder / "100%.jpg").write_bytes(picture)
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jpg")).write_bytes(picture)
    answer = safelight("scan", str(folder), "--out", str(tmp_path / "out"), "--data-dir", str(data), "--json")
    assert answer.returncode == 1, answer.stderr
    errors = {Path(row["path"]).name: row["error"] for row in rows(tmp_path / "out")}
    expected = {"pipe.jpg": "not_a_file", "up": "not_a_file", "dangling.jpg": "unreadable", "itself.jpg": "unreadable"}
    expected |= {"link.jpg": None, "100%25.jpg": None, "caf%E9.jpg": None}
    assert {name: errors[name] for name in expected} == expected
    assert sum("mirrored" in row["path"] for row in rows(tmp_path / "out")) == 1


def test_a_scan_that_is_interrupted_keeps_what_it_looked_at(data: Path, tmp_path: Path) -> None:
    archive.make(tmp_path / "pictures", copies=4)
    words = ("tests.scan.runner", str(tmp_path / "pictures"), str(tmp_path / "out"), str(data))
    stopped = run(*words, "--interrupt-at", "5", "--part-rows", "1000")
    assert stopped.returncode != 0
    assert len(rows(tmp_path / "out")) == 5
    assert run(*words).returncode == 0
    paths = [row["path"] for row in rows(tmp_path / "out")]
    assert len(paths) == len(set(paths)) == len([one for one in (tmp_path / "pictures").rglob("*") if one.is_file()])


def test_a_bank_that_knows_a_picture_twice_says_so_once() -> None:
    bank = Bank(
        *(1, "list", "o", "s", BankCategory.NCII, BankKind.KNOWN, 31, "", BankState.ACTIVE, "", None, 0),
        *("2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z"),
    )
    twice = tuple(Match(bank, item, CopyKind.FEATURES) for item in (1, 2))
    row = row_of(Looked("x.png", 1), Look(twice, False, "a"), [])
    assert [match["by"] for match in row["matches"]] == ["features"]
