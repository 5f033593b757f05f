"""Text turned round or written in a shifted alphabet: reversal, Caesar shifts, ROT13, ROT47, Atbash, wrong keyboards.

Rules
- Only stretches that look like no language are tried, so ordinary text costs one look at each of its words.
- All shifts of a stretch are scored at once by its letters in a row (`trigrams.bin`), the best few by their words.
- A stretch changes only where it becomes far more like language than it was.
"""

import codecs
import re
from collections.abc import Iterator, Sequence

import numpy as np

from safelight.signals.text.reading.alphabets import (
    CYRILLIC,
    GREEK,
    LATIN_KEYS,
    LETTER_CODES,
    RUSSIAN_KEYS,
    RUSSIAN_TYPED,
    Candidate,
    apply_key,
    flows_of,
    keys,
    next_keys,
    rot47,
    shifted,
    shifts,
)
from safelight.signals.text.reading.strange import (
    DIGIT_IN_WORD,
    DIGITS,
    ENOUGH,
    GAIN,
    LEAST_LETTERS,
    SAMPLE_LETTERS,
    Span,
    stretches,
    worth,
)
from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.reading.words import MARKS, cutting_steps, likeness, zipf
from safelight.signals.text.reading.work import Work

CLUSTER = re.compile(rf"[\s\S][{MARKS}]*")
"""A letter with its marks."""
OCTETS = re.compile(r"(?:[%=][0-9A-Fa-f]{2,6}){3}")
"""As in addresses: that is another code."""
SIGNS_ONLY = re.compile(r"[ -~À-ɏ]{8,}")
USUAL = frozenset({Trick.REVERSED, Trick.ROT13})
"""What a few letters suffice for; other shifts find a short word by chance."""
MANY = 24
"""Strange places of a text from which on each has to promise something before it is tried."""
PROMISE_LETTERS = 48
PROMISING_GAIN = 8.0
PROMISING_FLOW = 12.0
"""`words.flow` of what some alphabet makes of a place: prose has about 35, chance about 0."""
QUICK_CHARS = 80
"""Of a longer reading, what is looked at first; where that is not like language at all, the reading is dropped."""
QUICK_LIKENESS = 0.15


def undo(text: str, work: Work, *, by_word: bool = False) -> tuple[str, frozenset[Trick]]:
    """Decipher every line, or stretch of one, that looks like no language; the tricks found.

    Reversed letters leave open whether the words stood in order: `by_word` says that they did.
    """
    spans = work.spans(text, stretches)
    if not spans:
        return text, frozenset()
    lines = list(_lines(text, spans))
    strange = [line for line, inside in lines if sum(end - begin for begin, end in inside) * 5 >= 2 * _size(line)]
    found = _try(text, strange, work, by_word=by_word, whole=True)
    tried = set(strange)
    rest = [part for line, inside in lines if line not in found for part in inside if part not in tried]
    found |= _try(text, rest, work, by_word=by_word, whole=False)
    out: list[str] = []
    at = 0
    for (begin, end), candidate in sorted(found.items()):
        out += [text[at:begin], candidate.text]
        at = end
    out.append(text[at:])
    return "".join(out), frozenset(trick for candidate in found.values() for trick in candidate.tricks)


def _try(text: str, places: list[Span], work: Work, *, by_word: bool, whole: bool) -> dict[Span, Candidate]:
    """What becomes of `places`, where something does. If there are many, those that promise nothing are left out."""
    if len(places) > MANY:
        distinct = dict.fromkeys(text[begin:end] for begin, end in places)
        fresh = (one for one in distinct if not work.in_vain("cipher", one, by_word, whole))
        promises = {one: _promise(one) for one in fresh if work.may(_promise_steps(one[0]))}
        places = [place for place in places if promises.get(text[place[0] : place[1]], 0.0) > 0]
        places.sort(key=lambda place: -promises[text[place[0] : place[1]]])
    found: dict[Span, Candidate] = {}
    for place in places:
        stretch = text[place[0] : place[1]]
        if work.in_vain("cipher", stretch, by_word, whole) or not work.may(_steps(stretch, whole)):
            continue
        candidate = decipher(stretch, by_word=by_word, whole=whole)
        if candidate is None:
            work.was_in_vain("cipher", stretch, by_word, whole)
        else:
            found[place] = candidate
    return found


