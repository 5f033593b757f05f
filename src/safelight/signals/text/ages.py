"""Whether a text gives an age below eighteen, or a class of school.

Rules
- A number is an age beside a word that says so in some language: after it ("12 years old"), before it ("aged 12"), or
  grown together with it. Digits of any script count, and numbers in words, these only with words of their own language.
- A number that goes on ("twenty-five", "2.5 million") or counts something else ("under 12 minutes") is left alone,
  and so are years gone by ("10 years ago").
What is left to others: words for a child (`minors.py`), what follows from it (`understanding.py`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum

from safelight.signals.text.numerals import HAN_NUMBER, NumberWords, digits, han, whole
from safelight.signals.text.phrases import SPACELESS, Phrases, fold, words

ADULT_YEARS = 18
"""Convention on the Rights of the Child, Art. 1."""
OLDEST = 120
"""Larger numbers are nobody's years."""
LAST_CLASS = 13
"""The highest class of school that any country counts to."""
_AND_MAX = 3
"""Letters of the word between tens and ones: "treinta y cinco"."""
_LEAD_MAX = 3
"""Words before a number that may say what it is."""
_STEM_MIN_LETTERS = 3
"""Of a number that a unit may have grown on to: shorter ones begin too many words."""
_UNSURE = "?"
_ASCII_DIGITS = "0123456789"
_PIECES = re.compile(r"\d+|\D+")
_HAN_CLASS = re.compile(
    r"(?<![大\d])(?:小学|小學|中学|中學|高校|小|中|高|初)(?:[1-6]|[一二三四五六])(?:年生?|年級|年级)"
    r"|(?<![一-龯\d])[小中高][1-6](?=の|女|男|生|娘|$)"
    r"|(?<![\d学學])第?(?:[1-6]|[一二三四五六])(?:年生(?!ま|れ)|年級|年级|学年|學年)"
    r"|(?<![가-힣])[초중고][1-6](?!\d)|(?<!\d)[1-6]학년"
)
_UNIT_REACH = 12
"""Characters after a number in which its unit must begin."""
_UNIVERSITY_REACH = 6
"""Characters before a class in which the word for a university may stand."""
_UNIVERSITY = re.compile(r"大学|大學|대학")


class Age(IntEnum):
    """What a text says of somebody's age; of several things the highest counts."""

    NONE = 0
    ADULT = 1
    UNSURE = 2
    """Below eighteen, if a word that is also something else means an age here."""
    CHILD = 3


