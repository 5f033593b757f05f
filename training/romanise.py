"""Texts of Greek and Cyrillic scripts as people type them in Latin letters: one habit a text, of the several there are.

People whose keyboard or phone has Latin letters alone spell by sound ("thelo") or by shape ("8elw"), and rarely mix.
"""

import random
import unicodedata
from collections.abc import Mapping

_GREEK = {
    "ου": ("ou", "u"),
    "αι": ("ai", "e"),
    "ει": ("ei", "i"),
    "οι": ("oi", "i"),
    "αυ": ("au", "av"),
    "ευ": ("eu", "ev"),
    "γγ": ("gg", "ng"),
    "γκ": ("gk", "g"),
    "μπ": ("mp", "b"),
    "ντ": ("nt", "d"),
    **{letter: (latin,) for letter, latin in zip("αγδεζικλμνοπρσςτ", "agdeziklmnoprsst", strict=True)},
    "β": ("v", "b"),
    "η": ("i", "h"),
    "θ": ("th", "8"),
    "ξ": ("x", "ks", "3"),
    "υ": ("y", "i", "u"),
    "φ": ("f", "ph"),
    "χ": ("x", "h", "ch"),
    "ψ": ("ps",),
    "ω": ("o", "w"),
}
_CYRILLIC = {
    **{letter: (latin,) for letter, latin in zip("абвгдезиклмнопрстуф", "abvgdeziklmnoprstuf", strict=True)},
    "ё": ("yo", "e", "jo"),
    "ж": ("zh", "j", "z"),
    "й": ("y", "j", "i"),
    "х": ("h", "kh", "x"),
    "ц": ("ts", "c"),
    "ч": ("ch", "4"),
    "ш": ("sh", "w"),
    "щ": ("sch", "shch", "sh"),
    "ъ": ("",),
    "ы": ("y", "i"),
    "ь": ("", "'"),
    "э": ("e",),
    "ю": ("yu", "u", "ju"),
    "я": ("ya", "ja", "ia"),
}
_SERBIAN = {"ж": ("z",), "ч": ("c",), "ш": ("s",), "х": ("h",), "ц": ("c",), "ј": ("j",), "ћ": ("c",), "џ": ("dz",)}
_SERBIAN |= {"љ": ("lj",), "њ": ("nj",), "ђ": ("dj",)}
_TABLES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "el": _GREEK,
    "ru": _CYRILLIC,
    "uk": {**_CYRILLIC, "г": ("h", "g"), "и": ("y", "i"), "і": ("i",), "ї": ("yi", "i"), "є": ("ye", "e"), "ґ": ("g",)},
    "bg": {**_CYRILLIC, "щ": ("sht", "6t"), "ъ": ("a", "u", "y"), "ш": ("sh", "6"), "я": ("ya", "q", "ia")},
    "sr": {**_CYRILLIC, **_SERBIAN},
    "mk": {**_CYRILLIC, **_SERBIAN, "ѓ": ("gj",), "ќ": ("kj",), "ѕ": ("dz",)},
}
LANGUAGES = frozenset(_TABLES)


def romanised(text: str, lang: str, draw: random.Random) -> str:
    """`text`, which is of one of `LANGUAGES`, in Latin letters; what is of another script stays."""
    habit = {letter: draw.choice(ways) for letter, ways in _TABLES[lang].items()}
    plain = (
        text if lang != "el" else "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    )
    made, at = "", 0
    while at < len(plain):
        size = 2 if plain[at : at + 2].lower() in habit else 1
        piece = plain[at : at + size]
        latin = habit.get(piece.lower(), piece)
        made += latin.capitalize() if piece[0].isupper() else latin
        at += size
    return made
