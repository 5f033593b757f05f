"""One condition: CEL, held to a shape in which nothing can go wrong when it is evaluated.

Rules of this module
- CEL parses and evaluates. The library finds unknown names and wrong types only when evaluation reaches them, so here
  the tokens are read once more and every comparison is checked by itself, also one that `&&` or `||` would skip.
- A condition is made of comparisons `name op bound`, bare flags, `&&`, `||`, `!` and parentheses. No function, no
  arithmetic, no comparison of two signals: so each comparison can be explained, and `reach` can be exact.
- A score or a number of years is compared only with a named threshold, so that each threshold lives once.
- What values the names may take is told by `environment`; whether a rule can ever fire is found by `reach`.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import cel

from safelight.policy.environment import Kind, Name, is_tier

MAX_CHARS = 2000
"""Longest condition, in characters: what is longer nobody reviews."""

PREFIX = "t_"
"""Stands before a threshold's name in a condition."""

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>\d+(?:\.\d+)?)(?![\w.])|(?P<text>\"[a-z_]*\")"
    r"|(?P<sign>&&|\|\||==|!=|<=|>=|[<>!()\[\],]))"
)
_ORDER = frozenset({"<", "<=", ">", ">="})
_EQUAL = frozenset({"==", "!="})
_NUMBERS = frozenset({Kind.SCORE, Kind.YEARS, Kind.COUNT})


@dataclass(frozen=True, slots=True)
class Bound:
    """A threshold as the conditions see it."""

    kind: Kind
    value: float | int


