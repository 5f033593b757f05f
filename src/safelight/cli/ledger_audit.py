"""What an auditor is given of the log, and what they do with it: openings in bulk, policies, replays."""

import json
from pathlib import Path
from typing import Annotated

import typer

from safelight.cli.files import writing
from safelight.cli.ledger_log import DataDir, opened_log
from safelight.cli.output import AsJson, console, print_json
from safelight.core.errors import BadInput, InputCode
from safelight.ledger import disclose
from safelight.ledger.draft import DECISION_FIELDS
from safelight.ledger.proofs.errors import Malformed, ProofError
from safelight.ledger.proofs.figures import Period
from safelight.ledger.proofs.leaf import Leaf
from safelight.ledger.proofs.parity import Opened
from safelight.policy.replay import Replayed, replay

_FILE_MAX_BYTES = 16 * 1024 * 1024


def openings(
    file: Annotated[Path, typer.Argument(help="Where to, one opened leaf a line.")],
    begin: Annotated[str, typer.Option("--from", help="First day, as 2026-11-01, or a moment.")],
    end: Annotated[str, typer.Option("--to", help="The day or moment after the last.")],
    field: Annotated[list[str] | None, typer.Option(help="A field to open; may be given again.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Open fields of every decision of a period, for an auditor: by default what an audit of parity needs.

    Example: `safelight ledger openings november.jsonl --from 2026-11-01 --to 2026-12-01`

    The auditor runs `safelight-verify parity november.jsonl LOG`. The lines hold the tier and the keyed digests of
    prompts and images, no account; whoever gets the file can prove it to others.
    """
    try:
        period = Period.of_days(begin, end)
    except Malformed as error:
        raise BadInput(InputCode.FIELD_INVALID, str(error), param="from") from error
    fields, count = tuple(field or ("request", "tier")), 0
    if unknown := sorted(set(fields) - set(DECISION_FIELDS)):
        message = f"A decision commits to {', '.join(DECISION_FIELDS)}; there is no field {unknown[0]!r}."
        raise BadInput(InputCode.FIELD_INVALID, message, param="field")
    with opened_log(data_dir) as log, writing(file, "file"), file.open("w", encoding="utf-8") as lines:

        def each(opened: disclose.Opened) -> None:
            nonlocal count
            count += 1
            lines.write(json.dumps(opened.to_json(), ensure_ascii=False) + "\n")

        shut = log.run(lambda c: disclose.open_decisions(c, period.begin, period.end, fields, each))
    if as_json:
        print_json({"file": str(file), "opened": count, "shut": shut})
        return
    console.print(f"{count} decisions are opened in {file}; {shut} could not be.", highlight=False)


def policy(
    version: Annotated[str, typer.Argument(help="The policy's version, as leaves name it: sha256:….")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Print a policy that was in force, as the text whose SHA-256 is its version.

    Example: `safelight ledger policy sha256:… > policy.json`, and anybody checks it with `sha256sum policy.json`.
    """
    with opened_log(data_dir) as log:
        text = log.run(lambda connection: disclose.policy_text(connection, version))
    print_json({"version": version, "text": text}) if as_json else typer.echo(text, nl=False)


def replay_decision(
    decision: Annotated[str, typer.Argument(help="The decision's id; with --opening, `-`.")],
    opening: Annotated[
        Path | None, typer.Option(help="Opened leaf with the field `record`, in place of a log.")
    ] = None,
    policy_file: Annotated[
        Path | None, typer.Option("--policy", help="The policy, as `ledger policy` prints it.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Decide again from what a decision recorded and from its policy, and say whether the verdict is the same.

    Example: `safelight ledger replay dec_01m8…`, or without the log, for an auditor:
    `safelight ledger replay - --opening opened.json --policy policy.json`

    Exit code 0: the same; 1: not the same, or the leaf says something else than the record.
    """
    if opening and policy_file:
        leaf, replayed = _from_files(opening, policy_file)
    elif opening or policy_file:
        raise BadInput(InputCode.FIELD_MISSING, "Give both --opening and --policy, or neither.", param="opening")
    else:
        with opened_log(data_dir) as log:
            opened = log.run(lambda connection: disclose.open_leaf(connection, None, decision, ("record",)))
            leaf, record = Leaf.parse(opened.leaf.encode()), opened.openings["record"][1]
            text = log.run(lambda connection: disclose.policy_text(connection, str(leaf.public.get("policy"))))
        replayed = replay(record, text)
    differences = [*replayed.differences, *_against(leaf, replayed)]
    shown = {
        "same": not differences,
        "differences": differences,
        "recorded": {name: replayed.recorded.get(name) for name in ("verdict", "category", "policy_version")},
        "again": {name: replayed.again.get(name) for name in ("verdict", "category", "policy_version")},
    }
    if as_json:
        print_json(shown)
    elif differences:
        console.print(f"[bold red]Not the same[/]: {', '.join(differences)}.", highlight=False)
    else:
        console.print(f"The same: {replayed.again['verdict']}, by the same reasons.", highlight=False)
    if differences:
        raise typer.Exit(1)


def _from_files(opening: Path, policy_file: Path) -> tuple[Leaf, Replayed]:
    try:
        opened = Opened.parse(_read(opening))
    except ProofError as error:
        raise BadInput(InputCode.FIELD_INVALID, f"{opening}: {error}", param="opening") from error
    if "record" not in opened.values:
        raise BadInput(InputCode.FIELD_MISSING, f"{opening} does not open the field `record`.", param="opening")
    return opened.leaf, replay(opened.values["record"], _read(policy_file))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_FILE_MAX_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(InputCode.FIELD_INVALID, f"The file {path} cannot be read.", param="file") from error


def _against(leaf: Leaf, replayed: Replayed) -> list[str]:
    """Where the leaf, which is what the log signed, says something else than what came out."""
    names = {"verdict": "verdict", "category": "category", "stage": "stage", "policy": "policy_version"}
    return [f"leaf.{name}" for name, key in names.items() if leaf.public.get(name) != replayed.again.get(key)]
