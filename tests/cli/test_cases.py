"""`safelight cases`: what whoever is on call sees, and that it is no report, place or picture."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from safelight.cases.draft import Declarations
from safelight.cli.main import app
from tests.cases.house import house, post, report
from tests.cases.test_decisions import account_receipt

NOW = datetime.now(UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A service's folder with one case whose platform never answered."""
    with house(tmp_path, now=NOW - timedelta(hours=90)) as home:
        home.platform.is_dead = True
        draft = report(places=(post("secret-post"),), declarations=Declarations(shows_intimate_content=True))
        home.run(home.cases.receive(draft, "here"))
        for _ in range(85):
            home.travel(hours=1)
    (tmp_path / "cases.db").rename(tmp_path / "safelight.db")
    (tmp_path / "digest.key").write_bytes(b"\x05" * 32)
    return tmp_path


def ask(folder: Path, *words: str) -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["cases", *words, "--data-dir", str(folder)])
    return answer.exit_code, answer.stdout


def test_status_says_what_waits_and_what_failed_and_exits_with_1(folder: Path) -> None:
    code, text = ask(folder, "status", "--json")
    found = json.loads(text)
    assert code == 1
    assert found["waiting"] == 1
    assert found["by_clock"]["overdue"] == 1
    assert found["late_and_visible"] == []  # hidden here, though the platform has not confirmed it
    assert (found["failed_effects"], found["clocks_missed"]) == (1, 1)


def test_a_contest_that_is_late_wants_somebody_to_act_though_nothing_is_to_be_seen(tmp_path: Path) -> None:
    with house(tmp_path, now=NOW - timedelta(hours=90)) as home:
        mine = home.run(home.cases.receive(report(), ""))
        home.tick()
        home.decide(mine.case_id)
        home.run(home.cases.contest(*account_receipt(home), "", "mine"))
        home.travel(hours=73)
    (tmp_path / "cases.db").rename(tmp_path / "safelight.db")
    (tmp_path / "digest.key").write_bytes(b"\x05" * 32)
    code, text = ask(tmp_path, "status", "--json")
    found = json.loads(text)
    assert (code, found["late_contests"], found["late_and_visible"]) == (1, [mine.case_id], [])
    assert "Contests that should have been decided by now: 1" in ask(tmp_path, "status")[1]


def test_a_contest_that_nobody_on_the_staff_may_decide_wants_somebody_to_act(tmp_path: Path) -> None:
    with house(tmp_path, now=NOW - timedelta(hours=1)) as home:
        mine = home.run(home.cases.receive(report(), ""))
        home.tick()
        home.decide(mine.case_id)
        home.run(home.cases.contest(*account_receipt(home), "", "mine"))
        home.travel(hours=1)
    (tmp_path / "cases.db").rename(tmp_path / "safelight.db")
    (tmp_path / "digest.key").write_bytes(b"\x05" * 32)
    code, text = ask(tmp_path, "status", "--json")
    found = json.loads(text)
    assert (code, found["late_contests"], found["contests_of_nobody"]) == (1, [], {mine.case_id: 1})
    assert "Contests that nobody on the staff may decide: 1" in ask(tmp_path, "status")[1]
    CliRunner().invoke(app, ["staff", "add", "Ada", "--role", "senior", "--data-dir", str(tmp_path)])
    assert json.loads(ask(tmp_path, "status", "--json")[1])["contests_of_nobody"] == {}


def test_a_failed_order_can_be_tried_again(folder: Path) -> None:
    effect = json.loads(ask(folder, "failed", "--json")[1])[0]
    assert (effect["kind"], effect["state"]) == ("places", "dead")
    assert ask(folder, "retry", effect["effect"])[0] == 0
    assert json.loads(ask(folder, "failed", "--json")[1]) == []
    assert ask(folder, "retry", effect["effect"])[0] == 2


def test_everything_that_failed_can_be_tried_again_but_what_may_have_arrived(folder: Path) -> None:
    with sqlite3.connect(folder / "safelight.db") as connection:
        connection.execute("UPDATE case_effects SET state = 'doubtful' WHERE kind = 'letter'")
    doubtful = [one for one in json.loads(ask(folder, "failed", "--json")[1]) if one["state"] == "doubtful"]
    assert json.loads(ask(folder, "retry", "--all", "--json")[1]) == {"retried_count": 1}
    assert json.loads(ask(folder, "failed", "--json")[1]) == doubtful
    assert [ask(folder, *words)[0] for words in (("retry",), ("retry", "eff_1", "--all"))] == [2, 2]


def test_what_failed_and_what_waits_can_be_read_on_a_narrow_terminal(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    effect, waiting = (json.loads(ask(folder, *words, "--json")[1])[0] for words in (("failed",), ("list",)))
    failed = ask(folder, "failed")[1].splitlines()
    assert failed[0].startswith(f"{effect['effect']} places: dead, ")
    assert failed[1:] == [f"  {effect['case']}", f"  {effect['error']}"]
    assert ask(folder, "list")[1] == f"{waiting['due_at'][:16]} {waiting['case']} intimate, open, hidden\n"
    ask(folder, "retry", effect["effect"])
    assert ask(folder, "failed")[1] == "Everything was delivered.\n"


def test_no_command_shows_a_place(folder: Path) -> None:
    case = json.loads(ask(folder, "list", "--json")[1])[0]["case"]
    for words in (("list",), ("show", case), ("show", case, "--json"), ("status",), ("failed",), ("figures",)):
        code, text = ask(folder, *words)
        assert code in (0, 1)
        assert text
        assert "secret-post" not in text


def test_figures_count_the_missed_clock(folder: Path) -> None:
    found = json.loads(ask(folder, "figures", "--json")[1])
    assert (found["breaches"], found["all"]["cases"]) == (1, 1)


@pytest.mark.parametrize(
    "words", [("list", "--within-h", "nan"), ("list", "--within-h", "inf"), ("figures", "--days", "99999999999")]
)
def test_a_time_beyond_every_case_is_a_wrong_command_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert ask(tmp_path, *words)[0] == 2
