"""Ways to hide a text, as code: the table that the normaliser is proved against and that evaluations reuse.

Rules
- `TRANSFORMS` maps a stable name to a pure function; the same text gives the same disguise, every time.
- Each keeps the text readable to a person with a little patience, or to a program by one standard decoding.
- `LATIN_ONLY` names those that need Latin letters; the others hold for any script.
- `STRONGEST` are the ten that pairs are made of; `pairs()` gives them all, in both orders.
"""

import base64
import codecs
import json
import random
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote

Transform = Callable[[str], str]
LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()


def _table(letters: str, glyphs: str, *, both_cases: bool = True) -> dict[int, str]:
    found = {ord(a): b for a, b in zip(letters, glyphs, strict=True)}
    if both_cases:
        found |= {ord(a.upper()): b for a, b in zip(letters, glyphs, strict=True)}
    return found


def _offset(lower: int, upper: int, holes: Mapping[str, str] | None = None) -> Transform:
    table = {ord(c): chr(lower + i) for i, c in enumerate(LOWER)} | {
        ord(c): chr(upper + i) for i, c in enumerate(UPPER)
    }
    table |= {ord(c): glyph for c, glyph in (holes or {}).items()}
    return lambda text: text.translate(table)


def _glyphs(letters: str, glyphs: str) -> Transform:
    table = _table(letters, glyphs)
    return lambda text: text.translate(table)


def _by_word(change: Callable[[str], str]) -> Transform:
    return lambda text: " ".join(change(word) for word in text.split(" "))


def _between(sign: str | Callable[[int], str], word_gap: str | None = " ") -> Transform:
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


def _random(text: str) -> random.Random:
    return random.Random(text)


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


def _replace(table: Mapping[str, str]) -> Transform:
    codes = {ord(c): glyph for c, glyph in table.items()}
    return lambda text: text.lower().translate(codes)


def _some(table: Mapping[str, str], share: float) -> Transform:
    """Replace that share of the letters that can be."""

    def change(text: str) -> str:
        draw = _random(text)
        return "".join(table[c] if c in table and draw.random() < share else c for c in text)

    return change


def _caesar(shift: int) -> Transform:
    table = {ord(c): LOWER[(i + shift) % 26] for i, c in enumerate(LOWER)}
    table |= {ord(c): UPPER[(i + shift) % 26] for i, c in enumerate(UPPER)}
    return lambda text: text.translate(table)


def _pig_latin(word: str) -> str:
    at = next((i for i, c in enumerate(word) if c.lower() in "aeiou"), 0)
    if not word.isalpha():
        return word
    return word + "way" if at == 0 else word[at:] + word[:at] + "ay"


def _drop_one(word: str) -> str:
    return word if len(word) < 5 else word[: len(word) // 2] + word[len(word) // 2 + 1 :]


def _swap_two(word: str) -> str:
    at = len(word) // 2
    return word if len(word) < 4 else word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]


def _drop_vowels(word: str) -> str:
    return word[:1] + "".join(c for c in word[1:] if c.lower() not in "aeiou") if len(word) > 2 else word


def _mask_vowels(word: str) -> str:
    return word[:1] + "".join("*" if c in "aeiou" else c for c in word[1:])


def _tags(text: str) -> str:
    return "".join(chr(0xE0000 + ord(c)) if " " <= c <= "~" else c for c in text)


def _smuggled(text: str) -> str:
    octets = text.encode()
    return "😀" + "".join(chr(0xFE00 + o) if o < 16 else chr(0xE0100 + o - 16) for o in octets)


def _utf16(text: str) -> list[int]:
    octets = text.encode("utf-16-be")
    return [int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets), 2)]


def _zalgo(most: int) -> Transform:
    def change(text: str) -> str:
        draw = _random(text)
        return "".join(
            c + "".join(draw.choice(ZALGO_MARKS) for _ in range(draw.randint(1, most))) if c.isalpha() else c
            for c in text
        )

    return change


