"""What the gate costs: the same upstream asked directly and through Safelight, in one run, turn and turn about.

    python bench/gate.py [--quick] [--json] [--readme]

`--json` prints one object on the last line: `text_added_p50_ms`, `edit_added_p50_ms`, `sustained_rps`, … A figure
"added" is a percentile through the gate less the same percentile direct. `text` comes back as a drawing, `photo` as a
photograph (both PNG, 1024 × 1024, and a photograph takes six times as long to decode), `jpeg` as the same photograph
in JPEG, `text_small` at 256 × 256; an edit sends and returns photographs as PNG. Client, gate and upstream share the
machine; under load, the processor time of each is told apart (`…_cpu_ms`, a request).
Ends with 1 when an ordinary request was refused or failed: a gate that is fast because it says no would be no use.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from inside import totals
from load import Timed, at_rate, flat_out, in_pairs, one_by_one
from machine import machine
from servers import Gate, safelight, upstream
from work import checks, edits, generations

Figures = dict[str, float | int | str]
RATE = 60.0
"""Text requests a second that the gate is meant to sustain."""
_ENOUGH = 0.98
"""Of the rate that is due; the last answers come in after the clock has stopped."""
TARGETS = {
    "text_added_p50_ms": 25.0,
    "text_added_p99_ms": 60.0,
    "photo_added_p50_ms": 25.0,
    "photo_added_p99_ms": 60.0,
    "jpeg_added_p50_ms": 25.0,
    "text_small_added_p50_ms": 25.0,
    "edit_added_p50_ms": 200.0,
    "ready_s": 5.0,
    "rss_mb": 700.0,
}


_README_MARKS = "<!-- bench:gate -->", "<!-- /bench:gate -->"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    text_count: int
    edit_count: int
    load_s: float
    warm_up: int


FULL = Plan(text_count=300, edit_count=60, load_s=10.0, warm_up=5)
QUICK = Plan(text_count=40, edit_count=8, load_s=3.0, warm_up=2)


@dataclass
class Report:
    """Rows for a person, figures for a machine."""

    figures: Figures = field(default_factory=dict)
    rows: list[tuple[str, ...]] = field(default_factory=list)
    inside: dict[str, dict[str, float]] = field(default_factory=dict)
    """Mean milliseconds of each step and detector, by kind of request."""
    refusals: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add_pair(self, name: str, title: str, direct: Timed, gate: Timed) -> None:
        """Both sides of one kind of request, and what was added."""
        for percent in (50, 99):
            added = gate.part_ms(percent) - direct.part_ms(percent)
            self.figures[f"{name}_direct_p{percent}_ms"] = round(direct.part_ms(percent), 2)
            self.figures[f"{name}_gate_p{percent}_ms"] = round(gate.part_ms(percent), 2)
            self.figures[f"{name}_added_p{percent}_ms"] = round(added, 2)
        self.rows.append((title, *(f"{t.part_ms(p):.1f}" for p in (50, 99) for t in (direct, gate)), self._added(name)))
        self.refusals += gate.refusals
        self.failures += direct.refusals + direct.failures + gate.failures

    def add_load(self, name: str, title: str, timed: Timed, spent_s: dict[str, float] | None = None) -> None:
        """One kind of load on the gate alone; `spent_s` is the processor time of each process for it."""
        answers = max(1, len(timed.took_ms))
        for process, seconds in (spent_s or {}).items():
            self.figures[f"{name}_{process}_cpu_ms"] = round(1000 * seconds / answers, 1)
        self.figures[f"{name}_rps"] = round(timed.rate, 1)
        self.figures[f"{name}_p50_ms"] = round(timed.part_ms(50), 2)
        self.figures[f"{name}_p99_ms"] = round(timed.part_ms(99), 2)
        gate = f"{timed.part_ms(50):.1f}", f"{timed.part_ms(99):.1f}"
        spent = " + ".join(f"{1000 * seconds / answers:.1f}" for seconds in (spent_s or {}).values())
        said = f"{timed.rate:.1f} requests/s" + (f"; CPU {spent}" if spent else "")
        self.rows.append((title, "", gate[0], "", gate[1], said))
        self.refusals += timed.refusals
        self.failures += timed.failures

    def _added(self, name: str) -> str:
        return f"+{self.figures[f'{name}_added_p50_ms']} p50, +{self.figures[f'{name}_added_p99_ms']} p99"


def measure(plan: Plan) -> Report:
    """Start everything, measure everything, stop everything."""
    report = Report(figures=dict(machine()))
    with upstream() as model, safelight(model) as gate:
        report.figures["ready_s"] = round(gate.ready_s, 2)
        report.figures["rss_idle_mb"] = round(gate.memory_mb())
        _latencies(report, plan, model.origin, gate)
        _loads(report, plan, gate)
        report.figures["rss_steady_mb"] = round(gate.memory_mb())
        report.figures["rss_mb"] = round(gate.peak_mb)
    report.figures |= {"refused": len(report.refusals), "failed": len(report.failures)}
    return report


def _latencies(report: Report, plan: Plan, direct: str, gate: Gate) -> None:
    for name, title, asks, count in (
        ("text", "generation, 1024², drawing", generations("1024x1024", style="drawing of"), plan.text_count),
        ("photo", "generation, 1024², photograph as PNG", generations("1024x1024", seed=8), plan.text_count),
        ("jpeg", "generation, 1024², as JPEG", generations("1024x1024", 9, "jpeg"), plan.text_count),
        ("text_small", "generation, 256², photograph as PNG", generations("256x256", seed=2), plan.text_count),
        ("edit", "edit, 1024² photograph in and out", edits(), plan.edit_count),
    ):
        before = totals(gate.origin)
        report.add_pair(name, title, *in_pairs(direct, gate.origin, asks, count, plan.warm_up))
        report.inside[name] = totals(gate.origin).since(before)
    for name, title, in_disguise in (("check", "check, text", False), ("disguised", "check, text in disguise", True)):
        before = totals(gate.origin)
        asks = checks(3, in_disguise=in_disguise)
        report.add_load(name, title, one_by_one(gate.origin, asks, plan.text_count, plan.warm_up))
        report.inside[name] = totals(gate.origin).since(before)


def _loads(report: Report, plan: Plan, gate: Gate) -> None:
    """Loads one after the other. A small picture: at sixty a second it is the judging that is to be seen."""
    due = f"{RATE:.0f} due each second"
    loads: tuple[tuple[str, str, Callable[[], Timed]], ...] = (
        (
            "sustained",
            f"generations, 256², {due}",
            lambda: at_rate(gate.origin, generations("256x256", seed=4), RATE, plan.load_s),
        ),
        (
            "max",
            "generations, 256², 16 clients flat out",
            lambda: flat_out(gate.origin, generations("256x256", seed=5), clients=16, seconds=plan.load_s),
        ),
        (
            "check_sustained",
            f"checks of text, {due}",
            lambda: at_rate(gate.origin, checks(seed=6), RATE, plan.load_s),
        ),
        (
            "check_max",
            "checks of text, 16 clients flat out",
            lambda: flat_out(gate.origin, checks(seed=7), clients=16, seconds=plan.load_s),
        ),
    )
    for name, title, load in loads:
        before = gate.cpu_s()
        timed = load()
        report.add_load(name, title, timed, {process: s - before[process] for process, s in gate.cpu_s().items()})


def show(report: Report, plan: Plan) -> None:
    """The table, and each target beside what was measured."""
    figures, console = report.figures, Console(width=150)
    console.print(
        f"{figures['cpu']}, {figures['cores']} cores, Python {figures['python']}, "
        f"load average before {figures['load_average']}; "
        f"{plan.text_count} generations and {plan.edit_count} edits each way, {plan.load_s:.0f} s a load; "
        "client, gate and upstream on this one machine; CPU: milliseconds a request of gate + upstream + client"
    )
    columns = "milliseconds", "direct p50", "gate p50", "direct p99", "gate p99", "added"
    table = Table(*columns)
    for row in report.rows:
        table.add_row(*row)
    console.print(table)
    inside = Table("mean milliseconds inside the gate", *report.inside)
    for part in sorted({part for means in report.inside.values() for part in means}):
        inside.add_row(part, *(str(means.get(part, "")) for means in report.inside.values()))
    console.print(inside)
    for name, most in TARGETS.items():
        met = "met" if float(figures[name]) <= most else "MISSED"
        console.print(f"{name:>20} {figures[name]:>8}   target at most {most:g}: {met}")
    met = "met" if float(figures["sustained_rps"]) >= _ENOUGH * RATE else "MISSED"
    console.print(f"{'sustained_rps':>20} {figures['sustained_rps']:>8}   target {RATE:g}: {met}")
    console.print(f"{'rss_steady_mb':>20} {figures['rss_steady_mb']:>8}")
    for what, unmet in (("refused", report.refusals), ("failed", report.failures)):
        for one in unmet[:5]:
            console.print(f"{what}: {one}", style="bold", markup=False)


def write_readme(report: Report, plan: Plan) -> None:
    """Put the table between the README's marks."""
    f = report.figures
    lines = [
        f"Measured by `python bench/gate.py --readme` on {f['cores']} cores ({f['cpu']}): client, gate and upstream on "
        "one machine, the same upstream asked directly and through the gate turn and turn about, "
        f"{plan.text_count} generations and {plan.edit_count} edits each way.",
        "",
        "| | added, median | added, p99 |",
        "|---|---|---|",
        *(
            f"| {title} | {f[f'{name}_added_p50_ms']:.0f} ms | {f[f'{name}_added_p99_ms']:.0f} ms |"
            for name, title in (
                ("text", "generation from text, 1024 × 1024 drawing as PNG"),
                ("photo", "generation from text, 1024 × 1024 photograph as PNG"),
                ("jpeg", "generation from text, 1024 × 1024 photograph as JPEG"),
                ("text_small", "generation from text, 256 × 256 photograph as PNG"),
                ("edit", "edit, 1024 × 1024 photograph in and out, both PNG"),
            )
        ),
        "",
        f"Judging text alone (`/v1/check`): median {f['check_p50_ms']:.0f} ms, p99 {f['check_p99_ms']:.0f} ms; "
        f"disguised text, median {f['disguised_p50_ms']:.0f} ms. Of {RATE:.0f} generations due each second "
        f"(256 × 256), {f['sustained_rps']:.0f} were served, each for {f['sustained_gate_cpu_ms']:.0f} ms of a core in "
        f"the gate, {f['sustained_upstream_cpu_ms']} in the upstream and {f['sustained_client_cpu_ms']} in the client; "
        f"flat out, {f['max_rps']:.0f}; text checks flat out, {f['check_max_rps']:.0f}. "
        f"Ready after {f['ready_s']:.1f} s; {f['rss_mb']:.0f} MB at most.",
    ]
    readme = Path(__file__).parents[1] / "README.md"
    before, _, rest = readme.read_text("utf-8").partition(_README_MARKS[0])
    _, _, after = rest.partition(_README_MARKS[1])
    readme.write_text(f"{before}{_README_MARKS[0]}\n" + "\n".join(lines) + f"\n{_README_MARKS[1]}{after}", "utf-8")


def main() -> int:
    """Measure and report; 1 when any ordinary request failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer requests: about half a minute")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    asked = parser.parse_args()
    plan = QUICK if asked.quick else FULL
    report = measure(plan)
    show(report, plan)
    if asked.readme:
        write_readme(report, plan)
    if asked.json:
        print(json.dumps(report.figures))
    return 1 if report.refusals or report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
