"""The documents say what is so: reference pages follow from the code, links lead somewhere, dependencies are named."""

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from safelight.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def made() -> dict[Path, str]:
    spec = importlib.util.spec_from_file_location("make", ROOT / "docs" / "make.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pages: dict[Path, str] = module.pages()
    return pages


@pytest.mark.parametrize("name", ["settings.md", "limits.md", "codes.md", "commands.md", "permissions.md"])
def test_a_reference_page_is_up_to_date(name: str) -> None:
    path, text = next((path, text) for path, text in made().items() if path.name == name)
    assert path.read_text("utf-8") == text, "run `python docs/make.py`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_dependency_is_named_with_its_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = project["dependencies"] + [one for extra in project["optional-dependencies"].values() for one in extra]
    names = {re.match(r"[\w-]+", one)[0] for one in wanted} - {"safelight"}  # type: ignore[index]
    page = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    rows = {row[0]: row for row in re.findall(r"^\| `([\w-]+)` \| ([^|]+) \| ([^|]+) \|", page, re.MULTILINE)}
    assert names - rows.keys() == set()
    assert rows.keys() - names == set(), "named, but no dependency"


def commands() -> list[list[str]]:
    found = []

    def walk(command: Any, words: list[str]) -> None:
        if not hasattr(command, "list_commands"):
            found.append(words)
            return
        context = typer.Context(command)
        for word in command.list_commands(context):
            walk(command.get_command(context, word), [*words, word])

    walk(typer.main.get_command(app), [])
    assert len(found) > 50, "the commands are not found any more"
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_an_example_and_json(words: list[str]) -> None:
    answer = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert answer.exit_code == 0
    assert "Example" in answer.output
    assert "--json" in answer.output


def test_the_ci_runs_the_readmes_test_command() -> None:
    readme, ci = (ROOT / "README.md").read_text("utf-8"), (ROOT / ".ci" / "run").read_text("utf-8")
    assert "pip install -e '.[test]'" in readme
    assert "install --quiet -e '.[test]'" in ci
    (told,) = re.findall(r"bin/pytest(.*)", readme)
    assert re.findall(r'bin/pytest"(.*)', ci) == [told]
