"""Fills templates: `(a|b)` chooses, `{slot}` takes a word of the language; words and templates of one part only."""

import random
import re
from collections.abc import Mapping, Sequence

from training.split import Part, part_of

_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
_SLOT = re.compile(r"\{(\w+)\}")
_DEEPEST = 4
_BARE = frozenset({"person", "generic"})
"""Slots in which a word stands as it is, without an ending."""
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
            shared = slot.removeprefix("minor_").removeprefix("name_") in SHARED
            own = [] if shared else [w for w in words if part_of(f"{slot}:{w}", lang) is part]
            self._lex[slot] = own or words

    def about(self, template: str, whom: str, slots: Sequence[str]) -> str:
        """`template` about `whom` ("minor", "name") wherever `slots` stood; empty where the language cannot say it."""
        made = template
        for slot in slots:
            form = f"{whom}_{slot}"
            if form in self._lex:
                made = made.replace(f"{{{slot}}}", f"{{{form}}}")
            elif slot in _BARE:
                made = made.replace(f"{{{slot}}}", f"{{{whom}}}")
        return "" if made == template else made

    def fill(self, template: str, draw: random.Random) -> str:
        """One request out of `template`. Raises KeyError for a slot that the language lacks."""
        text = template
        for _ in range(_DEEPEST):
            text = _CHOICE.sub(lambda match: draw.choice(match.group(1).split("|")), text)
            text = _SLOT.sub(lambda match: draw.choice(self._lex[match.group(1)]), text)
        return " ".join(text.split())
