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
from safelight.signals.text.reading.words import LONGEST_WORD, belief, english, likeness, unskeleton, weigh, zipf
from safelight.signals.text.reading.work import Work

LEET = {
    "4": "a", "@": "a", "^": "av", "8": "b", "6": "gb", "(": "c", "¢": "c", "©": "c", "3": "e", "€": "e",
    "9": "gp",
    "#": "h", "1": "il", "!": "il", "|": "li", "£": "l", "0": "o", "5": "s", "$": "s", "7": "tl", "+": "t", "2": "zr",
    "%": "x", "?": "q", "×": "x", "µ": "u", "¥": "y", "§": "s", "®": "r", "<": "c", "~": "n", ")": "d",
    "&": "e", "¡": "i", "}": "d", "{": "c", "]": "d", "[": "c",
}  # fmt: skip
USUAL = {ord(sign): letters[0] for sign, letters in LEET.items()}
AMBIGUOUS = re.compile("[" + "".join(re.escape(sign) for sign, letters in LEET.items() if len(letters) > 1) + "]")
DRAWINGS = r"""
/\/\m |\/|m /v\m |v|m (v)m [v]m ^^m \/\/w \^/w |/\|w \|/w |\|n /\/n |-|h ]-[h }-{h (-)h /-/h /-\a /\a |_|u (_)u \_/u \/v
|)d |]d [)d |}d |<k |{k |2r |?r |^r |*p |>p |op |°p |=f |3b |_l ()o []o ><x }{x `/y _|j
"""
SHAPES = tuple((pair[:-1], pair[-1]) for pair in DRAWINGS.split())
"""Letters drawn with several signs, the longer shape before one that it contains."""
DRAWN = re.compile(r"\\/|/\\|/-\\|\|\\\||\|[-_)<\]{}2?^*>=3(]|\(\)|\[\]|\(_\)|><|\]-\[|\}\{|`/")
TOKEN = re.compile(r"\S+")
SIGN = r"[0-9@$!¡|+€£¢§®×#(<^%]"
ANY_LETTER = re.compile(r"[^\W\d_]")
ANY_SIGN = re.compile(SIGN)
CUE = re.compile(rf"[^\W\d_]['\\/_-]*{SIGN}|{SIGN}['\\/_-]*[^\W\d_]")
"""A digit or a sign that touches a letter. Punctuation at the end of words does, too: `repaired` looks closer."""
MEASURE = re.compile(
    r"\W*(?:\d+(?:[.,:/x×-]\d+)*(?:st|nd|rd|th|s|[a-z]{1,2}|mm|cm|km|px|am|pm|gb|mb|kg|fps|hz|ml|mph|min|sec|year)?"
    r"|[a-z]{1,8}[-.]?\d{1,4}[a-z]?|\d+[a-z]+\d+|#?[a-f0-9]{6}|[a-z]\d(?:[-/][a-z]?\d)*|\d+(?:-[a-z]+)+)\W*",
    re.IGNORECASE,
)
DECADE = re.compile(r"\W*\d{2,4}['’]?s\W*")
CHAT_PAIRS = """
b4=before gr8=great m8=mate l8=late l8r=later h8=hate w8=wait f8=fate d8=date str8=straight 2day=today 2nite=tonight
2night=tonight 2moro=tomorrow 2morrow=tomorrow 2gether=together 4ever=forever 4get=forget 4m=from 4u=for_you 2u=to_you
ne1=anyone any1=anyone some1=someone sum1=someone every1=everyone no1=no_one in2=into on2=onto un2=unto w/o=without
"""
CHAT = {sound: word.replace("_", " ") for sound, _, word in (pair.partition("=") for pair in CHAT_PAIRS.split())}
"""Sounds for letters, where a digit is said aloud."""
SOFT_EDGES = "\"'“”‘’.,;:?…"
EDGES = "\"'“”‘’.,;:?!…()[]{}<>«»¡¿"
ROMAN = re.compile(r"[ivxlcdm]+")
RUN = re.compile(r"(.)\1{2,}")
PAIR = re.compile(r"(.)\1+")
REPEATS = re.compile(r"([^\W\d_])\1(?:\1|([^\W\d_])\2([^\W\d_])\3)")
MASK_CUE = re.compile(r"[*#•·%](?<=[^\W\d_].)")
DOUBLED = re.compile(r"(?:(.)\1)+")
VOWELLESS = re.compile(r"[bcdfghjklmnpqrstvwxyz]+")
MASK = r"[*#•·%]"
MASKED = re.compile(rf"(?=.*{MASK}.*[^\W\d_]|.*{MASK}.*{MASK})[^\W\d_]++(?:{MASK}++[^\W\d_]*+)++")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
VOWELS = "aeiou"
MAX_MASKS = 3
LIGHT = 0.65
"""How much like language a text has to be for all of its signs to be read as letters."""
MAX_VARIANTS = 24
CAUTION = 0.2
"""How much more the repair of typing errors has to show for itself."""
UNREPEATING_STEPS = 20
WORD_STEPS = 6
TYPO_STEPS_PER_LETTER = 25
LONGEST_TOKEN = 3 * LONGEST_WORD
MAX_TYPO_WORDS = 300
SAMPLE_WORDS = 12


