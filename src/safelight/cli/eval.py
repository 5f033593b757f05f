"""`safelight eval`: how good the judgement of requests is, on any set of cases or on ordinary traffic.

Rules
- What is asked for goes to standard output; progress goes to standard error. With cases from standard input nothing of
  their text is written anywhere: not to the output, not to standard error, not to a log.
- The detectors are loaded and checked on their own examples first: a measurement with a broken one is none.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from safelight.cli.eval_tables import show_report, show_traffic
from safelight.cli.files import read_text
from safelight.cli.output import AsJson, console, print_json, quiet_logs
from safelight.core.errors import BadInput, InputCode
from safelight.settings import ProfileName, Settings

if TYPE_CHECKING:
    from safelight.evaluation.cases import Case
    from safelight.evaluation.judge import Judge, Judged
    from safelight.evaluation.report import Conditions, Report

HELP = """Measure the judgement of requests: recall and false positives by family, language and category, each with its
95 % interval; conversations by turn; latency by length.

Example: `safelight eval cases.jsonl --html report.html`

Example: `safelight eval --ordinary captions.csv --column prompt`

Example: `safelight eval - --cases verdicts.jsonl < cases.jsonl`

The form of a case is in docs/how-to/evaluate.md. Exit code 0: measured; 2: something given cannot be read.
"""
STANDARD_INPUT = "-"


def evaluate(
    files: Annotated[list[str] | None, typer.Argument(help="Cases as JSONL; `-`: standard input.")] = None,
    ordinary: Annotated[Path | None, typer.Option(help="Ordinary prompts as CSV: count what is refused.")] = None,
    column: Annotated[str, typer.Option(help="The column of that CSV with the prompts.")] = "prompt",
    image: Annotated[bool, typer.Option("--image", help="Judge each as an edit of a person's photo.")] = False,
    cases: Annotated[Path | None, typer.Option(help="Write one line a case here, without any text of it.")] = None,
    obfuscate: Annotated[bool, typer.Option("--obfuscate", help="Judge again under every disguise.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write the report as one page here.")] = None,
    profile: Annotated[ProfileName | None, typer.Option(help="Packaged policy; none: the policy that is set.")] = None,
    policy: Annotated[Path | None, typer.Option(help="Policy file; none: the policy that is set.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure."""
    if bool(files) is (ordinary is not None):
        raise typer.BadParameter("give files of cases, or --ordinary FILE", param_hint="FILES")
    if ordinary is not None and (cases or obfuscate or html):
        raise typer.BadParameter("--cases, --obfuscate and --html are for cases", param_hint="--ordinary")
    if cases and (obfuscate or html):
        raise typer.BadParameter("only judges; leave --obfuscate and --html out", param_hint="--cases")
    if ordinary is None and image:
        raise typer.BadParameter("is for --ordinary: a case says itself whether it has one", param_hint="--image")
    if policy and profile:
        raise typer.BadParameter("give --policy or --profile, not both")
    quiet_logs()
    # Imported here, as is what the functions below need: `--help` need not wait for the detectors' libraries.
    from safelight.evaluation.judge import one_core

    with one_core() as alone:
        if ordinary is not None:
            _look_through(ordinary, column)  # a defect is told before anything is loaded
            _ordinary(ordinary, column, _judge(profile, policy)[0], image=image, as_json=as_json)
            return
        read = _read(files or [], scored=cases is None)
        judge, detectors = _judge(profile, policy)
        for out in (cases, html):
            _check_place(out, files or [])
        if cases is not None:
            _judge_only(read, judge, cases, as_json=as_json)
        else:
            report = _measure(read, judge, _conditions(files or [], judge, detectors, alone), obfuscate)
            if html is not None:
                _write_page(report, html)
            print_json(report.to_json()) if as_json else show_report(report)


def _judge(profile: ProfileName | None, policy_file: Path | None) -> "tuple[Judge, tuple[str, ...]]":
    """The text detectors at work under the policy that was asked for, and their names."""
    from safelight.core.signal import Vocabulary
    from safelight.evaluation.judge import Judge, text_detectors
    from safelight.policy.load import load_policy, profile_text
    from safelight.wiring import builtin_detectors, plugin_detectors

    settings = Settings()
    chosen = None if profile else policy_file or settings.policy_file
    text = read_text(chosen, "policy") if chosen else profile_text(profile or settings.policy_profile)
    every = [*builtin_detectors(), *plugin_detectors()]
    policy = load_policy(text, Vocabulary.of(spec for detector in every for spec in detector.emits))
    detectors = text_detectors(every)
    for detector in detectors:
        detector.load()
        detector.verify()
    return Judge(detectors, policy), tuple(f"{detector.name}@{detector.version}" for detector in detectors)


