"""The words of the hands, as the normaliser's lists take them."""

from collections import Counter

from training.hands import sheets
from training.held_out.sheet import SLOT
from training.own_words import counted, lines

from safelight.signals.text.reading.words import WORD


def test_a_word_of_one_template_is_left_out() -> None:
    assert list(lines({"xx": Counter({"often": 3, "once": 1})})) == ["xx\toften\t7.500e-01\n"]


def test_languages_and_words_come_in_order() -> None:
    found = [line.split("\t")[:2] for line in lines({"yy": Counter(b=2, a=2), "xx": Counter(c=2)})]
    assert found == [["xx", "c"], ["yy", "a"], ["yy", "b"]]


def test_a_word_counts_once_for_each_text_that_has_it() -> None:
    sheet = next(iter(sheets()))
    choices = [word for words in (*sheet.words.values(), *sheet.fill.values()) for word in words]
    texts = [*(SLOT.sub(" ", template.text) for template in sheet.templates), *choices]
    counts = counted([sheet, sheet])
    assert list(counts) == [sheet.lang]
    for word, count in counts[sheet.lang].most_common(20):
        assert count == 2 * sum(word in WORD.findall(text.casefold()) for text in texts)
