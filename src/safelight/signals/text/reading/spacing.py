"""What stands between letters and what is missing between words.

Rules
- A run of single letters with anything between them is joined where the result is made of words, or where the run is
  most of the text: then it may be a cipher, which `ciphers.py` reads later.
- Blanks inside a run are word boundaries where they are longer than usual, or where the usual gap is another sign.
- Pieces and joined words are put right by the cheapest way to cut the letters into words (`words.segment`).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from safelight.signals.text.reading.joints import PARTING_STEPS_PER_LETTER, SURPRISE_STEPS_PER_LETTER, parted, surprise
from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.reading.words import (
    MARKS,
    SCRIPTS_WITHOUT_SPACES,
    UNKNOWN_LETTER,
    VOWELLESS,
    WORD_PRICE,
    Cut,
    cutting_steps,
    english,
    likeness,
    segment,
    zipf,
)
from safelight.signals.text.reading.work import Work

UNIT = rf"(?:[^\W_]|[@$€£¢])[{MARKS}]*"
GAP = rf"(?:[^\w@$€£¢{MARKS}]|_)"
SPACED = re.compile(rf"(?<![^\W_]){UNIT}(?:{GAP}{{1,8}}?{UNIT}(?![^\W_{MARKS}])){{2,}}")
GAPS = re.compile(rf"({GAP}{{1,8}})")
LETTERS = re.compile(r"[^\W\d_]+")
CLUSTERS = rf"(?:[^\W\d_][{MARKS}]*+)++"
PUNCTURE_CUE = re.compile(rf"(?<=[^\W\d_])(?:(?!(?<=l)·l)[^\w\s'’{MARKS}]{{1,3}}|_+)(?=[^\W\d_])")
PUNCTURED = re.compile(
    rf"(?<![^\W_])(?<![{MARKS}]){CLUSTERS}(?:(?:(?!(?<=l)·l)[^\w\s'’{MARKS}]{{1,3}}|_+){CLUSTERS})+(?![^\W_])"
)
PUNCTURE = re.compile(rf"[^\w\s{MARKS}]{{1,3}}|_+")
UNMARKED = re.compile(rf"[{MARKS}]")
PARTING = frozenset("*|/\\_~^+=#")
"""Signs that may stand between the letters of a word that no list knows."""
INITIAL_COMPOUND = re.compile(r"[^\W\d_]-[^\W\d_]+$")
"""`t-shirt`, `x-ray`, `e-mail`."""
BRACKETED = re.compile(r"(?:[\[({<]{1,2}(?:[^\W\d_]{1,4}|[,.;:!?'’-])[\])}>]{1,2}\s?){3,}")
LONG_WORD = re.compile(r"[^\W\d_]{13,}")
LONG_LEET = re.compile(r"(?<!\S)(?=[a-z]*[0-9@$])[a-z0-9@$!]{10,}(?!\S)", re.IGNORECASE)
SOLID = re.compile(r"(?<!\S)[^\W_]\S{9,160}(?!\S)")
"""In any script, with marks: it may be words of a language that is not English."""
LETTERED = re.compile(r"[^\W\d_][0-9@$]+(?=[^\W\d_])")
DIGIT_INSIDE = re.compile(r"[a-z][0-9@$!]+[a-z].*[a-z]", re.IGNORECASE)
DIGITS = (str.maketrans("43105798@$!", "aeiostgbasi"), str.maketrans("43105798@$!", "aelostgbasl"))
LEET_SIGN = re.compile(r"[@$!]")
WORD_ENDS = ",;:.!?…،؟؛।"
"""Marks behind which no word goes on."""
MARKS_KEPT = WORD_ENDS + "'’-"
"""Marks that belong to the text rather than to what was put between its letters."""
KEPT_BETWEEN_SIGNS = MARKS_KEPT + "+/="
"""And those of base64, which may stand among other signs."""
SIGN_BETWEEN_BLANKS = re.compile(r"\s[^\w\s]\s$")
"""`n, o / w`: what parts words where a sign and a blank part letters."""
PADDING = re.compile(r"(?<=[A-Za-z0-9+/])(?:[^\w\s=]{1,2}=|\s=){1,2}(?=\s|$)")
"""How base64 ends where something stands between its signs."""
Rule = Callable[[str], tuple[str, bool]]
"""What of a gap belongs to the text, and whether a word ends there."""
CUT_UP_ONE_IN = 3
USUAL_LETTERS = 4.5
"""Of a word of any language, about."""
LETTERS_TO_A_LINE = 4
"""With the end of the line: below this, letters stand one below the other, which is told apart by `undo`."""
LINES_GAIN = 0.03
"""How much more of the letters must stand in known words for lines to be joined."""
LISTED = 0.7
"""The share of a text's letters in known words from which on the lists are believed to know its language."""
LINES_RELIEF = 0.15
"""Nats a letter by which lines must become likelier when joined; lines of whole words become less likely."""
SHORT_PIECES = 3.7
"""Letters to a stretch between blanks below which words may have been broken up."""
PIECES_RELIEF = 0.8
"""Nats a letter by which pieces become likelier when they are put together into words: pieces of three letters gain 0.6
to 2.5, words as they are written 0 to 0.7.
"""
KINDS_OF_GAPS = 3
"""Different gaps of a run that was taken apart by one rule: between letters, between words, around a mark."""
LISTING = frozenset(" ,/、·.")
LISTED_LETTERS = 6
"""Single signs that may be a list, as of colours, below this number."""
LONGEST_RUN = 200
"""Letters of a run that are held against the words of the language."""
CHEAPEST_LETTER = 0.6
"""What prose costs a letter when cut into words is about 1, and never less than this."""
MOSTLY_WHOLE = 0.8
"""A text with this share of its letters in words of English is not in pieces."""
PLAIN_PRICE = 1.25
"""As `Cut.price`: what common English costs at most when its blanks are left out."""
PLAIN_WORD = 3.0
"""Zipf frequency in English of the rarest of them (`blouse` has 3.4)."""
SOLID_CHARS = 11
"""Characters to a stretch without blanks from which on the blanks of a text may have been left out."""
SOLID_RUN = re.compile(rf"{CLUSTERS}")
SOLID_LETTERS = 8
"""Of a run that may be several words."""
LONGEST_PARTED = 1_500
PARTING_GAIN = 0.12
"""Nats a letter: joined words gain 0.2 to 2, one long word less."""
PARTED_PRICE = 3.4
"""Nats a letter that words in a-z may cost: joined words do 2 to 3, codes and ciphers 4 to 6."""
LETTERS_TO_A_WORD = 2.2
SYLLABLES_TO_A_WORD = 1.6
"""The same in scripts whose signs are syllables, or come with marks."""
UNSPACED_MARK = re.compile(r"(?<=[^\W\d_])([,;:!?])(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)")
"""Where a blank belongs in a text without blanks, whatever its words are."""
NEVER_BROKEN = re.compile(rf"{SCRIPTS_WITHOUT_SPACES.pattern}|[{MARKS}]")
"""Where the letters between two marks, or whole lines, would count as pieces."""


