"""Text written in another alphabet of signs: base64 and its kin, hex, binary, numbers, Morse, Braille, Alpha-Bravo.

Rules
- A run of signs is decoded in place where the result is text: valid UTF-8, nearly all letters, and either language or
  once more a code or a cipher (long, and letters and blanks only). Otherwise it stays.
- Linear: each run is decoded at most once for each code that its signs allow.
"""

import base64
import binascii
import codecs
import re
from collections.abc import Callable, Iterable

from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.reading.words import flow, likeness, zipf
from safelight.signals.text.reading.work import Work

CLOSE = r"[A-Za-z0-9+/_=-]"
CLOSE_CUE = re.compile(
    rf"(?<!{CLOSE})(?={CLOSE}{{8}})[A-Z]?[a-z]*(?:[-_/][a-z]*)?[A-Z0-9+=]|[A-Za-z0-9+/_-]=++(?!{CLOSE})"
)
"""A long token that starts like a word and goes on unlike one; or one that ends as base64 does."""
ANY_DIGIT = re.compile(r"\d")
NUMBER_CUE = re.compile(
    r"[0-9A-Fa-fx]{1,6}[^\w]{1,3}[0-9A-Fa-fx]{1,6}[^\w]{1,3}[0-9A-Fa-fx]{1,6}\b|[01]{7}|[0-9A-Fa-f]{10}"
)
SIGN_CUE = re.compile(r"[.\-·•−–—_*]{1,6}[ /|\n][.\-·•−–—_*]|[\u2801-\u283f]{2}")
SPELLING_CUE = ("echo", "alpha", "alfa", "oscar", "tango", "romeo", "india")
"""No sentence of some length is spelled without one of these."""
BASE64 = re.compile(r"(?<![A-Za-z0-9+/_=-])={0,2}[A-Za-z0-9+/_-]{8,}(?:\s?[A-Za-z0-9+/_-]{4,})*={0,2}(?![A-Za-z0-9+/])")
QUADS = r"(?:(?:[A-Za-z0-9+/]{4})+|(?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{2,3}={1,2})"
WORDS_BASE64 = re.compile(rf"(?<![\w+/=]){QUADS}(?:\s{QUADS}){{2,}}(?![\w+/=])")
ORDINARY = re.compile(r"(?:[A-Z]?[a-z]+|[A-Z]+)(?:[-_/+](?:[A-Z]?[a-z]+|[A-Z]+|\d+))*")
ONE_BASE64 = re.compile(r"={0,2}[A-Za-z0-9+/_-]{8,}={0,2}")
BASE32 = re.compile(r"(?<![A-Za-z0-9=])(?:[A-Z2-7]{8,}|[a-z2-7]{16,})={0,6}(?![A-Za-z0-9])")
BASE85 = re.compile(r"<~[!-u\sz]{10,}~>|(?<!\S)[!-~]{15,}(?!\S)")
HEX = re.compile(r"(?<![0-9A-Za-z])(?:(?:0x|\\x|x)?[0-9A-Fa-f]{2}[\s,;:_-]{0,2}){4,}(?![0-9A-Za-z])")
BINARY = re.compile(r"(?<!\d)(?:0b)?[01]{7,8}(?:[\s,;_-]{0,3}(?:0b)?[01]{7,8}){2,}(?!\d)")
NUMBERS = re.compile(r"(?<!\d)\d{1,6}(?:[^\w\n]{1,3}\d{1,6}|\n\d{1,6}){3,}(?!\d)")
MORSE_SIGN = r"[.\-·•−–—_*]"
MORSE = re.compile(rf"(?<![\w]){MORSE_SIGN}{{1,6}}(?:(?:\s{{1,8}}|\s*[/|\\]\s*){MORSE_SIGN}{{1,6}}){{2,}}(?!\w)")
BRAILLE = re.compile(r"[\u2800-\u283f](?:\s?[\u2800-\u283f])+")
BRAILLE_ASCII = " a1b'k2l@cif/msp\"e3h9o6r^djg>ntq,*5<-u8v.%[$+x!&;:4\\0z7(_?w]#y)="
"""North American Braille ASCII: the sign of U+2800 + n is the n-th."""
MORSE_LETTERS = dict(
    zip(
        [
            ".-",
            "-...",
            "-.-.",
            "-..",
            ".",
            "..-.",
            "--.",
            "....",
            "..",
            ".---",
            "-.-",
            ".-..",
            "--",
            "-.",
            "---",
            ".--.",
            "--.-",
            ".-.",
            "...",
            "-",
            "..-",
            "...-",
            ".--",
            "-..-",
            "-.--",
            "--..",
            ".----",
            "..---",
            "...--",
            "....-",
            ".....",
            "-....",
            "--...",
            "---..",
            "----.",
            "-----",
            ".-.-.-",
            "--..--",
            "..--..",
            ".----.",
            "-....-",
            "-..-.",
        ],
        "abcdefghijklmnopqrstuvwxyz1234567890.,?'-/",
        strict=True,
    )
)
ALPHABET = [
    "alpha",
    "bravo",
    "charlie",
    "delta",
    "echo",
    "foxtrot",
    "golf",
    "hotel",
    "india",
    "juliett",
    "kilo",
    "lima",
    "mike",
    "november",
    "oscar",
    "papa",
    "quebec",
    "romeo",
    "sierra",
    "tango",
    "uniform",
    "victor",
    "whiskey",
    "xray",
    "yankee",
    "zulu",
]
SPELLED = {name: name[0] for name in ALPHABET} | {"alfa": "a", "juliet": "j", "whisky": "w", "x-ray": "x", "x ray": "x"}
SPELLED_RUN = re.compile(
    rf"\b(?:{'|'.join(SPELLED)})\b(?:[\s,.\-/|]{{1,3}}(?:{'|'.join(SPELLED)})\b){{2,}}", re.IGNORECASE
)
SAMPLE_CHARS = 480
"""Of what was decoded, as much is asked whether it is language."""
UNWRITTEN = re.compile(r"[\x00-\x07\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]")
"""What no decoded text holds: controls, private use, the replacement sign."""


