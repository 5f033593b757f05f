"""Writes the reference pages that follow from the code: settings, limits, error codes, commands.

Run `python docs/make.py` after a change; a test fails while a page is out of date.
"""

import ast
import dataclasses
import inspect
import itertools
from enum import StrEnum
from pathlib import Path
from types import ModuleType

import click
import typer
from typer.core import TyperGroup

import safelight.accounts.model
import safelight.cases.errors
import safelight.core.category
import safelight.core.errors
import safelight.core.limits
from safelight.accounts import permissions as staff
from safelight.accounts.model import Permission
from safelight.cases.errors import CaseCode
from safelight.cli.main import app
from safelight.cli.output import Misused
from safelight.core.category import Category
from safelight.core.errors import (
    BackendCode,
    DetectorUnfit,
    InputCode,
    LedgerCode,
    MarkCode,
    NotStartable,
    PolicyInvalid,
    SafelightError,
)
from safelight.core.limits import Limits
from safelight.matching.errors import ExchangeFailed
from safelight.scan.errors import ScanFailed
from safelight.settings import Settings
from safelight.web.gateway.errors import MODERATION_BLOCKED, STATUS, UNCHECKED

REFERENCE = Path(__file__).parent / "reference"
AT_THE_MACHINE = (Misused, NotStartable, DetectorUnfit, PolicyInvalid, ExchangeFailed, ScanFailed)
"""Errors that no route answers with."""


def pages() -> dict[Path, str]:
    """Each page's path and what it must hold."""
    return {
        REFERENCE / "settings.md": settings_page(),
        REFERENCE / "limits.md": limits_page(),
        REFERENCE / "codes.md": codes_page(),
        REFERENCE / "commands.md": commands_page(),
        REFERENCE / "permissions.md": permissions_page(),
    }


