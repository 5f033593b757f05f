"""Builds `glyphs.tsv`, the table of letters in disguise; run by hand, never by the service.

    python -m safelight.signals.text.reading.build_glyphs FILE

One line a letter and kind, `kind TAB letter TAB disguises`. Kinds: `styled` (circled, squared, small capitals, raised
and lowered letters, regional indicators: nothing else but that letter), `turned` (upside down), `lookalike` (letters
of other scripts that look the same), `marked` (with a stroke, a hook or a tail that no decomposition takes off), and
`cyrillic` and `greek` (which letter of that script a Latin letter imitates).
Sources: character names of Unicode (`unicodedata`), Unicode's confusables through confusable_homoglyphs (MIT), and
the tables below, which add what those leave out.
"""

import json
import re
import sys
import unicodedata
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path

STYLED = re.compile(
    r"(?:NEGATIVE |CROSSED NEGATIVE )?(?:CIRCLED|SQUARED|PARENTHESIZED)(?: ITALIC)? "
    r"LATIN (SMALL|CAPITAL) LETTER ([A-Z])"
    r"|(REGIONAL INDICATOR SYMBOL) LETTER ([A-Z])"
    r"|LATIN (LETTER SMALL CAPITAL) (?:BARRED |REVERSED |TURNED )?([A-Z])"
    r"|MODIFIER LETTER (SMALL|CAPITAL|SMALL CAPITAL) ([A-Z])"
    r"|(LATIN SUBSCRIPT SMALL LETTER) ([A-Z])"
)
MARKED = re.compile(r"LATIN (SMALL|CAPITAL) LETTER (?:BARRED |LONG )?([A-Z]) WITH .+")
TURNED = {
    "a": "ɐɒ∀Ɐ", "b": "ᗺ𐐒", "c": "ɔƆↃᴐ", "d": "ᗡ◖", "e": "ǝƎə", "f": "ɟⅎℲᖵ", "g": "ƃᵷ⅁פ", "h": "ɥ", "i": "ᴉı",
    "j": "ɾſᒋ", "k": "ʞ⋊Ʞ", "l": "ן˥Ꞁ⅂ꞁ", "m": "ɯƜ", "p": "Ԁ", "q": "Ό", "r": "ɹᴚɺ", "t": "ʇꓕ⊥Ʇ", "u": "∩Ո", "v": "ʌΛɅ",
    "w": "ʍ", "y": "ʎ⅄",
}  # fmt: skip
MORE_LOOKALIKES = {
    "a": "ɑ∂ⲁꭺꓮᗩ₳@ⱥдДαᴀ", "b": "ьЬъЪвƅᏏЂђβßᗷ฿", "c": "ϲсⅽᴄꮯℂ¢©₵ᑕς", "d": "ԁᏧⅾꓒᗞᎠđ", "e": "еҽєЄε℮ꬲ€ᗴɛэξΣ", "f": "ϝƒꬵғᖴ₣",
    "g": "ɡցɢԌᏀꮐǥ₲", "h": "һհнНᏂḩℏ♄", "i": "іⅰıɩӏΙІ", "j": "јϳʝЈᎫ", "k": "кκҝκᛕ₭", "l": "ⅼӏℓʟ|£Ⳑ", "m": "мⅿмᗰ₥",
    "n": "пηոռ₦иИήлΠπ", "o": "оοσօ०๐໐൦○ÒøØθ¤", "p": "рρϱᑭ₱þ", "q": "ԛգզ", "r": "гᴦгяЯŘ₹®ᖇ", "s": "ѕʂꜱ$§ᏚՏ",
    "t": "тτтŢ₮†ƚ七", "u": "υսцμᑌɄʉ", "v": "ѵνⅴ∨√ᐯ", "w": "ԝшщѡωɯᗯ₩ա", "x": "хχⅹ×ӿжЖ", "y": "уүγуўϒ¥ყч", "z": "ᴢʐƶ乙",
}  # fmt: skip
"""In the style of nicknames: shapes that Unicode does not call confusable but every reader sees."""
CYRILLIC = dict(zip("abceghikmnoprstuxyABCEHIKMOPTXYj", "авсеgнікмпоргстихуАВСЕНІКМОРТХУј", strict=True))
CYRILLIC = {k: v for k, v in CYRILLIC.items() if k not in "gnrub"} | {"ë": "ё", "ï": "ї", "3": "з", "6": "б", "0": "о"}
GREEK = dict(zip("aoviupxyABEZHIKMNOPTYX", "αονιυρχγΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", strict=True))


def styled() -> dict[str, str]:
    """Disguise to letter, from character names."""
    found = {}
    for code in range(0x80, 0x20000):
        name = unicodedata.name(chr(code), "")
        match = STYLED.fullmatch(name)
        if match:
            found[chr(code)] = [g for g in match.groups() if g][-1].lower()
    found |= {"ꜰ": "f", "ꞯ": "q", "ꜱ": "s", "ᴌ": "l", "🅱": "b", "ℹ": "i", "Ⓜ": "m", "🅾": "o", "🅿": "p", "ⓧ": "x"}
    return found


def lookalikes() -> dict[str, str]:
    """Disguise to ASCII letter, from Unicode's confusables."""
    spec = find_spec("confusable_homoglyphs")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("confusable_homoglyphs is not installed: pip install confusable-homoglyphs")
    pairs = json.loads((Path(spec.submodule_search_locations[0]) / "confusables.json").read_text("utf-8"))
    found: dict[str, str] = {}
    for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ":
        for other in pairs.get(letter, ()):
            glyph = other["c"]
            if len(glyph) == 1 and not glyph.isascii() and unicodedata.normalize("NFKC", glyph) == glyph:
                # A small l, a capital I and a one are one shape: the letter's own case decides.
                found.setdefault(glyph, letter.lower())
    found.pop("¡", None)  # how Spanish opens an exclamation; inside a word `repairs.py` reads it
    return found


def marked() -> dict[str, str]:
    """Letters whose stroke or hook is no combining mark, such as ø, đ and ł."""
    found = {}
    for code in range(0x80, 0x20000):
        glyph = chr(code)
        match = MARKED.fullmatch(unicodedata.name(glyph, ""))
        if match and unicodedata.normalize("NFD", glyph) == glyph:
            found[glyph] = match[2].lower()
    return found


def main(file: Path) -> None:
    """Write the table."""
    table: dict[tuple[str, str], set[str]] = defaultdict(set)
    shapes = styled()
    for glyph, letter in shapes.items():
        table["styled", letter].add(glyph)
    for letter, glyphs in TURNED.items():
        table["turned", letter].update(glyphs)
    looks = lookalikes() | marked()
    for letter, glyphs in MORE_LOOKALIKES.items():
        for glyph in glyphs:
            if not glyph.isascii():
                looks.setdefault(glyph, letter)
    for glyph, letter in looks.items():
        if glyph not in shapes:
            table["lookalike", letter].add(glyph)
    for glyph, letter in marked().items():
        if glyph not in shapes:
            table["marked", letter].add(glyph)
    for kind, twins in (("cyrillic", CYRILLIC), ("greek", GREEK)):
        for letter, glyph in twins.items():
            table[kind, glyph].add(letter)
    rows = (f"{kind}\t{letter}\t{''.join(sorted(glyphs))}\n" for (kind, letter), glyphs in sorted(table.items()))
    file.write_text("".join(rows), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
