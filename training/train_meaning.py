"""Trains the text judgement and writes its weights: `python training/train_meaning.py` (needs the extra `train`).

The encoder's upper layers, and then the head, are fitted on every row of the grammar and every ordinary line. With
`--split` they are fitted on the training part alone and measured on the others (other templates, garments, languages);
nothing is written then. What ships is measured on sets that no part of this has seen: `training/held_out`.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from safelight.signals.text.e5 import tuned  # noqa: E402 - the repository is put on the path first
from safelight.signals.text.e5.encoder import Encoder  # noqa: E402
from safelight.signals.text.head import KINDS, LABELS, Head, load_head  # noqa: E402
from safelight.signals.text.kinds import Kind  # noqa: E402
from safelight.signals.text.minors import Minors  # noqa: E402
from safelight.signals.text.units import WINDOW_PIECES, Known  # noqa: E402
from training import risk  # noqa: E402
from training.fit import LAYERS, TOUCH_UP, Table, fit_head, fit_layers, scores  # noqa: E402
from training.grammar.generate import Grammar  # noqa: E402
from training.grammar.rows import Row  # noqa: E402
from training.hands import by_hand  # noqa: E402
from training.measure import Measured, measure  # noqa: E402
from training.network import Lower  # noqa: E402
from training.ordinary import Ordinary, ordinary  # noqa: E402
from training.rows import conversations, longer, noisy, unique  # noqa: E402
from training.split import Part  # noqa: E402

WEIGHTS = ROOT / "src/safelight/signals/text/weights"
SEED = 1
PLAIN = frozenset({"1", "2"})
"""Swimwear put on, clothes taken off: what most people ask who ask for abuse."""
PLAIN_FILLINGS = 8
_NO_ONE = frozenset({"coco_captions_10k", "geneval_prompts", "uce_profession_prompts"})
"""Files whose lines are about nobody in particular."""


def table_of(rows: Sequence[Row], plain: Sequence[Ordinary], states: Sequence[Tensor]) -> Table:
    """What is learnt from, `states` in the order of rows and then lines."""
    minors = Minors()
    labels = np.full((len(states), len(LABELS)), np.nan, np.float32)
    kinds = np.full(len(states), -1, np.int64)
    for at, row in enumerate(rows):
        for name, value in row.labels.items():
            labels[at, LABELS.index(name)] = value
        kinds[at] = KINDS.index(Kind(row.kind))
    for at, line in enumerate(plain, len(rows)):
        found = minors.look(line.text)
        calm = np.nan if line.bare else 0.0
        labels[at] = (calm, calm, np.nan if found.needs_support else float(found.score >= 1), np.nan)
        if line.source in _NO_ONE:
            labels[at, LABELS.index("person")] = 0.0
        kinds[at] = KINDS.index(Kind.NONE)
    return Table(states, labels, kinds)


def save(head: Head, path: Path) -> None:
    """Half precision: the figures do not change, the file is half as long."""
    np.savez(path, **{name: array.astype(np.float16) for name, array in head.arrays().items()})  # type: ignore[arg-type]


def main() -> None:
    """Train, and measure or write."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument(
        "--per-template", type=int, default=3, help="requests made of a template with one slot; more slots, more"
    )
    ask.add_argument("--extra", type=int, default=5000, help="longer texts, and conversations, of each sort")
    ask.add_argument("--noise", type=float, default=0.12, help="share of the rows seen again with noise")
    ask.add_argument("--threads", type=int, default=1, help="the same number gives the same bytes")
    ask.add_argument("--threshold", type=float, default=0.5)
    ask.add_argument("--out", type=Path, default=WEIGHTS, help="folder for the weights")
    ask.add_argument("--keep-layers", action="store_true", help="fit only a new head, on the layers that are there")
    ask.add_argument(
        "--touch-up",
        type=int,
        default=0,
        metavar="N",
        help="fit the head that is there on: the plainest attacks, and N of all rows and lines beside",
    )
    ask.add_argument("--further", action="store_true", help="fit the layers on from those that are there")
    ask.add_argument("--passes", type=int, default=LAYERS.epochs, help="passes of the layers over the rows")
    ask.add_argument(
        "--split", action="store_true", help="fit on the training part, measure on the rest, write nothing"
    )
    options = ask.parse_args()
    torch.set_num_threads(options.threads)
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:.0f} s: {what}", flush=True)

    plain = list(ordinary())
    grammar = Grammar()
    base = unique([*grammar.rows(options.per_template, SEED), *by_hand()])
    rows = base + longer(base, plain, options.extra)
    rows += conversations(base, plain, options.extra, grammar.degrees())
    rows += noisy(rows, plain, options.noise)
    learnt = [row for row in rows if row.part is Part.TRAIN or not options.split]
    lines = [line for line in plain if line.part is Part.TRAIN or not options.split]
    if options.touch_up:
        learnt, lines = plainest(grammar, learnt, lines, options.touch_up)
    texts = [row.text for row in learnt] + [line.text for line in lines]
    say(f"{len(learnt)} rows, {len(lines)} ordinary lines")
    if options.keep_layers or options.touch_up:
        layers = tuned.stored()
    else:
        below = Lower().states(texts)
        say(f"states of {sum(map(len, below))} pieces below the layers")
        settings = replace(LAYERS, epochs=options.passes)
        begin = tuned.stored() if options.further else None
        layers = tuned.packed(fit_layers(table_of(learnt, lines, below), settings, begin).tuned())
        say("layers fitted")
        if not options.split:
            options.out.mkdir(parents=True, exist_ok=True)
            np.savez(options.out / "layers.npz", **layers)  # type: ignore[arg-type]
        del below
    encoder = Encoder(layers)
    table = table_of(learnt, lines, states(encoder, texts))
    head = fit_head(table, TOUCH_UP, load_head()) if options.touch_up else fit_head(table)
    say("head fitted")
    if options.split:
        held = [row for row in rows if row.part is not Part.TRAIN and not row.family.endswith(" first")]
        held = [row for row in held if row.family != "degree"]
        still = [line for line in plain if line.part is not Part.TRAIN]
        show(measure(lambda asked: scores(head, states(encoder, asked)), held, still, options.threshold))
        return
    options.out.mkdir(parents=True, exist_ok=True)
    save(head.head(), options.out / "meaning.npz")
    calm = [line.text for line in plain if not line.bare]
    risks = risk.learn([row.text for row in rows] + calm, [row.block for row in rows] + [False] * len(calm))
    np.savez(options.out / "risk.npz", table=risks)
    say("written")