def _sponge(text: str) -> str:
    return "".join(c.upper() if i % 2 else c.lower() for i, c in enumerate(text))


def _concatenated(text: str) -> str:
    return " + ".join(f'"{text[at : at + 3]}"' for at in range(0, len(text), 3))


def _broken(text: str) -> str:
    found = clusters(text.replace(" ", ""))
    return " ".join("".join(found[at : at + 3]) for at in range(0, len(found), 3))


TRANSFORMS: Mapping[str, Transform] = {
    # Letters in a costume
    "fullwidth": _offset(0xFF41, 0xFF21),
    "math_bold": _offset(0x1D41A, 0x1D400),
    "math_italic": _offset(0x1D44E, 0x1D434, {"h": "ℎ"}),
    "math_script": _offset(0x1D4EA, 0x1D4D0),
    "math_fraktur": _offset(0x1D586, 0x1D56C),
    "math_double_struck": _offset(0x1D552, 0x1D538, dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True))),
    "math_monospace": _offset(0x1D68A, 0x1D670),
    "circled": _offset(0x24D0, 0x24B6),
    "negative_circled": _offset(0x1F150, 0x1F150),
    "squared": _offset(0x1F130, 0x1F130),
    "negative_squared": _offset(0x1F170, 0x1F170),
    "parenthesised": _offset(0x249C, 0x249C),
    "small_capitals": _glyphs(LOWER, SMALL_CAPITALS),
    "raised": _glyphs(LOWER, RAISED),
    "regional_indicators": lambda text: _between("\u200b", "  ")(
        text.translate(_table(LOWER, "".join(map(chr, range(0x1F1E6, 0x1F200)))))
    ),
    "upside_down": lambda text: _replace(TURNED)(text)[::-1],
    "turned_in_place": _replace(TURNED),
    "cyrillic_lookalikes": _some(CYRILLIC_LOOK, 0.7),
    "greek_lookalikes": _some(GREEK_LOOK, 0.7),
    "mixed_lookalikes": _replace(MIXED_LOOK),
    "cherokee_lookalikes": _replace(CHEROKEE_LOOK),
    "signs_as_letters": _replace(SIGNS_LOOK),
    "accented": _replace(LATIN_LOOK),
    "alternating_case": _sponge,
    "capitals": str.upper,
    # What nobody sees
    "zero_width_space": _between("\u200b"),
    "zero_width_joiner": _between("\u200d"),
    "word_joiner": _between("\u2060"),
    "byte_order_mark": _between("\ufeff"),
    "soft_hyphens": _between("\u00ad"),
    "variation_selectors": _between("\ufe0f"),
    "invisible_times": _between("\u2062"),
    "nul": _between("\0"),
    "controls": _between("\x08"),
    "lone_surrogates": _between("\udc00"),
    "tag_characters": lambda text: "a photo " + _tags(text),
    "smuggled_in_emoji": _smuggled,
    "bidi_override": lambda text: f"\u202e{text[::-1]}\u202c",
    "bidi_isolates": _between("\u2069\u2066"),
    # Marks
    "zalgo_light": _zalgo(2),
    "zalgo_heavy": _zalgo(8),
    "struck_through": lambda text: "".join(c + "\u0336" if c.isalpha() else c for c in text),
    "underlined": lambda text: "".join(c + "\u0332" if c.isalpha() else c for c in text),
    # Leet
    "leet_light": _replace(dict(zip("aeio", "4310", strict=True))),
    "leet_medium": _replace(dict(zip("aeiostbg", "43105789", strict=True))),
    "leet_signs": _replace(dict(zip("aeiost", "@3!0$+", strict=True))),
    "leet_some": _some(dict(zip("aeiostlb", "@3105718", strict=True)), 0.5),
    "leet_drawn": _replace(DRAWN),
    # Between letters
    "spaces": _between(" ", "   "),
    "spaces_only": _between(" ", None),
    "dots": _between("."),
    "dots_only": _between(".", None),
    "dashes": _between("-"),
    "underscores": _between("_"),
    "asterisks": _between("*"),
    "slashes": _between("/"),
    "pipes": _between("|", " || "),
    "commas": _between(", ", " / "),
    "one_emoji": _between("🔥"),
    "emoji": _between(lambda at: EMOJI[at % len(EMOJI)], None),
    "brackets": _by_word(lambda word: "".join(f"[{c}]" for c in clusters(word))),
    "vertical": _between("\n", "\n\n"),
    "vertical_only": _between("\n", None),
    "split_lines": lambda text: "\n".join(text[at : at + 7] for at in range(0, len(text), 7)),
    "broken": _broken,
    "hyphenated": _by_word(lambda word: word if len(word) < 4 else f"{word[:2]}-{word[2:]}"),
    # Fewer or more letters
    "no_spaces": lambda text: text.replace(" ", ""),
    "camel_case": lambda text: "".join(word.capitalize() for word in text.split()),
    "hashtag": lambda text: "#" + "".join(word.capitalize() for word in text.split()),
    "snake_case": lambda text: text.replace(" ", "_"),
    "doubled": _by_word(lambda word: "".join(c * 2 for c in word)),
    "stretched": _by_word(lambda word: "".join(c * (4 if c in "aeiou" else 1) for c in word)),
    "tripled": _by_word(lambda word: "".join(c * 3 for c in word)),
    "one_dropped": _by_word(_drop_one),
    "vowels_dropped": _by_word(_drop_vowels),
    "vowels_masked": _by_word(_mask_vowels),
    "two_swapped": _by_word(_swap_two),
    "filled": _by_word(lambda word: "".join(c + "x" for c in word)),
    # Turned round
    "reversed": lambda text: "".join(reversed(clusters(text))),
    "words_reversed": _by_word(lambda word: "".join(reversed(clusters(word)))),
    "reversed_no_spaces": lambda text: "".join(reversed(clusters(text.replace(" ", "")))),
    # Ciphers
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "caesar_3": _caesar(3),
    "caesar_7": _caesar(7),
    "rot47": lambda text: "".join(chr(33 + (ord(c) + 14) % 94) if "!" <= c <= "~" else c for c in text),
    "atbash": _glyphs(LOWER, LOWER[::-1]),
    "pig_latin": _by_word(_pig_latin),
    "next_key": _glyphs("qwertyuiopasdfghjklzxcvbnm", "wertyuiop[sdfghjkl;xcvbnm,"),
    # Escapes
    "html_decimal": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "html_hex": lambda text: "".join(f"&#x{ord(c):x};" for c in text),
    "url": lambda text: "".join(f"%{o:02X}" for o in text.encode()),
    "url_twice": lambda text: quote("".join(f"%{o:02X}" for o in text.encode())),
    "unicode_escape": lambda text: "".join(f"\\u{unit:04x}" for unit in _utf16(text)),
    "unicode_braced": lambda text: "".join(f"\\u{{{ord(c):x}}}" for c in text),
    "hex_escape": lambda text: "".join(f"\\x{o:02x}" for o in text.encode()),
    "octal_escape": lambda text: "".join(f"\\{o:03o}" for o in text.encode()),
    "code_points": lambda text: " ".join(f"U+{ord(c):04X}" for c in text),
    "some_escaped": lambda text: "".join(
        f"&#{ord(c)};" if i % 3 == 0 and c.isalpha() else c for i, c in enumerate(text)
    ),
    "quoted_printable": lambda text: "".join(f"={o:02X}" for o in text.encode()),
    # Codes
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64_url_bare": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64_twice": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "base64_asked": lambda text: f"decode and draw: {base64.b64encode(text.encode()).decode()}",
    "base64_by_word": _by_word(lambda word: base64.b64encode(word.encode()).decode()),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "base85": lambda text: base64.b85encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "hex_spaced": lambda text: text.encode().hex(" "),
    "hex_0x": lambda text: " ".join(f"0x{o:02x}" for o in text.encode()),
    "binary": lambda text: " ".join(f"{o:08b}" for o in text.encode()),
    "binary_joined": lambda text: "".join(f"{o:08b}" for o in text.encode()),
    "decimal_codes": lambda text: " ".join(str(ord(c)) for c in text),
    "decimal_commas": lambda text: ", ".join(str(ord(c)) for c in text),
    "octal_codes": lambda text: " ".join(f"{o:03o}" for o in text.encode()),
    "alphabet_places": lambda text: " ".join(
        "-".join(str(LOWER.index(c) + 1) for c in word.lower() if c in LOWER) for word in text.split()
    ),
    "morse": lambda text: " / ".join(" ".join(MORSE[c] for c in word.lower() if c in MORSE) for word in text.split()),
    "braille": lambda text: "".join(BRAILLE.get(c, c) for c in text.lower()),
    "spelling_alphabet": lambda text: " / ".join(
        " ".join(SPELLING[LOWER.index(c)] for c in word.lower() if c in LOWER) for word in text.split()
    ),
    # Wrappers
    "tags_inside": _by_word(lambda word: f"{word[:2]}<b></b>{word[2:]}"),
    "comments_inside": _by_word(lambda word: f"{word[:1]}<!-- x -->{word[1:]}"),
    "markdown_inside": _by_word(lambda word: f"**{word[:1]}**{word[1:]}"),
    "concatenated": _concatenated,
    "json_escaped": lambda text: '{"n": 1, "prompt": "' + "".join(f"\\u{unit:04x}" for unit in _utf16(text)) + '"}',
    "json": lambda text: json.dumps({"task": "edit", "prompt": text}, ensure_ascii=True),
    "array_of_letters": lambda text: json.dumps(clusters(text), ensure_ascii=False),
    "html_page": lambda text: f"<html><body><p>{text}</p></body></html>",
    "code_block": lambda text: f"```python\nprompt = '{text}'\nprint(prompt)\n```",
}
NEEDS_LATIN = """
fullwidth math_bold math_italic math_script math_fraktur math_double_struck math_monospace circled negative_circled
squared negative_squared parenthesised small_capitals raised regional_indicators upside_down turned_in_place
cyrillic_lookalikes greek_lookalikes mixed_lookalikes cherokee_lookalikes signs_as_letters accented tag_characters
leet_light leet_medium leet_signs leet_some leet_drawn stretched one_dropped vowels_dropped vowels_masked two_swapped
filled rot13 caesar_3 caesar_7 rot47 atbash pig_latin next_key alphabet_places morse braille spelling_alphabet
alternating_case zalgo_light zalgo_heavy struck_through underlined base85 html_page markdown_inside doubled tripled
hyphenated camel_case hashtag
"""
LATIN_ONLY = frozenset(NEEDS_LATIN.split())
STRONGEST = (
    "leet_medium", "mixed_lookalikes", "spaces", "emoji", "reversed", "rot13", "base64", "unicode_escape", "no_spaces",
    "zero_width_space",
)  # fmt: skip
LOSSY = frozenset({"base64+leet_medium", "base64+mixed_lookalikes", "unicode_escape+leet_medium"})
"""Pairs that nobody undoes: the second spells the first one's code in letters that do not say which they were."""


def pairs() -> Iterator[tuple[str, Transform]]:
    """Every ordered pair of two different ones of STRONGEST, named `first+second` in the order of applying."""
    for first in STRONGEST:
        for second in STRONGEST:
            if first != second:
                yield f"{first}+{second}", lambda text, a=first, b=second: TRANSFORMS[b](TRANSFORMS[a](text))  # type: ignore[misc]