@dataclass(frozen=True, slots=True)
class Comparison:
    """One smallest part of a condition, such as `text_undress >= t_undress` or `has_mask`."""

    source: str
    name: str
    operator: str
    """Empty for a bare flag."""
    threshold: str
    """Its name without prefix; empty when the bound is written out."""
    literals: tuple[str | int, ...]
    """The bound as written out."""
    program: cel.Program = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked condition. `source` is written in one way, whatever the spaces and lines of the file."""

    source: str
    comparisons: tuple[Comparison, ...]
    program: cel.Program = field(compare=False, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The signals and facts that it names, in order of appearance."""
        return tuple(dict.fromkeys(part.name for part in self.comparisons))

    @property
    def thresholds(self) -> tuple[str, ...]:
        """The thresholds that it names, in order of appearance."""
        return tuple(dict.fromkeys(part.threshold for part in self.comparisons if part.threshold))


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a condition, and the way out."""

    what: str
    next_step: str


def read_condition(
    source: str, names: Mapping[str, Name], thresholds: Mapping[str, Bound]
) -> tuple[Condition | None, tuple[Fault, ...]]:
    """Check `source` and compile it: the condition and no fault, or None and every fault found."""
    if len(source) > MAX_CHARS:
        return None, (Fault(f"the condition is longer than {MAX_CHARS} characters", "Split the rule."),)
    try:
        program = cel.compile(source)
    except ValueError as error:
        first = " ".join(str(error).splitlines()[0].split())
        return None, (Fault(f"CEL cannot read the condition ({first})", "Correct its spelling."),)
    tokens, rest = _tokens(source)
    if rest:
        return None, (
            Fault(
                f"the condition uses {rest[:20]!r}, which conditions do not have",
                'Use comparisons, true-or-false names, && || ! ( ) and in ["a", "b"] only.',
            ),
        )
    reader = _Reader(tokens, names, thresholds)
    reader.read()
    if reader.faults:
        return None, tuple(dict.fromkeys(reader.faults))
    written = write(tokens)
    program = cel.compile(written)
    return Condition(written, tuple(reader.comparisons), program), ()


def write(tokens: Iterable[str]) -> str:
    """The tokens as one line, spaced in one way."""
    line = " ".join(tokens)
    return re.sub(r" (?=[)\],])|(?<=[(\[!]) (?!=)", "", line)


def _tokens(source: str) -> tuple[list[str], str]:
    """The tokens, and what follows the last one that is known."""
    found: list[str] = []
    at = 0
    while match := _TOKEN.match(source, at):
        found.append(match.group().strip())
        at = match.end()
    return found, source[at:].strip()


class _Reader:
    """Walks the tokens of a condition that CEL has parsed, and checks each comparison."""

    def __init__(self, tokens: list[str], names: Mapping[str, Name], thresholds: Mapping[str, Bound]) -> None:
        self._tokens = tokens
        self._names = names
        self._thresholds = thresholds
        self.comparisons: list[Comparison] = []
        self.faults: list[Fault] = []

    def read(self) -> None:
        """Fill `comparisons` and `faults`."""
        at = 0
        while at < len(self._tokens):
            mark = self._tokens[at]
            if mark in {"&&", "||", "(", ")"}:
                at += 1
            elif mark == "!":
                at += self._negation(at)
            elif _is_name(mark):
                at += self._comparison(at)
            else:
                self._fault(
                    f"{mark!r} stands where a signal or a fact belongs",
                    "Write each comparison as: name, operator, threshold or value.",
                )
                at += 3 if self._operator(at + 1) else 1

    def _token(self, at: int) -> str:
        return self._tokens[at] if at < len(self._tokens) else ""

    def _operator(self, at: int) -> bool:
        return self._token(at) in _ORDER | _EQUAL | {"in"}

    def _fault(self, what: str, next_step: str) -> None:
        self.faults.append(Fault(what, next_step))

    def _negation(self, at: int) -> int:
        """`!` belongs before a parenthesis or a flag: before `a > b` CEL would negate `a` alone."""
        following = self._token(at + 1)
        if following != "(" and (not _is_name(following) or self._operator(at + 2)):
            self._fault("'!' stands before a comparison without parentheses", "Write !(name op value).")
        return 1

    def _comparison(self, at: int) -> int:
        """Check the comparison that begins at `at`; returns how many tokens it has."""
        name = self._token(at)
        known = self._known(name)
        if self._token(at + 1) == "(":
            if known:
                self._fault(f"{name!r} is called like a function", "Conditions have no functions.")
            return 1
        if not self._operator(at + 1):
            if known and known.kind is not Kind.FLAG:
                self._fault(f"{name!r} is a {known.kind.value}, not true or false", "Compare it with something.")
            elif known:
                self._add([name], "", "", ())
            return 1
        operator = self._token(at + 1)
        if operator == "in":
            return self._member(at, known)
        bound = self._token(at + 2)
        if known:
            self._bound(known, operator, bound)
        if self._operator(at + 3):
            self._fault(f"{bound!r} is compared twice", "Join two comparisons with && or ||.")
        return 3

    def _known(self, name: str) -> Name | None:
        known = self._names.get(name)
        if is_tier(name):
            self._fault(
                f"{name!r} speaks of the account's tier, and no rule may: no tier is exempt from any rule",
                "Remove it; the same request gets the same decision whoever pays.",
            )
        elif known:
            return known
        elif name in {"true", "false"}:
            self._fault(f"{name!r} stands alone", "Use a signal or a fact.")
        elif name.startswith(PREFIX):
            self._fault(f"the threshold {name!r} is compared with nothing", "Put the signal on the left.")
        else:
            close = difflib.get_close_matches(name, self._names, n=1)
            what = f"the function {name!r}" if f"{name} (" in " ".join(self._tokens) else f"the name {name!r}"
            self._fault(
                f"nobody declares {what}",
                f"Did you mean {close[0]!r}?" if close else "`safelight policy show` lists the names there are.",
            )
        return None

    def _bound(self, known: Name, operator: str, bound: str) -> None:
        allowed = {
            Kind.TEXT: _EQUAL,
            Kind.COUNT: _ORDER | _EQUAL,
            Kind.FLAG: frozenset[str](),
        }.get(known.kind, _ORDER)
        if known.kind is Kind.FLAG:
            self._fault(f"{known.name!r} is true or false and needs no comparison", f"Write it bare, or !{known.name}.")
        elif operator not in allowed:
            self._fault(f"{known.name!r} is a {known.kind.value} and has no {operator}", f"Use {sorted(allowed)}.")
        elif bound.startswith(PREFIX):
            self._threshold(known, operator, bound)
        elif known.kind is Kind.TEXT:
            if self._choice(known, bound):
                self._add([known.name, operator, bound], operator, "", (bound[1:-1],))
        elif known.kind is Kind.COUNT and bound.isdecimal():
            self._add([known.name, operator, bound], operator, "", (int(bound),))
        elif known.kind in _NUMBERS and bound[:1].isdecimal():
            self._fault(
                f"{known.name!r} is compared with the bare number {bound}",
                "Give the number a name under [thresholds] and write t_NAME."
                if known.kind is not Kind.COUNT
                else "A count is a whole number.",
            )
        else:
            self._fault(
                f"{known.name!r} is a {known.kind.value} and is compared with {bound}",
                "Compare it with a threshold or a value of its own kind.",
            )

    def _threshold(self, known: Name, operator: str, bound: str) -> None:
        name = bound.removeprefix(PREFIX)
        threshold = self._thresholds.get(name)
        if threshold is None:
            close = difflib.get_close_matches(name, self._thresholds, n=1)
            self._fault(
                f"there is no threshold {name!r}",
                f"Did you mean {PREFIX + close[0]!r}?" if close else "Add it under [thresholds].",
            )
        elif threshold.kind is not known.kind:
            self._fault(
                f"{known.name!r} is a {known.kind.value}, but the threshold {name!r} is a {threshold.kind.value}",
                "Compare it with a threshold of its own kind.",
            )
        else:
            self._add([known.name, operator, bound], operator, name, ())

    def _choice(self, known: Name, literal: str) -> bool:
        if literal[:1] == '"' and literal[1:-1] in known.choices:
            return True
        self._fault(f"{known.name!r} is never {literal}", f"It is one of {', '.join(known.choices)}.")
        return False

    def _member(self, at: int, known: Name | None) -> int:
        """`name in ["a", "b"]`."""
        end = at + 2
        while self._token(end) not in {"]", ""}:
            end += 1
        tokens = self._tokens[at : end + 1]
        literals = [literal for literal in tokens[3:-1] if literal != ","]
        if tokens[2:3] != ["["] or not literals:
            self._fault(f"'in' after {tokens[0]!r} needs a list", 'Write name in ["a", "b"].')
        elif known and known.kind is not Kind.TEXT:
            self._fault(f"{known.name!r} is a {known.kind.value} and has no list of values", "Compare it otherwise.")
        elif known:
            chosen = [literal[1:-1] for literal in literals if self._choice(known, literal)]
            self._add(tokens, "in", "", tuple(chosen))
        return len(tokens)

    def _add(self, tokens: list[str], operator: str, threshold: str, literals: tuple[str | int, ...]) -> None:
        source = write(tokens)
        self.comparisons.append(Comparison(source, tokens[0], operator, threshold, literals, cel.compile(source)))


def _is_name(token: str) -> bool:
    return token[:1].isalpha() or token[:1] == "_"
