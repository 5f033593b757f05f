"""Letters that imitate other letters: look-alikes of all scripts, upside-down letters, accents where none belong.

Rules
- Decided word by word: a word is changed where it mixes scripts, or where no language knows it and the changed word
  is known. A word of one script that some language knows stays, so Russian, Greek and Turkish are left alone.
- Accents are taken off where the whole text becomes far more like language without them, or where a word with several
  is none of any language and English without.
"""

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from safelight.signals.text.reading.characters import any_of, table
from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.reading.words import english, flow, likeness, weigh, zipf
from safelight.signals.text.reading.work import Work

WORD = re.compile(r"[^\s.,;:\"()\[\]{}<>/\\“”„«»–—-]+")
LETTERS = re.compile(r"[^\W\d_]+")
LATIN = re.compile(r"[A-Za-z]")
CYRILLIC = re.compile(r"[\u0400-\u052f]")
GREEK = re.compile(r"[\u0370-\u03ff]")
UPRIGHT_TWINS = str.maketrans("bdpqnumwMW6935", "qpdbunwmWM9635")
TURNED_SIGNS = str.maketrans("¿¡˙‘‛", "?!.,,")
FOREIGN = re.compile(
    r"[^\x00-\x7f\u00aa\u00ab\u00b2-\u00b4\u00b7-\u00d6\u00d8-\u024f\u0259\u025b\u0254\u014b\u1e00-\u1eff\u2010-\u203a]"
)
"""More than a letter of a language in Latin script: those are no imitations, whatever they look like."""
MONEY = re.compile(r"[\u20a0-\u20c0฿¥£¢](?=[^\s\d])|(?<=[^\s\d])[\u20a0-\u20c0฿¥£¢]")
"""A currency's sign that touches a letter or another sign, and no number."""
LONE = re.compile(r"(?<!\S)[^\W\d_a-zA-Z](?!\S)")
"""A letter that stands alone: a word of few languages, and where other words wear a mask, a mask."""
ACCENTED = re.compile(r"[À-ɏḀ-ỿ]")
GAIN = 0.25
"""How much more like language a text has to become for a change that might be wrong."""
ENOUGH = 0.55
NOTHING = 0.2
"""Below this a text in which most letters have accents is of no language that the lists know with them."""
SAMPLE_CHARS = 4_000
"""What tells which scripts a text is in."""


def undo(text: str, _work: Work) -> tuple[str, frozenset[Trick]]:
    """Read imitations as what they imitate; the tricks found. Linear, so it is paid for with the round."""
    if text.isascii():
        return text, frozenset()
    upright = _upright(text)
    if upright:
        return upright, frozenset({Trick.TURNED})
    tricks = set()
    if FOREIGN.search(text) and any_of("lookalike").search(text):
        usual = _usual_script(text)
        known = {word: _unmasked(word, usual) for word in set(WORD.findall(text))}
        changed = WORD.sub(lambda word: known[word[0]], text)
        everything = _unmask_all(text)
        if _reads_better(everything, changed, found=changed != text) or _patchwork(text):
            changed = everything
        elif changed != text:
            changed = LONE.sub(_unmask_lone, changed)
        if changed != text:
            text = changed
            tricks.add(Trick.LOOKALIKES)
    if ACCENTED.search(text):
        before = likeness(text)
        bare = without_accents(text) if before < ENOUGH else text
        accented = sum(a != b for a, b in zip(text, bare, strict=False)) * 2 > sum(map(str.isalpha, text))
        nowhere = accented and before < NOTHING and likeness(bare) > before
        if bare != text and (nowhere or (likeness(bare) if accented else _english(bare)) > max(ENOUGH, before + GAIN)):
            text = bare
            tricks.add(Trick.ACCENTS)
        changed = LETTERS.sub(_unaccented, text)
        if changed != text:
            text = changed
            tricks.add(Trick.ACCENTS)
    return text, frozenset(tricks)


def _unaccented(run: re.Match[str]) -> str:
    """A word that nobody knows with its several accents, and English does without them."""
    word = run[0]
    if word.isascii() or len(ACCENTED.findall(word)) < 2 or zipf(word.casefold()):
        return word
    bare = without_accents(word)
    return bare if english(bare.casefold()) > 2.5 else word


def _english(text: str) -> float:
    """The share of letters that stand in common words of English."""
    words = LETTERS.findall(text.casefold())
    return sum(len(word) for word in words if english(word) > 3.3) / max(1, sum(map(len, words)))


def without_accents(text: str) -> str:
    """Latin letters without marks, strokes and hooks."""
    split = unicodedata.normalize("NFD", text.translate(table("marked")))
    return unicodedata.normalize("NFC", "".join(c for c in split if not "\u0300" <= c <= "\u036f"))


