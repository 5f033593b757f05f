"""One spelling for the many ways in which a name is written: script, accents, case, and habits of transliteration.

`anyascii` turns every script into Latin letters. What is left are habits: w or v, y or j or i, doubled letters, sh or
sz; and digits that stand for letters inside a word.
"""

import re

from anyascii import anyascii

from safelight.signals.text.phrases import fold, words

_HABITS = (
    (re.compile(r"tsch|tch|cz|ch"), "c"),
    (re.compile(r"sch|sh|sz"), "s"),
    (re.compile(r"zh"), "z"),
    (re.compile(r"kh|gh"), "h"),
    (re.compile(r"ph|ff"), "f"),
    (re.compile(r"ck|q"), "k"),
    (re.compile(r"w"), "v"),
    (re.compile(r"[yj]"), "i"),
    (re.compile(r"oe|ue|ae"), lambda match: match.group()[0]),
    (re.compile(r"(.)\1+"), r"\1"),
)

_DIGITS = str.maketrans("013457", "oieast")


def spoken(text: str) -> list[str]:
    """The words of `text`, each as it is compared."""
    found = words(fold(text))
    keys = {word: _key(word) for word in set(found)}  # of each word once: long texts say the same words again
    return [keys[word] for word in found if keys[word]]


def _key(word: str) -> str:
    key = re.sub(r"[^a-z0-9]", "", anyascii(word).lower())
    if not key.isdigit():
        key = key.translate(_DIGITS)
    for habit, one in _HABITS:
        key = habit.sub(one, key)
    return key
