"""docs/reference/policy.md says what the default policy says, and its example loads."""

import re
from pathlib import Path

from safelight.policy.environment import FACTS
from safelight.policy.load import PROFILES, default_policy_text, load_policy
from tests.policy.words import VOCABULARY

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "policy.md").read_text("utf-8")
DEFAULT = load_policy(default_policy_text(), VOCABULARY)


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under `heading`, without marks."""
    part = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_threshold_is_on_the_page_as_it_is() -> None:
    expected = [[t.name, f"{t.value:g}", f"{t.lowest:g} to {t.highest:g}", t.help] for t in DEFAULT.thresholds.values()]
    assert sorted(rows("Thresholds of the default policy")) == sorted(expected)


def test_every_rule_is_on_the_page_in_its_order() -> None:
    expected = [
        [rule.id, ", ".join(rule.stages), rule.category, rule.code, "yes" if rule.locked else "no"]
        for rule in DEFAULT.rules
    ]
    assert rows("Rules of the default policy") == expected


def test_every_profile_and_fact_is_on_the_page() -> None:
    assert tuple(row[0] for row in rows("Profiles")) == PROFILES
    for fact in FACTS.values():
        assert f"`{fact.name}`" in PAGE
        assert all(f"`{choice}`" in PAGE for choice in fact.choices)


def test_the_example_loads() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    policy = load_policy(example, VOCABULARY)
    assert policy.rules[-1].id == "crowd"
    assert "adult_text" not in {rule.id for rule in policy.rules}
