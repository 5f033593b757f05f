"""What reading one text may cost: a budget in steps, asked before the work is done, and what was tried in vain.

Rules
- A step is a look at a letter or a word, about a microsecond. Steps are counted, never timed: the same text spends
  the same on every machine, and no text, however made, buys more than its length allows.
- Where the budget will not do for everything, whoever spends it puts first what most likely hides something.
- What was left undone for want of steps is told, as `unread`. Work that mostly serves comfort (typing errors, which
  the meaning model forgives) says `optional`, and goes undone in silence.
- What was tried in vain is not tried again on the same text; nothing is kept when the reading is done.
"""

from collections.abc import Callable, Hashable

STEPS_TO_BEGIN = 12_000
"""Enough for every trick on a few sentences."""
STEPS_PER_CHAR = 5
OPTIONAL_SHARE = 0.2
"""What optional work may spend besides, as a share of the rest."""


class Work:
    """The work of one call of `read`."""

    __slots__ = ("_optional", "_spans", "_vain", "left", "spent", "unread")

    def __init__(self, chars: int) -> None:
        self.left = STEPS_TO_BEGIN + STEPS_PER_CHAR * chars
        self.spent = 0
        self._optional = bound(chars) - self.left
        self.unread = False
        """Whether something was left undone that might have mattered."""
        self._vain: set[Hashable] = set()
        self._spans: tuple[str, tuple[tuple[int, int], ...]] | None = None

    def may(self, steps: int, *, optional: bool = False) -> bool:
        """Spend `steps` if they are left; if not, spend nothing, and note it unless the work is optional."""
        if optional:
            if steps > self._optional:
                return False
            self._optional -= steps
        elif steps > self.left:
            self.unread = True
            return False
        else:
            self.left -= steps
        self.spent += steps
        return True

    def in_vain(self, *what: Hashable) -> bool:
        """Whether `what` was tried before and led nowhere."""
        return what in self._vain

    def was_in_vain(self, *what: Hashable) -> None:
        """Note that trying `what` led nowhere."""
        self._vain.add(what)

    def spans(self, text: str, find: Callable[[str], tuple[tuple[int, int], ...]]) -> tuple[tuple[int, int], ...]:
        """`find(text)`, found once for as long as the text stays the same."""
        if self._spans is None or self._spans[0] != text:
            self._spans = (text, find(text))
        return self._spans[1]


def bound(chars: int) -> int:
    """The most steps that a text of so many characters can cost."""
    return int((1 + OPTIONAL_SHARE) * (STEPS_TO_BEGIN + STEPS_PER_CHAR * chars))
