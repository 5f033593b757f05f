"""Lists from files: only what was declared is read, and what does not parse is told with its line."""

import os
from pathlib import Path

import pytest

from safelight.core.clock import utc_now
from safelight.matching.banks import bank_named, events_of
from safelight.matching.errors import BankError
from safelight.matching.exchanges.listfile import ListFile, parse_columns
from safelight.matching.exchanges.sync import sync
from safelight.matching.fingerprints import HashKind
from safelight.matching.hashes import BankHashes
from safelight.matching.intake import take_in
from safelight.matching.model import Bank, Entry
from safelight.store.database import Database
from tests.matching.conftest import NOW
from tests.matching.test_intake import random_pdqs

MD5, SHA1, PDQ = "9" * 32, "a" * 40, random_pdqs(1)[0].hex()
PDQS = {"pdq": HashKind.PDQ}
COLUMNS = {"Hash (MD5)": HashKind.MD5, "pdq": HashKind.PDQ}


def written(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.csv", f'Hash (MD5),Grade,pdq\n{MD5},A,{PDQ}\n,B,\n"{MD5.upper()}",C,\n'),
        ("list.csv", f"\ufeffHash (MD5),Grade,pdq\r\n{MD5},A,{PDQ}\r\n"),
        ("list.jsonl", f'{{"Hash (MD5)": "{MD5}", "pdq": "{PDQ}", "x": 1}}\n{{"Hash (MD5)": null}}\n'),
    ],
    ids=["csv", "byte order mark", "jsonl"],
)
def test_declared_columns_are_read(
    tmp_path: Path, database: Database, hashes: BankHashes, bank: Bank, name: str, text: str
) -> None:
    taken = sync(database, hashes, bank, ListFile(written(tmp_path, name, text), COLUMNS), utc_now)
    assert taken.added == 2
    assert hashes.same(HashKind.MD5, bytes.fromhex(MD5))
    assert hashes.near([bytes.fromhex(PDQ)], 0)


def test_a_long_list_comes_in_pages(tmp_path: Path) -> None:
    text = "pdq\n" + "".join(f"{number:064x}\n" for number in range(45_000))
    pages = list(ListFile(written(tmp_path, "l.csv", text), {"pdq": HashKind.PDQ}).pages(""))
    assert [len(page.entries) for page in pages] == [20_000, 20_000, 5_000]


def test_a_column_that_no_line_has_is_an_error_and_not_an_empty_list(tmp_path: Path) -> None:
    for name, text in (("l.csv", f"PDQ\n{PDQ}\n"), ("l.jsonl", f'{{"PDQ": "{PDQ}"}}\n')):
        with pytest.raises(BankError, match="'pdq'"):
            list(ListFile(written(tmp_path, name, text), {"PDQ": HashKind.PDQ, "pdq": HashKind.PDQ}).pages(""))


