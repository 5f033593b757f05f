"""Digits and signs for letters, and letters drawn with several signs.

Rules
- A word with a visible disguise (`cl0th3s`) is read where a known word comes out.
- Sizes, versions and ordinals (`50mm`, `2nd`, `mp3`, `1920x1080`) are left alone.
"""

import re
from collections.abc import Iterator
from itertools import islice, product

from safelight.signals.text.reading.joints import SURPRISE_CHARS, SURPRISE_STEPS_PER_LETTER, surprise
from safelight.signals.text.reading.repeats import MAX_VARIANTS, RUN, unrepeated
from safelight.signals.text.reading.strange import ENOUGH, GAIN
from safelight.signals.text.reading.words import weigh, zipf
from safelight.signals.text.reading.work import Work

TOKEN = re.compile(r"\S+")

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
SHAPES = {pair[:-1]: pair[-1] for pair in DRAWINGS.split()}
"""Letters drawn with several signs."""
LONGEST_SHAPE = max(map(len, SHAPES))
LEFT_OVER = 100
"""What a sign costs that is in no shape, where a shape costs 1."""
DRAWN = re.compile(r"\\/|/\\|/-\\|\|\\\||\|[-_)<\]{}2?^*>=3(]|\(\)|\[\]|\(_\)|><|\]-\[|\}\{|`/")
SIGN = r"[0-9@$!¡|+€£¢§®×#(<^%]"
ANY_LETTER = re.compile(r"[^\W\d_]")
ANY_SIGN = re.compile(SIGN)
CUE = re.compile(rf"[^\W\d_]['\\/_-]*{SIGN}|{SIGN}['\\/_-]*[^\W\d_]")
"""A digit or a sign that touches a letter. Punctuation at the end of words does, too: `repaired` looks closer."""
MEASURE = re.compile(
    r"\W*(?:\d+(?:[.,:/x×-]\d+)*(?:st|nd|rd|th|s|[a-z]{1,2}|mm|cm|km|px|am|pm|gb|mb|kg|fps|hz|ml|mph|min|sec|year)?"
    r"|[a-z]{1,8}[-._]?\d{1,4}[a-z]?(?:\.(?:jpe?g|png|gif|webp|heic|tiff?|bmp))?"
    r"|\d+[a-z]+\d+|#?[a-f0-9]{6}|[a-z]\d(?:[-/][a-z]?\d)*|\d+(?:-[a-z]+)+)\W*",
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
LONE = {"4": "a", "@": "a", "1": "i", "!": "i", "0": "o"}
NUMBER = re.compile(r"(?<!\S)[0-9$@!]{2,6}(?!\S)")
MANY_SIGNED = 3
ORDINARY_SIGNS = "4@31!05$7+"
COMMON = 4.5
LONE_SIGN = re.compile(r"(?<!\S)[4@1!0](?!\S)")
USUAL_BONUS = 1.2
INSIDE = re.compile(rf"[^\W\d_]{SIGN}+[^\W\d_]|(?<!\S){SIGN}[^\W\d_]")
"""A sign where no punctuation stands: `C++` and `C#` are none."""
LACED = re.compile(rf"(?<=[^\W\d_]){SIGN}{{1,2}}(?=[^\W\d_])")
RELIEF = 1.2
"""Nats a letter (`joints.surprise`) by which a text becomes likelier when its signs are read as letters."""
LIKELY = 4.8
"""Nats a letter that it may cost then."""
LIGHT = 0.65
"""How much like language a text has to be for all of its signs to be read as letters."""


def light(everything: str, changed: str, *, found: bool) -> bool:
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


def likelier(text: str, work: Work) -> str:
    """`text` with the usual letters for signs in every word, where these are far likelier in some language.

    For languages of which the lists know too little; else the text as it is.
    """
    changed = TOKEN.sub(lambda token: _usual(token[0]), text)
    pairs = zip(changed.split(), text.split(), strict=True)
    several = sum(a != b and INSIDE.search(b) is not None for a, b in pairs) > 1
    if not several or not work.may(2 * SURPRISE_STEPS_PER_LETTER * min(len(text), SURPRISE_CHARS)):
        return text
    price = surprise(changed)
    return changed if price < LIKELY and price < surprise(text) - RELIEF else text


def _usual(token: str) -> str:
    core = token.strip(SOFT_EDGES)
    if not (CUE.search(core) or DRAWN.search(core)) or MEASURE.fullmatch(token) or core.casefold() in CHAT:
        return token
    plain = _undrawn(core.lower()).translate(USUAL)
    return token.replace(core, plain) if plain.replace("'", "").isalpha() else token


def laced(token: str) -> str:
    """A token with several signs between its letters in the usual letters, known or not; any other as it is."""
    return token.translate(USUAL) if len(LACED.findall(token)) > 1 and not MEASURE.fullmatch(token) else token


def word_for(token: str, least_zipf: float) -> str | None:
    """The best known word for a token with digits or signs for letters, with what stood around it, or None."""
    if token.isalpha() or DECADE.fullmatch(token) or zipf(token.strip(EDGES).casefold()):
        return None
    best, best_zipf = None, least_zipf
    for body in dict.fromkeys((token.strip(EDGES), token.strip(SOFT_EDGES), token)):
        low = body.lower()
        forms = {low: None, _undrawn(low): None} if DRAWN.search(low) else {low: None}
        for form in forms:
            first = True
            for word in unleeted(form):
                found = unrepeated(word) or word if RUN.search(word) else word
                # Where the usual reading of every sign is a common word, the others are not considered.
                frequency = zipf(found) + (USUAL_BONUS if first else 0.0)
                first = False
                if "!" in low and "!" in token.replace(body, "", 1):
                    frequency -= USUAL_BONUS  # who writes it for an i inside means it at the end
                # Of a short token only the commonest words are believed.
                if frequency > max(best_zipf, 0 if len(found) > 2 or least_zipf < 2 else 9):
                    best, best_zipf = token.replace(body, found), frequency
    if best is None and len(parts := re.split(r"([-/_.,'’])", token)) > 1 and all(map(str.isalnum, parts[::2])):
        words = [part if part.isalpha() or at % 2 else word_for(part, least_zipf) for at, part in enumerate(parts)]
        return "".join(map(str, words)) if all(words) and words != parts else None
    return best


def with_lone_signs(changed: str, text: str) -> str:
    """Signs that stand alone read as the words a, i and o, where the rest of `text` writes those letters so."""
    left = set(TOKEN.findall(changed))
    signed = [token for token in TOKEN.findall(text) if CUE.search(token) and token not in left]
    used = {sign for token in signed for sign in token if sign in LEET}
    if len(signed) >= MANY_SIGNED:
        used |= set(ORDINARY_SIGNS)
    lone = {sign: letter for sign, letter in LONE.items() if sign in used}
    changed = LONE_SIGN.sub(lambda sign: lone.get(sign[0], sign[0]), changed)
    return NUMBER.sub(lambda number: _said(number[0], used), changed)


def _said(number: str, used: set[str]) -> str:
    """The common word that a number stands for among words with the same digits for letters, or the number."""
    word = max(unleeted(number), key=zipf) if used.issuperset(number) else number
    return word if zipf(word) > COMMON else number


def _undrawn(token: str) -> str:
    """Every shape as its letter, so that the fewest signs are left over, and shapes are as large as can be."""
    costs: list[int] = [0]
    last: list[tuple[int, str]] = [(0, "")]
    """Of what ends here the last letter, and where its shape began: the whole text is put together once, at the end."""
    for end in range(1, len(token) + 1):
        sign = token[end - 1]
        best, letter_from = costs[-1] + (0 if sign.isalnum() else LEFT_OVER), (end - 1, sign)
        for begin in range(max(0, end - LONGEST_SHAPE), end - 1):
            letter = SHAPES.get(token[begin:end])
            if letter is not None and costs[begin] + 1 <= best:
                best, letter_from = costs[begin] + 1, (begin, letter)
        costs.append(best)
        last.append(letter_from)
    letters, end = [], len(token)
    while end:
        end, letter = last[end]
        letters.append(letter)
    return "".join(reversed(letters))


def unleeted(token: str) -> Iterator[str]:
    """The words of letters only that a token may stand for, the usual reading of each sign first."""
    choices: list[str] = [LEET.get(sign, sign if sign.isalpha() else "") for sign in token]
    if token and all(choices):
        yield from ("".join(letters) for letters in islice(product(*choices), MAX_VARIANTS))
