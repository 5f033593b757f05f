"""Character by character: what no reader sees, and letters that are nothing but another letter in a costume.

Rules
- `clean` gives the `plain` reading before its white space is tidied. It undoes only what has one meaning: lone
  surrogates, controls, invisible and bidirectional marks, stacked marks, compatibility forms (NFKC), styled letters.
- Marks that a script needs stay: Indic, Thai, Arabic and Hebrew marks, one accent on a Latin letter, the joiners of
  Persian, of Indic scripts and of emoji.
- Case is kept (names need it), except in words whose case alternates.
- What depends on the word it stands in (look-alikes, digits for letters) is left to `letters.py`.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.reading.words import bridge

GLYPHS = Path(__file__).parent / "glyphs.tsv"
NOTHING_ODD = re.compile(r"[ -~\n]*")
"""Printable ASCII needs no cleaning; most requests are that."""
SURROGATES = re.compile(r"[\ud800-\udfff]")
TAGS = re.compile(r"[\U000e0020-\U000e007e]+")
FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")
SELECTORS = re.compile(r"[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
BIDI = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
OVERRIDE = "\u202e"
OVERRIDDEN = re.compile(r"\u202e([^\u202c\u2069\n]*)")
CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"
UNSEEN = (
    r"\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    r"\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
CONTROLS = re.compile(rf"[{CONTROL}]+")
INVISIBLE = re.compile(rf"[{UNSEEN}]+")
CUTS = re.compile(rf"[{CONTROL}{UNSEEN}]+")
JOINERS_NEEDED = re.compile(
    r"(?<=[\u0600-\u08ff\u0900-\u0dff\u1000-\u109f])[\u200c\u200d](?=[\u0600-\u08ff\u0900-\u0dff\u1000-\u109f])"
)
EMOJI_JOINED = re.compile(
    r"(?<=[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d(?=[\u2190-\u2bff\U0001f000-\U0001faff])"
)
LETTER = r"[^\W\d_]"
CUT_WORD = re.compile(rf"(?<![A-Za-zÀ-\u052f])[A-Za-zÀ-\u052f]++(?:{CUTS.pattern}+[A-Za-zÀ-\u052f]++)++")
SPLITTING = re.compile(rf"(?<={LETTER}){INVISIBLE.pattern}(?=[A-Za-zÀ-ӿ])")
COMMON_MARK = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
STACKED = re.compile(rf"{COMMON_MARK}{{2,}}")
OVERLAY = re.compile(
    r"[\u0334-\u0338\u0488\u0489\u20d2\u20d3\u20d8-\u20da\u20dd-\u20e0\u20e2-\u20e6\u20ea\u20eb\u035c-\u0362]"
)
LOOSE_MARK = re.compile(rf"(?<=[A-Za-z]){COMMON_MARK}")
STYLE_NAMES = re.compile(r"[\U0001d400-\U0001d7ff\u2100-\u214f]")
REGIONAL = re.compile(r"[\U0001f1e6-\U0001f1ff]")
REGIONAL_RUN = re.compile(r"[\U0001f1e6-\U0001f1ff](?:[ \u200b-\u200d\u2060]?[\U0001f1e6-\U0001f1ff])*")
RISING = re.compile(r"[a-z](?=[A-Z])")
ALTERNATING = re.compile(r"\b(?=[A-Za-z]*?(?:[a-z][A-Z]){2})[A-Za-z]++\b")
SENTENCES = {0xFDFA: " صلعم ", 0xFDFB: " جل "}
"""Characters that NFKC makes whole sentences of (18 and 8 letters), and what is commonly written for these: so no text
grows to more than six times its length."""
SPACES = re.compile(r"[^\S\n]")
LINES = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")

FENCES = re.compile(
    r"```+(?:(?:python|py|javascript|js|json|text|txt|plaintext|markdown|md|bash|sh|html|xml|yaml|sql)(?=[ \t]*\n))?"
)
"""Marks of a code block, with the name of a language behind them; any other word there may be part of what is asked."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text after `clean`."""

    text: str
    tricks: frozenset[Trick]
    hidden: str
    """What was written in characters that nobody sees (tags, variation selectors), read out."""
    shown: str = ""
    """The text as a screen shows it, where a direction override has that differ from the order of its letters."""


@cache
def table(kind: str) -> dict[int, str]:
    """One kind of `glyphs.tsv` as a table for str.translate."""
    rows = (line.split("\t") for line in GLYPHS.read_text("utf-8").splitlines())
    return {ord(glyph): letter for name, letter, glyphs in rows if name == kind for glyph in glyphs}


@cache
def any_of(kind: str) -> re.Pattern[str]:
    """One disguise of that kind."""
    return re.compile("[" + "".join(re.escape(chr(code)) for code in sorted(table(kind))) + "]")


