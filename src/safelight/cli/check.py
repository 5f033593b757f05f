"""`safelight check`: judge one request here, without a server, and show everything that led to the decision."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from safelight.cli.database import trial_settings
from safelight.cli.output import AsJson, Table, console, print_json, quiet_logs
from safelight.core.category import Category
from safelight.core.decision import Decision
from safelight.core.errors import BadInput, InputCode
from safelight.core.request import ImageRequest, Operation, Owner, Role, Surface, Turn, Upload

HELP = """Judge one request and show the decision, each signal, and the rule that decided.

Example: `safelight check "make the background a sunset" --image photo.jpg`

Exit code 0: allowed; 1: refused; 2: the input cannot be judged; 3: a detector was missing, so it was refused.
"""


def check(
    prompt: Annotated[str, typer.Argument(help="What is asked.")],
    image: Annotated[list[Path] | None, typer.Option(help="A photo sent along; may be given again.")] = None,
    mask: Annotated[Path | None, typer.Option(help="The region of the first photo to repaint.")] = None,
    earlier: Annotated[list[str] | None, typer.Option(help="An earlier turn of the asker, oldest first.")] = None,
    field: Annotated[list[str] | None, typer.Option(help="Text beside the prompt, as `name=text`.")] = None,
    surface: Annotated[Surface, typer.Option(help="Where the request arises.")] = Surface.API,
    owner: Annotated[Owner, typer.Option(help="Whose photos they are.")] = Owner.UNKNOWN,
    policy: Annotated[Path | None, typer.Option(help="Policy file; none: as the settings say.")] = None,
    as_json: AsJson = False,
) -> None:
    """Judge one request."""
    quiet_logs()
    photos = tuple(Upload(_bytes(path), path.name, owner) for path in image or ())
    history = tuple(Turn(Role.USER, text) for text in earlier or ())
    request = ImageRequest(
        operation=Operation.EDIT if photos else Operation.GENERATE,
        turns=(*history, Turn(Role.USER, prompt, photos)),
        surface=surface,
        mask=Upload(_bytes(mask), mask.name) if mask else None,
        fields=tuple(_field(text) for text in field or ()),
    )
    decision, explanation = asyncio.run(_judge(request, policy))
    if as_json:
        print_json(decision.to_json() | {"explanation": explanation})
    else:
        _show(decision, explanation)
    if decision.category is Category.UNCHECKED:
        raise typer.Exit(3)
    if decision.category:
        raise typer.Exit(1)


async def _judge(request: ImageRequest, policy_file: Path | None) -> tuple[Decision, str]:
    # Imported here: `safelight check --help` need not wait for the detectors' libraries.
    from safelight.accounts.service import Caller
    from safelight.policy.explain import explain
    from safelight.wiring import Safelight

    with tempfile.TemporaryDirectory(prefix="safelight-check-") as folder:  # nothing of a trial is kept
        chosen = {"policy_file": policy_file} if policy_file else {}
        async with Safelight(trial_settings(Path(folder), **chosen)) as safelight:
            outcome = await safelight.gate.check(request, Caller(None))
            return outcome.decision, explain(outcome.decision, safelight.policy).person


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(InputCode.FIELD_INVALID, f"{path} cannot be read: {error.strerror}.", param="image") from error


def _field(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise BadInput(InputCode.FIELD_INVALID, "A field is given as `name=text`.", param="field")
    return name, value


def _show(decision: Decision, explanation: str) -> None:
    colour = "red" if decision.category else "green"
    category = f" · {decision.category}" if decision.category else ""
    console.print(f"[bold {colour}]{decision.verdict}{category}[/]")
    console.print(explanation, highlight=False)
    for reason in decision.reasons:
        console.print(f"  rule [bold]{reason.rule}[/] ({reason.code}), from {', '.join(reason.signals) or 'the facts'}")
    table = Table("signal", "value", "where", "reading", "understood", "detector")
    for signal in sorted(decision.observed.signals, key=lambda s: (s.name, s.where)):
        value = f"{signal.value:.2f}" if isinstance(signal.value, float) else str(signal.value)
        table.add_row(signal.name, value, signal.where, signal.reading, signal.understood, signal.source)
    console.print(table)
    for missing in decision.observed.missing:
        console.print(f"[red]missing[/] {missing.source}: {missing.reason}")
    console.print(f"policy {decision.policy_version}", highlight=False)