def undo(text: str, work: Work) -> tuple[str, frozenset[Trick]]:
    """Join what was taken apart; the tricks found."""
    tricks: set[Trick] = set()
    if any(sign in text for sign in "[({<") and BRACKETED.search(text):
        text = BRACKETED.sub(lambda run: re.sub(r"[\[\](){}<>]", "", run[0]) + " ", text)
        tricks.add(Trick.SPACED)
    letters = sum(map(str.isalnum, text))

    def join(run: re.Match[str]) -> str:
        found = joined(run[0], letters, work)
        if found is None:
            return run[0]
        tricks.add(Trick.SPACED)
        return found

    text = SPACED.sub(join, text)
    if tricks:
        text = PADDING.sub(lambda end: "=" * end[0].count("="), text)
    runs = set(PUNCTURED.findall(text)) if PUNCTURE_CUE.search(text) else set()
    # One hyphen in a word may be a compound's; one in every other word is none.
    cut_up = len(runs) > 1 and len(runs) * CUT_UP_ONE_IN >= letters / USUAL_LETTERS
    punctured = [run for run in runs if _whole(run, cut_up=cut_up) is not None]
    unknown = [run for run in runs if run not in punctured and _is_taken_apart(run)]
    if unknown and (len(punctured) + len(unknown)) * CUT_UP_ONE_IN >= letters / USUAL_LETTERS:
        text = PUNCTURED.sub(lambda run: PUNCTURE.sub("", run[0]) if run[0] in unknown else run[0], text)
        tricks.add(Trick.SPACED)
    if len(punctured) > 1 or any("-" not in run and "'" not in run for run in punctured):
        text = PUNCTURED.sub(lambda run: _whole(run[0], cut_up=cut_up) or run[0], text)
        tricks.add(Trick.SPACED)
    return text, frozenset(tricks)


