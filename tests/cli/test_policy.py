"""`safelight policy`: what it prints for people, for scripts, and its exit codes."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from safelight.cli.main import app
from safelight.policy.load import PROFILES, default_policy_text

PROFILE = '[policy]\nname = "own"\ndescription = "Own."\nextends = "default"\n'


def run(*words: str) -> Result:
    """Run the command in this process, on a wide terminal."""
    return CliRunner().invoke(app, ["policy", *words], env={"COLUMNS": "200", "TERM": "dumb"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "policy.toml"


@pytest.mark.parametrize("profile", PROFILES)
def test_every_packaged_policy_loads_with_the_built_in_detectors(profile: str) -> None:
    done = run("show", "--profile", profile, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["name"] == profile


def test_show_prints_every_threshold_and_rule() -> None:
    described = json.loads(run("show", "--json").output)
    printed = run("show").output
    for item in described["thresholds"]:
        assert item["name"] in printed
    for item in described["rules"]:
        assert item["id"] in printed
    assert described["version"] in printed


def test_show_prints_the_text_to_begin_with() -> None:
    assert run("show", "--text").output == default_policy_text()


def test_a_policy_that_loads_is_exit_code_0_with_its_version(file: Path) -> None:
    file.write_text(PROFILE, "utf-8")
    done = run("check", str(file), "--json")
    answer = json.loads(done.output)
    assert (done.exit_code, answer["valid"], answer["alone"]) == (0, True, False)
    assert answer["version"].startswith("sha256:")


def test_a_policy_that_stands_alone_is_said_to(file: Path) -> None:
    text = default_policy_text()
    file.write_text(text.replace('name = "default"', 'name = "copied"'), "utf-8")
    assert "stands alone" in run("check", str(file)).output
    file.write_text(text, "utf-8")
    assert "stands alone" not in run("check", str(file)).output


def test_a_policy_with_defects_is_exit_code_1_with_all_of_them(file: Path) -> None:
    file.write_text(PROFILE + 'switched_off = ["csam_text"]\n[thresholds]\nundress = 0.9\n', "utf-8")
    done = run("check", str(file), "--json")
    answer = json.loads(done.output)
    assert (done.exit_code, answer["valid"]) == (1, False)
    assert [sorted(defect) for defect in answer["defects"]] == [["next_step", "what", "where"]] * 2
    printed = run("check", str(file))
    assert printed.exit_code == 1
    assert "locked" in printed.output


def test_a_file_that_cannot_be_read_is_exit_code_2(file: Path) -> None:
    assert run("check", str(file)).exit_code == 2
    file.write_bytes(b"\xff\xfe")
    assert run("check", str(file)).exit_code == 2


def test_explain_tells_one_rule_with_the_meaning_of_its_names() -> None:
    printed = run("explain", "ncii_mask").output
    assert "photo_mask_on_body ≥ 0.3" in printed
    assert "has_mask: whether a region of the photo was marked for repainting" in printed
    assert "csam_text" not in printed


def test_explain_without_a_rule_tells_all_in_their_order() -> None:
    rules = json.loads(run("explain", "--json").output)["rules"]
    assert rules[0]["category"] == "csam"
    assert [rule["id"] for rule in json.loads(run("show", "--json").output)["rules"]] == [r["id"] for r in rules]


def test_an_unknown_rule_is_exit_code_2() -> None:
    assert run("explain", "no_such_rule").exit_code == 2


def test_a_file_and_a_profile_are_not_taken_together(file: Path) -> None:
    assert run("show", "--policy", str(file), "--profile", "general").exit_code == 2


def test_the_thresholds_are_shown_with_what_they_do(tmp_path: Path) -> None:
    cases, figures = tmp_path / "cases.jsonl", tmp_path / "figures.json"
    lines = [
        {"id": 1, "lang": "en", "family": "deception", "category": "deceptive_public_figure", "label": "block",
         "turns": [{"role": "user", "text": "the governor withdraws from the race, press photo"}]},
        {"id": 2, "lang": "en", "family": "deception", "category": "none", "label": "allow",
         "turns": [{"role": "user", "text": "the mayor opens a bridge"}]},
    ]  # fmt: skip
    cases.write_text("".join(json.dumps(line) + "\n" for line in lines))
    measured = run("measure", str(cases), "--save", str(figures), "--json")
    assert measured.exit_code == 0, measured.output
    found = {item["name"]: item for item in json.loads(measured.output)["thresholds"]}
    assert [point["recall"]["hits"] for point in found["deceptive"]["points"]] == [1, 1, 0]
    assert found["deceptive"]["matters"]
    assert not found["nudity"]["matters"]
    shown = run("show", "--figures", str(figures))
    assert "100.0%" in shown.output
    assert "measured on 2 cases of cases.jsonl" in shown.output
    assert json.loads(run("show", "--figures", str(figures), "--json").output)["figures"]["cases"] == 2


def test_figures_of_another_policy_are_not_shown(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    for text in ("{}", "no json", json.dumps({"version": "sha256:0"})):
        figures.write_text(text)
        done = run("show", "--figures", str(figures))
        assert done.exit_code == 2
        assert "policy measure" in done.output


@pytest.mark.parametrize("what", ["nowhere", "folder", "bytes"])
@pytest.mark.parametrize("words", [["check"], ["show", "--policy"], ["measure"], ["show", "--figures"]], ids=" ".join)
def test_a_file_that_cannot_be_read_is_one_error_that_says_what_to_do(
    file: Path, words: list[str], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if what == "folder":
        file.mkdir()
    elif what == "bytes":
        file.write_bytes(b"\xff\xfe")
    monkeypatch.setattr("sys.argv", ["safelight", "--json"])
    done = run(*words, str(file), "--json")
    error = json.loads(done.stdout)["error"]
    assert (done.exit_code, error["code"]) == (2, "field_invalid")
    assert str(file) in error["message"]
    assert "Errno" not in error["message"]
