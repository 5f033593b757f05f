"""Word by word: digits and signs for letters, letters repeated, dropped, swapped or masked, pig latin.

Rules
- A word with a visible disguise (`cl0th3s`, `remooove`) is repaired where a known word comes out.
- A change that leaves no trace in a word (dropped or swapped letters, pig latin) is undone only in a stretch of
  unknown words, and only where the whole stretch becomes language.
- Sizes, versions and ordinals (`50mm`, `2nd`, `mp3`, `1920x1080`) are left alone.
- At most MAX_TYPO_WORDS words of a text are searched for dropped and swapped letters: they cost the most, and the
  meaning model forgives them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, product

from safelight.signals.text.reading.ciphers import ENOUGH, GAIN, stretches
from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.reading.words import LONGEST_WORD, belief, likeness, unskeleton, zipf

LEET = {
    "4": "a", "@": "a", "^": "av", "8": "b", "6": "gb", "(": "c", "¢": "c", "©": "c", "3": "e", "€": "e",
    "9": "gp",
    "#": "h", "1": "il", "!": "il", "|": "li", "£": "l", "0": "o", "5": "s", "$": "s", "7": "tl", "+": "t", "2": "zr",
    "%": "x", "*": "aeiou", "?": "q", "×": "x", "µ": "u", "¥": "y", "§": "s", "®": "r", "<": "c", "~": "n", ")": "d",
    "&": "e", "¡": "i", "}": "d", "{": "c", "]": "d", "[": "c",
}  # fmt: skip
SHAPES = (
    (r"/\/\ ".strip(), "m"), (r"|\/|", "m"), (r"/v\ ".strip(), "m"), (r"|v|", "m"), ("(v)", "m"), ("[v]", "m"),
    ("^^", "m"), (r"\/\/", "w"), (r"\^/", "w"), (r"|/\|", "w"), ("vv", "w"), (r"\|/", "w"), (r"|\|", "n"), (r"/\/", "n"),
    ("|-|", "h"), ("]-[", "h"), ("}{", "h"), ("(-)", "h"), ("/-/", "h"), (r"/-\ ".strip(), "a"), (r"/\ ".strip(), "a"),
    ("|_|", "u"), ("(_)", "u"), (r"\_/", "u"), (r"\/", "v"), ("|)", "d"), ("|]", "d"), ("[)", "d"), ("|}", "d"),
    ("|<", "k"), ("|{", "k"), ("|2", "r"), ("|?", "r"), ("|^", "r"), ("|*", "p"), ("|>", "p"), ("|o", "p"), ("|°", "p"),
    ("|=", "f"), ("ph", "f"), ("|3", "b"), ("13", "b"), ("|_", "l"), ("()", "o"), ("[]", "o"), ("><", "x"), ("}{", "x"),
    ("`/", "y"), ("_|", "j"), ("-|-", "t"), ("'][", "t"), ("~|~", "t"),
)  # fmt: skip
"""Letters drawn with several signs, longest first within a look."""
DRAWN = re.compile(r"\\/|/\\|\|[-_)<\]{}2?^*>=3(]|\(\)|\[\]|\(_\)|><|\]-\[|\}\{|`/")
TOKEN = re.compile(r"\S+")
CUE = re.compile(r"(?=\S*[^\W\d_])(?=\S*[0-9@$!|+€£¢§®×#*(<^%])[^\s]{2,}")
MEASURE = re.compile(
    r"\W*(?:\d+(?:[.,:/x×-]\d+)*(?:st|nd|rd|th|s|[a-z]{1,2}|mm|cm|km|px|am|pm|gb|mb|kg|fps|hz|ml|mph|min|sec|year)?"
    r"|[a-z]{1,8}[-.]?\d{1,4}[a-z]?|\d+[a-z]+\d+|#?[a-f0-9]{6}|[a-z]\d(?:[-/][a-z]?\d)*|\d+(?:-[a-z]+)+)\W*",
    re.IGNORECASE,
)
CHAT = dict(
    pair.split("=")
    for pair in (
        "b4=before,gr8=great,m8=mate,l8=late,l8r=later,h8=hate,w8=wait,f8=fate,d8=date,str8=straight,2day=today,"
        "2nite=tonight,2night=tonight,2moro=tomorrow,2morrow=tomorrow,2gether=together,4ever=forever,4get=forget,4m=from,"
        "4u=for you,2u=to you,ne1=anyone,any1=anyone,some1=someone,sum1=someone,every1=everyone,no1=no one,in2=into,"
        "on2=onto,un2=unto,w/o=without"
    ).split(",")
)
"""Sounds for letters, where a digit is said aloud."""
EDGES = "\"'“”‘’.,;:?!…()[]{}<>«»"
RUN = re.compile(r"(.)\1{2,}")
PAIR = re.compile(r"(.)\1+")
DOUBLED = re.compile(r"(?:(.)\1)+")
VOWELLESS = re.compile(r"[bcdfghjklmnpqrstvwxyz]+")
MASKED = re.compile(r"(?=.*[^\W\d_])[^\W\d_*#•·.\-%]*(?:[*#•·%]{1,3}[^\W\d_]*)+")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
MAX_VARIANTS = 24
MAX_TYPO_WORDS = 300
SAMPLE_WORDS = 12


def undo(text: str) -> tuple[str, frozenset[Trick]]:
    """Repair words with a visible disguise; the tricks found."""
    tricks: set[Trick] = set()
    if DRAWN.search(text):
        drawn = TOKEN.sub(lambda token: undrawn(token[0]), text)
        if drawn != text:
            text = drawn
            tricks.add(Trick.LEET)

    def repair(token: re.Match[str]) -> str:
        found, trick = repaired(token[0])
        if trick is not None:
            tricks.add(trick)
        return found

    changed = TOKEN.sub(repair, text) if CUE.search(text) or RUN.search(text) or DOUBLED_WORD.search(text) else text
    return changed, frozenset(tricks)


DOUBLED_WORD = re.compile(r"(?<![^\W_])(?:([^\W\d_])\1){3,}(?![^\W_])")


def undrawn(token: str) -> str:
    """Letters drawn with several signs, where a known word comes out."""
    if not DRAWN.search(token):
        return token
    low = token.lower()
    for shape, letter in SHAPES:
        low = low.replace(shape, letter)
    return next((word for word in unleeted(low.strip("\"'.,;:?!")) if zipf(word) > 2.5), token)


def repaired(token: str) -> tuple[str, Trick | None]:
    """One blank-free token and the trick undone in it, if any."""
    core = token.strip(EDGES)
    if len(token) > 3 * LONGEST_WORD or len(core) < 2:
        return token, None
    key = core.casefold()
    if key in CHAT:
        return token.replace(core, CHAT[key]), Trick.LEET
    if CUE.fullmatch(token) and not core.isalpha():
        for body in dict.fromkeys((core, token.strip("\"'.,;:?"), token)):
            word = _unleet(body)
            if word:
                return token.replace(body, word), Trick.LEET
    if RUN.search(key) or DOUBLED.fullmatch(key):
        word = unrepeated(key)
        if word:
            return token.replace(core, word), Trick.REPEATED
    return token, None


def _unleet(token: str) -> str | None:
    """The best known word for a token with digits or signs for letters, or None."""
    if MEASURE.fullmatch(token) or zipf(token.casefold()):
        return None
    parts = re.split(r"([-/_.,'’])", token)
    if len(parts) > 1 and all(part.isalnum() for part in parts[::2]):
        words = [part if part.isalpha() or part in "-/_.,'’" else _unleet(part) for part in parts]
        return "".join(word or "" for word in words) if all(words) and words != parts else None
    best, best_zipf = None, 2.3
    for word in unleeted(token.lower()):
        for form in (word, unrepeated(word)) if RUN.search(word) else (word,):
            if form and len(form) > 2 and zipf(form) > best_zipf:
                best, best_zipf = form, zipf(form)
    return best


def unleeted(token: str) -> Iterator[str]:
    """The words of letters only that a token may stand for, the usual reading of each sign first."""
    choices: list[str] = [LEET.get(sign, sign if sign.isalpha() else "") for sign in token]
    signs = sum(sign in LEET for sign in token)
    if all(choices) and (signs < len(token) or signs >= 3):
        yield from ("".join(letters) for letters in islice(product(*choices), MAX_VARIANTS))


def unrepeated(word: str) -> str | None:
    """A known word without the letters that were repeated, or None."""
    known = zipf(word)
    once, twice, half = RUN.sub(r"\1", word), RUN.sub(r"\1\1", word), ""
    if DOUBLED.fullmatch(word):
        half = word[::2]
    forms = {once, twice, half, PAIR.sub(r"\1", word)} - {"", word}
    best = max(sorted(forms), key=zipf, default=None)
    return best if best is not None and len(best) > 1 and zipf(best) > max(2.3, known + 1) else None


def undo_in_stretches(text: str) -> tuple[str, frozenset[Trick]]:
    """Repair stretches of unknown words in which every word was changed in the same way; the tricks found."""
    tricks: set[Trick] = set()
    out: list[str] = []
    at = searched = 0
    for begin, end in stretches(text):
        stretch = text[begin:end]
        before = likeness(stretch)
        best, best_worth, best_trick = stretch, max(ENOUGH, before + GAIN), None
        for trick, change in _CHANGES:
            if change is _respelled:
                searched += stretch.count(" ") + 1
                if searched > MAX_TYPO_WORDS or best_trick is not None:
                    continue
            if not _promising(stretch, change):
                continue
            changed = TOKEN.sub(lambda token, change=change: _edged(token[0], change), stretch)  # type: ignore[misc]
            value = likeness(changed)
            if value > best_worth:
                best, best_worth, best_trick = changed, value, trick
        if best_trick is not None:
            tricks.add(best_trick)
            out += [text[at:begin], best]
            at = end
    out.append(text[at:])
    return "".join(out), frozenset(tricks)


def _promising(stretch: str, change: Callable[[str], Iterable[str]]) -> bool:
    """Whether the first unknown words of a stretch mostly become known."""
    tokens = [t for t in (m[0].strip(EDGES).casefold() for m in islice(TOKEN.finditer(stretch), SAMPLE_WORDS)) if t]
    unknown = [t for t in tokens if belief(t) < 0.45 and len(t) > 2]
    better = sum(any(zipf(word) > 2.5 for word in change(token)) for token in unknown)
    return better > 1 and better * 2 >= len(unknown)


def _edged(token: str, change: Callable[[str], Iterable[str]]) -> str:
    core = token.strip(EDGES)
    key = core.casefold()
    if not core:
        return token
    known = zipf(key)
    best = max(change(key), key=zipf, default="")
    if best and zipf(best) > (known if change in (_revowelled, _unpigged) else known + 1.5):
        return token.replace(core, best)
    return token


def _unpigged(word: str) -> Iterable[str]:
    """`emoveray`, `offway`, `ethay`."""
    if not word.endswith("ay") or len(word) < 4:
        return
    stem = word[:-2]
    for moved in range(1, min(4, len(stem))):
        yield stem[-moved:] + stem[:-moved]
    if stem[-1] in "wyh":
        yield stem[:-1]


def _revowelled(word: str) -> Iterable[str]:
    """`rmv`, `r*m*v*`."""
    if VOWELLESS.fullmatch(word):
        yield from unskeleton(word)
    elif MASKED.fullmatch(word):
        pattern = re.compile(re.sub(r"[^\w]", "[a-z]", re.escape(word).replace("\\", "")))
        consonants = "".join(c for c in word if c.isalpha() and c not in "aeiou")
        yield from (found for found in unskeleton(consonants) if pattern.fullmatch(found))
        signs = [LETTERS if not c.isalpha() else c for c in word]
        if sum(len(s) > 1 for s in signs) == 1:
            yield from map("".join, product(*signs))


def _respelled(word: str) -> Iterable[str]:
    """One letter missing, two neighbours swapped, one letter doubled or foreign."""
    if not (3 <= len(word) <= 14 and word.isascii() and word.isalpha()):
        return
    for at in range(len(word) - 1):
        yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    for at in range(len(word) + 1):
        for letter in LETTERS:
            yield word[:at] + letter + word[at:]
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


def _thinned(word: str) -> Iterable[str]:
    """The same letter put after every letter: `rxexmxoxvxex`."""
    filler = set(word[1::2])
    if len(word) > 4 and len(filler) == 1:
        yield word[::2]


_CHANGES: tuple[tuple[Trick, Callable[[str], Iterable[str]]], ...] = (
    (Trick.PIG_LATIN, _unpigged),
    (Trick.SPACED, _thinned),
    (Trick.DROPPED, _revowelled),
    (Trick.DROPPED, _respelled),
)