def settings_page() -> str:
    """Every setting with its default and help."""
    lines = ["# Settings", "", (Settings.__module__ and inspect.getdoc(Settings)) or "", ""]
    lines += ["Set in the environment or in a `.env` file. Command-line options go before both.", ""]
    lines += ["| variable | default | what |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "the machine's cores, at most 8" if name == "cores" else _shown(field.get_default())
        lines.append(f"| `SAFELIGHT_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


def limits_page() -> str:
    """Every limit with its value and meaning."""
    helps = _attribute_docs(safelight.core.limits, "Limits")
    lines = [
        "# Limits of one request",
        "",
        inspect.getdoc(Limits) or "",
        "",
        "| limit | value | what |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{field.name}` | {_shown(field.default)} | {helps[field.name]} |" for field in dataclasses.fields(Limits)
    ]
    return "\n".join(lines) + "\n"


def codes_page() -> str:
    """Every stable code, with its status where it has one of its own."""
    lines = ["# Codes", "", "Stable: clients and tests may rely on them.", ""]
    lines += ["## Categories of a decision", "", *_enum_table(safelight.core.category, Category)]
    lines += ["", "## What is wrong with an input (HTTP 400, or 413 where something is too large)", ""]
    lines += _enum_table(safelight.core.errors, InputCode)
    lines += ["", "## What is wrong with the log (all but the last two keep the service from starting)", ""]
    lines += _enum_table(safelight.core.errors, LedgerCode)
    lines += ["", "## Why a picture could not be marked, so that it was not released (HTTP 503)", ""]
    lines += _enum_table(safelight.core.errors, MarkCode)
    lines += ["", "## What is wrong with the image model (HTTP 502, 503, 504, or 400 for `backend_rejected`)", ""]
    lines += _enum_table(safelight.core.errors, BackendCode)
    lines += ["", "## Why a step of a case was not taken (HTTP 409)", ""]
    lines += _enum_table(safelight.cases.errors, CaseCode)
    lines += [
        "",
        "## Everything else",
        "",
        "| code | HTTP | meaning |",
        "|---|---|---|",
        f"| `{MODERATION_BLOCKED}` | 400 | The request or its output was refused. |",
        f"| `{UNCHECKED}` | 503 | Something that had to be looked at could not be; try again. |",
    ]
    lines += [
        f"| `{error.code}` | {status} | {(inspect.getdoc(error) or '').splitlines()[0]} |"
        for error, (status, _) in STATUS.items()
        if "code" in vars(error) and error is not SafelightError
    ]
    lines += [
        f"| `{SafelightError.code}` | {STATUS[SafelightError][0]} | A fault of ours; nothing left. |",
        "| `not_found`, `method_not_allowed` | 404, 405 | There is no such route, or it is asked in another way. |",
        "",
        "## On the command line (exit code 2)",
        "",
        "All codes of above, and these.",
        "",
        "| code | meaning |",
        "|---|---|",
    ]
    lines += [f"| `{error.code}` | {(inspect.getdoc(error) or '').splitlines()[0]} |" for error in AT_THE_MACHINE]
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """The help of every command."""
    lines = ["# Commands", ""]
    root = typer.main.get_command(app)
    for name, command in _commands("safelight", root):
        lines += [f"## `{name}`", "", inspect.cleandoc(command.help or ""), ""]
        options = [p for p in command.params if isinstance(p, click.Option) or p.param_type_name == "option"]
        if rows := [p for p in options if "--help" not in p.opts and getattr(p, "help", None)]:
            lines += ["| option | what |", "|---|---|"]
            lines += [f"| `{', '.join([*p.opts, *p.secondary_opts])}` | {p.help} |" for p in rows]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def permissions_page() -> str:
    """Who of the staff may do what, and what keys may be used for."""
    roles, permissions = _attribute_docs(staff, "Role"), _attribute_docs(staff, "StaffPermission")
    lines = ["# Permissions", "", "## Of the staff, in the console", ""]
    lines += ["| role | what |", "|---|---|", *(f"| `{role.value}` | {roles[role.name]} |" for role in staff.Role)]
    lines += ["", f"| permission | what | {' | '.join(role.value for role in staff.Role)} |"]
    lines += ["|---|---|" + "---|" * len(staff.Role)]
    for one in staff.StaffPermission:
        held = " | ".join("yes" if staff.may(role, one) else "" for role in staff.Role)
        lines.append(f"| `{one.value}` | {permissions[one.name]} | {held} |")
    lines += ["", "What the state of a case allows beside: [the console](../how-to/console.md).", ""]
    lines += ["## Of API keys", "", "A list of its own: nothing meant for a person can be given to a key.", ""]
    return "\n".join([*lines, *_enum_table(safelight.accounts.model, Permission)]) + "\n"


def _commands(name: str, command: click.Command) -> list[tuple[str, click.Command]]:
    if not isinstance(command, TyperGroup):
        return [(name, command)]
    context = typer.Context(command)
    below = {word: command.get_command(context, word) for word in sorted(command.list_commands(context))}
    return [entry for word, one in below.items() if one for entry in _commands(f"{name} {word}", one)]


def _enum_table(module: ModuleType, enum: type[StrEnum]) -> list[str]:
    helps = _attribute_docs(module, enum.__name__)
    return ["| code | meaning |", "|---|---|"] + [f"| `{m.value}` | {helps.get(m.name, '')} |" for m in enum]


def _attribute_docs(module: ModuleType, class_name: str) -> dict[str, str]:
    """The string under each attribute of a class, by the attribute's name."""
    tree = ast.parse(inspect.getsource(module))
    body = next(n.body for n in tree.body if isinstance(n, ast.ClassDef) and n.name == class_name)
    found: dict[str, str] = {}
    for node, after in itertools.pairwise(body):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[target.id] = " ".join(str(after.value.value).split())
    return found


def _shown(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "on", False: "off", None: "none"}[value]
    if isinstance(value, int) and value >= 1024 * 1024 and value % (1024 * 1024) == 0:
        return f"{value // (1024 * 1024)} MiB"
    text = f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)
    return f"`{text}`" if text and text != "**********" else "empty"


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, "utf-8")
        typer.echo(path.relative_to(Path(__file__).parent))
