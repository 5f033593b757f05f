"""Letters repeated: `remooove`, `rreemmoovvee`."""

import re
from itertools import islice, product

from safelight.signals.text.reading.words import zipf

MAX_VARIANTS = 24

RUN = re.compile(r"(.)\1{2,}")
PAIR = re.compile(r"(.)\1+")
DOUBLED = re.compile(r"(?:(.)\1)+")


def unrepeated(word: str) -> str | None:
    """A known word without the letters that were repeated, or None."""
    known = zipf(word)
    runs = [len(run[0]) for run in re.finditer(r"(.)\1*", word)]
    forms = {PAIR.sub(r"\1", word)}
    parts = [(run[0][0], run[0][0] * 2) if len(run[0]) > 2 else (run[0],) for run in re.finditer(r"(.)\1*", word)]
    forms.update("".join(letters) for letters in islice(product(*parts), MAX_VARIANTS))
    for times in (2, 3, 4):
        if min(runs) >= times and all(run % times == 0 for run in runs):
            forms.add("".join(run[0][: len(run[0]) // times] for run in re.finditer(r"(.)\1*", word)))
    best = max(sorted(forms - {"", word}), key=zipf, default=None)
    if best is None or (len(best) == 1 and best not in "ai"):
        return None
    return best if zipf(best) > max(2.3, known + 1) else None
