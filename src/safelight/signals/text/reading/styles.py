"""Ways of writing that hide nothing, and that a detector reads badly: capitals, snake_case, CamelCase, emphasis, tags,
words hyphenated at the ends of lines, blanks written as in pages and addresses.

Rules
- None of it is a trick: captions are shouted, files are named and pages are marked up like this every day.
- Names keep their inner capitals (`iPhone`, `McDonald's`): three words and more are parted, two only where a text is
  nothing else and both are long.
"""

import re
import unicodedata

from safelight.signals.text.reading.escapes import CUT_BY_TAG
from safelight.signals.text.reading.words import MARKS, VOWELLESS, zipf

EMPHASIS = re.compile(r"(?<![^\W_])(\*\*\*?|__|~~)(?=[^\s*_~])([^\n*_~]{1,200}?)(?<=\S)\1")
PAGE_TAG = re.compile(r"</?(?:html|body|head|title|div|p|br|h[1-6]|ul|ol|li|main|section|article)\s*/?>", re.IGNORECASE)
SPAN = re.compile(r"</?span\s*/?>", re.IGNORECASE)
HYPHENATED = re.compile(r"(?<![^\W\d_])([^\W\d_]+)[-\u2010]\n[ \t]*([^\W\d_]+)")
BLANK = re.compile(r"&nbsp;?|&#160;")
SIGN = rf"[^\W_][{MARKS}]*"
SNAKE = re.compile(rf"(?:{SIGN})+(?:[,.;:!?]?_(?:{SIGN})+)*")
"""A word, with those that hang on it by underscores; a word alone as well, so that nothing is looked at twice."""
SOLID = re.compile(r"(?<![^\W_])#?[^\W\d_]+(?![^\W_])")
HUMPED = re.compile(r"(?=[^\W\d_])[^A-Z\W](?=[^\W\d_])[^a-z\W]")
"""Where a small letter may be followed by a capital; what is not ASCII is looked at closely."""
MANY = 4
"""Words from which on their marks alone tell that they are words; one less, if they are not short."""
USUAL_LETTERS = 4
LEAST_LETTERS = 3
"""Of words that nobody knows, on average: what is encoded has more humps."""
WORD_MARKS = ",.;:!?"
KNOWN = 3.0
"""Zipf frequency of what counts as a word here."""
HYPHENATED_KNOWN = 1.5
"""The same of a word that was hyphenated: hardly any two pieces make a word by chance."""
TITLED_MIN = 2
"""Words of a title; a name has as many, and says the same in small letters to who asks for meaning."""
TITLED_ONE_IN = 5
"""Of the words of a title, as few may be small."""
SHOUTED_MIN = 8
"""Capitals of a text that is shouted; fewer may be initials."""


def parted(text: str) -> str:
    """Words that a name joins stand apart, and emphasis and the tags of a page are gone. Linear."""
    if "<" in text:
        text = PAGE_TAG.sub(" ", text)
        text = text if CUT_BY_TAG.search(text) else SPAN.sub(" ", text)
    if "&" in text:
        text = BLANK.sub(" ", text)
    if "%20" in text and "://" not in text:
        text = text.replace("%20", " ")
    if "-\n" in text or "\u2010\n" in text:
        text = HYPHENATED.sub(_in_one_word, text)
    if "**" in text or "__" in text or "~~" in text:
        text = EMPHASIS.sub(r"\2", text)
    if "_" in text:
        text = SNAKE.sub(_in_parts, text)
    if not HUMPED.search(text):
        return text
    alone = 2 if len(text.split()) == 1 else 3
    return SOLID.sub(lambda name: _in_humps(name[0], alone), text)


def _in_parts(name: re.Match[str]) -> str:
    return _in_words(name[0], name[0].split("_")) if "_" in name[0] else name[0]


def _in_humps(name: str, least: int) -> str:
    """`PutHerIn` as its words, if it has at least so many."""
    inner = [at for at in range(1, len(name)) if name[at].isupper() and name[at - 1] != "#"]
    if not any(name[at - 1].islower() for at in inner) or len(inner) + 1 < least:
        return name
    begins = [int(name.startswith("#")), *inner]
    words = [name[begin:end] for begin, end in zip(begins, [*inner, len(name)], strict=True)]
    if least == 2 and min(map(len, words)) >= USUAL_LETTERS:
        return " ".join(words)
    return _in_words(name, words)


def _in_one_word(broken: re.Match[str]) -> str:
    """A word that was hyphenated at the end of a line; compounds keep their hyphen."""
    whole = broken[1] + broken[2]
    return whole if zipf(whole.casefold()) > HYPHENATED_KNOWN else broken[0]


def _in_words(name: str, words: list[str]) -> str:
    """`words`, if most of them are words; else the name."""
    known = sum(len(word) for word in words if zipf(word.strip(WORD_MARKS).casefold()) > KNOWN)
    letters = sum(map(len, words))
    if all(VOWELLESS.fullmatch(word.casefold()) for word in words):
        return name  # `fr_sh`: a word with its vowel masked
    if letters < 2 * len(words) or zipf("".join(words).casefold()):
        return name
    least = LEAST_LETTERS if len(words) >= MANY else USUAL_LETTERS
    many = len(words) >= MANY - 1 and letters >= least * len(words)
    if known * 10 < letters * 7 and not (many and all(map(_is_word, words))):
        return name
    return " ".join(words)


def _is_word(word: str) -> bool:
    return all(c.isalpha() or c in f"{WORD_MARKS}'’-" or unicodedata.category(c).startswith("M") for c in word)


def quiet(text: str) -> str:
    """A text in capitals in small letters; any other as it is."""
    capitals = sum(map(str.isupper, text))
    if capitals < SHOUTED_MIN or capitals < 4 * sum(map(str.islower, text)):
        return text
    return _small(text)


def untitled(text: str) -> str:
    """A Text Whose Words Begin With Capitals in small letters; any other as it is."""
    words = [word for word in text.split() if word[0].isalpha()]
    titled = [word for word in words if word[0].isupper() and not any(map(str.isupper, word[1:]))]
    if len(titled) < TITLED_MIN or (len(words) - len(titled)) * TITLED_ONE_IN > len(words):
        return text
    return _small(text)


def _small(text: str) -> str:
    """In small letters, each sign still one."""
    return "".join(low if len(low := c.lower()) == 1 else c for c in text)
