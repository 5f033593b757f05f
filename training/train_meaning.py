"""Trains the text judgement and writes its weights: `python training/train_meaning.py --cache FILE`.

Two heads are fitted by one recipe: one on the training part alone, measured on the final part (the figures of the model
card), and one on every part, which is what ships. Same seed, same bytes.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from safelight.signals.text.head import KINDS, LABELS, Head  # noqa: E402 - the repository is put on the path first
from safelight.signals.text.kinds import Kind  # noqa: E402
from safelight.signals.text.minors import Minors  # noqa: E402
from training import risk  # noqa: E402
from training.card import card  # noqa: E402
from training.features import Features  # noqa: E402
from training.fit import Settings, Table, fit  # noqa: E402
from training.grammar.generate import Grammar  # noqa: E402
from training.grammar.rows import Row  # noqa: E402
from training.measure import measure  # noqa: E402
from training.ordinary import Ordinary, ordinary  # noqa: E402
from training.split import Part  # noqa: E402

WEIGHTS = ROOT / "src/safelight/signals/text/weights/meaning.npz"
SEED = 1
_CALM = {"undress": 0.0, "sexual": 0.0}


def table_of(rows: Sequence[Row], plain: Sequence[Ordinary], features: Features) -> Table:
    """What the head learns from."""
    minors = Minors()
    states = features.of([row.text for row in rows] + [line.text for line in plain])
    labels = np.full((len(states), len(LABELS)), np.nan, np.float32)
    kinds = np.full(len(states), -1, np.int64)
    weight = np.ones(len(states), np.float32)
    for at, row in enumerate(rows):
        for name, value in row.labels.items():
            labels[at, LABELS.index(name)] = value
        kinds[at] = KINDS.index(Kind(row.kind))
        weight[at] = 1.0 if row.block else 1.5
    for at, line in enumerate(plain, len(rows)):
        found = minors.look(line.text)
        calm = np.nan if line.bare else 0.0
        labels[at] = (
            calm,
            calm,
            np.nan if found.needs_support else float(found.score >= 1),
            np.nan,
        )
        if line.source in {
            "coco_captions_10k",
            "geneval_prompts",
            "uce_profession_prompts",
        }:
            labels[at, LABELS.index("person")] = 0.0
        kinds[at] = KINDS.index(Kind.NONE)
    return Table(states, labels, kinds, weight)


def composites(rows: Sequence[Row], plain: Sequence[Ordinary], count: int) -> list[Row]:
    """Ordinary sentences with one request among them, and as many with none: the part decides, wherever it stands."""
    draw = random.Random(SEED)
    made: list[Row] = []
    for part in Part:
        calm = [line.text for line in plain if line.part is part and len(line.text) < 90 and not line.bare]
        calm += [row.text for row in rows if row.part is part and not row.block and row.family in {"edit", "more"}]
        hot = [row for row in rows if row.part is part and row.block and len(row.turns) == 1 and len(row.text) < 90]
        share = count if part is Part.TRAIN else count // 4
        for at in range(share):
            sentences = [draw.choice(calm) for _ in range(draw.randint(1, 3))]
            if at % 2:
                sentences.append(draw.choice(calm))
                made.append(
                    Row(
                        (". ".join(sentences),),
                        "en",
                        "long",
                        Kind.NONE,
                        _CALM,
                        part,
                        False,
                        True,
                    )
                )
                continue
            row = draw.choice(hot)
            sentences.insert(draw.randint(0, len(sentences)), row.text)
            text = draw.choice((". ", ", ", "\n", ", then ")).join(sentences)
            made.append(
                Row(
                    (text,),
                    row.lang,
                    "18",
                    row.kind,
                    row.labels,
                    part,
                    row.block,
                    row.image,
                )
            )
    return made


def unique(rows: Iterable[Row]) -> list[Row]:
    """Each conversation once."""
    return list({row.turns: row for row in rows}.values())


def save(head: Head, path: Path) -> None:
    """Half precision: the figures do not change, the file is half as long."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        **{name: array.astype(np.float16) for name, array in head.arrays().items()},
    )  # type: ignore[arg-type]


def main() -> None:
    """Train, measure, write."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--cache", type=Path, help="where the encoder's numbers are kept between runs")
    ask.add_argument("--per-template", type=int, default=12)
    ask.add_argument("--composites", type=int, default=3000)
    ask.add_argument("--threshold", type=float, default=0.5)
    ask.add_argument("--out", type=Path, default=WEIGHTS.parent, help="folder for the weights")
    ask.add_argument("--card", type=Path, default=ROOT / "docs/models/text-meaning.md")
    ask.add_argument("--measure-only", action="store_true", help="write no weights")
    ask.add_argument("--ship-only", action="store_true", help="measure nothing")
    options = ask.parse_args()
    began = time.perf_counter()
    features, plain = Features(options.cache), list(ordinary())
    rows = unique(Grammar().rows(options.per_template, SEED))
    rows += composites(rows, plain, options.composites)
    print(f"{len(rows)} rows", flush=True)
    if not options.ship_only:
        write_card(options, features, rows, plain)
    if not options.measure_only:
        save(
            fit(table_of(rows, plain, features), Settings()),
            options.out / "meaning.npz",
        )
        texts = [row.text for row in rows] + [line.text for line in plain if not line.bare]
        table = risk.learn(texts, [row.block for row in rows] + [False] * (len(texts) - len(rows)))
        np.savez(options.out / "risk.npz", table=table)
    print(f"{time.perf_counter() - began:.0f} s")


def write_card(options: argparse.Namespace, features: Features, rows: Sequence[Row], plain: Sequence[Ordinary]) -> None:
    """Fit on the training part, measure on the others, write the card."""
    train = [row for row in rows if row.part is Part.TRAIN]
    lines = [line for line in plain if line.part is Part.TRAIN]
    head = fit(table_of(train, lines, features), Settings())
    held = [row for row in rows if row.part is not Part.TRAIN and not row.family.endswith("first")]
    held = [row for row in held if row.family != "degree"]
    found = measure(head, held, [line for line in plain if line.part is not Part.TRAIN], features, options.threshold)
    print(f"refused {found.all(True)}; near misses {found.all(False)}; ordinary {found.ordinary_share(bare=False)}")
    options.card.parent.mkdir(parents=True, exist_ok=True)
    options.card.write_text(card(found, options.threshold, len(train), len(lines)), encoding="utf-8")


if __name__ == "__main__":
    main()
