"""A policy file's text, read into a draft: every key known, every value of its type, each defect with its line.

What the draft means (names, conditions, reach) is left to `load` and `condition`.
"""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from safelight.core.category import Category, Stage
from safelight.core.consent import ConsentState
from safelight.core.signal import SignalKind
from safelight.policy.errors import Defect
from safelight.policy.model import Threshold, WhenMissing

RESERVED_CODES = frozenset({"signal_missing", "signal_invalid", "policy_error"}) | {
    f"consent_{state.value}" for state in ConsentState
}
"""Codes that `decide` gives by itself, so that no rule may."""

PREFIX = "c_"
"""Stands before the name of a condition that several rules share; it is written out when the file is read."""

_Choice = TypeVar("_Choice", bound=StrEnum)
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_CODE = re.compile(r"[a-z_]+")
_HIGHEST: Mapping[SignalKind, float] = {SignalKind.SCORE: 1.0, SignalKind.YEARS: 130.0, SignalKind.COUNT: 10_000}
_POLICY_KEYS = frozenset({"name", "description", "extends", "switched_off", "ignore_missing"})
_THRESHOLD_KEYS = frozenset({"kind", "value", "range", "help"})
_RULE_KEYS = frozenset({"id", "stages", "when", "verdict", "category", "code", "text", "missing", "locked"})


@dataclass(frozen=True, slots=True)
class DraftRule:
    """A rule whose condition has not been read yet."""

    where: str
    id: str
    stages: tuple[Stage, ...]
    when: str
    category: Category
    code: str
    text: str
    missing: WhenMissing = WhenMissing.REFUSE
    locked: bool = False


@dataclass(slots=True)
class Draft:
    """What one file says, as far as it could be read."""

    name: str = ""
    description: str = ""
    extends: str = ""
    switched_off: tuple[str, ...] = ()
    ignore_missing: tuple[str, ...] = ()
    thresholds: dict[str, Threshold] = field(default_factory=dict)
    changed: dict[str, float | int] = field(default_factory=dict)
    """New values for thresholds of the extended policy."""
    rules: list[DraftRule] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    """Where each threshold stands."""
    complete: bool = True
    """Whether every rule of the file could be read, so that what no rule names is truly unused."""


def read_draft(text: str, defects: list[Defect], label: str = "") -> Draft:
    """Read `text`; what is wrong is added to `defects`, with `label` before each place."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        defects.append(Defect(f"{label}file", f"it is not TOML ({error})", "Correct the line that is named."))
        return Draft()
    return _Reader(text, label, defects).read(document)


def threshold_fault(kind: SignalKind, value: object) -> str:
    """Why `value` is no threshold of this kind, or an empty string."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return f"{value!r} is not a number"
    if kind is SignalKind.COUNT and not isinstance(value, int):
        return f"{value!r} is not a whole number, as a count is"
    highest = _HIGHEST[kind]
    return "" if 0 <= value <= highest else f"{value!r} is outside what a {kind.value} can be, 0 to {highest:g}"


def as_kind(kind: SignalKind, value: float) -> float | int:
    """`value` in the type that a condition compares it in."""
    return int(value) if kind is SignalKind.COUNT else float(value)


