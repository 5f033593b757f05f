"""The decision: a pure, total function of a policy, the facts, what was observed, and a time that is only recorded.

Rules of this module
- Every rule of the stage is evaluated; those that fire are the reasons, and the first of them gives the category.
- Allowed is only what no rule refuses and where nothing was lacking. There is no rule that allows.
- A signal that could not be observed is unknown to CEL: a rule fires only where it fires whatever the signal is.
- Where no rule fires, a missing signal refuses as UNCHECKED, unless each rule that names it says `ignore`; one that no
  rule names refuses too, unless the policy lists it in `ignore_missing`.
- Where consent records did not count, a refusal says so and why; that is a remark, and decides nothing.
- A condition that cannot be evaluated refuses as UNCHECKED. Nothing here raises.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

import cel

from safelight.core.category import Category, Stage, Verdict
from safelight.core.consent import ConsentState
from safelight.core.decision import Decision, Reason
from safelight.core.facts import Facts
from safelight.core.signal import Missing, Observed
from safelight.policy.model import Policy, Rule, WhenMissing
from safelight.policy.values import Values, holds, values_of

NO_RECORD = "consent"
"""Stands for the rule in the remark that consent records did not count."""
CONSENT_TEXTS: Mapping[ConsentState, str] = {
    ConsentState.UNKNOWN: "A consent record that this request names is not known here; look at its id.",
    ConsentState.TAMPERED: "A consent record that this request names is not what was signed; please tell the operator.",
    ConsentState.REVOKED: "A consent record that this request names was withdrawn, so it no longer counts.",
    ConsentState.ISSUED: "A consent record that this request names is not in force yet; look at its first day.",
    ConsentState.EXPIRED: "A consent record that this request names has ended; ask the person for a new one.",
    ConsentState.OTHER_ACCOUNT: "A consent record that this request names is for other accounts than this one.",
    ConsentState.OTHER_PHOTO: "The consent records that this request names do not cover exactly its photos.",
}
"""What a refusal adds where records were named and did not count."""
NO_RULE = "missing"
"""Stands for the rule where none names the signal that is lacking: the default is to refuse."""


def decide(
    policy: Policy, *, decision_id: str, request_id: str, facts: Facts, observed: Observed, now: datetime
) -> Decision:
    """Decide on one stage of one request. `observed` joins all stages so far; the same inputs give the same bytes."""
    values = values_of(policy, facts, observed)
    fired, failed = _evaluate(policy, facts.stage, values)
    reasons = [*(reason for _, reason in fired), *failed]
    category = fired[0][0].category if fired else None
    if not fired:
        reasons += [*_missing(policy, facts.stage, observed), *_invalid(policy, facts.stage, values)]
        category = Category.UNCHECKED if reasons else None
    if reasons and facts.consent in CONSENT_TEXTS:
        reasons.append(Reason(f"consent_{facts.consent.value}", NO_RECORD, CONSENT_TEXTS[facts.consent]))
    return Decision(
        id=decision_id,
        request_id=request_id,
        stage=facts.stage,
        verdict=Verdict.REFUSE if reasons else Verdict.ALLOW,
        category=category,
        reasons=tuple(reasons),
        policy_version=policy.version,
        at=now,
        facts=facts,
        observed=observed,
    )


def still_open(policy: Policy, facts: Facts, observed: Observed, unasked: frozenset[str]) -> frozenset[str]:
    """Which of `unasked`, signals that nobody has looked for yet, could still change the decision.

    Each rule of the stage is evaluated with those signals unknown. A rule that CEL settles all the same is settled
    whatever they are, so a decision without the signals that are not returned has the same verdict and reasons.
    """
    values = values_of(policy, facts, observed)
    # A name that was seen before is unknown all the same: its detector may see worse in what it has not looked at.
    context = cel.Context(variables={name: value for name, value in values.known.items() if name not in unasked})
    unsettled = (rule for rule in policy.rules_at(facts.stage) if holds(rule.when.program, context) is None)
    return frozenset(name for rule in unsettled for name in rule.when.names) & unasked


def _evaluate(policy: Policy, stage: Stage, values: Values) -> tuple[list[tuple[Rule, Reason]], list[Reason]]:
    """The rules that fire with their reasons, and a reason for each that could not be evaluated."""
    known = cel.Context(variables=dict(values.known))
    assumed = known if values.known is values.assumed else cel.Context(variables=dict(values.assumed))
    fired: list[tuple[Rule, Reason]] = []
    failed: list[Reason] = []
    for rule in policy.rules_at(stage):
        ignores = rule.missing is WhenMissing.IGNORE
        context = assumed if ignores else known
        answer = holds(rule.when.program, context)
        if answer:
            fired.append((rule, Reason(rule.code, rule.id, rule.text, _rested_on(policy, rule, context))))
        elif answer is None and (ignores or values.lacking.isdisjoint(rule.when.names)):
            failed.append(_error(policy, rule))
    return fired, failed


def _rested_on(policy: Policy, rule: Rule, context: cel.Context) -> tuple[str, ...]:
    """The rule's signals in a comparison that is true; all of them where none is (the rule speaks of an absence)."""
    signals = policy.signals_of(rule)
    true = {part.name for part in rule.when.comparisons if holds(part.program, context)}
    return tuple(name for name in signals if name in true) or signals


def _missing(policy: Policy, stage: Stage, observed: Observed) -> Iterator[Reason]:
    """A reason for each detector whose silence the policy does not excuse."""
    for missing in observed.missing:
        users = [rule for rule in policy.rules_at(stage) if not set(missing.signals).isdisjoint(rule.when.names)]
        if not _excused(policy, missing, users):
            refusing = next((rule.id for rule in users if rule.missing is WhenMissing.REFUSE), NO_RULE)
            text = (
                f"A part of the safety check, {missing.source}, could not be made ({missing.reason.value}); this is "
                "not about your request, so please try again in a moment."
            )
            yield Reason("signal_missing", refusing, text, missing.signals)


def _excused(policy: Policy, missing: Missing, users: list[Rule]) -> bool:
    """Whether every signal that the detector owed is one that the policy can do without."""
    if any(rule.missing is WhenMissing.REFUSE for rule in users):
        return False
    covered = {name for rule in users for name in rule.when.names} | set(policy.ignore_missing)
    return bool(missing.signals) and covered.issuperset(missing.signals)


def _invalid(policy: Policy, stage: Stage, values: Values) -> Iterator[Reason]:
    """A reason for each detector that answered what its signal cannot be."""
    for name, source in dict.fromkeys((signal.name, signal.source) for signal in values.invalid):
        rule = next((rule.id for rule in policy.rules_at(stage) if name in rule.when.names), NO_RULE)
        text = f"A part of the safety check, {source}, gave an answer that cannot be; please tell the operator."
        yield Reason("signal_invalid", rule, text, (name,))


def _error(policy: Policy, rule: Rule) -> Reason:
    text = f"The safety rule {rule.id} could not be evaluated; please tell the operator."
    return Reason("policy_error", rule.id, text, policy.signals_of(rule))