def clean(text: str) -> Cleaned:
    """Undo what has one meaning only. Never raises, whatever the string. Linear."""
    if NOTHING_ODD.fullmatch(text):
        return Cleaned(text, frozenset(), "")
    tricks: set[Trick] = set()
    if SURROGATES.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
        tricks.add(Trick.SURROGATES)
    shown = clean(OVERRIDDEN.sub(lambda run: BIDI.sub("", run[1])[::-1], text)).text if OVERRIDE in text else ""
    text, hidden = _read_hidden(text, tricks)
    text = _drop_unseen(text, tricks)
    text = _drop_costume(text, tricks)
    text = _drop_marks(text, tricks)
    return Cleaned(text, frozenset(tricks), hidden, shown)


def tidy(text: str) -> str:
    """White space as one blank, or one line break where lines end; no marks of a code block, which say nothing."""
    if "```" in text:
        text = FENCES.sub("\n", text)
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.split("\n"))))


def _read_hidden(text: str, tricks: set[Trick]) -> tuple[str, str]:
    """Take out text written in tag characters and variation selectors."""
    hidden = ""
    if TAGS.search(text):
        text = FLAG.sub("\U0001f3f4", text)
        found = "".join(TAGS.findall(text))
        if found:
            tricks.add(Trick.TAGS)
            hidden = "".join(chr(ord(c) - 0xE0000) for c in found)
            text = TAGS.sub("", text)
    for run in SELECTORS.findall(text):
        # Bytes as variation selectors: VS1-16 are 0-15, VS17-256 are 16-255.
        codes = (ord(c) for c in run)
        octets = bytes(c - 0xFE00 if c < 0xFE10 else c - 0xE0100 + 16 for c in codes)
        tricks.add(Trick.VARIATION_SELECTORS)
        hidden += octets.decode("utf-8", "ignore")
    return text, hidden


def _drop_unseen(text: str, tricks: set[Trick]) -> str:
    """Controls, invisible characters and direction marks."""
    text = LINES.sub("\n", text)
    if OVERRIDE in text:
        tricks.add(Trick.BIDI)
    text = BIDI.sub("", text)
    if CONTROLS.search(text):
        tricks.add(Trick.CONTROLS)
        text = CONTROLS.sub("", CUT_WORD.sub(_bridge, text))
    if INVISIBLE.search(text):
        if SPLITTING.search(text):
            tricks.add(Trick.INVISIBLE)
        kept = JOINERS_NEEDED.sub("\ue000", CUT_WORD.sub(_bridge, text))
        kept = EMOJI_JOINED.sub("\ue001", kept)
        kept = INVISIBLE.sub("", kept)
        text = kept.replace("\ue000", "\u200c").replace("\ue001", "\u200d")
    return text


def _bridge(run: re.Match[str]) -> str:
    """Letters with unseen characters among them: one word cut up, or several words without a blank between them."""
    return bridge(CUTS.split(run[0]))


def _drop_costume(text: str, tricks: set[Trick]) -> str:
    """Styled letters, then compatibility forms."""
    if any_of("styled").search(text):
        runs = [len(REGIONAL.findall(run)) for run in REGIONAL_RUN.findall(text)]
        if any(run % 2 or run > 6 for run in runs):
            text = REGIONAL.sub(lambda sign: chr(ord(sign[0]) - 0x1F1E6 + 97), REGIONAL_RUN.sub(_closed, text))
            tricks.add(Trick.STYLED)
        plain = text.translate({k: v for k, v in table("styled").items() if not 0x1F1E6 <= k <= 0x1F1FF})
        if plain != text and sum(map(len, re.findall(r"[^\x00-\x7f]+", text))) > 2:
            tricks.add(Trick.STYLED)
        text = plain
    if not unicodedata.is_normalized("NFKC", text):
        if len(STYLE_NAMES.findall(text)) > 3:
            tricks.add(Trick.STYLED)
        text = unicodedata.normalize("NFKC", text.translate(SENTENCES))
    return SPACES.sub(" ", text)


def _closed(run: re.Match[str]) -> str:
    """Regional indicators without what was put between them to keep them from becoming flags."""
    return "".join(REGIONAL.findall(run[0]))


def _drop_marks(text: str, tricks: set[Trick]) -> str:
    """Stacked, overlaid and enclosing marks; the accents of real words stay."""
    if OVERLAY.search(text) or STACKED.search(text):
        tricks.add(Trick.MARKS)
        text = STACKED.sub("", OVERLAY.sub("", text))
    loose = len(LOOSE_MARK.findall(text))
    if loose > 3 and loose * 4 > len(text) / 2:
        tricks.add(Trick.MARKS)
        text = LOOSE_MARK.sub("", text)
    return text


def calm(text: str) -> tuple[str, bool]:
    """Lower-case the words whose case alternates; whether that was done to most of the text.

    Apart from `clean`, because codes such as base64 live by their case.
    """
    found = ALTERNATING.findall(text) if RISING.search(text) else []
    if not found:
        return text, False
    calmed = ALTERNATING.sub(lambda word: word[0].lower(), text)
    if sum(map(len, found)) * 2 < sum(map(str.isalpha, text)):
        return calmed, False
    return calmed.lower(), len(found) > 1
