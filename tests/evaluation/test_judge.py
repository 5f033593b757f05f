"""A case is judged as the gate judges: turn by turn, with the whole conversation, until one turn is refused."""

import pytest

from safelight.core.category import Category
from safelight.core.request import Role
from safelight.evaluation.cases import Case, CaseTurn, Label
from safelight.evaluation.judge import STAND_IN, one_core, text_detectors
from safelight.signals.model import View
from safelight.wiring import builtin_detectors
from tests.evaluation.twin import BREAKS, WORD, WordDetector, case, judge_with


def passages(view: View) -> list[tuple[str, str, Role | None]]:
    return [(text.passage.where, text.passage.text, text.passage.role) for text in view.texts]


def test_a_case_is_blocked_at_the_first_refused_turn_and_asked_no_further() -> None:
    detector = WordDetector()
    judged = judge_with(detector).judge(case("a hat", f"a {WORD}", "a coat"))
    assert (judged.refused_at, judged.category) == (1, Category.NCII)
    assert judged.reasons == ("undress_person_in_photo",)
    assert len(detector.views) == 2


def test_each_turn_is_asked_with_everything_before_it() -> None:
    detector = WordDetector()
    turns = (
        CaseTurn(Role.SYSTEM, "be kind"),
        CaseTurn(Role.USER, "a hat"),
        CaseTurn(Role.ASSISTANT, ""),
        CaseTurn(Role.USER, "a coat", image=True),
    )
    judged = judge_with(detector).judge(Case("x", turns, image=True))
    assert not judged.is_refused
    assert [answer.turn for answer in judged.answers] == [1, 3]
    assert [view.photos_count for view in detector.views] == [0, 1]
    assert passages(detector.views[1]) == [
        ("turn 1", "be kind", Role.SYSTEM),
        ("turn 2", "a hat", Role.USER),
        ("turn 4", "a coat", Role.USER),
    ]


def test_a_single_prompt_has_the_name_that_the_gate_gives_it() -> None:
    detector = WordDetector()
    judge_with(detector).judge(case("a hat"))
    assert passages(detector.views[0]) == [("prompt", "a hat", Role.USER)]


def test_the_stand_in_is_there_with_a_photo_only() -> None:
    """The word alone is not refused without anybody in view."""
    judge = judge_with(WordDetector())
    with_photo, without = judge.judge(case(f"a {WORD}")), judge.judge(case(f"a {WORD}", image=False))
    assert (with_photo.is_refused, without.is_refused) == (True, False)
    names = {signal.name for signal in with_photo.answers[0].decision.observed.signals}
    assert names == {"text_undress", *STAND_IN}
    assert (with_photo.answers[0].decision.facts.photos, without.answers[0].decision.facts.photos) == (1, 0)


def test_a_broken_detector_refuses_as_unchecked() -> None:
    judged = judge_with(WordDetector()).judge(case(BREAKS, label=Label.ALLOW))
    assert (judged.is_refused, judged.category) == (True, Category.UNCHECKED)
    assert judged.reasons == ("signal_missing",)


def test_a_refusal_says_which_rule_reading_and_understanding_led_to_it() -> None:
    judge = judge_with(WordDetector())
    why = judge.why(judge.judge(case("\u200b".join(WORD))))
    assert (why.rule, why.category, why.understood) == ("ncii_undress_photo", "ncii", "asks for the flower")
    assert why.reading == "plain"


def test_only_what_looks_at_words_is_asked() -> None:
    assert "text_meaning" in [detector.name for detector in text_detectors(builtin_detectors())]
    assert "image_people" not in [detector.name for detector in text_detectors(builtin_detectors())]


def test_one_core_is_given_back() -> None:
    os = pytest.importorskip("os")
    before = os.sched_getaffinity(0)
    with one_core() as alone:
        assert alone
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before