def _is_taken_apart(run: str) -> bool:
    """Whether one sign that joins no words stands between pieces of a letter or two, whatever the word is."""
    signs, pieces = set(PUNCTURE.findall(run)), PUNCTURE.split(run)
    short = [piece for piece in pieces if len(UNMARKED.sub("", piece)) < 3]
    return len(signs) == 1 and signs <= PARTING and len(short) == len(pieces) > 2


def undo_lines(text: str, _work: Work) -> tuple[str, frozenset[Trick]]:
    """Lines that end inside words: joined where that makes words, or likelier letters where no list knows the words.

    Linear, paid for with the round.
    """
    lines = text.count("\n") + 1
    if lines < 3 or len(text) < LETTERS_TO_A_LINE * lines:
        return text, frozenset()
    whole = text.replace("\n", "")
    known, known_before = likeness(whole), likeness(text)
    likelier = known_before < LISTED and surprise(whole) < surprise(text) - LINES_RELIEF
    if known < known_before + LINES_GAIN and not likelier:
        return text, frozenset()
    return whole, frozenset({Trick.BROKEN})


def joined(run: str, letters_in_text: int, work: Work) -> str | None:
    """The words of a run of single letters, or None where the run is a list or initials."""
    pieces = GAPS.split(run)
    gaps = pieces[1::2]
    units = pieces[0::2]
    alphabetic = sum(unit[0].isalpha() for unit in units)
    if len(units) < (3 if _is_solid(units) else 4) or alphabetic < 3 or alphabetic * 5 < len(units):
        return None
    usual, _ = Counter(gaps).most_common(1)[0]
    words = [units[0]]
    rule = _blank_gap(gaps, usual) if not usual.strip() else _signed_gap(gaps, usual)
    for gap, unit in zip(gaps, units[1:], strict=True):
        kept, parts = rule(gap)
        words[-1] += kept
        if parts:
            words.append(unit)
        else:
            words[-1] += unit
    found = " ".join(words)
    listed = LISTED_LETTERS if set("".join(gaps)) <= LISTING else 3
    one_rule = len(set(gaps)) <= KINDS_OF_GAPS or all(unicodedata.category(gap[0]).startswith("S") for gap in gaps)
    if _is_solid(units) and len(units) >= listed and one_rule:
        return found  # too short to be told by its words, and no list
    if len(units) >= 8 and len(units) * 10 >= letters_in_text * 6:
        return found
    samples = ["".join(filter(str.isalnum, word.casefold()))[:LONGEST_RUN] for word in words]
    if not work.may(sum(cutting_steps(len(sample)) for sample in samples)):
        return None
    cuts = [segment(sample) for sample in samples]
    if any(len(part) > 2 and zipf(part) > 3 for cut in cuts for part in cut.words):
        fit = sum(cut.likeness * len(word) for cut, word in zip(cuts, words, strict=True))
        return found if fit >= 0.6 * len(units) else None
    return None


def _is_solid(units: Sequence[str]) -> bool:
    """Whether the letters are of a script that writes words without blanks."""
    return all(SCRIPTS_WITHOUT_SPACES.match(unit) for unit in units)


def _blank_gap(gaps: Sequence[str], usual: str) -> Rule:
    """Blanks between letters: longer ones part words, and what else stands there belongs to the text.

    Where all longer ones hold the same sign, the sign parts words and is no punctuation.
    """
    shortest = min(map(len, gaps))
    longer = [gap for gap in gaps if len(gap) > shortest]
    parting = {"".join(gap.split()) for gap in longer}
    if len(longer) > 1 and len(parting) == 1 and "" not in parting:
        return lambda gap: ("", len(gap) > shortest)

    def rule(gap: str) -> tuple[str, bool]:
        signs = "".join(gap.split())
        if signs:
            return signs, signs[-1] in WORD_ENDS or len(gap) - len(signs) > 2 * len(usual)
        return "", len(gap) > shortest or ("\n" in gap) != ("\n" in usual)

    return rule


