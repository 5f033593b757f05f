"""Fits the head: features by token, pooled, one hidden layer; Adam, masked cross-entropy, numpy only, seeded."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from safelight.signals.text.head import KINDS, LABELS, Head, squash

Numbers = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to learn from. An unknown label is NaN; an unknown kind is -1."""

    states: Sequence[NDArray[np.float16]]
    labels: Numbers
    kinds: NDArray[np.int64]
    weight: Numbers


@dataclass(frozen=True, slots=True)
class Settings:
    """How the head is fitted."""

    features: int = 192
    hidden: int = 128
    epochs: int = 10
    batch: int = 192
    rate: float = 2e-3
    decay: float = 0.02
    drop: float = 0.15
    blind: float = 0.1
    """Share of the encoder's numbers hidden from each batch."""
    seed: int = 7


class _Adam:
    """Adam with decoupled decay of matrices and a rate that warms up and then falls as a cosine."""

    def __init__(self, params: list[Numbers], settings: Settings, steps: int) -> None:
        self.params, self._settings, self._steps, self._step = (
            params,
            settings,
            steps,
            0,
        )
        self._first = [np.zeros_like(p) for p in params]
        self._second = [np.zeros_like(p) for p in params]

    def move(self, grads: Sequence[Numbers]) -> None:
        """One step down `grads`."""
        self._step += 1
        step, settings = self._step, self._settings
        rate = settings.rate * min(1.0, step / 200) * 0.5 * (1 + np.cos(np.pi * min(1.0, step / self._steps)))
        for i, grad in enumerate(grads):
            self._first[i] = 0.9 * self._first[i] + 0.1 * grad
            self._second[i] = 0.999 * self._second[i] + 0.001 * grad * grad
            move = self._first[i] / (1 - 0.9**step) / (np.sqrt(self._second[i] / (1 - 0.999**step)) + 1e-8)
            shrink = settings.decay * self.params[i] if i % 2 == 0 else 0.0
            self.params[i] = (self.params[i] - rate * (move + shrink)).astype(np.float32)


def fit(table: Table, settings: Settings) -> Head:
    """The head that fits `table`; the same bytes for the same input."""
    draw = np.random.default_rng(settings.seed)
    lengths = np.array([len(s) for s in table.states])
    starts = np.cumsum(lengths) - lengths
    x = np.concatenate(table.states)
    sample = x[draw.permutation(len(x))[:60_000]].astype(np.float32)
    centre, spread = sample.mean(axis=0), sample.std(axis=0) + 1e-3
    width, outputs, size, labels = (
        x.shape[1],
        len(LABELS) + len(KINDS),
        settings.features,
        len(LABELS),
    )

    def weights(rows: int, columns: int, gain: float = 2.0) -> Numbers:
        return (draw.standard_normal((rows, columns)) * np.sqrt(gain / rows)).astype(np.float32)

    steps = settings.epochs * (len(lengths) // settings.batch + 1)
    adam = _Adam(
        [
            weights(width, size),
            np.zeros(size, np.float32),
            weights(2 * size, settings.hidden),
            np.zeros(settings.hidden, np.float32),
            weights(settings.hidden, outputs, 1.0),
            np.zeros(outputs, np.float32),
        ],
        settings,
        steps,
    )
    known = ~np.isnan(table.labels)
    target = np.where(known, table.labels, 0.0).astype(np.float32)
    kind_target = np.eye(len(KINDS), dtype=np.float32)[np.maximum(table.kinds, 0)]
    kind_known = (table.kinds >= 0).astype(np.float32)[:, None] * 0.3
    for epoch in range(settings.epochs):
        total = 0.0
        order = draw.permutation(len(lengths))
        for at in range(0, len(order), settings.batch):
            rows = order[at : at + settings.batch]
            size_of = lengths[rows]
            edges = np.cumsum(size_of) - size_of
            owner = np.repeat(np.arange(len(rows)), size_of)
            flat = x[np.arange(len(owner)) - edges[owner] + starts[rows][owner]].astype(np.float32)
            flat = (flat - centre) / spread
            flat *= (draw.random(width, dtype=np.float32) >= settings.blind) / np.float32(1 - settings.blind)
            p = adam.params
            token = np.maximum(flat @ p[0] + p[1], 0.0)
            top = np.maximum.reduceat(token, edges, axis=0)
            count = size_of[:, None].astype(np.float32)
            pooled = np.concatenate([top, np.add.reduceat(token, edges, axis=0) / count], axis=1)
            keep0 = (draw.random(pooled.shape, dtype=np.float32) >= settings.drop) / np.float32(1 - settings.drop)
            pooled = pooled * keep0
            pre = pooled @ p[2] + p[3]
            keep = (draw.random(pre.shape, dtype=np.float32) >= settings.drop) / np.float32(1 - settings.drop)
            hidden = np.maximum(pre, 0) * keep
            out = hidden @ p[4] + p[5]
            weight = table.weight[rows][:, None]
            slope = np.empty_like(out)
            guess = squash(out[:, :labels])
            slope[:, :labels] = (guess - target[rows]) * known[rows] * weight
            total += float((np.abs(guess - target[rows]) * known[rows]).sum())
            soft = np.exp(out[:, labels:] - out[:, labels:].max(axis=1, keepdims=True))
            soft /= soft.sum(axis=1, keepdims=True)
            slope[:, labels:] = (soft - kind_target[rows]) * kind_known[rows] * weight
            slope /= len(rows)
            back = (slope @ p[4].T) * keep * (pre > 0)
            below = (back @ p[2].T) * keep0
            down = (below[:, size:] / count)[owner] + below[:, :size][owner] * (token == top[owner])
            down *= token > 0
            adam.move(
                [
                    flat.T @ down,
                    down.sum(axis=0),
                    pooled.T @ back,
                    back.sum(axis=0),
                    hidden.T @ slope,
                    slope.sum(axis=0),
                ]
            )
        print(f"  epoch {epoch + 1}: error {total / len(lengths):.4f}", flush=True)
    return Head(centre.astype(np.float32), spread.astype(np.float32), *adam.params)


def scores(head: Head, states: Sequence[NDArray[np.float16]]) -> Numbers:
    """(texts, labels) from 0 to 1, each text judged as a whole."""
    rows = [head.logits(head.features(s.astype(np.float32)), [(0, len(s))])[0] for s in states]
    return squash(np.stack(rows)[:, : len(LABELS)])
