"""`safelight policy`: what is refused and why, whether a policy file loads, and one rule in plain words."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from safelight.cli.files import read_text, writing
from safelight.cli.output import AsJson, Table, console, print_json, quiet_logs
from safelight.core.errors import BadInput, InputCode
from safelight.policy.errors import PolicyDefective
from safelight.policy.explain import describe, describe_rule
from safelight.policy.load import default_policy_text, load_policy, profile_text
from safelight.policy.model import Policy
from safelight.settings import ProfileName, Settings

app = typer.Typer(no_args_is_help=True, help="What is refused, and why.")

PolicyFile = Annotated[Path | None, typer.Option("--policy", help="Policy file; none: the policy that is set.")]
Profile = Annotated[ProfileName | None, typer.Option(help="Packaged policy; none: the policy that is set.")]


@app.command(
    help="Print the thresholds and the rules in force.\n\n"
    "Example: `safelight policy show --profile adult_platform`\n\n"
    "With `--text`, print the file as it is written; with none named, the default rules and their reasons."
)
def show(
    policy: PolicyFile = None,
    profile: Profile = None,
    text: Annotated[bool, typer.Option("--text", help="Print the file as it is written.")] = False,
    figures: Annotated[
        Path | None, typer.Option(help="What the thresholds do, as `policy measure --save` wrote it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print a policy."""
    if text:
        written = _text(policy, profile) if policy or profile else default_policy_text()
        print_json({"text": written}) if as_json else typer.echo(written, nl=False)
        return
    loaded = _load(_text(policy, profile))
    described: Any = describe(loaded)
    measured = _figures(figures, loaded)
    if as_json:
        print_json(described | ({"figures": measured} if measured else {}))
        return
    console.print(f"[bold]{escape(loaded.name)}[/]: {escape(loaded.description)}")
    console.print(f"version {loaded.version}", highlight=False, soft_wrap=True)
    thresholds = Table("threshold", "value", "a profile may set", "meaning")
    for item in described["thresholds"]:
        low, high = item["range"]
        thresholds.add_row(item["name"], f"{item['value']:g}", f"{low:g} to {high:g}", escape(item["help"]))
    rules = Table("rule", "stage", "category", "refuses where", show_lines=True)
    for item in described["rules"]:
        name = item["id"] + (" (locked)" if item["locked"] else "")
        rules.add_row(name, ", ".join(item["stages"]), item["category"], escape(item["condition"]))
    console.print(thresholds, rules)
    if measured:
        show_effects(measured)
    if loaded.switched_off:
        console.print(f"switched off: {', '.join(loaded.switched_off)}")
    console.print("The first rule that fires gives the category; what no rule refuses is allowed.")


