"""Fits the network: masked cross-entropy, AdamW, one pass after another over the rows, seeded, on the CPU.

First the upper layers with a head to learn by; then, since the layers ship as bytes, a new head on the states that the
gate's own encoder gives with them.
"""

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from safelight.signals.text.head import LABELS, Head
from training.network import HeadNetwork, Network, batches, padded

Numbers = NDArray[np.float32]
Module = TypeVar("Module", bound=nn.Module)
_FEATURES, _HIDDEN = 256, 192
_SEED = 7
_WARM_UP = 200
_SAMPLE = 4000
"""Texts by which the head's scale is set."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to learn from. An unknown label is NaN; an unknown kind is -1."""

    states: Sequence[Tensor]
    labels: Numbers
    kinds: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a module is fitted."""

    epochs: int
    rate: float
    """Of the head."""
    layers_rate: float = 0.0
    """Of the encoder's layers."""
    pieces: int = 1500
    """Pieces a batch, padding included: about ninety short requests."""
    decay: float = 0.02
    drop: float = 0.1
    soft: float = 0.01
    """How far the targets keep from 0 and 1."""
    average: float = 0.995
    """What ships is a running average of the weights with this memory."""


LAYERS = Settings(epochs=2, rate=1e-3, layers_rate=1.2e-4)
HEAD = Settings(epochs=16, rate=2e-3, pieces=3000, soft=0.005)
TOUCH_UP = Settings(epochs=6, rate=4e-4, pieces=3000, soft=0.005)
"""Of a head that is there."""


def fit_layers(table: Table, settings: Settings = LAYERS, begin: Mapping[str, NDArray[Any]] | None = None) -> Network:
    """Layers and head together, from `begin` on if it is given; `table.states` are those below, with end marks."""
    torch.manual_seed(_SEED)
    network = Network(_FEATURES, _HIDDEN, begin)
    x, mask, inside = padded(_few(table.states))
    with torch.no_grad():
        network.head.standardise(network.both(x, mask)[inside])
    groups = [
        {"params": list(network.layers.parameters()), "lr": settings.layers_rate},
        {"params": list(network.head.parameters()), "lr": settings.rate},
    ]
    return _fit(network, groups, table, settings, lambda module, states, drop: module(*padded(states), drop))


def fit_head(table: Table, settings: Settings = HEAD, begin: Head | None = None) -> HeadNetwork:
    """A head alone, from `begin` on if it is given; `table.states` are those of the encoder, without end marks."""
    torch.manual_seed(_SEED)
    head = HeadNetwork(table.states[0].shape[1], _FEATURES, _HIDDEN)
    if begin:
        head.begin(begin)
    else:
        head.standardise(torch.cat(_few(table.states)).float())
    groups = [{"params": list(head.parameters()), "lr": settings.rate}]

    def ask(module: HeadNetwork, states: Sequence[Tensor], drop: float) -> Tensor:
        x, _, inside = padded(states, ends=0)
        answer: Tensor = module(x, inside, drop)
        return answer

    return _fit(head, groups, table, settings, ask)


def _fit(
    module: Module,
    groups: list[dict[str, object]],
    table: Table,
    settings: Settings,
    ask: Callable[[Module, Sequence[Tensor], float], Tensor],
) -> Module:
    torch.use_deterministic_algorithms(mode=True)
    draw = np.random.default_rng(_SEED)
    known = torch.from_numpy(~np.isnan(table.labels))
    target = torch.from_numpy(np.nan_to_num(table.labels).clip(settings.soft, 1 - settings.soft))
    kinds = torch.from_numpy(table.kinds)
    lengths = [len(state) for state in table.states]
    plan = [list(batches(lengths, settings.pieces, draw)) for _ in range(settings.epochs)]
    steps = sum(map(len, plan))
    adam = torch.optim.AdamW(groups, weight_decay=settings.decay)
    pace = torch.optim.lr_scheduler.LambdaLR(adam, lambda at: _pace(at, steps))
    mean = copy.deepcopy(module)
    step, began = 0, time.monotonic()
    for epoch, taken in enumerate(plan):
        total = 0.0
        for rows in taken:
            at = torch.tensor(rows)
            out = ask(module, [table.states[row] for row in rows], settings.drop)
            loss = functional.binary_cross_entropy_with_logits(out[:, : len(LABELS)], target[at], reduction="none")
            loss = (loss * known[at]).sum(dim=1).mean()
            kind = functional.cross_entropy(out[:, len(LABELS) :], kinds[at], ignore_index=-1, reduction="sum")
            loss = loss + 0.3 * kind / len(rows)
            adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            adam.step()
            pace.step()
            step += 1
            total += loss.item() * len(rows)
            _follow(mean, module, min(settings.average, step / (step + 20)))
            if step % 200 == 0:
                print(f"  {step}/{steps} steps, {time.monotonic() - began:.0f} s", flush=True)
        print(f"  epoch {epoch + 1}: loss {total / len(lengths):.4f}", flush=True)
    return mean.eval()


@torch.inference_mode()
def scores(head: HeadNetwork, states: Sequence[Tensor]) -> Numbers:
    """(texts, labels) from 0 to 1, each text judged as a whole."""
    made = np.zeros((len(states), len(LABELS)), np.float32)
    for rows in batches([len(state) for state in states], 6000, None):
        x, _, inside = padded([states[row] for row in rows], ends=0)
        made[rows] = torch.sigmoid(head(x, inside)[:, : len(LABELS)]).numpy()
    return made


def _few(states: Sequence[Tensor]) -> list[Tensor]:
    rows = np.random.default_rng(_SEED).permutation(len(states))[:_SAMPLE]
    return [states[row] for row in rows.tolist()]


@torch.no_grad()
def _follow(mean: nn.Module, module: nn.Module, memory: float) -> None:
    for old, new in zip(mean.parameters(), module.parameters(), strict=True):
        old.lerp_(new, 1 - memory)


def _pace(at: int, steps: int) -> float:
    """A rate that warms up and then falls as half a cosine."""
    return min(1.0, (at + 1) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * min(1.0, at / steps)))
