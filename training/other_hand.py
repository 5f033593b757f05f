"""Rows out of `held_out/dev`: requests by somebody who never saw the grammar, so other words than it would find.

The set served to choose by until the encoder's layers were first trained. What has been looked at measures little, so
now it teaches, and the figures come from `held_out/final`, which is never read here.
"""

from collections.abc import Iterator

from safelight.core.request import Role
from safelight.evaluation.cases import Case, Label
from safelight.signals.text.kinds import Kind
from training.grammar.generate import KINDS, SEXUAL_UNKNOWN
from training.grammar.rows import Row
from training.held_out.make import held_out
from training.split import part_of

PER_TEMPLATE = 2
OF_MINORS = 5
"""Fillings of a template about a child: there are few of them, and many words."""
_SPOKEN_OF_NOBODY = frozenset({"near: product", "near: museum"})


def other_hand() -> list[Row]:
    """Every case of the set as a row, and of a conversation that goes wrong what came before it as a calm one."""
    return [row for case in held_out("dev", per_template=PER_TEMPLATE) for row in _rows(case)]


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
        if before:
            yield Row(tuple(said[:before]), case.lang, "talk", Kind.NONE, {"undress": 0.0}, part, False, case.image)
        said = said[: before + 1]
    yield Row(tuple(said), case.lang, case.family, KINDS.get(case.family, Kind.NONE), labels, part, True, case.image)