def _signed_gap(gaps: Sequence[str], usual: str) -> Rule:
    """Signs between letters: blanks part words, or longer signs of one other kind, or a sign between blanks.

    Other marks belong to the text.
    """
    blanks = any(not gap.strip() for gap in gaps)
    kinds = len(set(gaps))

    def rule(gap: str) -> tuple[str, bool]:
        if not usual[0].isspace() and SIGN_BETWEEN_BLANKS.search(gap):
            return "".join(c for c in gap if c in WORD_ENDS and c not in usual)[:1], True
        marks = "".join(c for c in gap if c in KEPT_BETWEEN_SIGNS and c not in usual)[:1]
        if blanks:
            return marks, gap[-1].isspace() and not usual[-1].isspace()
        return marks, (len(gap) > len(usual) and kinds == 2) or (marks != "" and marks in WORD_ENDS)

    return rule


def _whole(word: str, *, cut_up: bool = False) -> str | None:
    """`re.mo_ve` as `remove`; None where the signs join words, as hyphens do, unless the whole text is `cut_up`."""
    parts = [part for part in PUNCTURE.split(word) if part]
    whole = "".join(parts).casefold()
    frequency = zipf(whole)
    if frequency < 2 or len(whole) < 3 or VOWELLESS.fullmatch(whole):  # without vowels these were masked
        return None
    if not cut_up and all(len(part) > 1 and zipf(part.casefold()) > 3 for part in parts):
        return None
    if not cut_up and INITIAL_COMPOUND.match(word) and zipf(parts[-1].casefold()) > 3:
        return None
    if LEET_SIGN.search(word) and zipf(word.casefold().translate(DIGITS[0])) > frequency:
        return None
    return "".join(parts)


def undo_filled(text: str, _work: Work) -> tuple[str, frozenset[Trick]]:
    """Take out one letter that was put after every letter: `rxexmxoxvxex`. Linear, paid for with the round."""
    words = LETTERS.findall(text)
    fillers = Counter(word[1].casefold() for word in words if len(word) > 3 and len(set(word[1::2])) == 1)
    if not fillers:
        return text, frozenset()
    filler, count = fillers.most_common(1)[0]
    if count < 2 or 2 * count < len(words) or not any(len(word) > 7 for word in words):
        return text, frozenset()

    def thin(run: re.Match[str]) -> str:
        # Behind a mark the letters begin with the one that was put after the mark.
        word = run[0] if not run.start() or text[run.start() - 1].isspace() else run[0].removeprefix(filler)
        return word[::2] if set(word[1::2].casefold()) <= {filler} else run[0]

    thinned = LETTERS.sub(thin, text)
    if likeness(thinned) < likeness(text) + 0.3:
        return text, frozenset()
    return thinned, frozenset({Trick.SPACED})