def undo(text: str, work: Work) -> tuple[str, frozenset[Trick]]:
    """Decode one layer of codes; the tricks found. The same text and none where there is nothing."""
    tricks: set[Trick] = set()

    def by(trick: Trick, decode: Callable[[str], Iterable[str]]) -> Callable[[re.Match[str]], str]:
        def replace(match: re.Match[str]) -> str:
            for found in decode(match[0]) if work.may(len(match[0])) else ():
                if is_text(found):
                    tricks.add(trick)
                    tail = " " if match[0][-1:].isspace() else ""
                    return found + tail
            return match[0]

        return replace

    for cue, codes in _CODES:
        if cue(text):
            for pattern, trick, decode in codes:
                text = pattern.sub(by(trick, decode), text)
    return text, frozenset(tricks)


def _spells(text: str) -> bool:
    low = text.lower()
    return any(name in low for name in SPELLING_CUE)


def is_text(found: str) -> bool:
    """Whether what came out of a decoder is something that a person wrote, or once more a code or a cipher."""
    solid = sum(not c.isspace() for c in found)
    letters = sum(map(str.isalnum, found))
    if solid < 3 or UNWRITTEN.search(found):
        return False
    if not found.isascii():
        # Octets that are valid UTF-8 beyond ASCII are no accident; a few characters may be.
        return solid > 7 or likeness(found) > 0.3
    sample = found[:SAMPLE_CHARS]
    if letters >= 3 and letters * 10 >= solid * 6 and (likeness(sample) > 0.45 or (solid > 5 and flow(sample) > 5)):
        return True
    return solid >= 12


def _octets(octets: bytes) -> Iterable[str]:
    for encoding in ("utf-8", "utf-16-le") if octets[1:2] == b"\0" else ("utf-8",):
        try:
            yield octets.decode(encoding)
        except UnicodeDecodeError:
            continue


def _base64(run: str) -> Iterable[str]:
    run = "".join(run.split())
    bare = run.strip("=")
    if len(bare) % 4 == 1 or ORDINARY.fullmatch(bare) or zipf(bare.casefold()):
        return
    for signs in (bare, bare[::-1], codecs.encode(bare, "rot13")):
        try:
            octets = base64.b64decode(
                signs.replace("-", "+").replace("_", "/") + "=" * (-len(signs) % 4), validate=True
            )
        except binascii.Error:
            continue
        yield from _octets(octets)


def _base64_words(run: str) -> Iterable[str]:
    """Each word of a text encoded for itself."""
    try:
        words = [base64.b64decode(word, validate=True).decode() for word in run.split()]
    except ValueError:
        return
    if likeness(found := " ".join(words)) > likeness(run) + 0.3:
        yield found


def _base32(run: str) -> Iterable[str]:
    bare = run.rstrip("=").upper()
    try:
        octets = base64.b32decode(bare + "=" * (-len(bare) % 8))
    except binascii.Error:
        return
    yield from _octets(octets)