class Ages:
    """The words of age of all languages. Safe to share between threads."""

    def __init__(self, lexicon: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        """`lexicon`: for each language its lists `age`, `before`, `below`, `grade`, `numbers`, `tens`, `ago`,
        `measures` and `ambiguous`, as `lexicon/minors.toml` tells.
        """
        unsure = {fold(word) for lists in lexicon.values() for word in lists.get("ambiguous", ())}

        def gather(name: str) -> Phrases:
            found: dict[str, list[str]] = {}
            for lang, lists in lexicon.items():
                for word in lists.get(name, ()):
                    found.setdefault(lang + _UNSURE * (fold(word) in unsure), []).append(word)
            return Phrases(found)

        self._units, self._grades = gather("age"), gather("grade")
        self._ago, self._measures = gather("ago"), gather("measures")
        self._glued = _glued(lexicon, "age", unsure)
        self._before = _Leads(lexicon, ("before", "below", "grade"), unsure)
        self._below = _Leads(lexicon, ("below",), unsure)
        self._glued_before = _glued(lexicon, "before", unsure)
        self._tens = frozenset(_tokens(word for lists in lexicon.values() for word in lists.get("tens", ())))
        numbers: dict[str, list[str]] = {}
        self._stems: dict[str, list[tuple[str, int]]] = {}
        runs: dict[str, dict[str, int]] = {}
        for lang, lists in lexicon.items():
            for number, spelled in enumerate(lists.get("numbers", ())):
                for word in spelled.split("|"):
                    if SPACELESS.search(word):
                        runs.setdefault(lang, {})[fold(word)] = number
                        continue
                    numbers.setdefault(f"{lang} {number}", []).append(word)
                    if len(word) >= _STEM_MIN_LETTERS:
                        self._stems.setdefault(fold(word), []).append((lang, number))
        self._numbers = Phrases(numbers)
        self._stem_heads = {stem[:_STEM_MIN_LETTERS] for stem in self._stems}
        self._stem_lengths = sorted({len(stem) for stem in self._stems})
        self._runs = [NumberWords(known, map(fold, lexicon[lang].get("tens", ()))) for lang, known in runs.items()]

    def read(self, text: str) -> Age:
        """What `text` says. Linear in its length."""
        folded = whole(fold(digits(text)))
        best = self._in_spaceless(folded) if SPACELESS.search(folded) else Age.NONE
        if best is Age.CHILD or any(
            not _UNIVERSITY.search(folded[max(0, found.start() - _UNIVERSITY_REACH) : found.start()])
            for found in _HAN_CLASS.finditer(folded)
        ):
            return Age.CHILD
        tokens = [piece for word in words(folded) for piece in _pieces(word)]
        numbers = {token for token in set(tokens) if token.isdigit() or self._begins_number(token)}
        for place, token in enumerate(tokens):
            if token not in numbers:
                continue
            for lang, number, end, rest in self._read(tokens, place, token):
                best = max(best, self._weigh(tokens, place, end, lang, number, rest))
            if best is Age.CHILD:
                break
        return best

    def _begins_number(self, token: str) -> bool:
        return self._numbers.begins(token) or token[:_STEM_MIN_LETTERS] in self._stem_heads

    def _read(self, tokens: Sequence[str], place: int, token: str) -> Iterator[tuple[str, int, int, str]]:
        """Numbers that begin at `place`: language ("" for digits), value, where they end, what is grown on to them."""
        if token.isdigit():
            yield "", int(token[:4]), place + 1, ""
            return
        for label, length in self._numbers.at(tokens, place):
            lang, value = label.split(" ")
            yield lang, int(value), place + length, ""
        if token[:_STEM_MIN_LETTERS] not in self._stem_heads:
            return
        for length in self._stem_lengths:
            if length >= len(token):
                return
            for lang, number in self._stems.get(token[:length], ()):
                yield lang, number, place + 1, token[length:]

    def _weigh(self, tokens: Sequence[str], place: int, end: int, lang: str, number: int, rest: str) -> Age:
        if number > OLDEST or self._goes_on(tokens, place, lang):
            return Age.NONE
        after = [rest, *tokens[end : end + 4]] if rest else tokens[end : end + 5]
        best = Age.NONE
        if after:
            best = max(self._after(self._units, after, lang), Age.NONE if lang else self._glued.begins(after[0]))
            if 1 <= number <= LAST_CLASS:
                best = max(best, self._after(self._grades, _without_ordinal(after), lang))
        if best < Age.CHILD and not rest and not (after and any(True for _ in self._measures.at(after, 0))):
            best = max(best, self._before.say(tokens, place, lang, number))
            if not lang and place:
                best = max(best, self._glued_before.ends(tokens[place - 1]))
        if number == ADULT_YEARS and best and self._below.say(tokens, place, lang, number):
            return best
        return min(best, Age.ADULT) if number >= ADULT_YEARS else best

    def _after(self, known: Phrases, after: Sequence[str], lang: str) -> Age:
        best = Age.NONE
        for label, length in known.at(after, 0):
            if lang and label.rstrip(_UNSURE) != lang:
                continue
            if length < len(after) and any(True for _ in self._ago.at(after, length)):
                continue
            best = max(best, Age.UNSURE if label.endswith(_UNSURE) else Age.CHILD)
        return best

    def _goes_on(self, tokens: Sequence[str], place: int, lang: str) -> bool:
        """Whether a larger number began before `place`: "twenty five", "treinta y cinco"."""
        if not lang or not place:
            return False
        before = tokens[place - 1]
        return before in self._tens or (len(before) <= _AND_MAX and place > 1 and tokens[place - 2] in self._tens)

    def _in_spaceless(self, folded: str) -> Age:
        best = Age.NONE
        numbers = [(han(match.group()), match.end()) for match in HAN_NUMBER.finditer(folded)]
        for number, end in (*numbers, *(found for run in self._runs for found in run.find(folded))):
            if number <= OLDEST:
                said = self._glued.begins(folded[end : end + _UNIT_REACH].lstrip())
                best = max(best, said if number < ADULT_YEARS else min(said, Age.ADULT))
        return best


class _Ends:
    """Words of scripts without spaces, at the beginning or the end of what stands beside a number."""

    def __init__(self, known: Iterable[str], unsure: set[str]) -> None:
        every = frozenset(known)
        self._sure, self._unsure = tuple(every - unsure), tuple(every & unsure)

    def begins(self, text: str) -> Age:
        if text.startswith(self._sure):
            return Age.CHILD
        return Age.UNSURE if text.startswith(self._unsure) else Age.NONE

    def ends(self, text: str) -> Age:
        return Age.CHILD if text.endswith(self._sure) else Age.NONE


def _glued(lexicon: Mapping[str, Mapping[str, Sequence[str]]], name: str, unsure: set[str]) -> _Ends:
    every = (fold(word.rstrip("*")) for lists in lexicon.values() for word in lists.get(name, ()))
    return _Ends((word for word in every if SPACELESS.search(word)), unsure)


class _Leads:
    """Words before a number: by kind, since a class and "under" allow other numbers than an age."""

    def __init__(
        self, lexicon: Mapping[str, Mapping[str, Sequence[str]]], kinds: Sequence[str], unsure: set[str]
    ) -> None:
        self._known: dict[tuple[str, ...], list[tuple[str, str, Age]]] = {}
        self._starts: dict[str, list[tuple[str, str, Age]]] = {}
        for lang, lists in lexicon.items():
            for kind in kinds:
                for word in lists.get(kind, ()):
                    sure = Age.UNSURE if fold(word) in unsure else Age.CHILD
                    key = tuple(piece for part in words(fold(word.rstrip("*"))) for piece in _pieces(part))
                    if word.endswith("*") and len(key) == 1:
                        self._starts.setdefault(key[0], []).append((lang, kind, sure))
                    elif key:
                        self._known.setdefault(key, []).append((lang, kind, sure))
        self._lengths = sorted({len(start) for start in self._starts})

    def say(self, tokens: Sequence[str], place: int, lang: str, number: int) -> Age:
        """Whether the words before `place` make `number` an age or a class."""
        best = Age.NONE
        for known, kind, sure in self._found(tokens, place):
            fits = number <= ADULT_YEARS if kind == "below" else kind != "grade" or 1 <= number <= LAST_CLASS
            if fits and lang in ("", known):
                best = max(best, sure)
        return best

    def _found(self, tokens: Sequence[str], place: int) -> Iterator[tuple[str, str, Age]]:
        for size in range(1, min(_LEAD_MAX, place) + 1):
            yield from self._known.get(tuple(tokens[place - size : place]), ())
        if place:
            for length in self._lengths:
                yield from self._starts.get(tokens[place - 1][:length], ())


def _pieces(word: str) -> list[str]:
    """`word` parted where digits meet letters; in Latin letters only at its ends, since "arba3a" is a word."""
    if not word.isascii():
        return _PIECES.findall(word)
    begin, end = len(word) - len(word.lstrip(_ASCII_DIGITS)), len(word.rstrip(_ASCII_DIGITS))
    return [piece for piece in (word[:begin], word[begin:end], word[max(begin, end) :]) if piece]


def _tokens(phrases: Iterable[str]) -> Iterator[str]:
    for phrase in phrases:
        yield from words(fold(phrase))


_ORDINAL = frozenset(
    "st nd rd th er ere re e eme ieme o a os as º ª й я и го м мы ой ій а де та те ste ter sta to ta ti tos".split()  # noqa: SIM905
    + "ος η ο ης ου inci uncu ncu nci ci cu si nji nja ja i s an ik es mh ú".split()  # noqa: SIM905
)
"""What makes a digit an ordinal: "7th grade", "7-й класс"."""


def _without_ordinal(after: Sequence[str]) -> Sequence[str]:
    return after[1:] if len(after) > 1 and after[0] in _ORDINAL else after