def _read(files: list[str], *, scored: bool) -> "list[Case]":
    """Every case of every file."""
    from safelight.evaluation.cases import read_cases

    found: list[Case] = []
    for name in files:
        if name == STANDARD_INPUT:
            found += read_cases(sys.stdin.buffer, scored=scored)
            continue
        try:
            with Path(name).open("rb") as file:
                found += read_cases(file, scored=scored)
        except OSError as error:
            message = f"{name} cannot be read: {error.strerror}."
            raise BadInput(InputCode.FIELD_INVALID, message, param="files") from error
    return found


def _conditions(files: list[str], judge: "Judge", detectors: tuple[str, ...], alone: bool) -> "Conditions":
    from safelight.evaluation.report import Conditions

    sets = tuple("standard input" if name == STANDARD_INPUT else Path(name).name for name in files)
    return Conditions(sets, judge.policy.name, judge.policy.version, detectors, alone)


def _measure(cases: "list[Case]", judge: "Judge", conditions: "Conditions", obfuscate: bool) -> "Report":
    from safelight.evaluation.obfuscate import disguises, invariance
    from safelight.evaluation.report import report_of

    with _progress() as progress:
        judged = [judge.judge(case) for case in progress.track(cases, description="cases")]
        if not obfuscate:
            return report_of(judged, conditions)
        task = progress.add_task("disguised", total=len(judged) * sum(1 for _ in disguises()))
        return report_of(judged, conditions, invariance(judge, judged, lambda count: progress.advance(task, count)))


def _judge_only(cases: "list[Case]", judge: "Judge", out: Path, *, as_json: bool) -> None:
    """One line a case, written as it is judged."""
    refused = 0
    with _writing(out) as file, _progress() as progress:
        for case in progress.track(cases, description="cases"):
            judged = judge.judge(case)
            refused += judged.is_refused
            file.write(json.dumps(_line(judged)) + "\n")
            file.flush()
    if as_json:
        print_json({"cases": len(cases), "refused": refused})
    else:
        console.print(f"cases judged: {len(cases)}, refused: {refused}, written to {out}", soft_wrap=True)


def _line(judged: "Judged") -> dict[str, Any]:
    return {
        "id": judged.case.id,
        "refused_at": judged.refused_at,
        "category": judged.category.value if judged.category else None,
        "reasons": list(judged.reasons),
        "latency_ms": round(judged.latency_ms, 3),
    }


def _ordinary(file: Path, column: str, judge: "Judge", *, image: bool, as_json: bool) -> None:
    from safelight.evaluation.ordinary import read_column, traffic

    with _progress() as progress:
        found = traffic(judge, _ticking(progress, read_column(file, column)), image=image)
    if as_json:
        print_json({"set": file.name, "policy_version": judge.policy.version} | found.to_json())
    else:
        show_traffic(found, file.name)


def _look_through(file: Path, column: str) -> None:
    """Read a whole CSV without judging it. A pipe can be read once only and is not."""
    from safelight.evaluation.ordinary import read_column

    if not file.exists() or file.is_file():
        for _ in read_column(file, column):
            pass


def _check_place(out: Path | None, files: list[str]) -> None:
    """Before hours of measuring: that `out` can be written, and is none of the files that are read."""
    if out is None:
        return
    if any(name != STANDARD_INPUT and out.resolve() == Path(name).resolve() for name in files):
        raise BadInput(InputCode.FIELD_INVALID, f"{out} would be written over what is read; name another file.")
    try:
        out.open("a", encoding="utf-8").close()
    except OSError as error:
        raise _no_place(out, error) from error


def _ticking(progress: Progress, rows: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    task = progress.add_task("rows", total=None)
    for row in rows:
        yield row
        progress.advance(task)


def _progress() -> Progress:
    """On standard error: standard output is for what was asked."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _writing(out: Path) -> Any:
    try:
        return out.open("w", encoding="utf-8")
    except OSError as error:
        raise _no_place(out, error) from error


def _write_page(report: "Report", out: Path) -> None:
    from safelight.evaluation.page import page

    try:
        out.write_text(page(report), "utf-8")
    except OSError as error:
        raise _no_place(out, error) from error


def _no_place(out: Path, error: OSError) -> BadInput:
    return BadInput(InputCode.FIELD_INVALID, f"{out} cannot be written: {error.strerror}.")
