"""Letters written as escapes, and words cut by markup or put together from strings.

Rules
- Decoding is in place and linear; what does not decode stays as it is.
- An escape is a trick only where it stands for a letter, a digit or what nobody sees: `%20` and `&amp;` are how
  addresses and pages are written. Markup is a trick only inside a word.
"""

import codecs
import html
import re
import unicodedata
from collections.abc import Callable

from safelight.signals.text.reading.characters import table
from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.reading.words import MARKS, bridge, zipf
from safelight.signals.text.reading.work import Work

CUE = re.compile(r"[\\%&<=]|\[/|[Uu]\+[0-9A-Fa-f]{4}|['\"`]\s*[+.,&|]")
"""None of the below can be in a text without one of these."""
CODE_UNIT = re.compile(r"(?:(?:\\{1,4}|%)u[0-9A-Fa-f]{4})+")
BRACED = re.compile(r"\\{1,4}[ux]\{([0-9A-Fa-f]{1,6})\}|\\{1,4}U([0-9A-Fa-f]{8})|\b[Uu]\+([0-9A-Fa-f]{4,6})\b[ ,;]?")
OCTETS = re.compile(r"(?:\\{1,4}x[0-9A-Fa-f]{2})+|(?:%(?:25)*[0-9A-Fa-f]{2})+|(?:=[0-9A-F]{2}){2,}")
LONE_OCTET = re.compile(r"(?<=[A-Za-z])=([46][1-9A-F]|[57][0-9A])(?=[A-Za-z]|\b)")
OCTAL = re.compile(r"(?:\\[0-3][0-7]{2}){2,}")
STYLE_SHEET = re.compile(r"(?:\\0{0,4}[4-7][0-9A-Fa-f](?![0-9A-Fa-fux]) ?){2,}")
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});?")
TAG = re.compile(r"<!--.{0,200}?-->|</?[A-Za-z][^<>]{0,200}>|<[/!]?>", re.DOTALL)
NUMERIC = re.compile(r"\\{1,4}u\{?[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|&#x?[0-9A-Fa-f]{2,6};")
SIGNS = re.compile(r"(?:[\\&;][^\\&;]{0,40}){4}")
NOT_PRINTABLE = re.compile(r"[^!-~]")
LETTER = r"[^\W\d_]"
CUT_BY_TAG = re.compile(rf"[^\W\d_{MARKS}][{MARKS}]*(?:{TAG.pattern})+(?:{LETTER}|[{MARKS}])", re.DOTALL)
FORUM_TAG = re.compile(
    r"\[/?(?:b|i|u|s|size|color|font|center|url|quote|code|spoiler)(?:=[^\[\]]{0,40})?\]", re.IGNORECASE
)
CUT_BY_FORUM_TAG = re.compile(rf"{LETTER}(?:{FORUM_TAG.pattern})+{LETTER}", re.IGNORECASE)
TYPESET = re.compile(rf"\\(?:text|math)[a-z]{{0,6}}\{{({LETTER}{{1,40}})\}}|\\emph\{{({LETTER}{{1,40}})\}}")
"""LaTeX: `\\textbf{r}emove`."""
CUT_BY_TYPESETTING = re.compile(rf"{TYPESET.pattern}(?={LETTER}|\\)")
INLINE = re.compile(
    r"<!--|</?(?:a|abbr|b|big|em|font|i|mark|s|small|span|strong|sub|sup|u|wbr)\b|<[/!]?>", re.IGNORECASE
)
ADDED = re.compile(r"(?:\[\s*)?(['\"`])[^'\"`\n]{0,40}\1(?:\s*\+\s*(['\"`])[^'\"`\n]{0,40}\2){2,}(?:\s*\])?")
CONCATENATED = re.compile(
    rf"(?:\[\s*)?(['\"`]){LETTER}+\1(?:\s*(?:\+|\.|,|&|\|\|)?\s*(['\"`])(?:{LETTER}+| )\2)+(?:\s*\])?"
)
STRING = re.compile(r"(['\"`])([^'\"`]*)\1")


