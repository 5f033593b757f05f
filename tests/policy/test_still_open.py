"""What was not asked because it could change nothing changes nothing, whatever it would have said."""

from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.core.category import Stage
from safelight.core.signal import Observed, Signal, SignalSpec, SignalValue
from safelight.policy.decide import decide, still_open
from safelight.policy.load import PROFILES, load_policy, profile_text
from tests.policy.words import NOW, VOCABULARY, facts

POLICIES = [load_policy(profile_text(name), VOCABULARY) for name in PROFILES]
NAMES = sorted(VOCABULARY.specs)


def value_of(spec: SignalSpec) -> st.SearchStrategy[SignalValue]:
    """Any value of the kind, often one near a threshold."""
    near = st.sampled_from([0.0, 0.2, 0.3, 0.45, 0.5, 0.6, 0.85, 0.9, 1.0])
    match spec.kind.value:
        case "score":
            return near | st.floats(0, 1)
        case "years":
            return st.sampled_from([10.0, 24.9, 25.0, 40.0, 120.0]) | st.floats(0, 120)
        case "count":
            return st.integers(0, 3)
        case _:
            return st.booleans()


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_signal_that_is_not_open_changes_neither_verdict_nor_reasons(data: st.DataObject) -> None:
    policy = data.draw(st.sampled_from(POLICIES))
    at = facts(Stage.OUTPUT, photos=data.draw(st.integers(0, 1)))
    values = {name: data.draw(value_of(VOCABULARY.specs[name]), label=name) for name in NAMES}
    unasked = frozenset(data.draw(st.sets(st.sampled_from([n for n in NAMES if n.startswith("output_")]))))
    signals = {name: Signal(name, value, "test@1", "output 1") for name, value in values.items()}
    first = Observed(tuple(signal for name, signal in signals.items() if name not in unasked))
    matter = still_open(policy, at, first, unasked)
    assert matter <= unasked
    lazy = Observed(tuple(signal for name, signal in signals.items() if name not in unasked - matter))
    whole = Observed(tuple(signals.values()))
    told = [
        decide(policy, decision_id="dec_1", request_id="req_1", facts=at, observed=observed, now=NOW)
        for observed in (lazy, whole)
    ]
    assert told[0].verdict is told[1].verdict
    assert told[0].category is told[1].category
    assert [(r.code, r.rule) for r in told[0].reasons] == [(r.code, r.rule) for r in told[1].reasons]


def test_a_clean_output_without_a_photo_needs_no_second_look() -> None:
    """The common case, and the reason for asking in rounds."""
    known = [name for name in NAMES if name.startswith("output_known_")]
    seen = [Signal(name, False, "test@1", "output 1") for name in known]
    clean = Observed((Signal("output_nudity_one", 0.02, "test@1", "output 1"), *seen))
    unasked = frozenset(name for name in NAMES if name.startswith("output_")) - {"output_nudity_one", *known}
    assert still_open(POLICIES[0], facts(Stage.OUTPUT), clean, unasked) == frozenset()
