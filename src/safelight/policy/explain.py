"""Why: for the person who asked, in plain words; for the operator, each rule's signals beside their thresholds.

A person is told what was understood, which rule spoke, and what to do if it is wrong; never a score, and never a
quotation of what they wrote. Everything here is computed again from the decision's own record and its policy.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import cel

from safelight.core.canonical import Json
from safelight.core.category import Category, Verdict
from safelight.core.decision import Decision
from safelight.core.signal import Combine, Signal
from safelight.policy.decide import NO_RECORD
from safelight.policy.environment import FACT_HELP
from safelight.policy.model import Policy, Rule, WhenMissing
from safelight.policy.values import Value, Values, holds, is_valid, values_of

HARMS: Mapping[Category, str] = {
    Category.CSAM: "content that sexualises a child",
    Category.NCII: "an intimate image of a real person who has not agreed",
    Category.KNOWN_ILLEGAL: "an image that has been found illegal before",
    Category.SEXUAL_ADULT: "sexual content",
    Category.CYBERFLASHING: "an intimate image sent to someone who did not ask for it",
    Category.DECEPTIVE_PUBLIC_FIGURE: "a deceptive picture of a public figure",
    Category.RIGHTS_RESERVED: "a photo that AI may not use",
    Category.UNCHECKED: "nothing that you did: a safety check could not be made",
}
"""Each category, as it ends the sentence "This was refused because of …"."""

_SPOKEN = {"&&": "and", "||": "or", "!": "not ", ">=": "≥", "<=": "≤", "==": "is", "!=": "is not"}


@dataclass(frozen=True, slots=True)
class Measure:
    """One comparison of a rule, as it came out."""

    comparison: str
    """As the policy writes it."""
    value: Value | None
    """What was observed, or None where it could not be."""
    bound: float | int | None
    """The threshold's value; None where the comparison has none."""
    true: bool | None
    help: str
    source: str = ""
    """The detector of the observation that decided; empty for facts and for what was not observed."""
    where: str = ""
    understood: str = ""
    reading: str = ""

    def to_json(self) -> dict[str, Json]:
        """By field name."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class RuleAccount:
    """One rule of the stage, with what it saw."""

    rule: str
    category: Category
    code: str
    fired: bool
    condition: str
    """In words, thresholds as numbers."""
    measures: tuple[Measure, ...]

    def to_json(self) -> dict[str, Json]:
        """By field name."""
        return {
            "rule": self.rule,
            "category": self.category.value,
            "code": self.code,
            "fired": self.fired,
            "condition": self.condition,
            "measures": [measure.to_json() for measure in self.measures],
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """One decision, told twice."""

    headline: str
    person: str
    """For the person who asked: several sentences, no scores."""
    understood: tuple[str, ...]
    """What the detectors took the request to mean, where it led to a refusal."""
    operator: tuple[RuleAccount, ...]
    """Every rule of the stage in the order of priority, fired or not."""

    def to_json(self) -> dict[str, Json]:
        """By field name."""
        return {
            "headline": self.headline,
            "person": self.person,
            "understood": list(self.understood),
            "operator": [account.to_json() for account in self.operator],
        }


def explain(decision: Decision, policy: Policy) -> Explanation:
    """Tell why `decision` came out as it did.

    Raises ValueError when `policy` is not the version that decided; restore that one from the policy history.
    """
    person = explain_to_person(decision, policy)
    return Explanation(_headline(decision), person, _understood(decision, policy), _accounts(decision, policy))


def explain_to_person(decision: Decision, policy: Policy) -> str:
    """What `explain` has for the person who asked, without the account of every rule, which takes far longer.

    Raises ValueError as `explain` does.
    """
    if decision.policy_version != policy.version:
        raise ValueError(f"decided by policy {decision.policy_version}, not {policy.version}: restore that one first")
    return _person(decision, _headline(decision), _understood(decision, policy))


def in_words(rule: Rule, policy: Policy) -> str:
    """The rule's condition with numbers for thresholds and words for signs."""

    def spoken(match: re.Match[str]) -> str:
        threshold = policy.thresholds.get(match.group().removeprefix("t_"))
        if match.group().startswith("t_") and threshold:
            return f"{threshold.value:g}"
        return _SPOKEN.get(match.group(), match.group())

    return re.sub(r"\w+|&&|\|\||[!=<>]=|!", spoken, rule.when.source)


