"""Each figure follows from the leaves by its definition, for any period, and a published one that does not is named."""

from dataclasses import dataclass

import pytest

from safelight.ledger.proofs.errors import Malformed
from safelight.ledger.proofs.figures import DEFINITIONS, Figures, Period, differences
from safelight.ledger.proofs.leaf import Leaf, LeafKind, PublicValue

DAY = Period.of_days("2026-11-22", "2026-11-23")


@dataclass
class Story:
    """Leaves of gate processes, by the clock of one day."""

    figures: Figures

    def tell(self, kind: LeafKind, at: str, process: str = "a", /, **public: PublicValue) -> None:
        moment = at if "T" in at else f"2026-11-22T{at}.000000Z"
        self.figures.add(Leaf(kind.value, moment, process * 16, 0, public))

    def run(self, begin: str, end: str, process: str = "a", beat_s: int = 7200) -> None:
        self.tell(LeafKind.PROCESS_START, begin, process, heartbeat_s=beat_s, policy="sha256:aa")
        self.tell(LeafKind.PROCESS_END, end, process)


@pytest.fixture
def story() -> Story:
    return Story(Figures(DAY))


def test_every_figure_has_a_definition_and_every_definition_a_figure(story: Story) -> None:
    assert story.figures.to_json().keys() == DEFINITIONS.keys()


def test_requests_and_refusals_are_counted_once(story: Story) -> None:
    allow: dict[str, PublicValue] = {"stage": "input", "verdict": "allow", "category": None, "missing": []}
    story.tell(LeafKind.DECISION, "10:00:00", **allow)
    story.tell(LeafKind.DECISION, "10:00:01", **allow | {"stage": "output", "verdict": "refuse", "category": "ncii"})
    story.tell(
        LeafKind.DECISION,
        "11:00:00",
        **allow | {"verdict": "refuse", "category": "unchecked", "missing": ["one:late", "two:broken"]},
    )
    story.tell(LeafKind.DECISION, "2026-11-21T23:59:59.999999Z", **allow)
    story.tell(LeafKind.DECISION, "2026-11-23T00:00:00.000000Z", **allow)
    found = story.figures.to_json()
    assert (found["requests"], found["refused"]) == (2, 2)
    assert found["requests_by_day"] == {"2026-11-22": 2}
    assert found["refused_by_category"] == {"ncii": 1, "unchecked": 1}
    assert found["refused_by_stage"] == {"input": 1, "output": 1}
    assert found["missing"] == {"one:late": 1, "two:broken": 1}
    assert found["kinds"] == {"decision": 3}


def test_downtime_is_summed_and_cut_at_the_period_and_at_silence(story: Story) -> None:
    story.tell(LeafKind.PROCESS_START, "2026-11-21T23:00:00.000000Z", heartbeat_s=86400, policy="sha256:aa")
    story.tell(LeafKind.OUTAGE_START, "2026-11-21T23:30:00.000000Z", part="one")
    story.tell(LeafKind.OUTAGE_END, "00:10:00", part="one")
    story.tell(LeafKind.OUTAGE_START, "10:00:00", part="two")
    story.tell(LeafKind.OUTAGE_START, "10:05:00", part="two")  # said twice, begun once
    story.tell(LeafKind.OUTAGE_END, "10:20:00", part="two")
    story.tell(LeafKind.OUTAGE_END, "10:30:00", part="never_began")
    story.tell(LeafKind.OUTAGE_START, "11:00:00", part="three")
    story.tell(LeafKind.PROCESS_END, "12:00:00")
    assert story.figures.to_json()["downtime_s"] == {"one": 600.0, "three": 3600.0, "two": 1200.0}


def test_the_time_without_a_gate_is_what_no_process_covers(story: Story) -> None:
    story.run("01:00:00", "03:00:00")
    story.run("02:00:00", "04:00:00", "b")
    story.run("06:00:00", "07:00:00", "c")
    assert story.figures.to_json()["dark_s"] == 2 * 3600


