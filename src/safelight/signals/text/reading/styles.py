"""Ways of writing that hide nothing, and that a detector reads badly: capitals, snake_case, CamelCase, emphasis, tags,
words hyphenated at the ends of lines, blanks written as in pages and addresses.

Rules
- None of it is a trick: captions are shouted, files are named and pages are marked up like this every day.
- Names keep their inner capitals (`iPhone`, `McDonald's`): only three known words and more are parted.
"""

import re

from safelight.signals.text.reading.escapes import CUT_BY_TAG
from safelight.signals.text.reading.words import VOWELLESS, zipf

EMPHASIS = re.compile(r"(?<![^\W_])(\*\*\*?|__|~~)(?=[^\s*_~])([^\n*_~]{1,200}?)(?<=\S)\1")
PAGE_TAG = re.compile(r"</?(?:html|body|head|title|div|p|br|h[1-6]|ul|ol|li|main|section|article)\s*/?>", re.IGNORECASE)
SPAN = re.compile(r"</?span\s*/?>", re.IGNORECASE)
HYPHENATED = re.compile(r"(?<![^\W\d_])([^\W\d_]+)[-\u2010]\n[ \t]*([^\W\d_]+)")
BLANK = re.compile(r"&nbsp;?|&#160;")
SNAKE = re.compile(r"(?<![^\W_])[^\W_]+(?:_[^\W_]+)+(?![^\W_])")
CAMEL = re.compile(r"(?<![^\W_])#?(?:[A-Z][a-z]*|[a-z]+)(?:[A-Z][a-z]*){2,}(?![^\W_])")
HUMP = re.compile(r"[A-Z]?[a-z]+|[A-Z]")
KNOWN = 3.0
"""Zipf frequency of what counts as a word here."""
HYPHENATED_KNOWN = 1.5
"""The same of a word that was hyphenated: hardly any two pieces make a word by chance."""
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
        text = SNAKE.sub(lambda name: _in_words(name[0], name[0].split("_")), text)
    return CAMEL.sub(lambda name: _in_words(name[0], HUMP.findall(name[0])), text)


def _in_one_word(broken: re.Match[str]) -> str:
    """A word that was hyphenated at the end of a line; compounds keep their hyphen."""
    whole = broken[1] + broken[2]
    return whole if zipf(whole.casefold()) > HYPHENATED_KNOWN else broken[0]


def _in_words(name: str, words: list[str]) -> str:
    """`words`, if most of them are words; else the name."""
    known = sum(len(word) for word in words if zipf(word.casefold()) > KNOWN)
    letters = sum(map(len, words))
    if all(VOWELLESS.fullmatch(word.casefold()) for word in words):
        return name  # `fr_sh`: a word with its vowel masked
    if known * 10 < letters * 7 or letters < 2 * len(words) or zipf("".join(words).casefold()):
        return name
    return " ".join(words)


def quiet(text: str) -> str:
    """A text in capitals in small letters; any other as it is."""
    capitals = sum(map(str.isupper, text))
    if capitals < SHOUTED_MIN or capitals < 4 * sum(map(str.islower, text)):
        return text
    return "".join(low if len(low := c.lower()) == 1 else c for c in text)
