"""How single disguises are made: alphabets that look like another, and the functions that `transforms.py` names.

Rules
- Each function is pure and gives the same disguise for the same text, chance included (`draw_for`).
- Marks stay on their letters (`clusters`), so scripts that need them are disguised without being destroyed.
"""

import random
import unicodedata
from collections.abc import Callable, Mapping

Transform = Callable[[str], str]
LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()


def glyph_table(letters: str, glyphs: str, *, both_cases: bool = True) -> dict[int, str]:
    """Letters to glyphs, for `str.translate`."""
    found = {ord(a): b for a, b in zip(letters, glyphs, strict=True)}
    if both_cases:
        found |= {ord(a.upper()): b for a, b in zip(letters, glyphs, strict=True)}
    return found


def in_block(lower: int, upper: int, holes: Mapping[str, str] | None = None) -> Transform:
    """Letters as those of a block of Unicode that has the alphabet in order; `holes` lie elsewhere."""
    table = {ord(c): chr(lower + i) for i, c in enumerate(LOWER)} | {
        ord(c): chr(upper + i) for i, c in enumerate(UPPER)
    }
    table |= {ord(c): glyph for c, glyph in (holes or {}).items()}
    return lambda text: text.translate(table)


def in_glyphs(letters: str, glyphs: str) -> Transform:
    """a to z, in either case, as the glyphs given."""
    table = glyph_table(letters, glyphs)
    return lambda text: text.translate(table)


def by_word(change: Callable[[str], str]) -> Transform:
    """`change` on each word."""
    return lambda text: " ".join(change(word) for word in text.split(" "))


def between(sign: str | Callable[[int], str], word_gap: str | None = " ") -> Transform:
    """`sign` between the letters of each word, `word_gap` between words; None: `sign` there, too."""

    def change(text: str) -> str:
        out: list[str] = []
        for at, cluster in enumerate(clusters(text)):
            if cluster == " " and word_gap is not None:
                if out:
                    out.pop()
                out.append(word_gap)
            elif cluster != " ":
                out += [cluster, sign if isinstance(sign, str) else sign(at)]
        return "".join(out[:-1]) if out else text

    return change


def clusters(text: str) -> list[str]:
    """Letters with the marks that belong to them."""
    found: list[str] = []
    for c in text:
        if found and unicodedata.category(c) in ("Mn", "Mc", "Me"):
            found[-1] += c
        else:
            found.append(c)
    return found


def draw_for(text: str) -> random.Random:
    """Chance that is the same for the same text."""
    return random.Random(text)  # noqa: S311 (disguises are no secret, and have to be the same every time)


EMOJI = "😀🔥✨🍎🌊🎈🐶🚗"
ZALGO_MARKS = "".join(map(chr, [0x300, 0x301, 0x316, 0x317, 0x334, 0x33F, 0x346, 0x34A, 0x35B, 0x489]))
CYRILLIC_LOOK = dict(zip("aceiopsxyABCEHIKMOPTX", "асеіорѕхуАВСЕНІКМОРТХ", strict=True))
GREEK_LOOK = dict(zip("aikopuvxyABEHIKMNOPTXYZ", "αικορυνχγΑΒΕΗΙΚΜΝΟΡΤΧΥΖ", strict=True))
MIXED_LOOK = dict(zip("abcdefghijklmnopqrstuvwxyz", "аƅсԁеꬵɡհіјκⅼⅿոоρԛгѕтսνԝхуᴢ", strict=True))
CHEROKEE_LOOK = dict(zip("abcdeghijklmprstvwyz", "ᎪᏴᏟᎠᎬᏀᎻᎥᎫᏦᏞᎷᏢᎡᏚᎢᏙᎳᎩᏃ", strict=True))
SIGNS_LOOK = dict(zip("abcefhiklnorstuwxyz", "₳฿₵€₣♄ł₭Ⱡ₦ØⱤ$₮ɄщӾ¥Ⱬ", strict=True))
LATIN_LOOK = dict(zip("abcdefghijklmnopqrstuvwxyz", "ąƀçđęƒğħįĵķłɱñøƥɋřşţųʋŵӽýž", strict=True))
TURNED = dict(zip("abcdefghijklmnopqrstuvwxyz", "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz", strict=True))
SMALL_CAPITALS = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘǫʀꜱᴛᴜᴠᴡxʏᴢ"
RAISED = "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖqʳˢᵗᵘᵛʷˣʸᶻ"
MORSE_SIGNS = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.."
)
MORSE = dict(zip(LOWER, MORSE_SIGNS.split(), strict=True))
BRAILLE = dict(zip(LOWER, "⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧⠺⠭⠽⠵", strict=True))
SPELLING_NAMES = """
alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar papa quebec romeo sierra
tango uniform victor whiskey xray yankee zulu
"""
SPELLING = SPELLING_NAMES.split()
DRAWN = {
    "a": "/-\\", "b": "|3", "d": "|)", "e": "3", "h": "|-|", "i": "1", "k": "|<", "l": "|_", "m": "|\\/|", "n": "|\\|",
    "o": "0", "r": "|2", "t": "7", "u": "|_|", "v": "\\/", "w": "\\/\\/", "x": "><",
}  # fmt: skip


