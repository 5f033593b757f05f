"""Trains the text judgement and writes its weights: `python training/train_meaning.py` (needs the extra `train`).

The encoder's layers, and then the head, are fitted on every row of the grammar and every ordinary line. With
`--split` they are fitted on the training part alone and measured on the others (other templates, garments, languages);
nothing is written then. What ships is measured on sets that no part of this has seen: `training/held_out`.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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
from training.fit import FURTHER, LAYERS, TOUCH_UP, Table, fit_head, fit_layers, scores  # noqa: E402
from training.grammar.generate import Grammar  # noqa: E402
from training.grammar.rows import Row  # noqa: E402
from training.hands import by_hand  # noqa: E402
from training.measure import Measured, measure  # noqa: E402
from training.network import Lower  # noqa: E402
from training.ordinary import Ordinary, ordinary  # noqa: E402
from training.rows import conversations, in_latin_letters, longer, noisy, unique  # noqa: E402
from training.split import Part  # noqa: E402

WEIGHTS = ROOT / "src/safelight/signals/text/weights"
SEED = 1
PLAIN = frozenset({"1", "2", "edit", "keep"})
"""Swimwear put on, clothes taken off, what most people ask who ask for abuse; and what most others ask."""
PLAIN_FILLINGS = 4
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
    ask.add_argument(
        "--latin", type=float, default=0.3, help="share of Greek and Cyrillic rows seen again in Latin letters"
    )
    ask.add_argument("--noise", type=float, default=0.12, help="share of the rows seen again with noise")
    ask.add_argument(
        "--share",
        type=float,
        default=1.0,
        help="share of the rows, drawn by chance, that is learnt from; what is asked of children all is",
    )
    ask.add_argument("--newest", nargs="*", default=[], metavar="HAND", help="hands of whom every row is")
    ask.add_argument("--threads", type=int, default=1, help="the same number gives the same bytes")
    ask.add_argument("--halved", action="store_true", help="multiply in bfloat16 (for processors with AVX512_BF16)")
    ask.add_argument("--threshold", type=float, default=0.5)
    ask.add_argument("--out", type=Path, default=WEIGHTS, help="folder for the weights")
    ask.add_argument("--keep-layers", action="store_true", help="fit only a new head, on the layers that are there")
    ask.add_argument("--further", action="store_true", help="fit layers and head on from those that are there")
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
    often = [row for row in grammar.rows(PLAIN_FILLINGS, SEED) if row.family in PLAIN and len(row.turns) == 1]
    base = unique([*grammar.rows(options.per_template, SEED), *often, *by_hand()])
    rows = base + longer(base, plain, options.extra)
    rows += conversations(base, plain, options.extra, grammar.degrees())
    rows += in_latin_letters(rows, options.latin)
    rows += noisy(rows, plain, options.noise)
    always = {row.turns for hand in options.newest for row in by_hand(hand)}
    always |= {row.turns for row in rows if row.block and row.labels.get("minor") == 1.0}
    drawn = np.random.default_rng(SEED).random(len(rows)) < options.share
    rows = [row for row, is_drawn in zip(rows, drawn, strict=True) if is_drawn or row.turns in always]
    learnt = [row for row in rows if row.part is Part.TRAIN or not options.split]
    lines = [line for line in plain if line.part is Part.TRAIN or not options.split]
    texts = [row.text for row in learnt] + [line.text for line in lines]
    say(f"{len(learnt)} rows, {len(lines)} ordinary lines")
    if options.keep_layers:
        layers = tuned.stored()
    else:
        below = Lower().states(texts, options.threads)
        say(f"states of {sum(map(len, below))} pieces below the layers")
        settings = replace(FURTHER if options.further else LAYERS, epochs=options.passes, halved=options.halved)
        begin = (tuned.stored(), load_head()) if options.further else None
        network = fit_layers(table_of(learnt, lines, below), settings, begin)
        layers = tuned.packed(network.tuned())
        say("layers fitted")
        if not options.split:
            options.out.mkdir(parents=True, exist_ok=True)
            np.savez(options.out / "layers.npz", **layers)  # type: ignore[arg-type]
        del below
    encoder = Encoder(layers)
    table = table_of(learnt, lines, states(encoder, texts, options.threads))
    head = fit_head(table) if options.keep_layers else fit_head(table, TOUCH_UP, network.head.head())
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


def states(encoder: Encoder, texts: Sequence[str], threads: int = 1) -> list[Tensor]:
    """What the head is asked about: for each text (pieces, width), half precision."""
    known: Known = {}

    def one(text: str) -> Tensor:
        ids = encoder.tokenizer.cut_words(encoder.tokenizer.words(text), known).ids[:WINDOW_PIECES] or (3,)
        return torch.from_numpy(encoder.states(ids).astype(np.float16))

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, texts))


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