def undo_joined(text: str, work: Work) -> tuple[str, frozenset[Trick]]:
    """Part words that were written without blanks, or put together pieces: `removeher`, `re mo ve h er`."""
    tricks: set[Trick] = set()
    letters = sum(map(str.isalpha, text))

    def part(run: re.Match[str]) -> str:
        word = run[0]
        # Languages that compound are parted easily: between blanks only what could hardly be one word.
        alone = len(word) * 10 > letters * 9
        if zipf(word.casefold()) or SCRIPTS_WITHOUT_SPACES.search(word) or (not alone and len(word) < 18):
            return word
        if work.in_vain("joined", word, alone) or not work.may(cutting_steps(len(word))):
            return word
        cut = segment(word.casefold())
        plain = _is_plain(cut)
        dearest = PLAIN_PRICE if alone else 0.77
        few = len(cut.words) < 3 or len(word) < LETTERS_TO_A_WORD * len(cut.words)
        if few or cut.price > dearest or not plain:
            work.was_in_vain("joined", word, alone)
            return word
        tricks.add(Trick.JOINED)
        return " ".join(cut.words)

    def part_leet(run: re.Match[str]) -> str:
        word = run[0].lower()
        if not DIGIT_INSIDE.search(word) or work.in_vain("leet", word) or not work.may(2 * cutting_steps(len(word))):
            return run[0]
        cut = min((segment(word.translate(digits)) for digits in DIGITS), key=lambda cut: cut.price)
        if len(cut.words) < 2 or cut.price > 1.12:
            work.was_in_vain("leet", word)
            return run[0]
        tricks.update((Trick.JOINED, Trick.LEET))
        return " ".join(cut.words)

    def part_any_leet(run: re.Match[str]) -> str:
        word = run[0]
        if len(LETTERED.findall(word)) < 2 or work.in_vain("any leet", word):
            return word
        if not work.may(2 * PARTING_STEPS_PER_LETTER * len(word)):
            return word
        lettered = min((_parted(word.translate(digits), work) for digits in DIGITS), key=surprise)
        if " " in lettered and surprise(lettered) < PARTED_PRICE:
            tricks.update((Trick.JOINED, Trick.LEET))
            return lettered
        work.was_in_vain("any leet", word)
        return word

    text = SOLID.sub(part_any_leet, LONG_LEET.sub(part_leet, text))
    solid = _parted(text, work)
    if solid != text:
        text = solid
        tricks.add(Trick.JOINED)
    text = LONG_WORD.sub(part, text)
    words = LETTERS.findall(text)
    if len(words) > 3 and letters < SHORT_PIECES * len(words) and not NEVER_BROKEN.search(text):
        before = sum(WORD_PRICE - zipf(w) if zipf(w) else UNKNOWN_LETTER * len(w) for w in map(str.casefold, words))
        possible = CHEAPEST_LETTER * letters * 1.5 < before
        cut = segment("".join(words).casefold() if possible and work.may(cutting_steps(letters)) else "")
        cheaper = cut.price < 1.17 and cut.price * letters * 1.5 < before and len(cut.words) < len(words)
        # One typing error among short words makes them dear; put together in another way it is still one.
        in_english = sum(len(word) for word in words if english(word.casefold()) > 3.3)
        if in_english < MOSTLY_WHOLE * letters:
            whole = " ".join(cut.words) if cut.words and cheaper else _put_together(text, work)
            if whole:
                tricks.add(Trick.BROKEN)
                text = whole
    return text, frozenset(tricks)


def _put_together(text: str, work: Work) -> str:
    """The likeliest words of the letters of `text`, of any language; nothing where they are hardly likelier."""
    run = "".join(text.split())
    if len(run) > LONGEST_PARTED or not work.may((PARTING_STEPS_PER_LETTER + 2 * SURPRISE_STEPS_PER_LETTER) * len(run)):
        return ""
    whole = " ".join(parted(run).words)
    return whole if surprise(whole) < surprise(text) - PIECES_RELIEF else ""


def _is_plain(cut: Cut) -> bool:
    """Whether all of it is common English."""
    return all(english(part) > PLAIN_WORD for part in cut.words)


def _parted(text: str, work: Work) -> str:
    """Every run of a text that has hardly a blank as the words of any language; the text where that makes none."""
    if len(text) < SOLID_CHARS * len(text.split()) or SCRIPTS_WITHOUT_SPACES.search(text):
        return text

    def part(run: re.Match[str]) -> str:
        letters = run[0]
        if not SOLID_LETTERS <= len(letters) <= LONGEST_PARTED or zipf(letters.casefold()):
            return letters
        steps = PARTING_STEPS_PER_LETTER * len(letters) + cutting_steps(len(letters))
        if work.in_vain("parted", letters) or not work.may(steps):
            return letters
        cut = segment(letters.casefold())
        if 1 < len(cut.words) <= len(letters) / LETTERS_TO_A_WORD and cut.price < PLAIN_PRICE and _is_plain(cut):
            return " ".join(cut.words)
        found = parted(letters)
        count = len(found.words)
        shortest = LETTERS_TO_A_WORD if letters.isascii() else SYLLABLES_TO_A_WORD
        dear = letters.isascii() and found.price > PARTED_PRICE
        if count < 2 or len(letters) < shortest * count or found.gain < PARTING_GAIN or dear:
            work.was_in_vain("parted", letters)
            return letters
        return " ".join(found.words)

    changed = SOLID_RUN.sub(part, text)
    return UNSPACED_MARK.sub(lambda mark: f"{mark[1] or ''} ", changed) if changed != text else text