def _steps(stretch: str, whole: bool) -> int:
    """What `decipher` costs: readings, times the words of each, or the letters where words have to be cut out."""
    sample = min(len(stretch), 3 * SAMPLE_LETTERS)
    words = 1 + stretch.count(" ", 0, sample)
    each = 10 + 2 * words + (cutting_steps(min(sample, SAMPLE_LETTERS)) if words * 25 < sample else 0)
    if not whole and " " not in stretch.strip():
        return 3 * each
    return 150 + 10 * each


def _promise_steps(letter: str) -> int:
    """What `_promise` costs, by a letter of the place: one multiplication, or the words of every shift."""
    return 60 if letter.isascii() else 150


def _promise(stretch: str) -> float:
    """Above 0 where the letters follow one another better in some other way than they stand, or make a known word."""
    low = stretch[:PROMISE_LETTERS].casefold()
    codes = np.array([LETTER_CODES.get(c, 0) for c in low], np.int64)
    if (codes > 0).sum() * 2 >= len(codes):
        rows = keys()
        found = np.concatenate([flows_of(rows[:, codes]), flows_of(rows[:, codes[::-1]])])
        best = found[1:].max()
        return float(min(best - found[0] - PROMISING_GAIN, best - PROMISING_FLOW))
    longest = " ".join(sorted(low.split(), key=len)[-2:])
    tables = [RUSSIAN_TYPED, *(read for alphabet in (CYRILLIC, GREEK) for read, _ in shifted(alphabet))]
    usual = [table for table in tables if longest and ord(longest[-1]) in table]
    others = [longest[::-1], *(longest.translate(table) for table in usual)]
    return float(any(zipf(word) > 2 for other in others for word in other.split(" ")))


