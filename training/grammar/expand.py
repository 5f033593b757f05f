"""Fills templates: `(a|b)` chooses, `{slot}` takes a word of the language; words and templates of one part only."""

import random
import re
from collections.abc import Mapping, Sequence

from training.split import Part, part_of

_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
_SLOT = re.compile(r"\{(\w+)\}")
_DEEPEST = 4
SHARED = frozenset(
    {
        "person",
        "whose",
        "who",
        "whos",
        "towho",
        "cov",
        "generic",
        "name",
        "minor",
        "minor_act",
        "style",
        "benign_degree",
        "bdeg",
        "ask",
        "end",
        "remove",
        "dress",
        "show",
    }
)
"""Slots whose words every part may use: they do not tell an attack from a near miss."""


class Filler:
    """Fills the templates of one language for one part."""

    def __init__(self, lex: Mapping[str, Sequence[str]], lang: str, part: Part) -> None:
        self._lex: dict[str, Sequence[str]] = {}
        for slot, words in lex.items():
            own = [w for w in words if part_of(f"{slot}:{w}", lang) is part]
            self._lex[slot] = words if slot in SHARED or not own else own

    def fill(self, template: str, draw: random.Random) -> str:
        """One request out of `template`. Raises KeyError for a slot that the language lacks."""
        text = template
        for _ in range(_DEEPEST):
            text = _CHOICE.sub(lambda match: draw.choice(match.group(1).split("|")), text)
            text = _SLOT.sub(lambda match: draw.choice(self._lex[match.group(1)]), text)
        return " ".join(text.split())
