"""Blends the weights of two runs: `python training/blend.py EARLIER LATER --out FOLDER` (needs the extra `train`).

Two runs of which one went on from the other lie in one valley, so that their mean is no worse than either, and often
better than both: what the later run forgot is half there. The head is touched up on the blended layers, on rows drawn
by chance, requests about children twice: hands write few of them. Source: Wortsman et al., "Model soups" (2022).
"""

import argparse
import shutil
import sys
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from safelight.signals.text.e5 import tuned  # noqa: E402 - the repository is put on the path first
from safelight.signals.text.e5.encoder import Encoder  # noqa: E402
from safelight.signals.text.head import Head  # noqa: E402
from training.fit import FEATURES, HIDDEN, TOUCH_UP, Numbers, fit_head  # noqa: E402
from training.grammar.generate import Grammar  # noqa: E402
from training.grammar.rows import Row  # noqa: E402
from training.hands import by_hand  # noqa: E402
from training.network import Network  # noqa: E402
from training.ordinary import ordinary  # noqa: E402
from training.rows import unique  # noqa: E402
from training.train_meaning import SEED, save, states, table_of  # noqa: E402


def main() -> None:
    """Blend, touch up, and write."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("earlier", type=Path, help="folder with layers.npz, meaning.npz and risk.npz")
    ask.add_argument("later", type=Path)
    ask.add_argument("--share", type=float, default=0.5, help="of the later one")
    ask.add_argument("--rows", type=int, default=60_000, help="on which the head is touched up")
    ask.add_argument("--threads", type=int, default=1, help="the same number gives the same bytes")
    ask.add_argument("--out", type=Path, required=True)
    options = ask.parse_args()
    torch.set_num_threads(options.threads)
    share = options.share
    earlier, later = (numbers_of(folder / "layers.npz") for folder in (options.earlier, options.later))
    layers = tuned.packed({name: (1 - share) * earlier[name] + share * later[name] for name in earlier})
    heads = [stored(folder / "meaning.npz") for folder in (options.earlier, options.later)]
    head = Head(**{name: (1 - share) * heads[0][name] + share * heads[1][name] for name in heads[0]})
    rows, lines = drawn(options.rows), list(ordinary())
    texts = [row.text for row in rows] + [line.text for line in lines]
    print(f"{len(rows)} rows, {len(lines)} ordinary lines", flush=True)
    touched = fit_head(table_of(rows, lines, states(Encoder(layers), texts, options.threads)), TOUCH_UP, head)
    options.out.mkdir(parents=True, exist_ok=True)
    np.savez(options.out / "layers.npz", **layers)  # type: ignore[arg-type]
    save(touched.head(), options.out / "meaning.npz")
    shutil.copy(options.later / "risk.npz", options.out)


def drawn(count: int) -> list[Row]:
    """About so many rows, and every one that asks something of a child twice."""
    base = unique([*Grammar().rows(1, SEED), *by_hand()])
    of_children = [row for row in base if row.block and row.labels.get("minor") == 1.0]
    chosen = np.random.default_rng(SEED).random(len(base)) < count / len(base)
    return [row for row, is_chosen in zip(base, chosen, strict=True) if is_chosen] + 2 * of_children


def stored(path: Path) -> dict[str, Numbers]:
    """The arrays of a file of weights."""
    with np.load(path) as found:
        return {name: found[name].astype(np.float32) for name in found.files}


def numbers_of(path: Path) -> dict[str, Numbers]:
    """Every layer as `tuned.packed` takes it; one that is not in the file is the package's."""
    return Network(FEATURES, HIDDEN, stored(path)).tuned()


if __name__ == "__main__":
    main()
