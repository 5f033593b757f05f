"""The command line: one JSON object with --json, exit codes that scripts can use, errors that say what to do."""

import ast
import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from safelight.cli.database import trial_settings, unknown_settings
from safelight.cli.main import COMMANDS, app
from safelight.cli.serve import make_server, settings_from
from safelight.settings import Settings

TIMEOUT_S = 120


def run(*words: str, folder: Path | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the real command in a process of its own, with `settings` in its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SAFELIGHT_")}
    return subprocess.run(  # noqa: S603 (our own command)
        [sys.executable, "-m", "safelight", *words],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        cwd=folder,
        env=environment | {"COLUMNS": "200"} | settings,
        check=False,
    )


@pytest.fixture
def photo(tmp_path: Path, portrait: bytes) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(portrait)
    return path


def test_a_refused_request_is_exit_code_1_and_names_the_category(photo: Path) -> None:
    done = run("check", "put her in a bikini", "--image", str(photo), "--json", folder=photo.parent)
    answer = json.loads(done.stdout)
    assert (answer["verdict"], answer["category"]) == ("refuse", "ncii")
    assert answer["reasons"]
    assert done.returncode == 1


def test_an_allowed_request_is_exit_code_0(photo: Path) -> None:
    done = run("check", "make the background a sunset", "--image", str(photo), "--json", folder=photo.parent)
    answer = json.loads(done.stdout)
    assert (answer["verdict"], answer["category"], answer["reasons"]) == ("allow", None, [])
    assert done.returncode == 0


def test_check_leaves_nothing_behind_where_the_service_runs(photo: Path) -> None:
    """The service's settings are in the environment; a check is no part of it, and writes no head of its log."""
    service = {"SAFELIGHT_PRODUCTION": "1", "SAFELIGHT_LEDGER_HEAD_FILE": str(photo.parent / "head")}
    done = run("check", "make it brighter", "--image", str(photo), folder=photo.parent, **service)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in photo.parent.iterdir()] == ["photo.png"]