def test_a_list_without_a_hash_is_an_error_and_not_noted(
    tmp_path: Path, database: Database, hashes: BankHashes, bank: Bank
) -> None:
    for name, text in (("empty.jsonl", ""), ("l.csv", "pdq\n"), ("l.csv", "pdq,x\n,1\n")):
        with pytest.raises(BankError, match="holds no hash"):
            sync(database, hashes, bank, ListFile(written(tmp_path, name, text), PDQS), utc_now, ahead=True)
    assert [kind for _, kind, _ in database.read_here(lambda c: events_of(c, bank.number))] == ["made"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("l.jsonl", b"[" * 50_000, "no JSON object"),
        ("l.jsonl", b'{"pdq": "", "pdq": "x"}', "a name twice"),
        ("l.tsv", b"id\tpdq\n", r"ends in \.csv"),
        ("l.csv", b"pdq,id,pdq\n", "two columns 'pdq'"),
        ("l.csv", b"id,PDQ\n1,x\n", "there are: 'id', 'PDQ'"),
        ("l.jsonl", b'{"id": 1, "PDQ": ""}\n', "there are: 'id', 'PDQ'"),
        ("l.csv", "pdq\nx\n".encode("utf-16"), "UTF-8"),
        ("l.csv", b"pdq\n\xe9\n", "LATIN1"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_what_to_do(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BankError, match=says):
        list(ListFile(path, PDQS).pages(""))


def test_a_folder_and_a_pipe_are_no_lists_and_the_end_of_a_name_may_be_in_capitals(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for path in (tmp_path, tmp_path / "pipe.csv"):
        with pytest.raises(BankError, match="name a file"):
            list(ListFile(path, PDQS).pages(""))
    (page,) = ListFile(written(tmp_path, "L.CSV", f"pdq\n{PDQ}\n"), PDQS).pages("")
    assert len(page.entries) == 1


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safelight.matching.exchanges.listfile._PAGE_ROWS", 500)


@pytest.mark.usefixtures("short_pages")
def test_a_list_that_fails_midway_counts_as_a_whole_or_not_at_all(
    tmp_path: Path, database: Database, hashes: BankHashes, bank: Bank
) -> None:
    lines = [one.hex() for one in random_pdqs(600)]
    path = written(tmp_path, "l.csv", "\n".join(["pdq", *lines, "no hash"]))
    with pytest.raises(BankError, match=r"line 602.*before that: nothing"):
        sync(database, hashes, bank, ListFile(path, PDQS), utc_now, ahead=True)
    assert hashes.count() == {}


@pytest.mark.usefixtures("short_pages")
def test_a_flood_in_many_pages_is_one_flood(tmp_path: Path, database: Database, hashes: BankHashes, bank: Bank) -> None:
    """Each page alone would be small enough for a list of 250."""
    old, new = random_pdqs(250), random_pdqs(2_600, seed=1)
    take_in(database, hashes, bank, [Entry(HashKind.PDQ, one) for one in old], now=NOW)
    path = written(tmp_path, "l.csv", "\n".join(["pdq", *(one.hex() for one in new)]))
    taken = sync(database, hashes, bank, ListFile(path, PDQS), utc_now, ahead=True)
    assert (taken.added, taken.waiting) == (0, 2_600)
    (name,) = taken.batches
    batch = database.read_here(lambda c: bank_named(c, name))
    assert hashes.count() == {bank.number: 250, batch.number: 2_600}
    again = sync(database, hashes, bank, ListFile(path, PDQS), utc_now, ahead=True)
    assert (again.added, again.waiting, again.already_there, again.held_back) == (0, 0, 2_600, "")


def test_a_list_is_withdrawn_wherever_its_hashes_stand(
    tmp_path: Path, database: Database, hashes: BankHashes, bank: Bank
) -> None:
    kept, gone, with_item = random_pdqs(3)
    listed = [Entry(HashKind.PDQ, kept), Entry(HashKind.PDQ, gone), Entry(HashKind.PDQ, with_item, item=7)]
    take_in(database, hashes, bank, listed, now=NOW)
    path = written(tmp_path, "l.csv", f"pdq\n{gone.hex()}\n{with_item.hex()}\n{random_pdqs(1, seed=1)[0].hex()}\n")
    taken = sync(database, hashes, bank, ListFile(path, PDQS, is_withdrawal=True), utc_now, ahead=True)
    assert (taken.withdrawn, taken.added) == (2, 0)
    assert hashes.has(bank.number, HashKind.PDQ, [kept, gone, with_item], [0, 0, 7]) == [True, False, False]


def test_what_does_not_parse_stops_or_is_counted(tmp_path: Path) -> None:
    path = written(tmp_path, "l.csv", f"pdq\n{PDQ}\n{PDQ[:-1]}\n")
    with pytest.raises(BankError, match=r"l\.csv, line 3, pdq"):
        list(ListFile(path, {"pdq": HashKind.PDQ}).pages(""))
    (page,) = ListFile(path, {"pdq": HashKind.PDQ}, lenient=True).pages("")
    assert page.aside == {"pdq that does not parse": 1}


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("l.csv", "other\nx\n", "utf-8"),
        ("l.csv", "", "utf-8"),
        ("l.csv", 'pdq\n"open', "utf-8"),
        ("l.csv", "pdq\nx\n", "utf-16"),
        ("l.jsonl", "[1]\n", "utf-8"),
        ("l.jsonl", "{\n", "utf-8"),
        ("l.jsonl", "{" + "x" * 200_000, "utf-8"),
    ],
    ids=["no column", "empty", "open quote", "utf-16", "no object", "cut", "long line"],
)
def test_a_file_that_is_no_list_is_an_error(tmp_path: Path, name: str, text: str, encoding: str) -> None:
    with pytest.raises(BankError):
        list(ListFile(written(tmp_path, name, text, encoding), {"pdq": HashKind.PDQ}).pages(""))


@pytest.mark.parametrize("words", [["pdq"], ["a=b"], ["=pdq"], ["a=pdq=pdq"]])
def test_columns_are_declared_as_name_and_kind(words: list[str]) -> None:
    with pytest.raises(BankError, match="NAME=KIND"):
        parse_columns(words)
    with pytest.raises(BankError, match="twice"):
        parse_columns(["a=md5", "a=sha1"])


def test_no_column_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BankError, match="Declare"):
        list(ListFile(tmp_path / "x.csv", parse_columns([])).pages(""))
    assert parse_columns(["SHA-1=sha1", "p=pdq"]) == {"SHA-1": HashKind.SHA1, "p": HashKind.PDQ}
