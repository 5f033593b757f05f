"""Letters repeated: `remooove`, `rreemmoovvee`."""

import re
from collections import Counter
from itertools import islice, product

from safelight.signals.text.reading.words import zipf

MAX_VARIANTS = 24

RUN = re.compile(r"(.)\1{2,}")
PAIR = re.compile(r"(.)\1+")
SAME = re.compile(r"(.)\1*")
REPEATED = re.compile(r"([^\W\d_])\1+")
WORD = re.compile(r"[^\W\d_]+")
MANY_RUNS = 4
TIMES_FOR_CERTAIN = 3
"""So often no language has a letter: what is divided evenly by the usual times needs no list of words."""
LEAST_ZIPF = 2.3
DOUBLED = re.compile(r"(?:(.)\1)+")


def unrepeated(word: str, times: int = 0) -> str | None:
    """A known word without the letters that were repeated, or None.

    `times` says how often each letter stands, where that is known from the rest of the text.
    """
    known = zipf(word)
    evenly = divided(word, times) if times > 1 else None
    certain = times >= TIMES_FOR_CERTAIN and not known
    runs = [len(run[0]) for run in re.finditer(r"(.)\1*", word)]
    forms = {PAIR.sub(r"\1", word)}
    parts = [(run[0][0], run[0][0] * 2) if len(run[0]) > 2 else (run[0],) for run in re.finditer(r"(.)\1*", word)]
    forms.update("".join(letters) for letters in islice(product(*parts), MAX_VARIANTS))
    for times in (2, 3, 4):
        if min(runs) >= times and all(run % times == 0 for run in runs):
            forms.add("".join(run[0][: len(run[0]) // times] for run in re.finditer(r"(.)\1*", word)))
    best = max(sorted(forms - {"", word}), key=zipf, default=None)
    if evenly is not None and (zipf(evenly) > LEAST_ZIPF or (certain and evenly != word)):
        best = evenly
    if best is None or (len(best) == 1 and best not in "ai"):
        return None
    return best if zipf(best) > max(LEAST_ZIPF, known + 1) or (best == evenly and best != word) else None


def usual_times(text: str) -> int:
    """How often letters are repeated in a text where most words repeat theirs; 0 where they do not.

    Each letter, or each vowel, three times or four; or each letter twice.
    """
    words = WORD.findall(text.casefold())
    runs = Counter(len(run[0]) for word in words for run in REPEATED.finditer(word))
    usual, count = max(runs.items(), key=lambda pair: (pair[1], pair[0]), default=(0, 0))
    if usual < 2 or count < MANY_RUNS:
        return 0
    if usual == 2:
        return 2 if sum(_every(word, 2) for word in words) * 3 >= 2 * len(words) else 0
    return usual if 2 * count >= len(words) else 0


def _every(word: str, times: int) -> bool:
    return all(len(run[0]) % times == 0 for run in SAME.finditer(word))


def divided(word: str, times: int) -> str:
    """`word` with every run of a letter that is a multiple of `times` divided by it."""
    return SAME.sub(lambda run: run[0][: len(run[0]) // times] if len(run[0]) % times == 0 else run[0], word)