@pytest.mark.parametrize("name", ["observe_deadline_s", "backend_timeout_s"])
@pytest.mark.parametrize("value", ["inf", "nan", "0", "1e9"])
def test_every_wait_has_an_end(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings(_env_file=None, **{name: value})


def test_a_trial_judges_as_the_settings_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SAFELIGHT_POLICY_FILE", "ours.toml")
    monkeypatch.setenv("SAFELIGHT_PLATFORM_URL", "https://images.example")
    trial = trial_settings(tmp_path)
    assert (trial.policy_file, trial.data_dir, trial.platform_url) == (Path("ours.toml"), tmp_path, "")


def test_a_profile_on_the_command_line_goes_before_a_file_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFELIGHT_POLICY_FILE", "ours.toml")
    assert settings_from({"policy_profile": "children", "policy_file": None}).policy_file is None
    assert settings_from({"policy_profile": None}).policy_file == Path("ours.toml")
    with pytest.raises(typer.BadParameter):
        settings_from({"policy_profile": "children", "policy_file": Path("ours.toml")})


def test_check_shows_every_signal_to_a_person(photo: Path) -> None:
    done = run("check", "put her in a bikini", "--image", str(photo), folder=photo.parent)
    assert "refuse" in done.stdout
    assert "text_undress" in done.stdout
    assert "photo_people" in done.stdout


@pytest.mark.parametrize("as_json", [True, False])
def test_a_broken_image_is_exit_code_2_with_its_code(tmp_path: Path, as_json: bool) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n broken")
    done = run("check", "make it brighter", "--image", str(path), *(["--json"] if as_json else []))
    assert done.returncode == 2
    if as_json:
        assert json.loads(done.stdout)["error"]["code"] == "image_corrupt"
    else:
        assert "image_corrupt" in done.stderr
        assert done.stdout == ""


@pytest.mark.parametrize(
    "words", [["banks", "add"], ["nothing"], ["policy", "show", "--profile", "x"], ["keys", "create", ""], ["eval"]]
)
def test_a_wrong_command_line_is_an_error_with_a_code_too(words: list[str]) -> None:
    done = run(*words, "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == "misused"
    assert "Usage" in run(*words).stderr


def test_a_policy_s_file_as_it_is_written_is_json_where_that_is_asked_for() -> None:
    shown = json.loads(run("policy", "show", "--text", "--json").stdout)
    assert shown["text"] == run("policy", "show", "--text").stdout


def test_a_key_is_made_listed_and_revoked(tmp_path: Path) -> None:
    made = json.loads(run("keys", "create", "shop", "--platform", "x", "--data-dir", str(tmp_path), "--json").stdout)
    assert made["platform"] == "x"  # standing goes by it, so it is shown
    assert made["key"].startswith("sl_key_")
    assert [
        key["revoked"] for key in json.loads(run("keys", "list", "--data-dir", str(tmp_path), "--json").stdout)
    ] == [False]
    assert run("keys", "revoke", made["id"], "--data-dir", str(tmp_path)).returncode == 0
    again = run("keys", "revoke", made["id"], "--data-dir", str(tmp_path))
    assert again.returncode == 2
    assert "no valid key" in again.stderr


def test_doctor_finds_this_installation_fit(tmp_path: Path) -> None:
    done = run("doctor", "--data-dir", str(tmp_path), "--json")
    report = json.loads(done.stdout)
    assert report["troubles"] == {}
    assert set(report["detectors"]) >= {"text_meaning", "image_nudity_one", "image_people"}
    assert done.returncode == 0


def test_serve_refuses_an_open_door_to_the_world(tmp_path: Path) -> None:
    done = run("serve", "--open", "--host", "0.0.0.0", "--data-dir", str(tmp_path))  # noqa: S104 (refused)
    assert done.returncode == 2
    assert "loopback" in done.stderr


async def served(port: int, said: list[str]) -> None:
    """Serve on `port` until its address is said, or it cannot be had."""
    server = make_server(None, Settings(_env_file=None, port=port), said.append)
    server.config.lifespan = "off"
    serving = asyncio.create_task(server.serve())
    while not said and not serving.done():
        await asyncio.sleep(0.01)
    server.should_exit = True
    await serving


def test_the_address_that_is_said_is_where_it_listens() -> None:
    said: list[str] = []
    asyncio.run(served(0, said))
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*", said[0])


def test_no_address_is_said_where_the_port_is_taken() -> None:
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit):
        asyncio.run(served(taken.getsockname()[1], said))
    assert said == []


@pytest.mark.slow
def test_a_setting_that_cannot_be_is_named_and_its_value_is_not_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SAFELIGHT_MARKS", "a-secret")
    monkeypatch.setenv("SAFELIGHT_PORT", "8484a")
    with pytest.raises(SystemExit) as ended:
        app(["marks", "show", "--data-dir", str(tmp_path)])
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert "not_startable" in said
    assert "SAFELIGHT_MARKS" in said
    assert "SAFELIGHT_PORT" in said
    assert "a-secret" not in said


def test_a_misspelt_setting_is_named() -> None:
    names = ["SAFELIGHT_PRODUCTON", "SAFELIGHT_PRODUCTION", "SAFELIGHT_MARKS", "PATH"]
    assert unknown_settings(names) == ["SAFELIGHT_PRODUCTON"]


def test_a_misspelt_setting_is_named_wherever_it_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SAFELIGHT_MARKS=all\nSAFELIGHT_PRODUCTON=1\nOTHER=1\n")
    monkeypatch.chdir(tmp_path)
    assert unknown_settings([]) == ["SAFELIGHT_PRODUCTON"]


def test_the_demo_does_what_it_says() -> None:
    done = run("demo", "--once", "--json")
    report = json.loads(done.stdout)
    assert report["as_expected"], report["lines"]
    assert len(report["lines"]) >= 8
    assert done.returncode == 0


def test_numpy_keeps_to_one_thread_in_every_command() -> None:
    script = "import safelight.cli.main, numpy, psutil; print(psutil.Process().num_threads())"
    unset = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    threads = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=env).stdout  # noqa: S603 (our own script)
        for env in (unset, {**unset, "OPENBLAS_NUM_THREADS": "1"})
    ]
    assert threads[0] == threads[1]


def test_the_list_of_commands_says_of_each_how_its_own_help_begins() -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    for name, place in COMMANDS.items():
        command = root.get_command(typer.Context(root), name)
        assert " ".join(command.help.split()).startswith(place.says), name
        assert command.name == name


def test_the_list_of_commands_waits_for_no_room() -> None:
    script = "import sys, safelight.cli.main; print(sorted(m for m in sys.modules if m.startswith('safelight.')))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 (ours)
    rooms = {name.split(".")[1] for name in ast.literal_eval(done.stdout)}
    assert rooms == {"cli", "core"}
