"""Letters as other signs: hex, binary, numbers, Morse, Braille, Alpha-Bravo. Each decoder yields what a run may say."""

import re
from collections.abc import Iterable

from safelight.signals.text.reading.words import MARKS, flow, likeness

_BITS = r"(?:0b)?(?:[01](?!b)){7,}+"
BINARY = re.compile(rf"(?<!\d){_BITS}(?:[\s,;_-]{{0,3}}+{_BITS})*+")
"""Parted one way only: into sevens and eights a long run goes in more ways than can ever be tried."""
LEAST_BITS = 21
NUMBERS = re.compile(r"(?<!\d)\d{1,6}(?:[^\w\n]{1,3}\d{1,6}|\n\d{1,6}){3,}(?!\d)")
HEX = re.compile(r"(?<![0-9A-Za-z])(?:(?:0x|\\x|x)?[0-9A-Fa-f]{2}[\s,;:_-]{0,2}){4,}(?![0-9A-Za-z])")
MORSE_SIGN = r"[.\-·•−–—_*]"
MORSE = re.compile(rf"(?<![\w]){MORSE_SIGN}{{1,6}}(?:(?:\s{{1,8}}|\s*[/|\\]\s*){MORSE_SIGN}{{1,6}}){{2,}}(?!\w)")
WRITTEN = re.compile(rf"(?:[^\W\d_][{MARKS}]*|[ ,.;:!?'’\n-])+")
BRAILLE = re.compile(r"[\u2800-\u283f](?:\s?[\u2800-\u283f])+")
BRAILLE_ASCII = " a1b'k2l@cif/msp\"e3h9o6r^djg>ntq,*5<-u8v.%[$+x!&;:4\\0z7(_?w]#y)="
"""North American Braille ASCII: the sign of U+2800 + n is the n-th."""
MORSE_SIGNS = """
.- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --..
.---- ..--- ...-- ....- ..... -.... --... ---.. ----. ----- .-.-.- --..-- ..--.. .----. -....- -..-.
"""
MORSE_LETTERS = dict(zip(MORSE_SIGNS.split(), "abcdefghijklmnopqrstuvwxyz1234567890.,?'-/", strict=True))
SPELLING_NAMES = """
alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar papa quebec romeo sierra
tango uniform victor whiskey xray yankee zulu
"""
SPELLED = {name: name[0] for name in SPELLING_NAMES.split()} | {
    "alfa": "a",
    "juliet": "j",
    "whisky": "w",
    "x-ray": "x",
    "x ray": "x",
}
SPELLED_RUN = re.compile(
    rf"\b(?:{'|'.join(SPELLED)})\b(?:[\s,.\-/|]{{1,3}}(?:{'|'.join(SPELLED)})\b){{2,}}", re.IGNORECASE
)


def written(found: str) -> bool:
    """Whether a decoded text is made of letters and of what stands between words, and of nothing else."""
    return WRITTEN.fullmatch(found) is not None


def in_octets(octets: bytes) -> Iterable[str]:
    wide = {(True, False): ("utf-16-be",), (False, True): ("utf-16-le",)}
    for encoding in ("utf-8", *wide.get((octets[:1] == b"\0", octets[1:2] == b"\0"), ())):
        try:
            yield octets.decode(encoding)
        except UnicodeDecodeError:
            continue


def from_hex(run: str) -> Iterable[str]:
    digits = re.sub(r"0x|\\x|x|[\s,;:_-]", "", run)
    if len(digits) % 2 == 0 and not (digits.isdigit() and len(digits) < 12):
        yield from in_octets(bytes.fromhex(digits))


def from_binary(run: str) -> Iterable[str]:
    groups = re.findall(r"[01]+", run.replace("0b", ""))
    signs = "".join(groups)
    if len(signs) < LEAST_BITS:
        return
    if len({len(group) for group in groups}) == 1 and len(groups[0]) in (7, 8):
        yield from in_octets(bytes(int(group, 2) for group in groups))
    for width in (8, 7):
        if len(signs) % width == 0:
            yield from in_octets(bytes(int(signs[at : at + width], 2) for at in range(0, len(signs), width)))


def from_numbers(run: str) -> Iterable[str]:
    """Character codes, decimal or octal, or places in the alphabet."""
    digits = re.findall(r"\d+", run)
    codes = [int(number) for number in digits]
    if min(codes) >= 32 and max(codes) > 64 and len(codes) >= 4:
        found = [chr(code) for code in codes if code < 0x20000 and not 0xD800 <= code < 0xE000]
        readings = ["".join(found)] if len(found) == len(codes) else []
        if all(set(number) <= set("01234567") for number in digits) and max(map(len, digits)) == 3:
            readings += in_octets(bytes(int(number, 8) & 255 for number in digits))
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


def from_morse(run: str) -> Iterable[str]:
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


def from_braille(run: str) -> Iterable[str]:
    yield "".join(BRAILLE_ASCII[ord(sign) - 0x2800] if "\u2800" <= sign <= "\u283f" else sign for sign in run)


def from_spelling(run: str) -> Iterable[str]:
    names = re.findall("|".join(sorted(SPELLED, key=len, reverse=True)) + r"|[\s,.\-/|]+", run.lower())
    gaps = [name for name in names if name not in SPELLED]
    usual = max(set(gaps), key=gaps.count)
    yield "".join(SPELLED.get(name, "" if name == usual else " ") for name in names)
