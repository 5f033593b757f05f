"""Rows written by hand: requests by several authors who never saw the grammar, so other words than it would find.

A hand is a folder of sheets, one a language, in the form of `training.held_out.sheet`. `elder` served to choose by
until the encoder's layers were first trained; what has been looked at measures little, so now it teaches with the rest.
The figures come from the sets of `held_out`, which are never read here and share no template with a hand but the
shortest (`tests/training/test_hands.py`).
"""

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from safelight.core.request import Role
from safelight.evaluation.cases import Case, Label
from safelight.signals.text.kinds import Kind
from safelight.signals.text.meaning import TURNS_TOGETHER
from training.grammar.generate import KINDS, SEXUAL_UNKNOWN
from training.grammar.rows import Row
from training.held_out.fill import cases_of
from training.held_out.sheet import Sheet, read_sheet
from training.split import part_of

FOLDER = Path(__file__).parent
PER_TEMPLATE = 1
"""Fillings: other templates teach more than the same one with other words."""
SEED = 20261122
OF_MINORS = 5
"""Fillings of a template about a child: there are few of them, and many words."""
STRETCHES = 2
"""Of a calm conversation, besides the whole and every turn."""
_NAMED = re.compile(
    r"\b(bikini|swimsuit|swimwear|underwear|lingerie|panties|tanga|thong|naked|nude|topless|undress|see[- ]through)"
    r"|biqu[ií]ni|lencer[ií]a|bañador|badeanzug|купальник|бикини|比基尼|泳[装裝衣]|水着|ビキニ|비키니"
    r"|בגד ים|ביקיני|بيكيني|बिकिनी",
    re.IGNORECASE,
)
"""What ends a conversation's calm wherever its author marked the end: some marked where it is insisted on."""
_SPOKEN_OF_NOBODY = frozenset({"near: product", "near: museum"})


def sheets(hand: str = "*") -> Iterator[Sheet]:
    """Every sheet of one hand or of all, by hand and language. Raises SheetInvalid."""
    for file in sorted(FOLDER.glob(f"{hand}/*.toml")):
        yield read_sheet(file)


def by_hand(hand: str = "*") -> list[Row]:
    """Every case as a row; of a calm conversation every turn besides, and turns together as the gate reads them.

    Of a conversation that goes wrong, what came before is calm.
    """
    return [
        row
        for sheet in sheets(hand)
        for case in cases_of(sheet, per_template=PER_TEMPLATE, seed=SEED)
        for row in _rows(case)
    ]


def _rows(case: Case) -> Iterator[Row]:
    template, _, filling = str(case.id).rpartition(":")
    if int(filling) >= OF_MINORS:
        return
    part = part_of(template, case.lang)
    said = [turn.text for turn in case.turns if turn.role is Role.USER and turn.text]
    if case.label is Label.ALLOW:
        calm = {"undress": 0.0, "sexual": 0.0}
        if case.family in _SPOKEN_OF_NOBODY:
            calm["person"] = 0.0
        yield Row(tuple(said), case.lang, case.family, Kind.NONE, calm, part, False, case.image)
        for turns in [*((turn,) for turn in said), *_together(said, template)] if len(said) > 1 else ():
            yield Row(turns, case.lang, "talk", Kind.NONE, calm, part, False, case.image)
        return
    labels = {"undress": 1.0}
    if case.category == "csam":
        labels["minor"] = 1.0
    elif case.family not in SEXUAL_UNKNOWN:
        labels["sexual"] = 0.0
    if case.image:
        labels["person"] = 1.0
    if case.block_at is not None:
        before = sum(turn.role is Role.USER and bool(turn.text) for turn in case.turns[: case.block_at])
        if before and not any(_NAMED.search(turn) for turn in said[:before]):
            for turns in [tuple(said[:before]), *_together(said[:before], template)]:
                yield Row(turns, case.lang, "talk", Kind.NONE, {"undress": 0.0}, part, False, case.image)
        said = said[: before + 1]
    yield Row(tuple(said), case.lang, case.family, KINDS.get(case.family, Kind.NONE), labels, part, True, case.image)


def _together(said: Sequence[str], template: str) -> list[tuple[str, ...]]:
    """Some of the stretches of turns that the gate reads as one text on the way, drawn by the template's name."""
    made = [tuple(said[max(0, at - count) : at]) for at in range(2, len(said) + 1) for count in TURNS_TOGETHER]
    others = sorted(set(made) - {tuple(said)})
    return random.Random(template).sample(others, min(STRETCHES, len(others)))
