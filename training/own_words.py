"""The words of the hands, for the lists that the normaliser reads by: `python -m training.own_words --out own.tsv`.

The lists that can be had know how people write in newspapers and subtitles of some forty languages. What the hands say,
in a hundred languages and in Latin letters for scripts that have others, is what is asked of pictures. A word counts
that several templates of one language have; `build_words.py` takes the file.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from safelight.signals.text.reading.words import WORD
from training.hands import sheets
from training.held_out.sheet import SLOT, Sheet

LEAST_TEMPLATES = 2
"""Of one language: a word of a single template is as often a slip of the pen."""


def counted(found: Iterable[Sheet]) -> dict[str, Counter[str]]:
    """For each language, in how many templates, and choices of their lists, each case-folded word stands."""
    by_language: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for sheet in found:
        lists = [word for choices in (*sheet.words.values(), *sheet.fill.values()) for word in choices]
        for text in (*(SLOT.sub(" ", template.text) for template in sheet.templates), *lists):
            by_language[sheet.lang].update(set(WORD.findall(text.casefold())))
    return by_language


def lines(by_language: dict[str, Counter[str]]) -> Iterable[str]:
    """Language, word, and its share of the language's words, by language and word."""
    for language, counts in sorted(by_language.items()):
        whole = counts.total()
        for word, count in sorted(counts.items()):
            if count >= LEAST_TEMPLATES:
                yield f"{language}\t{word}\t{count / whole:.3e}\n"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.own_words", description=__doc__)
    parser.add_argument("--out", required=True, type=Path, help="the file to write")
    parser.add_argument("--without", nargs="*", default=[], metavar="HAND", help="hands to leave out, to measure by")
    given = parser.parse_args()
    with given.out.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines(counted(sheet for sheet in sheets() if sheet.set not in given.without)))


if __name__ == "__main__":
    main()
