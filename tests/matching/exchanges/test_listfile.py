"""Lists from files: only what was declared is read, and what does not parse is told with its line."""

from pathlib import Path

import pytest

from safelight.core.clock import utc_now
from safelight.matching.errors import BankError
from safelight.matching.exchanges.listfile import ListFile, parse_columns
from safelight.matching.exchanges.sync import sync
from safelight.matching.fingerprints import HashKind
from safelight.matching.hashes import BankHashes
from safelight.matching.model import Bank
from safelight.store.database import Database
from tests.matching.test_intake import random_pdqs

MD5, SHA1, PDQ = "9" * 32, "a" * 40, random_pdqs(1)[0].hex()
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
    (page,) = ListFile(written(tmp_path, "empty.jsonl", ""), {"pdq": HashKind.PDQ}).pages("")
    assert page.entries == ()


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


def test_no_column_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BankError, match="Declare"):
        list(ListFile(tmp_path / "x.csv", parse_columns([])).pages(""))
    assert parse_columns(["SHA-1=sha1", "p=pdq"]) == {"SHA-1": HashKind.SHA1, "p": HashKind.PDQ}
