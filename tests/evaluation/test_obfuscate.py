"""Under every disguise: does the verdict stay, and is what was not changed left out of the count?"""

from safelight.core.request import Role
from safelight.evaluation.cases import Case, CaseTurn, Label
from safelight.evaluation.obfuscate import disguised, disguises, invariance, is_latin
from safelight.evaluation.tally import Share
from safelight.evaluation.transforms import LATIN_ONLY, LOSSY, STRONGEST, TRANSFORMS, pairs
from tests.evaluation.twin import WORD, WordDetector, case, judge_with

ENGLISH = f"put a {WORD} on the table in the kitchen"


def test_there_are_sixty_transforms_and_all_pairs_of_the_ten_strongest() -> None:
    names = [name for name, _, _ in disguises()]
    assert len(TRANSFORMS) >= 60
    assert len(STRONGEST) == 10
    assert len(names) == len(set(names)) == len(TRANSFORMS) + 90
    assert set(TRANSFORMS) >= LATIN_ONLY
    assert {name for name, _ in pairs()} >= LOSSY


def test_a_verdict_that_stays_and_one_that_does_not_are_counted_by_label() -> None:
    judge = judge_with(WordDetector())
    judged = [judge.judge(case(ENGLISH)), judge.judge(case("a hat on the chair", label=Label.ALLOW))]
    seen: list[int] = []
    found = invariance(judge, judged, seen.append)
    by_name = {same.name: same for same in found.transforms}
    assert len(seen) == len(found.transforms)
    assert by_name["base64"].block == by_name["base64"].allow == Share(1, 1)
    assert by_name["rot13+base64"].is_pair
    assert by_name["base64+leet_medium"].is_lossy
    assert by_name["camel_case"].block.count == 1
    singles = found.total(pairs=False, label=Label.BLOCK)
    assert singles.count > 60
    assert singles.hits >= 0.95 * singles.count, [s.name for s in found.transforms if s.block.hits < s.block.count]


def test_a_disguise_that_changes_nothing_does_not_count() -> None:
    assert disguised(case("кот"), TRANSFORMS["rot13"]) is None
    assert disguised(case(""), TRANSFORMS["base64"]) is None


def test_only_what_the_user_says_is_disguised() -> None:
    turns = (CaseTurn(Role.ASSISTANT, "one"), CaseTurn(Role.USER, "two"))
    found = disguised(Case("x", turns), str.upper)
    assert found is not None
    assert [turn.text for turn in found.turns] == ["one", "TWO"]


def test_text_in_other_scripts_is_not_disguised_as_latin() -> None:
    assert is_latin(case("a hat"))
    assert not is_latin(case("красная шляпа"))
    assert not is_latin(case("123"))
    judge = judge_with(WordDetector())
    found = invariance(judge, [judge.judge(case("красная шляпа"))])
    counted = {same.name for same in found.transforms if same.block.count}
    assert "leet_light" not in counted
    assert "base64" in counted
