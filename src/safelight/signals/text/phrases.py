"""Words and phrases of a lexicon, looked up in a text of any script, in time linear in its length.

Rules
- Both sides are folded alike: compatibility forms, case, and, in alphabets that write them loosely, accents.
- A word that ends in `*` matches as a beginning; a phrase is several words in a row. In scripts that are written
  without spaces a phrase matches anywhere.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

SPACELESS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_WORD = re.compile(r"[^\s,!?;:()\[\]{}\"“”„«»‹›…।॥،؛؟|<>*.。、！？，（）「」『』・'’`´\-–—_/\\+=#&@~^%$€£]+")
_LOOSE_BELOW = "\u0700"
"""Scripts before this one (Latin, Greek, Cyrillic, Armenian, Hebrew, Arabic) are often written without their marks."""


def fold(text: str) -> str:
    """`text` as it is compared: one spelling whatever the case, the width and the accents."""
    if text.isascii():
        return text.casefold()
    even = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    kept: list[str] = []
    base = ""
    for character in even:
        if unicodedata.combining(character):
            if base >= _LOOSE_BELOW:
                kept.append(character)
        else:
            base = character
            kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))


def words(folded: str) -> list[str]:
    """The words of a folded text."""
    return _WORD.findall(folded)


class Phrases:
    """A lexicon, ready to look things up. Safe to share between threads."""

    def __init__(self, lists: Mapping[str, Iterable[str]]) -> None:
        """`lists`: the phrases by label."""
        self._whole: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._starts: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._anywhere: list[tuple[str, str]] = []
        self._longest = 1
        for label, phrases in lists.items():
            for phrase in phrases:
                self._learn(fold(phrase.replace("*", "\x00")).replace("\x00", "*"), label)
        self._lengths = sorted({len(start) for start in self._starts})

    def _learn(self, phrase: str, label: str) -> None:
        if SPACELESS.search(phrase):
            self._anywhere.append((phrase.replace("*", ""), label))
            return
        parts = tuple(
            word + ("*" if stem.endswith("*") and word == found[-1] else "")
            for stem in phrase.split()
            if (found := words(stem.rstrip("*")))
            for word in found
        )
        self._longest = max(self._longest, len(parts))
        first = parts[0]
        store = self._starts if first.endswith("*") else self._whole
        store.setdefault(first.rstrip("*"), []).append((parts[1:], label))

    def find(self, folded: str) -> set[str]:
        """The labels whose phrases stand in a folded text."""
        found = set[str]()
        if SPACELESS.search(folded):
            found = {label for phrase, label in self._anywhere if phrase in folded}
        text = words(folded)
        begins = {word for word in set(text) if self.begins(word)}
        # What was looked at once is not looked at again: a text may be the same few words thousands of times.
        heads = {tuple(text[place : place + self._longest]) for place, word in enumerate(text) if word in begins}
        for head in heads:
            found.update(label for label, _ in self.at(head, 0))
        return found

    def replaced(self, text: str, by: str) -> str:
        """`text` with every phrase put as `by`, the longest that begins at a word; all else as it stands."""
        for phrase, _ in sorted(self._anywhere, key=lambda one: -len(one[0])):
            text = text.replace(phrase, by)
        found = list(_WORD.finditer(text))
        folded = [fold(match.group()) for match in found]
        kept: list[str] = []
        end = place = 0
        while place < len(found):
            length = max((length for _, length in self.at(folded, place)), default=0)
            if length:
                kept += [text[end : found[place].start()], by]
                end = found[place + length - 1].end()
            place += length or 1
        return "".join([*kept, text[end:]])

    def begins(self, word: str) -> bool:
        """Whether any phrase may begin with `word`."""
        return word in self._whole or any(word[:length] in self._starts for length in self._lengths)

    def at(self, text: Sequence[str], place: int) -> Iterator[tuple[str, int]]:
        """The phrases that begin with the word at `place`, by label and length in words; none of spaceless scripts."""
        word = text[place]
        for rest, label in self._whole.get(word, ()):
            if _follows(rest, text, place + 1):
                yield label, 1 + len(rest)
        for length in self._lengths:
            if length > len(word):
                return
            for rest, label in self._starts.get(word[:length], ()):
                if _follows(rest, text, place + 1):
                    yield label, 1 + len(rest)


def _follows(rest: tuple[str, ...], text: Sequence[str], at: int) -> bool:
    if at + len(rest) > len(text):
        return False
    for place, wanted in enumerate(rest, at):  # mostly the first word ends it: what is asked of each has to be little
        word = text[place]
        if word != wanted and not (wanted.endswith("*") and word.startswith(wanted[:-1])):
            return False
    return True