class _Reader:
    def __init__(self, text: str, label: str, defects: list[Defect]) -> None:
        self._lines = text.splitlines()
        self._label = label
        self._defects = defects
        self._conditions: dict[str, str] = {}
        self._unused: set[str] = set()

    def read(self, document: Mapping[str, object]) -> Draft:
        draft = Draft()
        self._unknown("file", document, frozenset({"policy", "thresholds", "conditions", "rules"}))
        self._policy(draft, self._table(f"{self._label}file", document.get("policy"), "[policy]"))
        thresholds = self._table(f"{self._label}file", document.get("thresholds", {}), "[thresholds]")
        for name, value in thresholds.items():
            self._threshold(draft, name, value)
        conditions = self._table(f"{self._label}file", document.get("conditions", {}), "[conditions]")
        self._conditions = {name: self._text(f"condition {name!r}", conditions, name) for name in conditions}
        self._unused = set(conditions)
        rules = document.get("rules", [])
        if isinstance(rules, list):
            starts = [n for n, line in enumerate(self._lines, 1) if re.match(r"\s*\[\[\s*rules\s*\]\]", line)]
            for index, rule in enumerate(rules):
                line = f"line {starts[index]}: " if index < len(starts) else ""
                self._rule(draft, f"{self._label}{line}rule {index + 1}", f"{self._label}{line}", rule)
            draft.complete = len(draft.rules) == len(rules)
        else:
            self._defect("file", "rules is not a list of tables", "Begin each rule with [[rules]].")
        if not rules and not draft.extends:
            self._defect("file", "there is no rule", "Add [[rules]], or extends = 'default'.")
        for name in sorted(self._unused) if draft.complete else ():
            self._defect(f"condition {name!r}", "no rule names it", f"Remove it, or write {PREFIX}{name} in a rule.")
        return draft

    def _written_out(self, where: str, when: str) -> str:
        """`when` with the conditions that it names in their place."""

        def in_place(match: re.Match[str]) -> str:
            if match[1] not in self._conditions:
                self._defect(where, f"there is no condition {match[1]!r}", "Write it under [conditions].")
                return "false"
            self._unused.discard(match[1])
            return f"({self._conditions[match[1]]})"

        return re.sub(rf"\b{PREFIX}([a-z0-9_]+)\b", in_place, when)

    def _defect(self, where: str, what: str, next_step: str) -> None:
        prefix = "" if where.startswith(self._label) else self._label
        self._defects.append(Defect(prefix + where, what, next_step))

    def _line(self, pattern: str) -> str:
        """`line N: ` of the first line that matches, or nothing."""
        for number, line in enumerate(self._lines, 1):
            if re.match(pattern, line):
                return f"line {number}: "
        return ""

    def _unknown(self, where: str, table: Mapping[str, object], known: frozenset[str]) -> None:
        for key in table:
            if key not in known:
                self._defect(where, f"the key {key!r} is unknown", f"The keys are {', '.join(sorted(known))}.")

    def _table(self, where: str, value: object, what: str) -> Mapping[str, object]:
        if isinstance(value, dict):
            return value
        self._defect(where, f"{what} is missing or no table", f"Add {what}.")
        return {}

    def _text(self, where: str, table: Mapping[str, object], key: str, *, needed: bool = True) -> str:
        value = table.get(key, "")
        if not isinstance(value, str):
            self._defect(where, f"{key} is not a text", "Put it in quotation marks.")
            return ""
        if needed and not value.strip():
            self._defect(where, f"{key} is missing or empty", f"Give {key} a value.")
        return " ".join(value.split())

    def _texts(self, where: str, table: Mapping[str, object], key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self._defect(where, f"{key} is not a list of texts", f'Write {key} = ["…"].')
            return ()
        if len(set(value)) != len(value):
            self._defect(where, f"{key} names something twice", "Name it once.")
        return tuple(value)

    def _choice(self, where: str, key: str, value: str, kind: type[_Choice]) -> _Choice | None:
        try:
            return kind(value)
        except ValueError:
            choices = ", ".join(member.value for member in kind)
            self._defect(where, f"{key} is {value!r}", f"It is one of {choices}.")
            return None

    def _policy(self, draft: Draft, table: Mapping[str, object]) -> None:
        where = self._line(r"\s*\[policy\]") + "[policy]"
        self._unknown(where, table, _POLICY_KEYS)
        draft.name = self._text(where, table, "name")
        draft.description = self._text(where, table, "description")
        draft.extends = self._text(where, table, "extends", needed=False)
        draft.switched_off = self._texts(where, table, "switched_off")
        draft.ignore_missing = self._texts(where, table, "ignore_missing")
        if draft.extends not in {"", "default"}:
            self._defect(where, f"extends names {draft.extends!r}", "Only the policy 'default' can be extended.")
            draft.extends = ""
        if draft.switched_off and not draft.extends:
            self._defect(where, "switched_off has nothing to switch off", "It is for a policy that extends 'default'.")

    def _threshold(self, draft: Draft, name: str, value: object) -> None:
        line = self._line(rf"\s*(thresholds\.)?{re.escape(name)}\s*=")
        where = f"{self._label}{line}threshold {name!r}"
        draft.places[name] = where
        if not _NAME.fullmatch(name):
            self._defect(where, "its name is not made of a-z, 0-9 and _", "Rename it.")
        if isinstance(value, int | float) and not isinstance(value, bool):
            if draft.extends:
                draft.changed[name] = value
            else:
                self._defect(where, "it has a value only", "Write { kind, value, range, help }.")
            return
        table = self._table(where, value, "{ kind, value, range, help }")
        if not table:
            return
        self._unknown(where, table, _THRESHOLD_KEYS)
        help_text = self._text(where, table, "help")
        kind = self._choice(where, "kind", self._text(where, table, "kind"), SignalKind)
        if kind is SignalKind.FLAG:
            self._defect(where, "a flag has no threshold", "Name the flag in the condition.")
        bounds = table.get("range")
        if not isinstance(bounds, list) or len(bounds) != 2:
            self._defect(where, "range is missing or no pair", "Write range = [lowest, highest], for profiles.")
            return
        if kind is None or kind is SignalKind.FLAG:
            return
        numbers = (table.get("value"), *bounds)
        faults = dict.fromkeys(fault for number in numbers if (fault := threshold_fault(kind, number)))
        for fault in faults:
            self._defect(where, fault, "Correct the number.")
        if not faults:
            current, lowest, highest = (as_kind(kind, number) for number in numbers if isinstance(number, int | float))
            if not lowest <= current <= highest:
                self._defect(where, f"its value {current} is outside its range", "Widen the range or move the value.")
            draft.thresholds[name] = Threshold(name, kind, current, lowest, highest, help_text)

    def _rule(self, draft: Draft, where: str, line: str, rule: object) -> None:
        table = self._table(where, rule, "the rule's table")
        if not table:
            return
        before = len(self._defects)
        rule_id = self._text(where, table, "id")
        if rule_id:
            where = f"{line}rule {rule_id!r}"
            if not _NAME.fullmatch(rule_id):
                self._defect(where, "its id is not made of a-z, 0-9 and _", "Rename it.")
        self._unknown(where, table, _RULE_KEYS)
        if table.get("verdict", "refuse") != "refuse":
            self._defect(
                where,
                f"its verdict is {table['verdict']!r}, and a rule only refuses",
                "What no rule refuses is allowed; write an exception into the condition of the rule it is for.",
            )
        names = self._texts(where, table, "stages")
        stages = tuple(stage for name in names if (stage := self._choice(where, "a stage", name, Stage)))
        if not names:
            self._defect(where, "it has no stages", 'Write stages = ["input"], ["output"] or both.')
        category = self._choice(where, "category", self._text(where, table, "category"), Category)
        if category is Category.UNCHECKED:
            self._defect(where, "its category is unchecked, which no rule decides", "Name the harm.")
        code = self._text(where, table, "code")
        if code and (not _CODE.fullmatch(code) or code in RESERVED_CODES):
            self._defect(where, f"the code {code!r} is not made of a-z and _, or is reserved", "Choose another.")
        text, when = self._text(where, table, "text"), self._written_out(where, self._text(where, table, "when"))
        missing = self._choice(where, "missing", str(table.get("missing", "refuse")), WhenMissing)
        locked = table.get("locked", False)
        if not isinstance(locked, bool):
            self._defect(where, "locked is not true or false", "Write locked = true.")
        if len(self._defects) == before and category and missing:
            draft.rules.append(
                DraftRule(where, rule_id, stages, when, category, code, text, missing, locked=bool(locked))
            )