def describe(policy: Policy) -> dict[str, Json]:
    """The whole policy for `safelight policy show`: thresholds with who uses them, rules in words, names with help."""
    return {
        "name": policy.name,
        "description": policy.description,
        "extends": policy.extends,
        "version": policy.version,
        "switched_off": list(policy.switched_off),
        "ignore_missing": list(policy.ignore_missing),
        "thresholds": [
            {
                "name": threshold.name,
                "kind": threshold.kind.value,
                "value": threshold.value,
                "range": [threshold.lowest, threshold.highest],
                "help": threshold.help,
                "rules": [rule.id for rule in policy.rules if threshold.name in rule.when.thresholds],
            }
            for threshold in policy.thresholds.values()
        ],
        "rules": [describe_rule(rule, policy) for rule in policy.rules],
    }


def describe_rule(rule: Rule, policy: Policy) -> dict[str, Json]:
    """One rule for `safelight policy explain`, with the meaning of each name in it."""
    meaning = "refused as unchecked" if rule.missing is WhenMissing.REFUSE else "the rule goes on without it"
    return {
        "id": rule.id,
        "stages": [stage.value for stage in rule.stages],
        "verdict": rule.verdict.value,
        "category": rule.category.value,
        "code": rule.code,
        "locked": rule.locked,
        "when": rule.when.source,
        "condition": in_words(rule, policy),
        "text": rule.text,
        "missing": rule.missing.value,
        "if_missing": meaning if policy.signals_of(rule) else "it rests on facts only",
        "names": {name: _help(name, policy) for name in rule.when.names},
    }


def _help(name: str, policy: Policy) -> str:
    spec = policy.vocabulary.specs.get(name)
    return spec.help if spec else FACT_HELP.get(name, "")


def _headline(decision: Decision) -> str:
    if decision.verdict is Verdict.ALLOW:
        return "Allowed: no rule speaks against it."
    if decision.category is Category.UNCHECKED:
        return "Not done: a safety check could not be made. This is not about what you asked."
    harm = HARMS[decision.category] if decision.category else "a rule of this service"
    return f"Refused because of {harm}."


def _person(decision: Decision, headline: str, understood: tuple[str, ...]) -> str:
    if decision.verdict is Verdict.ALLOW:
        return headline
    # The first reason gives the category; the others say much the same again, and are told to the operator.
    sentences = [headline, decision.reasons[0].text]
    if understood:
        sentences.append(f"What was understood: {'; '.join(understood)}.")
    # … but not the remark that a consent record did not count, which whoever named it can mend.
    sentences += [reason.text for reason in decision.reasons[1:] if reason.rule == NO_RECORD]
    if decision.category is Category.UNCHECKED:
        sentences.append(f"If it goes on, tell the operator this number: {decision.id}.")
    else:
        sentences.append(f"To have this looked at by a person, quote the decision's number: {decision.id}.")
    return " ".join(sentences)


def _understood(decision: Decision, policy: Policy) -> tuple[str, ...]:
    """What was understood by the observations that the first reason rested on."""
    if decision.verdict is Verdict.ALLOW or decision.category is Category.UNCHECKED:
        return ()
    deciding = (_worst(name, decision, policy) for name in decision.reasons[0].signals)
    return tuple(dict.fromkeys(signal.understood for signal in deciding if signal and signal.understood))


def _worst(name: str, decision: Decision, policy: Policy) -> Signal | None:
    """The observation of `name` that stood for the request."""
    spec = policy.vocabulary.specs.get(name)
    found = [s for s in decision.observed.signals if spec and s.name == name and is_valid(spec, s.value)]
    if spec is None or not found:
        return None
    pick = max if spec.combine is Combine.MAX else min
    return pick(found, key=lambda signal: signal.value)


def _accounts(decision: Decision, policy: Policy) -> tuple[RuleAccount, ...]:
    values = values_of(policy, decision.facts, decision.observed)
    fired = {reason.rule for reason in decision.reasons if decision.category is not Category.UNCHECKED}
    return tuple(
        RuleAccount(
            rule=rule.id,
            category=rule.category,
            code=rule.code,
            fired=rule.id in fired,
            condition=in_words(rule, policy),
            measures=_measures(rule, decision, policy, values),
        )
        for rule in policy.rules_at(decision.stage)
    )


def _measures(rule: Rule, decision: Decision, policy: Policy, values: Values) -> tuple[Measure, ...]:
    seen = values.assumed if rule.missing is WhenMissing.IGNORE else values.known
    context = cel.Context(variables=dict(seen))
    found: list[Measure] = []
    for part in rule.when.comparisons:
        signal = _worst(part.name, decision, policy)
        threshold = policy.thresholds.get(part.threshold)
        found.append(
            Measure(
                comparison=part.source,
                value=seen.get(part.name),
                bound=threshold.value if threshold else None,
                true=holds(part.program, context),
                help=_help(part.name, policy),
                source=signal.source if signal else "",
                where=signal.where if signal else "",
                understood=signal.understood if signal else "",
                reading=signal.reading if signal else "",
            )
        )
    return tuple(found)