def _unmask_all(text: str) -> str:
    """Every imitation read; a barred l is an i where that makes the word."""
    folded = without_accents(text.translate(table("lookalike")))
    if "ł" not in text:
        return folded
    other = without_accents(text.replace("ł", "i").translate(table("lookalike"))).split(" ")
    pairs = zip(folded.split(" "), other, strict=True)
    return " ".join(b if _known(b) > _known(a) else a for a, b in pairs)


def _known(word: str) -> float:
    return zipf(word.casefold().replace("$", "s").strip(".,!?"))


def _unmask_lone(letter: re.Match[str]) -> str:
    plain = _unmask_all(letter[0])
    return plain if plain in ("a", "i", "o", "A", "I", "O") else letter[0]


def _reads_better(everything: str, changed: str, *, found: bool) -> bool:
    """One imitation found, or a text that is nothing otherwise, and the rest is read in the same light."""
    if everything == changed:
        return False
    known, letters = weigh(everything)
    known_before, letters_before = weigh(changed)
    if known <= ENOUGH * letters:
        return False
    return known > known_before if found else known / letters > GAIN + known_before / max(1, letters_before)


def _patchwork(text: str) -> bool:
    """Whether most words mix scripts that no language mixes, or the text has many scripts: then nothing is genuine."""
    text = text[:SAMPLE_CHARS]
    words = WORD.findall(text)
    mixed = sum(
        _mixed([c for c in word if c.isalpha()]) or len(MONEY.findall(word)) > 1 for word in words if not word.isascii()
    )
    many = {_script(c) for c in set(text) if c.isalpha()} - {"OTHER"}
    if len(many) > 2:
        return mixed * 8 >= len(words) and mixed > 0
    return mixed > 1 and mixed * 2 >= len(words)


def _usual_script(text: str) -> str:
    """The script of most letters that are not ASCII, or LATIN where those are few."""
    scripts: Counter[str] = Counter()
    for letter, times in Counter(text[:SAMPLE_CHARS]).items():
        if letter.isalpha():
            scripts[_script(letter)] += times
    return max(sorted(scripts), key=scripts.__getitem__, default="LATIN")


def _unmasked(word: str, usual: str) -> str:
    """One word in the letters that it imitates, or as it was."""
    if word.isascii() or not FOREIGN.search(word):
        return word
    key = word.casefold()
    letters = [c for c in word if c.isalpha()]
    latin, cyrillic, greek = (len(script.findall(word)) for script in (LATIN, CYRILLIC, GREEK))
    if cyrillic > latin and (latin or not word.isalpha()):
        own = word.translate(table("cyrillic"))
        if not LATIN.search(own):
            return own
    if greek > latin and latin:
        own = word.translate(table("greek"))
        if not LATIN.search(own):
            return own
    core = key.strip("'’!?*_-+=~|%&#")
    if zipf(core) > 1.5 and not _mixed(letters):
        return word
    folded = _unmask_all(word)
    if folded == word or not LATIN.search(folded):
        return word
    frequency = zipf(folded.casefold().strip("'’!?*_-+=~|%&#"))
    if _mixed(letters) and latin:
        # "μm" and "Ωmega" have one sign of another script; a disguise makes a known word, or replaces several.
        whole = folded.isascii() and (len(letters) - latin > 1 or len(letters) > 4)
        return folded if frequency > 1.5 or whole else word
    if letters and _script(letters[0]) == usual != "LATIN":
        return word
    long_enough = len(letters) > 2 or any(ord(c) > 0x530 for c in letters)
    return (
        folded
        if (frequency > 2.0 and long_enough) or (len(folded) > 4 and flow(folded) > 15 > 14 + zipf(core))
        else word
    )


def _mixed(letters: list[str]) -> bool:
    """Whether letters of Latin and of another script stand together."""
    return len(set(map(_script, letters)) - {"OTHER"}) > 1


@lru_cache(maxsize=16_384)
def _script(letter: str) -> str:
    code = ord(letter)
    if code < 0x250 or 0x1E00 <= code < 0x1F00:
        return "LATIN"
    if 0x370 <= code < 0x400:
        return "GREEK"
    if 0x400 <= code < 0x530:
        return "CYRILLIC"
    if 0x3040 <= code < 0xD7B0 or code >= 0x20000:
        return "OTHER"
    return unicodedata.name(letter, "OTHER").partition(" ")[0]


def _upright(text: str) -> str:
    """The text turned back on its feet, or nothing."""
    turned = any_of("turned").findall(text)
    if len(turned) < 2 or len(turned) * 6 < sum(map(str.isalpha, text)):
        return ""
    once = text.translate(TURNED_SIGNS)
    best, best_score = "", likeness(text) + GAIN
    for source in (once.translate(UPRIGHT_TWINS), once):
        letters = source.translate(table("turned"))
        for candidate in (letters[::-1], letters):
            score = likeness(candidate) + flow(candidate) / 200
            if score > best_score:
                best, best_score = candidate, score
    return best