def replacing(table: Mapping[str, str]) -> Transform:
    """The text in lower case, with what `table` replaces."""
    codes = {ord(c): glyph for c, glyph in table.items()}
    return lambda text: text.lower().translate(codes)


def replacing_some(table: Mapping[str, str], share: float) -> Transform:
    """Replace that share of the letters that can be."""

    def change(text: str) -> str:
        draw = draw_for(text)
        return "".join(table[c] if c in table and draw.random() < share else c for c in text)

    return change


def caesar(shift: int) -> Transform:
    """The alphabet shifted."""
    table = {ord(c): LOWER[(i + shift) % 26] for i, c in enumerate(LOWER)}
    table |= {ord(c): UPPER[(i + shift) % 26] for i, c in enumerate(UPPER)}
    return lambda text: text.translate(table)


def pig_latin(word: str) -> str:
    """`emoveray`."""
    at = next((i for i, c in enumerate(word) if c.lower() in "aeiou"), 0)
    if not word.isalpha():
        return word
    return word + "way" if at == 0 else word[at:] + word[:at] + "ay"


def drop_one(word: str) -> str:
    """The middle letter of a longer word left out."""
    return word if len(word) < 5 else word[: len(word) // 2] + word[len(word) // 2 + 1 :]


def swap_two(word: str) -> str:
    """Two middle letters swapped."""
    at = len(word) // 2
    return word if len(word) < 4 else word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]


def drop_vowels(word: str) -> str:
    """`rmv`."""
    return word[:1] + "".join(c for c in word[1:] if c.lower() not in "aeiou") if len(word) > 2 else word


def mask_vowels(word: str) -> str:
    """`r*m*v*`."""
    return word[:1] + "".join("*" if c in "aeiou" else c for c in word[1:])


def in_tags(text: str) -> str:
    """Printable ASCII as tag characters."""
    return "".join(chr(0xE0000 + ord(c)) if " " <= c <= "~" else c for c in text)


def in_selectors(text: str) -> str:
    """Bytes as variation selectors behind an emoji."""
    octets = text.encode()
    return "😀" + "".join(chr(0xFE00 + o) if o < 16 else chr(0xE0100 + o - 16) for o in octets)


def utf16_units(text: str) -> list[int]:
    """The code units."""
    octets = text.encode("utf-16-be")
    return [int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets), 2)]


def zalgo(most: int) -> Transform:
    """Up to `most` marks on each letter."""

    def change(text: str) -> str:
        draw = draw_for(text)
        return "".join(
            c + "".join(draw.choice(ZALGO_MARKS) for _ in range(draw.randint(1, most))) if c.isalpha() else c
            for c in text
        )

    return change


def alternating(text: str) -> str:
    """`aLtErNaTiNg`."""
    return "".join(c.upper() if i % 2 else c.lower() for i, c in enumerate(text))


def concatenated(text: str) -> str:
    """Strings of three letters, joined by plus signs."""
    return " + ".join(f'"{text[at : at + 3]}"' for at in range(0, len(text), 3))


def broken(text: str) -> str:
    """Pieces of three letters, whatever the words were."""
    found = clusters(text.replace(" ", ""))
    return " ".join("".join(found[at : at + 3]) for at in range(0, len(found), 3))