def undo(text: str, work: Work) -> tuple[str, frozenset[Trick]]:
    """Repair words with a visible disguise; the tricks found."""
    signs = ANY_SIGN.search(text) and (CUE.search(text) or DRAWN.search(text))
    if not signs and not REPEATS.search(text) and not MASK_CUE.search(text):
        return text, frozenset()
    found = {token: repaired(token) for steps, token in _by_doubt(text) if work.may(steps)}
    changed = TOKEN.sub(lambda token: found.get(token[0], (token[0], None))[0], text)
    tricks = {trick for _, trick in found.values() if trick is not None}
    if signs and (CUE.search(changed) or DRAWN.search(changed)):
        # One repaired word, or a text that is nothing without repair, and the rest is read in the same light.
        words = {token: _word_for(token, 1.0) for steps, token in _by_doubt(changed) if work.may(steps)}
        everything = TOKEN.sub(lambda token: words.get(token[0]) or token[0], changed)
        if _light(everything, changed, found=Trick.LEET in tricks):
            changed = everything
            tricks.add(Trick.LEET)
    return changed, frozenset(tricks)


def _by_doubt(text: str) -> list[tuple[int, str]]:
    """What may be disguised, once each, with the steps it costs: the likeliest first, which can stand for few words."""
    tokens = (token for token in dict.fromkeys(TOKEN.findall(text)) if 1 < len(token) <= LONGEST_TOKEN)
    odd = (t for t in tokens if not t.isalpha() or RUN.search(low := t.casefold()) or DOUBLED.fullmatch(low))
    return sorted(((_steps(token), token) for token in odd), key=lambda pair: pair[0])


def _steps(token: str) -> int:
    """What the repair of a token costs: the words that it may stand for, and what each has without repeated letters."""
    words = min(MAX_VARIANTS, 1 << len(AMBIGUOUS.findall(token)))
    repeats = RUN.search(token.lower().translate(USUAL))
    return 4 + len(token) // 4 + 2 * words * (UNREPEATING_STEPS if repeats else 1)


def _light(everything: str, changed: str, *, found: bool) -> bool:
    """Whether to read every sign as a letter: a word was found so, several come out, or nothing else is left."""
    if everything == changed:
        return False
    known, letters = weigh(everything)
    before, letters_before = weigh(changed)
    if known <= before or known < (LIGHT if found else ENOUGH) * letters:
        return False
    pairs = zip(TOKEN.findall(everything), TOKEN.findall(changed), strict=False)
    new = {word for word, token in pairs if word != token and len(word) > 2 and ANY_LETTER.search(token)}
    several = sum(zipf(word.strip(EDGES)) > 3.5 for word in new) > 1
    return found or several or known / letters > GAIN + before / max(1, letters_before)


def repaired(token: str) -> tuple[str, Trick | None]:
    """One blank-free token and the trick undone in it, if any."""
    core = token.strip(EDGES)
    if not 1 < len(token) <= LONGEST_TOKEN:
        return token, None
    key = core.casefold()
    if key in CHAT:
        return token.replace(core, CHAT[key]), Trick.LEET
    if not core.isalpha() and (DRAWN.search(token) or CUE.search(core)) and not MEASURE.fullmatch(token):
        word = _word_for(token, 2.3)
        if word and word != token:
            return word, Trick.LEET
    if ROMAN.fullmatch(key):
        return token, None
    if RUN.search(key) or DOUBLED.fullmatch(key):
        word = unrepeated(key)
        if word:
            return token.replace(core, word), Trick.REPEATED
    match = MASKED.fullmatch(core)
    if match:
        best = max(_unmasked(key), key=zipf, default="")
        if zipf(best) > 3:
            return token.replace(core, best), Trick.DROPPED
    return token, None


def _word_for(token: str, least_zipf: float) -> str | None:
    """The best known word for a token with digits or signs for letters, with what stood around it, or None."""
    if token.isalpha() or DECADE.fullmatch(token) or zipf(token.strip(EDGES).casefold()):
        return None
    best, best_zipf = None, least_zipf
    for body in dict.fromkeys((token.strip(EDGES), token.strip(SOFT_EDGES), token)):
        low = body.lower()
        forms = {low: None, _undrawn(low): None} if DRAWN.search(low) else {low: None}
        for form in forms:
            for word in unleeted(form):
                found = unrepeated(word) or word if RUN.search(word) else word
                frequency = zipf(found)
                # Of a short token only the commonest words are believed.
                if frequency > max(best_zipf, 0 if len(found) > 2 or least_zipf < 2 else 9):
                    best, best_zipf = token.replace(body, found), frequency
    if best is None and len(parts := re.split(r"([-/_.,'’])", token)) > 1 and all(map(str.isalnum, parts[::2])):
        words = [part if part.isalpha() or at % 2 else _word_for(part, least_zipf) for at, part in enumerate(parts)]
        return "".join(map(str, words)) if all(words) and words != parts else None
    return best


