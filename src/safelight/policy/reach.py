"""What a rule can never do: fire, stay silent, or decide where an earlier rule has not decided already.

How: every comparison is of one name with a constant, so each name's values fall into a few cells (below, at and above
each constant; each word; true and false) within which no condition changes. One value a cell stands for all of them,
and the product of the cells is searched. CEL itself evaluates half-filled environments: `false && unknown` is false,
so a branch is left as soon as its answer is known.

How far it is exact: for one rule, and for a pair of rules, up to `MAX_EVALUATIONS` evaluations each; beyond that the
answer is None, never a guess. Names are taken as independent: a condition that only contradicts the world (a mask
without a photo) counts as reachable. Two earlier rules that cover a third only together are not looked for.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import cel

from safelight.core.category import Stage
from safelight.policy.condition import Comparison, Condition
from safelight.policy.environment import Kind, Name

MAX_EVALUATIONS = 20_000
"""Evaluations of one search; at 1-4 µs each well under a tenth of a second."""

Value = float | int | bool | str


def can_fire(
    condition: Condition,
    names: Mapping[str, Name],
    thresholds: Mapping[str, float | int],
    stages: Sequence[Stage],
    *,
    unless: Condition | None = None,
) -> bool | None:
    """Whether some input at one of `stages` makes `condition` true, and `unless` (where given) not true.

    None when `MAX_EVALUATIONS` did not suffice to say.
    """
    others = [] if unless is None else [unless]
    program = None if unless is None else unless.program
    return _Search([condition, *others], names, thresholds, stages).finds(condition.program, program)


def can_stay_silent(
    condition: Condition, names: Mapping[str, Name], thresholds: Mapping[str, float | int], stages: Sequence[Stage]
) -> bool | None:
    """Whether some input at one of `stages` makes `condition` false; None as in `can_fire`."""
    negated = cel.compile(f"!({condition.source})")
    return _Search([condition], names, thresholds, stages).finds(negated, None)


def cells(
    name: Name, comparisons: Sequence[Comparison], thresholds: Mapping[str, float | int], stages: Sequence[Stage]
) -> tuple[Value, ...]:
    """One value of every cell that `comparisons` cut the values of `name` into."""
    if name.kind is Kind.FLAG:
        return (False, True)
    if name.name == "stage":
        return tuple(stage.value for stage in stages)
    if name.kind is Kind.TEXT:
        return name.choices
    cuts: set[float | int] = set()
    for part in comparisons:
        cuts.update({thresholds[part.threshold]} if part.threshold else ())
        cuts.update(literal for literal in part.literals if isinstance(literal, int))
    if name.kind is Kind.COUNT:
        near = {int(cut) + step for cut in cuts for step in (-1, 0, 1)}
        return tuple(sorted(value for value in {name.lowest, *near} if value >= name.lowest))
    top = 1.0 if name.kind is Kind.SCORE else max(map(float, cuts), default=0.0) + 1.0
    marks = sorted({0.0, top, *map(float, cuts)})
    between = [low + (high - low) / 2 for low, high in pairwise(marks)]
    return tuple(sorted({*marks, *between}))


class _Search:
    """A depth-first walk over the product of the cells, pruned by what is already certain."""

    def __init__(
        self,
        conditions: Sequence[Condition],
        names: Mapping[str, Name],
        thresholds: Mapping[str, float | int],
        stages: Sequence[Stage],
    ) -> None:
        comparisons = [part for condition in conditions for part in condition.comparisons]
        order = dict.fromkeys(part.name for part in comparisons)
        self._cells = [
            (name, cells(names[name], [part for part in comparisons if part.name == name], thresholds, stages))
            for name in order
        ]
        self._values: dict[str, Value] = {}
        self._context = cel.Context(variables={f"t_{name}": value for name, value in thresholds.items()})
        resolve: Callable[[str], Value | None] = self._values.get
        self._context.set_variable_resolver(resolve)
        self._left = MAX_EVALUATIONS

    def finds(self, wanted: cel.Program, unwanted: cel.Program | None) -> bool | None:
        """True when a point has `wanted` true and `unwanted` false, False when none has, None when it ran out."""
        found = self._walk(0, wanted, unwanted)
        return None if self._left <= 0 and not found else found

    def _walk(self, depth: int, wanted: cel.Program, unwanted: cel.Program | None) -> bool:
        yes = self._evaluate(wanted)
        if yes is False or self._left <= 0:
            return False
        no = False if unwanted is None else self._evaluate(unwanted)
        if no is True:
            return False
        if yes is True and no is False:
            return True
        if depth == len(self._cells):
            return False
        name, values = self._cells[depth]
        for value in values:
            self._values[name] = value
            if self._walk(depth + 1, wanted, unwanted):
                return True
        del self._values[name]
        return False

    def _evaluate(self, program: cel.Program) -> bool | None:
        """True or false where the values given so far settle it, else None."""
        self._left -= 1
        try:
            return bool(program.execute(self._context))
        except RuntimeError:  # an unknown name that matters: CEL's "undefined variable"
            return None