def test_a_silence_is_dark_and_a_command_is_no_gate(story: Story) -> None:
    story.tell(LeafKind.PROCESS_START, "01:00:00", heartbeat_s=30, policy="sha256:aa")
    story.tell(LeafKind.HEARTBEAT, "01:01:00")
    story.tell(LeafKind.PROCESS_START, "01:30:00", "b", heartbeat_s=30, policy=None)
    story.tell(LeafKind.PROCESS_END, "01:31:00", "b")
    story.tell(LeafKind.HEARTBEAT, "02:01:00")
    assert story.figures.to_json()["dark_s"] == 3600


def test_before_the_first_gate_nothing_is_dark(story: Story) -> None:
    story.tell(LeafKind.PROCESS_START, "01:00:00", "doctor", heartbeat_s=30, policy=None)
    story.tell(LeafKind.PROCESS_END, "01:01:00", "doctor")
    story.run("05:00:00", "06:00:00")
    story.tell(LeafKind.PROCESS_START, "07:00:00", "b", heartbeat_s=30, policy="sha256:aa")
    assert story.figures.to_json()["dark_s"] == 3600


def test_takedowns_reviews_appeals_and_referrals(story: Story) -> None:
    for after_s in (60, 3600 * 30, 3600 * 60):
        story.tell(LeafKind.TAKEDOWN, "10:00:00", outcome="removed", after_s=after_s)
    story.tell(LeafKind.TAKEDOWN, "10:00:00", outcome="hidden", after_s=10)
    story.tell(LeafKind.TAKEDOWN, "10:00:00", outcome="confirmed", after_s=3600 * 47)
    story.tell(LeafKind.REPORT, "09:00:00", ground="ncii")
    story.tell(LeafKind.REVIEW, "12:00:00", outcome="reversed")
    story.tell(LeafKind.APPEAL, "12:00:00", about="refusal", outcome="received")
    story.tell(LeafKind.REFERRAL, "12:00:00", authority="ncmec", outcome="filed")
    found = story.figures.to_json()
    assert found["takedowns"] == {"confirmed": 1, "hidden": 1, "removed": 3}
    assert found["gone_s"]["median"] == 3600 * 47
    assert found["takedown_s"] == {
        "count": 3,
        "median": 3600 * 30,
        "longest": 3600 * 60,
        "within_24h": 1,
        "within_48h": 2,
    }
    assert (found["reports"], found["reviews"]) == ({"ncii": 1}, {"reversed": 1})
    assert (found["appeals"], found["referrals"]) == ({"refusal/received": 1}, {"ncmec/filed": 1})


def test_a_log_without_a_leaf_has_figures_of_nothing(story: Story) -> None:
    found = story.figures.to_json()
    assert (found["requests"], found["dark_s"], found["takedown_s"]["median"]) == (0, 0.0, None)


def test_a_difference_is_named_by_its_path(story: Story) -> None:
    found = story.figures.to_json()
    assert differences(found, found) == []
    assert differences(found | {"requests": 3, "missing": {"one:late": 2}}, found) == [
        ("missing/one:late", 2, 0),
        ("requests", 3, 0),
    ]


@pytest.mark.parametrize(
    "days", [("2026-11-23", "2026-11-22"), ("2026-11-22", "2026-11-22"), ("yesterday", "2026-11-22"), ("", "")]
)
def test_a_period_that_is_none_is_malformed(days: tuple[str, str]) -> None:
    with pytest.raises(Malformed):
        Period.of_days(*days)


def test_a_moment_that_no_calendar_has_is_malformed(story: Story) -> None:
    story.tell(LeafKind.PROCESS_START, "10:00:00", heartbeat_s=30, policy="sha256:aa")
    with pytest.raises(Malformed):
        story.tell(LeafKind.HEARTBEAT, "2026-02-30T10:00:00.000000Z")