def undo_rot47(text: str, _work: Work) -> tuple[str, frozenset[Trick]]:
    """Lines so full of signs that ROT47 may have made them: before anybody reads the signs as letters."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if SIGNS_ONLY.fullmatch(line) and _signs(line):
            turned = line.translate(rot47())
            if worth(turned) > max(ENOUGH + 0.1, likeness(line) + GAIN):
                lines[at] = turned
    changed = "\n".join(lines)
    return changed, frozenset({Trick.ROT47} if changed != text else ())


def _signs(line: str) -> bool:
    """Whether a line is so full of signs and digits that ROT47 may have made it."""
    solid = sum(map(len, line.split()))
    return solid > 7 and sum(map(str.isalpha, line)) * 4 < solid * 3 and not OCTETS.search(line)


def _lines(text: str, spans: Sequence[Span]) -> Iterator[tuple[Span, list[Span]]]:
    """The lines with anything strange in them, and what is strange in each."""
    first = 0
    for line in re.finditer(r"[^\n]+", text):
        begin, end = line.span()
        while first < len(spans) and spans[first][1] <= begin:
            first += 1
        inside = []
        for at in range(first, len(spans)):
            if spans[at][0] >= end:
                break
            inside.append((max(begin, spans[at][0]), min(end, spans[at][1])))
        if inside:
            yield (begin, end), inside


def _size(span: Span) -> int:
    return span[1] - span[0]


def decipher(stretch: str, *, by_word: bool = False, whole: bool = True) -> Candidate | None:
    """The most likely reading of a stretch, or None where nothing is better than what it is."""
    before = worth(stretch, digits=False)
    letters = sum(map(str.isalpha, stretch[: 2 * SAMPLE_LETTERS]))
    alone = not whole and " " not in stretch.strip()
    best, best_worth = None, max(ENOUGH, before + GAIN) + (0.25 if alone else 0.0)
    for candidate in _alone(stretch) if alone else _candidates(stretch, by_word):
        quick = candidate.text[:QUICK_CHARS]
        if len(stretch) > 2 * QUICK_CHARS and quick.count(" ") > 4 and likeness(quick) < QUICK_LIKENESS:
            continue
        if letters < 14 and not whole and not candidate.tricks <= USUAL:
            continue
        value = worth(candidate.text)
        if letters < 14 and not candidate.tricks <= USUAL:
            value -= 0.2
        elif not candidate.tricks <= USUAL:
            value -= 0.05
        if value > best_worth:
            best, best_worth = candidate, value
            if value > 0.9:
                break
    return best


def _alone(word: str) -> Iterator[Candidate]:
    """Readings of a single word inside a plain text: a shift of every kind would find a word by chance."""
    for text, tricks in ((word, frozenset[Trick]()), (word[::-1], frozenset({Trick.REVERSED}))):
        if tricks:
            yield Candidate(text, tricks)
        yield Candidate(codecs.encode(text, "rot13"), tricks | {Trick.ROT13})


def _candidates(stretch: str, by_word: bool) -> Iterator[Candidate]:
    """Readings worth checking by their words, cheapest first."""
    bases = [stretch]
    if DIGIT_IN_WORD.search(stretch):
        bases.append(stretch.translate(DIGITS))
    for base in bases:
        extra = frozenset({Trick.LEET}) if base is not stretch else frozenset()
        back = backwards(base, by_word)
        yield Candidate(back, extra | {Trick.REVERSED})
        if not by_word and back != base[::-1]:
            yield Candidate(base[::-1], extra | {Trick.REVERSED})
        for candidate in _latin(base, by_word):
            yield Candidate(candidate.text, candidate.tricks | extra)
    low = stretch.casefold()
    for alphabet in (CYRILLIC, GREEK):
        if sum(c in alphabet for c in low[:SAMPLE_LETTERS]) * 2 > min(len(low), SAMPLE_LETTERS):
            yield from shifts(low, alphabet)
    if any(c in RUSSIAN_KEYS for c in low[:SAMPLE_LETTERS]):
        yield Candidate("".join(RUSSIAN_KEYS.get(c, c) for c in low), frozenset({Trick.KEYBOARD}))
    elif low.isascii():
        yield Candidate("".join(LATIN_KEYS.get(c, c) for c in low), frozenset({Trick.KEYBOARD}))


def backwards(stretch: str, by_word: bool) -> str:
    """From the last letter to the first, marks kept on their letters; or each word so."""
    return _each_reversed(stretch) if by_word else "".join(reversed(CLUSTER.findall(stretch)))


def _each_reversed(stretch: str) -> str:
    return re.sub(r"\S+", lambda word: "".join(reversed(CLUSTER.findall(word[0]))), stretch)


def _latin(stretch: str, by_word: bool) -> Iterator[Candidate]:
    """The shifts, mirrored or not, forwards or backwards, whose letters follow one another best."""
    sample = stretch[:SAMPLE_LETTERS].lower()
    codes = np.array([LETTER_CODES.get(c, 0) for c in sample], np.int64)
    if (codes > 0).sum() < LEAST_LETTERS or (codes > 0).sum() * 2 < len(codes):
        return
    rows = keys()
    for reverse in (False, True):
        scores = flows_of(rows[:, codes[::-1] if reverse else codes])
        for index in np.argsort(-scores)[:2]:
            if scores[index] > 0 and index != 0:
                yield Candidate(*apply_key(backwards(stretch, by_word) if reverse else stretch, int(index), reverse))
    for swap in next_keys():
        yield Candidate(stretch.lower().translate(swap), frozenset({Trick.KEYBOARD}))