def _base85(run: str) -> Iterable[str]:
    if run.isalnum():
        return
    for decode, signs in ((base64.a85decode, run.removeprefix("<~").removesuffix("~>")), (base64.b85decode, run)):
        try:
            octets = decode(signs)
        except ValueError:
            continue
        yield from (found for found in _octets(octets) if likeness(found) > 0.5)


def _hex(run: str) -> Iterable[str]:
    digits = re.sub(r"0x|\\x|x|[\s,;:_-]", "", run)
    if len(digits) % 2 == 0 and not (digits.isdigit() and len(digits) < 12):
        yield from _octets(bytes.fromhex(digits))


def _binary(run: str) -> Iterable[str]:
    groups = re.findall(r"[01]+", run.replace("0b", ""))
    if len({len(group) for group in groups}) == 1 and len(groups[0]) in (7, 8):
        yield from _octets(bytes(int(group, 2) for group in groups))
    signs = "".join(groups)
    for width in (8, 7):
        if len(signs) % width == 0:
            yield from _octets(bytes(int(signs[at : at + width], 2) for at in range(0, len(signs), width)))


def _numbers(run: str) -> Iterable[str]:
    """Character codes, decimal or octal, or places in the alphabet."""
    digits = re.findall(r"\d+", run)
    codes = [int(number) for number in digits]
    if min(codes) >= 32 and max(codes) > 64 and len(codes) >= 4:
        found = [chr(code) for code in codes if code < 0x20000 and not 0xD800 <= code < 0xE000]
        readings = ["".join(found)] if len(found) == len(codes) else []
        if all(set(number) <= set("01234567") for number in digits) and max(map(len, digits)) == 3:
            readings += _octets(bytes(int(number, 8) & 255 for number in digits))
        yield from sorted(readings, key=likeness, reverse=True)
    if max(codes) <= 27:
        places = re.findall(r"\d+|\D+", run)
        gaps = [gap for gap in places if not gap[0].isdigit()]
        usual = max(set(gaps), key=gaps.count)
        letters = "".join(
            (" " if place != usual else "") if not place[0].isdigit() else " abcdefghijklmnopqrstuvwxyz "[int(place)]
            for place in places
        )
        if len(codes) >= 5 and (flow(letters) > 5 or likeness(letters) > 0.5):
            yield letters


def _morse(run: str) -> Iterable[str]:
    signs = re.sub(r"[·•*]", ".", re.sub(r"[−–—_]", "-", run)).strip()
    if "-" not in signs or "." not in signs:
        return
    found = []
    for word in re.split(r"\s*[/|\\]\s*|\s{3,}|\n", signs):
        letters = [MORSE_LETTERS.get(letter) for letter in word.split()]
        if None in letters:
            return
        found.append("".join(filter(None, letters)))
    yield " ".join(found)


def _braille(run: str) -> Iterable[str]:
    yield "".join(BRAILLE_ASCII[ord(sign) - 0x2800] if "\u2800" <= sign <= "\u283f" else sign for sign in run)


def _spelled(run: str) -> Iterable[str]:
    names = re.findall("|".join(sorted(SPELLED, key=len, reverse=True)) + r"|[\s,.\-/|]+", run.lower())
    gaps = [name for name in names if name not in SPELLED]
    usual = max(set(gaps), key=gaps.count)
    yield "".join(SPELLED.get(name, "" if name == usual else " ") for name in names)


_CODES: tuple[
    tuple[Callable[[str], object], tuple[tuple[re.Pattern[str], Trick, Callable[[str], Iterable[str]]], ...]], ...
] = (
    (
        lambda text: ANY_DIGIT.search(text) and NUMBER_CUE.search(text),
        ((BINARY, Trick.BINARY, _binary), (HEX, Trick.HEX, _hex), (NUMBERS, Trick.CODES, _numbers)),
    ),
    (SIGN_CUE.search, ((MORSE, Trick.MORSE, _morse), (BRAILLE, Trick.BRAILLE, _braille))),
    (_spells, ((SPELLED_RUN, Trick.SPELLING_ALPHABET, _spelled),)),
    (
        CLOSE_CUE.search,
        (
            (BASE32, Trick.BASE32, _base32),
            (WORDS_BASE64, Trick.BASE64, _base64_words),
            (BASE64, Trick.BASE64, _base64),
            (ONE_BASE64, Trick.BASE64, _base64),
        ),
    ),
    (BASE85.search, ((BASE85, Trick.BASE85, _base85),)),
)
"""What has to be seen before which codes are tried, in this order."""
