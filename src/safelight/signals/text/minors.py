"""Whether a child, or someone whose age is left open, is spoken of. Alone this is ordinary; it weighs the rest.

Rules: words of the lexicon as whole words, as beginnings where the list says so, anywhere in scripts written without
spaces; a number below eighteen with a unit or a word of age, in any script's digits or in words. Words that are
something else in another language count only where the sentence encoder agrees (`needs_support`).
"""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from importlib.resources import files

ADULT_YEARS = 18
"""Convention on the Rights of the Child, Art. 1."""
_SPACELESS = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_WORD = re.compile(r"[^\s,!?;:()\[\]{}\"“”«»…।॥،؛؟|<>*]+")
_EDGES = ".-'/–_"
_LONGEST_PHRASE = 4
_NUMBER = re.compile(r"\d{1,3}")
_HAN = {c: n for n, c in enumerate("〇一二三四五六七八九")}
_HAN_AGE = re.compile(r"(十[一二三四五六七八九]?|[一二三四五六七八九])\s*(?:岁|歲|歳|才)")


@dataclass(frozen=True, slots=True)
class Minor:
    """What was found. `score` 1 for a child, 0.6 where the age is left open, 0 for nothing."""

    score: float
    needs_support: bool = False
    """Found only by a word that means something else in another language."""


_NOTHING = Minor(0.0)


def _plain(text: str) -> str:
    """Compatibility forms, case and apostrophes evened out; digits of every script made ASCII."""
    even = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in even)


def _words(plain: str) -> list[str]:
    """Words without the marks at their edges, nor a genitive s."""
    bare = (word.strip(_EDGES).removesuffix("'s") for word in _WORD.findall(plain))
    return [word for word in bare if word]


class Minors:
    """The lexicon, ready to look things up. Safe to share between threads."""

    def __init__(self) -> None:
        source = files("safelight.signals.text.lexicon").joinpath("minors.toml").read_text(encoding="utf-8")
        lexicon = tomllib.loads(source)
        self.words: dict[str, tuple[str, ...]] = {}
        """Whole words for a child by language, for the grammar that trains and tests."""
        self._whole: dict[str, float] = {}
        self._starts: dict[str, float] = {}
        self._anywhere: list[tuple[str, float]] = []
        self._ambiguous: set[str] = set()
        self._units: set[str] = set()
        self._unit_starts: tuple[str, ...] = ()
        self._glued_units: set[str] = set()
        self._before: set[str] = set()
        self._numbers = {word: int(number) for number, words in lexicon.pop("numbers").items() for word in words}
        for lang, lists in lexicon.items():
            self.words[lang] = tuple(w for w in lists.get("child", ()) if not w.endswith("*"))
            self._ambiguous.update(map(_plain, lists.get("ambiguous", ())))
            self._before.update(_plain(word).strip(_EDGES + ":") for word in lists.get("before", ()))
            for words, score in (
                (lists.get("child", ()), 1.0),
                (lists.get("young", ()), 0.6),
            ):
                for word in words:
                    self._learn(_plain(word), score)
            for unit in map(_plain, lists.get("age", ())):
                if _SPACELESS.search(unit):
                    self._glued_units.add(unit)
                elif unit.endswith("*"):
                    self._unit_starts += (unit[:-1],)
                else:
                    self._units.add(unit.strip(_EDGES))
        self._phrase_heads = {phrase.split()[0] for phrase in self._whole if " " in phrase}
        self._starts_min = min(map(len, self._starts))
        self._starts_max = max(map(len, self._starts))

    def _learn(self, word: str, score: float) -> None:
        if _SPACELESS.search(word):
            self._anywhere.append((word, score))
            return
        store = self._starts if word.endswith("*") else self._whole
        key = word.rstrip("*")
        store[key] = max(score, store.get(key, 0.0))

    def look(self, text: str) -> Minor:
        """The strongest finding in `text`. Linear in its length."""
        plain = _plain(text)
        if self._age_below(plain):
            return Minor(1.0)
        best, weak = 0.0, 0.0
        if _SPACELESS.search(plain):
            best = max((score for word, score in self._anywhere if word in plain), default=0.0)
        words = _words(plain)
        known: dict[str, tuple[float, bool]] = {}
        for at, word in enumerate(words):
            if word not in known:
                known[word] = self._word(word)
            score, ambiguous = known[word]
            longest = min(_LONGEST_PHRASE, len(words) - at) if word in self._phrase_heads else 0
            for size in range(2, longest + 1):
                phrase = " ".join(words[at : at + size])
                if phrase in self._whole:
                    score, ambiguous = max(score, self._whole[phrase]), False
            if ambiguous:
                weak = max(weak, score)
            else:
                best = max(best, score)
        if best >= weak:
            return Minor(best) if best else _NOTHING
        return Minor(weak, needs_support=True)

    def _word(self, word: str) -> tuple[float, bool]:
        bare = word
        score = self._whole.get(bare, 0.0)
        for size in range(self._starts_min, min(len(bare), self._starts_max) + 1):
            score = max(score, self._starts.get(bare[:size], 0.0))
        if not score and "-" in bare:
            score = max(self._whole.get(part, 0.0) for part in bare.split("-"))
        return score, bare in self._ambiguous

    def _age_below(self, plain: str) -> bool:
        for match in _HAN_AGE.finditer(plain):
            tens, _, ones = match.group(1).rpartition("十") if "十" in match.group(1) else ("", "", match.group(1))
            del tens
            if (10 if "十" in match.group(1) else 0) + _HAN.get(ones, 0) < ADULT_YEARS:
                return True
        for match in _NUMBER.finditer(plain):
            if int(match.group()) < ADULT_YEARS and self._is_age(plain[: match.start()], plain[match.end() :]):
                return True
        if any(word in self._numbers for word in plain.replace("-", " ").split()):
            for match in _WORD.finditer(plain):
                head, _, tail = match.group().partition("-")
                rest = tail + " " + plain[match.end() : match.end() + 40]
                if self._numbers.get(head, ADULT_YEARS) < ADULT_YEARS and self._is_age(
                    plain[: match.start()], " " + rest
                ):
                    return True
        return False

    def _is_age(self, before: str, after: str) -> bool:
        if (before[-1:].isalnum() and not _SPACELESS.match(before[-1:])) or before[-1:] in {".", ",", ":"}:
            return False
        rest = after[:40].lstrip(" -–'’")
        if any(rest.startswith(unit) for unit in self._glued_units):
            return True
        words = _words(rest)[:3]
        if words and words[0].startswith(self._unit_starts):
            return True
        for size in (1, 2, 3):
            if " ".join(words[:size]) in self._units:
                return True
        lead = _words(before[-24:])
        return any(" ".join(lead[-size:]) in self._before for size in (1, 2, 3) if len(lead) >= size) or any(
            before.rstrip().endswith(word) for word in self._before if _SPACELESS.search(word)
        )
