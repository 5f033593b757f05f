"""Fits the network: masked cross-entropy, AdamW, one pass after another over the rows, seeded, on the CPU.

First the layers with a head to learn by; then, since the layers ship as bytes, the head again on the states that
the gate's own encoder gives with them. Rows that are already judged well are seen more seldom than the others: a pass
goes where there is something to learn.
"""

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from safelight.signals.text.head import LABELS, Head
from training.network import HeadNetwork, Network, batches, padded

Numbers = NDArray[np.float32]
Stored = Mapping[str, NDArray[Any]]
Module = TypeVar("Module", bound=nn.Module)
FEATURES, HIDDEN = 256, 192
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
    halved: bool = False
    """Whether matrices are multiplied in bfloat16: half the time where the processor knows it (AVX512_BF16)."""
    least: float = 1.0
    """How often the row with the smallest loss is seen, of all passes; one with the mean loss or more is in each."""


LAYERS = Settings(epochs=2, rate=1e-3, layers_rate=1.2e-4)
HEAD = Settings(epochs=16, rate=2e-3, pieces=3000, soft=0.005)
TOUCH_UP = Settings(epochs=3, rate=4e-4, pieces=3000, soft=0.005)
"""Of a head that is there."""
FURTHER = replace(LAYERS, epochs=4, rate=4e-4, layers_rate=7e-5, least=0.15)
"""Of layers and a head that are there."""


def fit_layers(table: Table, settings: Settings = LAYERS, begin: tuple[Stored, Head] | None = None) -> Network:
    """Layers and head together, from `begin` on if it is given; `table.states` are those below, with end marks."""
    torch.manual_seed(_SEED)
    network = Network(FEATURES, HIDDEN, begin[0] if begin else None)
    if begin:
        network.head.begin(begin[1])
    else:
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
    head = HeadNetwork(table.states[0].shape[1], FEATURES, HIDDEN)
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
    lengths = np.array([len(state) for state in table.states])

    def losses(rows: list[int], drop: float) -> Tensor:
        at = torch.tensor(rows)
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.halved):
            out = ask(module, [table.states[row] for row in rows], drop).float()
        loss = functional.binary_cross_entropy_with_logits(out[:, : len(LABELS)], target[at], reduction="none")
        kind = functional.cross_entropy(out[:, len(LABELS) :], kinds[at], ignore_index=-1, reduction="none")
        return (loss * known[at]).sum(dim=1) + 0.3 * kind

    began = time.monotonic()
    last = np.full(len(lengths), np.inf)
    if settings.least < 1.0:
        with torch.no_grad():
            for rows in batches(lengths.tolist(), 2 * settings.pieces, None):
                last[rows] = losses(rows, 0.0).numpy()
        print(f"  at first: loss {last.mean():.4f}, {time.monotonic() - began:.0f} s", flush=True)
    adam = torch.optim.AdamW(groups, weight_decay=settings.decay)
    rates = [float(group["lr"]) for group in adam.param_groups]
    mean = copy.deepcopy(module)
    step = 0
    for epoch in range(settings.epochs):
        often = np.clip(last / last.mean(), settings.least, 1.0) if settings.least < 1.0 else 1.0
        seen = np.flatnonzero(draw.random(len(lengths)) < often)
        taken = list(batches(lengths[seen].tolist(), settings.pieces, draw))
        for number, places in enumerate(taken):
            rows = seen[places].tolist()
            for group, rate in zip(adam.param_groups, rates, strict=True):
                group["lr"] = rate * _pace(step, (epoch + number / len(taken)) / settings.epochs)
            loss = losses(rows, settings.drop)
            adam.zero_grad()
            loss.mean().backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            adam.step()
            step += 1
            last[rows] = loss.detach().numpy()
            _follow(mean, module, min(settings.average, step / (step + 20)))
            if step % 200 == 0:
                print(f"  {number + 1}/{len(taken)} steps, {time.monotonic() - began:.0f} s", flush=True)
        print(f"  epoch {epoch + 1}: {len(seen)} rows, loss of all when last seen {last.mean():.4f}", flush=True)
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


def _pace(step: int, done: float) -> float:
    """A rate that warms up and then falls as half a cosine, `done` of all passes being behind."""
    return min(1.0, (step + 1) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * done))