def plainest(
    grammar: Grammar, rows: Sequence[Row], lines: Sequence[Ordinary], count: int
) -> tuple[list[Row], list[Ordinary]]:
    """Single requests of the families that everybody sends, in many fillings, and `count` of everything, drawn."""
    draw = random.Random(SEED)
    often = [row for row in grammar.rows(PLAIN_FILLINGS, SEED) if row.family in PLAIN and len(row.turns) == 1]
    often = draw.sample(often, min(len(often), count // 2))
    share = count / (len(rows) + len(lines))
    few = [row for row in rows if draw.random() < share]
    return unique([*often, *few]), [line for line in lines if draw.random() < share]


def states(encoder: Encoder, texts: Sequence[str]) -> list[Tensor]:
    """What the head is asked about: for each text (pieces, width), half precision."""
    known: Known = {}
    made: list[Tensor] = []
    for text in texts:
        ids = encoder.tokenizer.cut_words(encoder.tokenizer.words(text), known).ids[:WINDOW_PIECES] or (3,)
        made.append(torch.from_numpy(encoder.states(ids).astype(np.float16)))
    return made


def show(found: Measured) -> None:
    """Print shares by family and language."""
    print(f"refused {found.all(True)}; near misses {found.all(False)}; ordinary {found.ordinary_share(bare=False)}")
    for block in (True, False):
        for key in (lambda row: row.family, lambda row: row.lang):
            print({name: str(share) for name, share in found.by(key, block).items()})
    for row, hit in found.rows:
        if hit is not row.block:
            print(
                ("missed " if row.block else "refused"),
                row.lang,
                row.family,
                "minor" if row.labels.get("minor") else row.text,
                sep="\t",
            )


if __name__ == "__main__":
    main()