@app.command(
    help="Tell what each threshold does to recall and false positives on sets of cases.\n\n"
    "Example: `safelight policy measure cases.jsonl --save figures.json`\n\n"
    "Each threshold is moved alone, to the ends of what a profile may set; without a file, on a small built-in set."
)
def measure(
    files: Annotated[list[Path] | None, typer.Argument(help="Cases, as `safelight eval` reads them.")] = None,
    policy: PolicyFile = None,
    profile: Profile = None,
    save: Annotated[Path | None, typer.Option(help="Also write it here, for `policy show --figures`.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the thresholds."""
    # Imported here: `--help` need not wait for the detectors' libraries.
    from safelight.evaluation.cases import read_cases
    from safelight.evaluation.judge import text_detectors
    from safelight.evaluation.thresholds import builtin_cases, effects
    from safelight.wiring import builtin_detectors, plugin_detectors

    quiet_logs()
    loaded = _load(_text(policy, profile))
    cases = [
        case for file in files or () for case in read_cases(read_text(file, "files").splitlines())
    ] or builtin_cases()
    detectors = text_detectors([*builtin_detectors(), *plugin_detectors()])
    for detector in detectors:
        detector.load()
        detector.verify()
    found: Any = {
        "policy": loaded.name,
        "version": loaded.version,
        "sets": [file.name for file in files or ()] or ["built-in"],
        "cases": len(cases),
        "detectors": [f"{detector.name}@{detector.version}" for detector in detectors],
        "thresholds": [effect.to_json() for effect in effects(cases, detectors, loaded)],
    }
    if save is not None:
        with writing(save, "save"):
            save.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print_json(found) if as_json else show_effects(found)


@app.command(
    help="Say whether a policy file loads; if not, everything that is wrong with it, and where.\n\n"
    "Example: `safelight policy check policy.toml`\n\nExit code 0: it loads; 1: it does not; "
    "2: the file cannot be read."
)
def check(
    file: Annotated[Path, typer.Argument(help="The policy file.")],
    as_json: AsJson = False,
) -> None:
    """Check a policy file."""
    try:
        loaded = _load(read_text(file, "file"))
    except PolicyDefective as error:
        if as_json:
            print_json({"valid": False, "defects": [defect.to_json() for defect in error.defects]})
        else:
            table = Table("where", "what is wrong", "what to do", show_lines=True)
            for defect in error.defects:
                table.add_row(escape(defect.where), escape(defect.what), escape(defect.next_step))
            console.print(table)
        raise typer.Exit(1) from error
    alone = not loaded.extends and loaded.version != _load(default_policy_text()).version
    if as_json:
        print_json(
            {"valid": True, "name": loaded.name, "version": loaded.version, "rules": len(loaded.rules), "alone": alone}
        )
        return
    console.print(f"[green]loads[/] {escape(loaded.name)}, {len(loaded.rules)} rules, {loaded.version}", soft_wrap=True)
    if alone:
        console.print(
            "[yellow]It stands alone[/]: none of the locked rules about children and real people is in it unless you "
            'wrote them. extends = "default" keeps them.'
        )


@app.command(
    help="Explain one rule, or the whole order of rules, in plain words.\n\n"
    "Example: `safelight policy explain ncii_undress_photo`"
)
def explain(
    rule: Annotated[str | None, typer.Argument(help="The rule's id; none: all of them.")] = None,
    policy: PolicyFile = None,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Explain rules."""
    loaded = _load(_text(policy, profile))
    chosen = [candidate for candidate in loaded.rules if rule in {None, candidate.id}]
    if not chosen:
        raise typer.BadParameter(f"no rule {rule!r}; `safelight policy show` lists them", param_hint="RULE")
    described: list[Any] = [describe_rule(candidate, loaded) for candidate in chosen]
    if as_json:
        print_json({"policy": loaded.name, "version": loaded.version, "rules": described})
        return
    for item in described:
        _explain(item)


def _explain(item: Any) -> None:
    lock = ", locked: no profile switches it off" if item["locked"] else ""
    console.print(f"\n[bold]{item['id']}[/]: {item['category']}, at {' and '.join(item['stages'])}{lock}")
    console.print(f"  refuses where  {escape(item['condition'])}", highlight=False)
    console.print(f"  says           {escape(item['text'])}", highlight=False)
    console.print(f"  code           {item['code']}", highlight=False)
    console.print(f"  if missing     {item['if_missing']}", highlight=False)
    for name, meaning in item["names"].items():
        console.print(f"    {name}: {escape(meaning)}", highlight=False)


def show_effects(found: Any) -> None:
    """A table of what the thresholds do; those that do nothing on the set are named below it."""
    table = Table("threshold", "at", "recall", "false positives")
    for item in found["thresholds"]:
        for point in item["points"] if item["matters"] else ():
            table.add_row(
                item["name"], f"{point['value']:g}", _share(point["recall"]), _share(point["false_positives"])
            )
        table.add_section()
    console.print(table)
    idle = [item["name"] for item in found["thresholds"] if not item["matters"]]
    console.print(f"without effect on this set: {', '.join(idle) or 'none'}", highlight=False)
    console.print(f"measured on {found['cases']} cases of {', '.join(found['sets'])}, each threshold moved alone")


def _share(share: Any) -> str:
    if share["rate"] is None:
        return "nothing counted"
    return f"{share['rate']:.1%} ({share['low']:.1%} to {share['high']:.1%}) of {share['of']}"


def _figures(file: Path | None, policy: Policy) -> Any:
    """What was measured. Raises BadInput for figures of another policy: they say nothing about this one."""
    if file is None:
        return None
    try:
        found: Any = json.loads(read_text(file, "figures"))
    except ValueError as error:
        message = f"{file} is not what `safelight policy measure --save` writes."
        raise BadInput(InputCode.FIELD_INVALID, message, param="figures") from error
    if not isinstance(found, dict) or found.get("version") != policy.version:
        message = f"{file} was not measured with this policy: run `safelight policy measure --save {file}`."
        raise BadInput(InputCode.FIELD_INVALID, message, param="figures")
    return found


def _load(text: str) -> Policy:
    # Imported here: `--help` need not wait for the detectors' libraries.
    from safelight.wiring import builtin_vocabulary

    return load_policy(text, builtin_vocabulary())


def _text(file: Path | None, profile: ProfileName | None) -> str:
    """The policy asked for: a file, a packaged profile, or what the settings name."""
    if file and profile:
        raise typer.BadParameter("give --policy or --profile, not both")
    settings = Settings()
    chosen = None if profile else file or settings.policy_file
    return read_text(chosen, "policy") if chosen else profile_text(profile or settings.policy_profile)
