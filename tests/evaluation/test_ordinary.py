"""Bulk prompts: what was refused, why, and what was counted apart."""

from pathlib import Path

import pytest

from safelight.core.errors import BadInput
from safelight.evaluation.ordinary import NAMES_NUDITY, read_column, traffic
from safelight.evaluation.tally import Share
from tests.evaluation.twin import WORD, WordDetector, judge_with


def written(folder: Path, text: str) -> Path:
    path = folder / "prompts.csv"
    path.write_bytes(text.encode())
    return path


def test_refused_rows_are_listed_with_the_reason_and_nudity_is_counted_apart(tmp_path: Path) -> None:
    rows = f'id,prompt\n1,a hat\n2,"a {WORD},\nin a vase"\n3,\n4,a nude {WORD}\n5,nude heels\n'
    found = traffic(judge_with(WordDetector()), read_column(written(tmp_path, rows), "prompt"), image=True)
    assert (found.false_positives, found.nudity) == (Share(1, 2), Share(1, 2))
    one = found.refused[0]
    assert (one.line, one.text, one.why.rule) == (4, f"a {WORD},\nin a vase", "ncii_undress_photo")
    assert (one.why.understood, one.why.reading) == ("asks for the flower", "plain")
    assert [other.text for other in found.nudity_refused] == [f"a nude {WORD}"]
    assert found.to_json()["false_positives"]["of"] == 2  # type: ignore[index, call-overload]


def test_without_a_photo_the_same_rows_pass(tmp_path: Path) -> None:
    rows = read_column(written(tmp_path, f"prompt\na {WORD}\n"), "prompt")
    assert traffic(judge_with(WordDetector()), rows, image=False).false_positives == Share(0, 1)


@pytest.mark.parametrize("text", ["a nude", "NAKED trees", "her bra.", "in underwear,", "a g-string"])
def test_words_that_count_apart(text: str) -> None:
    assert NAMES_NUDITY.search(text)


@pytest.mark.parametrize("text", ["a brand", "denuded hills", "swimwear", "a library", "a zebra"])
def test_words_that_do_not(text: str) -> None:
    assert not NAMES_NUDITY.search(text)


def test_a_byte_order_mark_is_no_part_of_the_column(tmp_path: Path) -> None:
    assert list(read_column(written(tmp_path, "\ufeffprompt\r\na\r\n"), "prompt")) == [(2, "a")]


@pytest.mark.parametrize(
    ("text", "says"),
    [("id\n1\n", "no column"), ("", "no column"), ('prompt\n"a', "after line 1"), ('prompt\n"a"b\n', "after line 1")],
)
def test_a_file_that_is_no_such_table_is_said_to_be(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        list(read_column(written(tmp_path, text), "prompt"))


def test_a_file_that_cannot_be_read_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        list(read_column(tmp_path / "none.csv", "prompt"))
    (tmp_path / "latin.csv").write_bytes(b"prompt\n\xff\n")
    with pytest.raises(BadInput, match="UTF-8"):
        list(read_column(tmp_path / "latin.csv", "prompt"))
