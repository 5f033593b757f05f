"""The words of the hands, as the normaliser's lists take them."""

from collections import Counter

from training.hands import sheets
from training.own_words import counted, lines


def test_a_word_of_one_template_is_left_out() -> None:
    assert list(lines({"xx": Counter({"often": 3, "once": 1})})) == ["xx\toften\t7.500e-01\n"]


def test_languages_and_words_come_in_order() -> None:
    found = [line.split("\t")[:2] for line in lines({"yy": Counter(b=2, a=2), "xx": Counter(c=2)})]
    assert found == [["xx", "c"], ["yy", "a"], ["yy", "b"]]


def test_a_word_counts_once_for_each_template_and_list() -> None:
    sheet = next(iter(sheets()))
    counts = counted([sheet, sheet])
    texts = len(sheet.templates) + sum(map(len, (*sheet.words.values(), *sheet.fill.values())))
    assert list(counts) == [sheet.lang]
    assert 2 <= max(counts[sheet.lang].values()) <= 2 * texts
    assert all(count % 2 == 0 for count in counts[sheet.lang].values())
    assert all(word == word.casefold() for word in counts[sheet.lang])