def undo(text: str, _work: Work) -> tuple[str, frozenset[Trick]]:
    """Decode one layer of escapes and markup; the tricks found. The same text and none where there is nothing.

    Linear, so it is paid for with the round.
    """
    if not CUE.search(text):
        return text, frozenset()
    text = _righted(text)
    letters = 0

    def counted(decode: Callable[[re.Match[str]], str]) -> Callable[[re.Match[str]], str]:
        def replace(match: re.Match[str]) -> str:
            nonlocal letters
            found = decode(match)
            if found != match[0]:
                letters += sum(c.isalnum() or unicodedata.category(c) == "Cf" for c in found)
            return found

        return replace

    for pattern, decode in (
        (CODE_UNIT, _code_units),
        (BRACED, _code_point),
        (OCTETS, _octets),
        (LONE_OCTET, lambda m: chr(int(m[1], 16))),
        (OCTAL, _octal),
        (STYLE_SHEET, lambda m: "".join(chr(int(d, 16)) for d in m[0].split("\\")[1:])),
        (ENTITY, lambda m: html.unescape(m[0])),
    ):
        text = pattern.sub(counted(decode), text)
    tricks = {Trick.ESCAPES} if letters else set()
    changed = text
    if CUT_BY_TAG.search(text):
        changed = TAG.sub(lambda tag: "" if INLINE.match(tag[0]) else " ", text)
    if CUT_BY_FORUM_TAG.search(text):
        changed = FORUM_TAG.sub("", changed)
    if CUT_BY_TYPESETTING.search(text):
        changed = TYPESET.sub(lambda run: run[1] or run[2], changed)
    changed = ADDED.sub(lambda run: "".join(found[1] for found in STRING.findall(run[0])), changed)
    changed = CONCATENATED.sub(_put_together, changed)
    if changed != text:
        tricks.add(Trick.MARKUP)
        text = changed
    return text, frozenset(tricks)


def _code_units(match: re.Match[str]) -> str:
    units = [int(unit, 16) for unit in re.findall(r"u([0-9A-Fa-f]{4})", match[0])]
    return b"".join(unit.to_bytes(2, "big") for unit in units).decode("utf-16-be", "ignore")


def _code_point(match: re.Match[str]) -> str:
    code = int(match[1] or match[2] or match[3], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else match[0]


def _octets(match: re.Match[str]) -> str:
    sign = match[0][0]
    found = re.findall(r"x([0-9A-Fa-f]{2})" if sign == "\\" else r"(?:%(?:25)*|=)([0-9A-Fa-f]{2})", match[0])
    octets = bytes(int(pair, 16) for pair in found)
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1") if sign == "\\" else match[0]


def _octal(match: re.Match[str]) -> str:
    octets = bytes(int(digits, 8) for digits in match[0].split("\\")[1:])
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _righted(text: str) -> str:
    """Escapes that were themselves spaced out, turned round, shifted or written in look-alikes, in working order."""
    count = len(NUMERIC.findall(text))
    if SIGNS.search(text) is None or count > 3:
        return text
    squeezed = NOT_PRINTABLE.sub("", text)
    imitated = text if text.isascii() else text.translate(table("lookalike"))
    for other in (squeezed, imitated, imitated[::-1], codecs.encode(text, "rot13")):
        if len(NUMERIC.findall(other)) > max(3, 2 * count):
            return other
    return text


def _put_together(match: re.Match[str]) -> str:
    """`"re" + "move"`. A list of words, `"cat", "dog"`, stays."""
    parts = [found[1] for found in STRING.findall(match[0])]
    if "+" not in match[0] and all(len(part) > 1 and zipf(part.casefold()) for part in parts):
        return match[0]
    return bridge(parts)