def _undrawn(token: str) -> str:
    for shape, letter in SHAPES:
        token = token.replace(shape, letter)
    return token


def unleeted(token: str) -> Iterator[str]:
    """The words of letters only that a token may stand for, the usual reading of each sign first."""
    choices: list[str] = [LEET.get(sign, sign if sign.isalpha() else "") for sign in token]
    if token and all(choices):
        yield from ("".join(letters) for letters in islice(product(*choices), MAX_VARIANTS))


def unrepeated(word: str) -> str | None:
    """A known word without the letters that were repeated, or None."""
    known = zipf(word)
    runs = [len(run[0]) for run in re.finditer(r"(.)\1*", word)]
    forms = {PAIR.sub(r"\1", word)}
    parts = [(run[0][0], run[0][0] * 2) if len(run[0]) > 2 else (run[0],) for run in re.finditer(r"(.)\1*", word)]
    forms.update("".join(letters) for letters in islice(product(*parts), MAX_VARIANTS))
    for times in (2, 3, 4):
        if min(runs) >= times and all(run % times == 0 for run in runs):
            forms.add("".join(run[0][: len(run[0]) // times] for run in re.finditer(r"(.)\1*", word)))
    best = max(sorted(forms - {"", word}), key=zipf, default=None)
    if best is None or (len(best) == 1 and best not in "ai"):
        return None
    return best if zipf(best) > max(2.3, known + 1) else None


def undo_in_stretches(text: str, work: Work) -> tuple[str, frozenset[Trick]]:
    """Repair stretches of unknown words in which every word was changed in the same way; the tricks found."""
    tricks: set[Trick] = set()
    out: list[str] = []
    at = searched = 0
    for begin, end in work.spans(text, stretches):
        stretch = text[begin:end]
        if work.in_vain("repair", stretch):
            continue
        searched += stretch.count(" ") + 1
        found = _repair(stretch, work, typos=searched <= MAX_TYPO_WORDS)
        if found is None:
            work.was_in_vain("repair", stretch)
        else:
            out += [text[at:begin], found[0]]
            tricks.add(found[1])
            at = end
    out.append(text[at:])
    return "".join(out), frozenset(tricks)


def _repair(stretch: str, work: Work, *, typos: bool) -> tuple[str, Trick] | None:
    """The best repair of a stretch, or None."""
    words = stretch.count(" ") + 1
    if not work.may(2 * words):
        return None
    best, trick, least = stretch, None, max(ENOUGH, likeness(stretch) + GAIN)
    for kind, change in _CHANGES:
        if change is not _respelled:
            steps = WORD_STEPS * words
        elif typos and trick is None:
            steps = TYPO_STEPS_PER_LETTER * (len(stretch) - words)
        else:
            continue
        sample = min(1.0, SAMPLE_WORDS / words)
        optional = change is _respelled
        if not work.may(int(sample * steps), optional=optional) or not _promising(stretch, change):
            continue
        if not work.may(int((1 - sample) * steps), optional=optional):
            continue
        changed = TOKEN.sub(lambda token, change=change: _edged(token[0], change), stretch)  # type: ignore[misc]
        value = likeness(changed) - (CAUTION if change is _respelled else 0.0)
        if value > least:
            best, trick, least = changed, kind, value
    return (best, trick) if trick is not None else None


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
    """`rmv`, and `undrss` with a vowel that was left at the start."""
    if VOWELLESS.fullmatch(word):
        yield from unskeleton(word)
    elif VOWELLESS.fullmatch(word[1:]):
        yield from (found for found in unskeleton(word[1:]) if found.startswith(word[0]))


def _unmasked(word: str) -> Iterable[str]:
    """`r*m*v*`, `cl#thes`: each sign a letter; vowels are what is masked where it is not one letter only."""
    pattern = re.compile("".join(c if c.isalpha() else "[a-z]" for c in word))
    consonants = "".join(c for c in word if c.isalpha() and c not in "aeiou")
    yield from (found for found in unskeleton(consonants) if pattern.fullmatch(found))
    masks = sum(not c.isalpha() for c in word)
    if masks <= MAX_MASKS:
        letters = LETTERS if masks == 1 else VOWELS
        yield from map("".join, product(*(c if c.isalpha() else letters for c in word)))


def _respelled(word: str) -> Iterable[str]:
    """One letter missing, two neighbours swapped, one letter too many; in English, since a language that the lists
    hardly know is one typing error away from others everywhere.
    """
    if 3 <= len(word) <= 14 and word.isascii() and word.isalpha():
        yield from (found for found in _neighbours(word) if english(found) > 2.5)


def _neighbours(word: str) -> Iterator[str]:
    for at in range(len(word) - 1):
        yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    for at in range(len(word) + 1):
        for letter in LETTERS:
            yield word[:at] + letter + word[at:]
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


_CHANGES: tuple[tuple[Trick, Callable[[str], Iterable[str]]], ...] = (
    (Trick.PIG_LATIN, _unpigged),
    (Trick.DROPPED, _revowelled),
    (Trick.DROPPED, _respelled),
)
