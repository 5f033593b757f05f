"""Understands the texts of one request: the strongest part of each and the whole, as scores and as a kind of move.

Rules
- The encoder is run on at most `PIECES_MAX` pieces a request, whatever arrives. Windows are ranked by a table of risk
  by piece, and the riskiest are read; the calm rest of a long text is not. The lexicon of minors sees everything.
- A window that stands in several texts, as those of two readings or of a turn and its conversation, is read once.
What is left to others: which readings are asked (`choice.py`), conversations and signals (`meaning.py`).
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from safelight.signals.text.e5.encoder import Encoder
from safelight.signals.text.head import (
    KINDS,
    LABELS,
    MINOR,
    PERSON,
    SEXUAL,
    UNDRESS,
    Head,
    squash,
)
from safelight.signals.text.kinds import Kind
from safelight.signals.text.minors import Minors
from safelight.signals.text.risk import Risk
from safelight.signals.text.token_layer import TokenLayer
from safelight.signals.text.units import Cutting, Known, Window, cut

Numbers = NDArray[np.float32]
PIECES_MAX = 400
"""Pieces that the encoder is run on for one request: less than a tenth of a second on an idle core."""
UNREAD_BELOW = 10.0
"""A later window of a long text with less risk is not read: 999 of 1,000 attacks of the grammar have more."""
FIRST_BONUS = 60.0
"""Risk added to what is asked now and to the conversation, when not everything can be read."""
ALONE_MAX = 2
"""Sentences of one text that are read once more without their neighbours, which would colour them."""
ALONE_FROM = 19.0
"""Their least risk: 995 of 1,000 attacks of the grammar have more."""
GIBBERISH_MIN_PIECES = 12
GIBBERISH_FROM, GIBBERISH_SPAN = 4.2, 1.0
"""Of a whole text, negative natural log-probability a byte: ordinary texts and the grammar's languages reach 4.3,
random letters start at 4.8."""
AMBIGUOUS_SUPPORT = 0.3
"""What the head must at least say before an ambiguous word counts as a child."""
UNSPOKEN_MINOR_MAX = 0.45
"""What the head may say of a child where no word of the lexicon stands."""


@dataclass(frozen=True, slots=True)
class Understanding:
    """What one text was taken to mean; scores from 0 to 1."""

    undress: float = 0.0
    sexual: float = 0.0
    minor: float = 0.0
    person: float = 0.0
    kind: Kind = Kind.NONE
    unknown_language: float = 0.0
    gibberish: float = 0.0


@dataclass(frozen=True, slots=True)
class _Prepared:
    text: str
    cutting: Cutting
    risks: tuple[float, ...]


class Reader:
    """Encoder, head, risk table and lexicon together. Safe to share between threads."""

    def __init__(self, encoder: Encoder, head: Head, risk: Risk, minors: Minors) -> None:
        self._encoder, self._head, self._risk, self._minors = encoder, head, risk, minors
        self._tokens = TokenLayer(head)

    def understand(
        self, texts: Sequence[str], first: Sequence[int] = (), whole: Container[int] = ()
    ) -> list[Understanding]:
        """Read `texts`, those at the places `first` before all others. Linear in their length.

        Those at the places `whole` are not judged sentence by sentence too.
        """
        known: Known = {}
        prepared = [self._prepare(text, known, whole=at in whole) for at, text in enumerate(texts)]
        chosen = self._choose(prepared, frozenset(first))
        logits: dict[Window, Numbers] = {}
        for window in (window for windows in chosen for window in windows):
            if window not in logits:
                logits[window] = self._head.logits(
                    self._tokens.features(self._encoder.states(window.ids)), window.spans
                )
        return [self._one(item, [logits[window] for window in chosen[at]]) for at, item in enumerate(prepared)]

    def _prepare(self, text: str, known: Known, *, whole: bool) -> _Prepared:
        cutting = cut(text, self._encoder.tokenizer, known)
        if whole:
            cutting = replace(cutting, windows=tuple(replace(one, spans=one.spans[:1]) for one in cutting.windows))
        return _Prepared(
            text,
            cutting,
            tuple(self._risk.of(window.ids) for window in cutting.windows),
        )

    def _choose(self, prepared: Sequence[_Prepared], first: frozenset[int]) -> list[list[Window]]:
        """The windows to read, by text: all of them if they fit, else the riskiest."""
        ranked = sorted(
            (-risk - (FIRST_BONUS if at in first else 0.0), at, place)
            for at, item in enumerate(prepared)
            for place, risk in enumerate(item.risks)
        )
        left = PIECES_MAX
        chosen: list[list[Window]] = [[] for _ in prepared]
        paid: set[Window] = set()

        def take(at: int, window: Window) -> None:
            nonlocal left
            price = 0 if window in paid else len(window.ids)
            if price <= left:
                chosen[at].append(window)
                paid.add(window)
                left -= price

        for _, at, place in ranked:
            if place == 0 or prepared[at].risks[place] >= UNREAD_BELOW:
                take(at, prepared[at].cutting.windows[place])
        for at, windows in enumerate(chosen):
            for alone in self._alone(windows):
                take(at, alone)
        return chosen

    def _alone(self, windows: Sequence[Window]) -> list[Window]:
        """The riskiest sentences of `windows` that hold several, each as a window of its own."""
        sentences = [window.ids[start:stop] for window in windows for start, stop in window.spans[1:]]
        risky = sorted(((self._risk.of(ids), ids) for ids in sentences), reverse=True)[:ALONE_MAX]
        return [Window(ids, ((0, len(ids)),)) for risk, ids in risky if risk >= ALONE_FROM]

    def _one(self, item: _Prepared, parts: Sequence[Numbers]) -> Understanding:
        cutting = item.cutting
        found = self._minors.look(item.text)
        unknown = cutting.unknown / max(cutting.pieces, 1)
        if not parts:
            return Understanding(minor=found.score, unknown_language=unknown, gibberish=_gibberish(item))
        logits = np.concatenate(parts)
        scores = squash(logits[:, : len(LABELS)])
        top = scores.max(axis=0)
        decisive = int(np.argmax(np.maximum(scores[:, UNDRESS], scores[:, SEXUAL])))
        supported = not found.needs_support or top[MINOR] >= AMBIGUOUS_SUPPORT
        felt = float(top[MINOR]) if found.score else min(float(top[MINOR]), UNSPOKEN_MINOR_MAX)
        return Understanding(
            undress=float(top[UNDRESS]),
            sexual=float(top[SEXUAL]),
            minor=max(felt, found.score if supported else 0.0),
            person=float(top[PERSON]),
            kind=KINDS[1 + int(np.argmax(logits[decisive, len(LABELS) + 1 :]))],
            unknown_language=unknown,
            gibberish=_gibberish(item),
        )


def _gibberish(item: _Prepared) -> float:
    """How unlike any language the text is, or the worst run of words in it: its improbability a byte, beyond what
    languages show.
    """
    if item.cutting.pieces < GIBBERISH_MIN_PIECES:
        return 0.0
    size = len(item.text.encode("utf-8", "replace"))
    whole = (-item.cutting.score / size - GIBBERISH_FROM) / GIBBERISH_SPAN
    return float(np.clip(max(whole, item.cutting.noise), 0.0, 1.0))
