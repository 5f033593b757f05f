"""Words changed without a trace: letters dropped or swapped, vowels left out, pig latin.

Rules
- Undone only in a stretch of unknown words, and only where the whole stretch becomes language.
- At most MAX_TYPO_WORDS words of a text are searched for dropped and swapped letters: they cost the most, and the
  meaning model forgives them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from safelight.signals.text.reading.leet import EDGES
from safelight.signals.text.reading.strange import ENOUGH, GAIN, stretches
from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.reading.words import belief, english, likeness, unskeleton, zipf
from safelight.signals.text.reading.work import Work

TOKEN = re.compile(r"\S+")

VOWELLESS = re.compile(r"[bcdfghjklmnpqrstvwxyz]+")
MOVABLE = re.compile(r"[bcdfghjklmnpqrstvwxyz]+|qu")
"""What pig latin moves to the end of a word."""
PIGGED = re.compile(r"[a-z]{2,}ay")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
KNOWN = 4.0
CAUTION = 0.2
"""How much more the repair of typing errors has to show for itself."""
WORD_STEPS = 6
UNKNOWN = 0.45
"""Belief below which a word may be a mistyped one."""
SWAP_STEPS = 16
SWAPPED_MAX = 14
"""Letters of the longest word that is tried with two neighbours in the other order."""
TYPO_STEPS_PER_LETTER = 25
MAX_TYPO_WORDS = 300
SAMPLE_WORDS = 12


def undo(text: str, work: Work) -> tuple[str, frozenset[Trick]]:
    """Repair stretches of unknown words in which every word was changed in the same way; the tricks found."""
    unswapped = _unswapped(text, work)
    if unswapped is not None:
        return unswapped, frozenset({Trick.DROPPED})
    plain = _all_unpigged(text)
    if plain is not None:
        return plain, frozenset({Trick.PIG_LATIN})
    tricks: set[Trick] = set()
    out: list[str] = []
    at = searched = 0
    for begin, end in work.spans(text, stretches):
        stretch = text[begin:end]
        if work.in_vain("repair", stretch):
            continue
        searched += stretch.count(" ") + 1
        found = _repair(stretch, work, typos=searched <= MAX_TYPO_WORDS)
        if found is None:
            work.was_in_vain("repair", stretch)
        else:
            out += [text[at:begin], found[0]]
            tricks.add(found[1])
            at = end
    out.append(text[at:])
    words = set(TOKEN.findall(text))
    text = "".join(out)
    if Trick.PIG_LATIN in tricks:
        # Between the unknown words stood some that are words by chance, such as "away" for "a".
        text = TOKEN.sub(lambda token: _edged(token[0], _unpigged) if token[0] in words else token[0], text)
    return text, frozenset(tricks)


def _all_unpigged(text: str) -> str | None:
    """A text in which every word ends as pig latin does, and most are of no language, with words that no list knows."""
    words = [core for token in TOKEN.findall(text) if (core := token.strip(EDGES).casefold())]
    if len(words) < 2 or not all(PIGGED.fullmatch(word) for word in words):
        return None
    if 2 * sum(belief(word) < UNKNOWN for word in words) <= len(words):
        return None
    return TOKEN.sub(lambda token: _edged(token[0], _unpigged), text)


def _repair(stretch: str, work: Work, *, typos: bool) -> tuple[str, Trick] | None:
    """The best repair of a stretch, or None."""
    words = stretch.count(" ") + 1
    if not work.may(2 * words):
        return None
    best, trick, least = stretch, None, max(ENOUGH, likeness(stretch) + GAIN)
    for kind, change in _CHANGES:
        if change is not _respelled:
            steps = WORD_STEPS * words
        elif typos and trick is None:
            steps = TYPO_STEPS_PER_LETTER * (len(stretch) - words)
        else:
            continue
        sample = min(1.0, SAMPLE_WORDS / words)
        optional = change is _respelled
        if not work.may(int(sample * steps), optional=optional) or not _promising(stretch, change):
            continue
        if not work.may(int((1 - sample) * steps), optional=optional):
            continue
        changed = TOKEN.sub(lambda token, change=change: _edged(token[0], change), stretch)  # type: ignore[misc]
        value = likeness(changed) - (CAUTION if change is _respelled else 0.0)
        if value > least:
            best, trick, least = changed, kind, value
    return (best, trick) if trick is not None else None


def _promising(stretch: str, change: Callable[[str], Iterable[str]]) -> bool:
    """Whether the first unknown words of a stretch mostly become known."""
    tokens = [t for t in (m[0].strip(EDGES).casefold() for m in islice(TOKEN.finditer(stretch), SAMPLE_WORDS)) if t]
    unknown = [t for t in tokens if belief(t) < UNKNOWN and len(t) > 2]
    better = sum(any(zipf(word) > 2.5 for word in change(token)) for token in unknown)
    return better > 1 and better * 2 >= len(unknown)


def _edged(token: str, change: Callable[[str], Iterable[str]]) -> str:
    core = token.strip(EDGES)
    key = core.casefold()
    if not core:
        return token
    known = zipf(key)
    best = max(change(key), key=zipf, default="")
    if best and (change is _unpigged or zipf(best) > (known if change is _revowelled else known + 1.5)):
        return token.replace(core, best)
    return token


def _unpigged(word: str) -> Iterable[str]:
    """`emoveray`, `offway`, `ethay`."""
    if not word.endswith("ay") or len(word) < 4:
        return
    stem = word[:-2]
    moves = [stem[-moved:] + stem[:-moved] for moved in range(1, min(4, len(stem))) if MOVABLE.fullmatch(stem[-moved:])]
    if stem[-1] == "w":
        yield stem[:-1]  # before the others, which mean as much where no list knows any
    yield from moves
    if stem[-1] in "yh" and not any(zipf(move) > KNOWN for move in moves):
        yield stem[:-1]


def _revowelled(word: str) -> Iterable[str]:
    """`rmv`, and `undrss` with a vowel that was left at the start."""
    if VOWELLESS.fullmatch(word):
        yield from unskeleton(word)
    elif VOWELLESS.fullmatch(word[1:]):
        yield from (found for found in unskeleton(word[1:]) if found.startswith(word[0]))


def _unswapped(text: str, work: Work) -> str | None:
    """The text with two neighbours swapped back in each word, in any language, where most unknown words come out so."""
    tokens = [t for t in dict.fromkeys(TOKEN.findall(text)) if belief(t.strip(EDGES).casefold()) < UNKNOWN]
    unknown = [t for t in tokens if sum(map(str.isalpha, t)) >= 4 and len(t) <= SWAPPED_MAX]
    if not 2 <= len(unknown) <= MAX_TYPO_WORDS or not work.may(SWAP_STEPS * len(unknown), optional=True):
        return None
    found = {token: _edged(token, _swapped) for token in unknown}
    mended = sum(word != token for token, word in found.items())
    if mended < 2 or mended * 5 < 3 * len(unknown):
        return None
    return TOKEN.sub(lambda token: found.get(token[0], token[0]), text)


def _swapped(word: str) -> Iterator[str]:
    return (found for found in _swaps(word) if zipf(found) > 3)


def _swaps(word: str) -> Iterator[str]:
    for at in range(len(word) - 1):
        yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _respelled(word: str) -> Iterable[str]:
    """One letter missing, two neighbours swapped, one letter too many; in English, since a language that the lists
    hardly know is one typing error away from others everywhere.
    """
    if 3 <= len(word) <= 14 and word.isascii() and word.isalpha():
        yield from (found for found in _neighbours(word) if english(found) > 2.5)


def _neighbours(word: str) -> Iterator[str]:
    yield from _swaps(word)
    for at in range(len(word) + 1):
        for letter in LETTERS:
            yield word[:at] + letter + word[at:]
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


_CHANGES: tuple[tuple[Trick, Callable[[str], Iterable[str]]], ...] = (
    (Trick.PIG_LATIN, _unpigged),
    (Trick.DROPPED, _revowelled),
    (Trick.DROPPED, _respelled),
)
