"""From text to a Policy that means what it says, or to every defect at once.

    1 read      the file, and the default rules that it extends          (document)
    2 merge     a profile's thresholds and switched-off rules, within what the default allows
    3 check     every condition by itself: names, types, stages          (condition)
    4 reach     rules that never fire, always fire, or never decide      (reach)
    5 name      the canonical text and its hash, the policy's version

A profile cannot switch a locked rule off, nor set a threshold outside its range: the floors hold for every operator.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files

from safelight.core.canonical import canonical_json, digest
from safelight.core.category import Stage
from safelight.core.signal import SignalSpec, Vocabulary
from safelight.policy.condition import Bound, read_condition
from safelight.policy.document import Draft, DraftRule, as_kind, read_draft, threshold_fault
from safelight.policy.environment import Kind, Name, known_names
from safelight.policy.errors import Defect, PolicyDefective
from safelight.policy.model import Policy, Rule, policy_json
from safelight.policy.reach import can_fire, can_stay_silent

PROFILES = ("general", "adult_platform", "fashion_retail", "children", "newsroom")
"""The packaged profiles; `general` is the default policy under its own name."""


def default_policy_text() -> str:
    """The packaged default policy."""
    return _packaged("default.toml")


def profile_text(name: str) -> str:
    """The text of one of `PROFILES`. Raises KeyError for another name."""
    if name not in PROFILES:
        raise KeyError(name)
    return _packaged(f"profiles/{name}.toml")


def _packaged(path: str) -> str:
    return files("safelight.policy").joinpath(path).read_text("utf-8")


def load_policy(text: str, vocabulary: Vocabulary) -> Policy:
    """Read a policy written in TOML, for detectors that emit `vocabulary`.

    Raises PolicyDefective (a PolicyInvalid) with every defect found.
    """
    defects: list[Defect] = []
    draft = read_draft(text, defects)
    if draft.extends:
        draft = _merge(read_draft(default_policy_text(), defects, "default.toml, "), draft, defects)
    rules = _rules(draft, vocabulary, defects)
    _check_thresholds(draft, defects)
    _check_missing(draft, vocabulary, rules, defects)
    _check_reach(draft, vocabulary, rules, defects)
    if defects:
        raise PolicyDefective(defects)
    return named(draft, [rule for _, rule in rules], vocabulary)


def named(draft: Draft, rules: list[Rule], vocabulary: Vocabulary) -> Policy:
    """The policy of checked parts, with only the thresholds and signals that its rules name, and its version.

    Thresholds stay in the order of the file, in which each one's help may speak of the one before.
    """
    used = {name for rule in rules for name in rule.when.thresholds}
    signals = dict.fromkeys(name for rule in rules for name in rule.when.names if name in vocabulary.specs)
    policy = Policy(
        name=draft.name,
        description=draft.description,
        extends=draft.extends,
        thresholds={name: threshold for name, threshold in draft.thresholds.items() if name in used},
        rules=tuple(rules),
        switched_off=draft.switched_off,
        ignore_missing=draft.ignore_missing,
        vocabulary=Vocabulary({name: _typed(vocabulary.specs[name]) for name in signals}),
        version="",
        canonical_text="",
    )
    content = policy_json(policy)
    return replace(policy, version=digest(content), canonical_text=canonical_json(content).decode())


def _typed(spec: SignalSpec) -> SignalSpec:
    """`spec` with its `absent` value in the type of its kind: JSON writes 120.0 and 120 alike."""
    return spec if isinstance(spec.absent, bool) else replace(spec, absent=as_kind(spec.kind, spec.absent))


def _merge(base: Draft, own: Draft, defects: list[Defect]) -> Draft:
    """`base` as changed by the profile `own`; its own rules come after all of the base."""
    thresholds = dict(base.thresholds)
    for name, value in own.changed.items():
        where, known = own.places[name], base.thresholds.get(name)
        if known is None:
            defects.append(Defect(where, "the extended policy has no such threshold", "`safelight policy show`."))
        elif fault := threshold_fault(known.kind, value):
            defects.append(Defect(where, fault, "Correct the number."))
        elif not known.lowest <= value <= known.highest:
            allowed = f"{known.lowest:g} to {known.highest:g}"
            defects.append(Defect(where, f"{value:g} is outside what a profile may set, {allowed}", "Move it inside."))
        else:
            thresholds[name] = replace(known, value=as_kind(known.kind, value))
    for name, threshold in own.thresholds.items():
        if name in base.thresholds:
            defects.append(Defect(own.places[name], "the extended policy has it already", f"Write {name} = NUMBER."))
        thresholds.setdefault(name, threshold)
    for rule_id in own.switched_off:
        rule = next((rule for rule in base.rules if rule.id == rule_id), None)
        if rule is None:
            defects.append(Defect("[policy]", f"switched_off names no rule: {rule_id!r}", "`safelight policy show`."))
        elif rule.locked:
            defects.append(
                Defect("[policy]", f"the rule {rule_id!r} is locked: no profile may switch it off", "Remove it.")
            )
    return Draft(
        own.name,
        own.description,
        own.extends,
        own.switched_off,
        own.ignore_missing,
        thresholds,
        {},
        [*base.rules, *own.rules],
        {**base.places, **own.places},
        complete=base.complete and own.complete,
    )


def _rules(draft: Draft, vocabulary: Vocabulary, defects: list[Defect]) -> list[tuple[DraftRule, Rule]]:
    """The rules whose conditions hold, switched-off ones left out."""
    names, seen = known_names(vocabulary), set[str]()
    bounds = {t.name: Bound(Kind(t.kind.value), t.value) for t in draft.thresholds.values()}
    found: list[tuple[DraftRule, Rule]] = []
    for drafted in draft.rules:
        if drafted.id in seen:
            defects.append(Defect(drafted.where, "its id is taken by an earlier rule", "Give it another id."))
        seen.add(drafted.id)
        rule = _rule(drafted, names, bounds, defects)
        if rule and rule.id not in draft.switched_off:
            found.append((drafted, rule))
    return found


def _rule(
    drafted: DraftRule, names: Mapping[str, Name], bounds: Mapping[str, Bound], defects: list[Defect]
) -> Rule | None:
    when, faults = read_condition(drafted.when, names, bounds)
    defects.extend(Defect(drafted.where, fault.what, fault.next_step) for fault in faults)
    if when is None:
        return None
    early = [name for name in when.names if name.startswith("output_") and Stage.INPUT in drafted.stages]
    for name in early:
        what = f"it names {name!r} at the stage input, where nothing has come back yet"
        defects.append(Defect(drafted.where, what, 'Write stages = ["output"].'))
    if early:
        return None
    return Rule(
        drafted.id,
        drafted.stages,
        when,
        drafted.category,
        drafted.code,
        drafted.text,
        drafted.missing,
        drafted.locked,
    )


def _check_thresholds(draft: Draft, defects: list[Defect]) -> None:
    if not draft.complete:
        return
    used = {name for rule in draft.rules for name in re.findall(r"\bt_(\w+)", rule.when)}
    for name in draft.thresholds:
        if name not in used:
            defects.append(Defect(draft.places[name], "no rule names it", "Remove it, or use it."))


def _check_missing(
    draft: Draft, vocabulary: Vocabulary, rules: list[tuple[DraftRule, Rule]], defects: list[Defect]
) -> None:
    for name in draft.ignore_missing:
        if name not in vocabulary.specs:
            defects.append(Defect("[policy]", f"ignore_missing names no signal: {name!r}", "Correct the name."))
        elif user := next((rule for _, rule in rules if name in rule.when.names), None):
            what = f"ignore_missing names {name!r}, which the rule {user.id!r} rests on"
            defects.append(Defect("[policy]", what, "Say it there with missing = 'ignore', or remove it here."))


def _check_reach(
    draft: Draft, vocabulary: Vocabulary, rules: list[tuple[DraftRule, Rule]], defects: list[Defect]
) -> None:
    names, values = known_names(vocabulary), {name: t.value for name, t in draft.thresholds.items()}
    earlier: list[Rule] = []
    for drafted, rule in rules:
        fires = can_fire(rule.when, names, values, rule.stages)
        silent = can_stay_silent(rule.when, names, values, rule.stages)
        if fires is None or silent is None:
            defects.append(Defect(drafted.where, "it has too many cases to be checked", "Split it into several rules."))
        elif not fires:
            defects.append(Defect(drafted.where, "its condition is never true", "Correct or remove it."))
        elif not silent:
            defects.append(Defect(drafted.where, "its condition is always true", "It would refuse every request."))
        elif shadow := _shadow(rule, earlier, names, values):
            what = f"it never decides: wherever it fires, {shadow} has fired before it"
            defects.append(Defect(drafted.where, what, "Move it up, narrow the other rule, or remove it."))
        earlier.append(rule)


def _shadow(rule: Rule, earlier: list[Rule], names: Mapping[str, Name], values: Mapping[str, float | int]) -> str:
    """The earlier rules that leave `rule` nothing to decide, one for each of its stages; empty when one is free."""
    found: dict[str, None] = {}
    for stage in rule.stages:
        covering = next(
            (
                other.id
                for other in earlier
                if stage in other.stages
                and not set(other.when.names).isdisjoint(rule.when.names)
                and can_fire(rule.when, names, values, (stage,), unless=other.when) is False
            ),
            None,
        )
        if covering is None:
            return ""
        found[repr(covering)] = None
    return " and ".join(found)
