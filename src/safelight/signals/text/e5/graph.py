"""Lays out the encoder as an ONNX graph: BERT with post-layer norms.

The four-bit weights are given eight bits, one scale an output, since onnxruntime multiplies bytes fastest: three
times as fast as its four-bit kernels, at a cosine of 0.997 to them. The layers' weights are ours (`tuned.py`).
Input: `states` (1, tokens, hidden), embeddings after their norm. Outputs: `early`, `late` (1, tokens, hidden).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from safelight.signals.text.e5.model_file import ModelFile, unpack
from safelight.signals.text.e5.tuned import quantised

EARLY, LATE = 4, 7
"""The layers, counted from 0, whose states are given out. The four layers above `LATE` are left out: for telling what
is asked they add nothing that a trained head could use, and they cost a third of the time."""


class _Graph:
    def __init__(self, file: ModelFile, tuned: Mapping[str, NDArray[Any]]) -> None:
        self.file, self.tuned = file, tuned
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, op: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], domain=domain, **attributes))
        return output

    def linear(self, x: str, name: str, inputs: int, outputs: int) -> str:
        if f"{name}.w.q" in self.tuned:
            weights, scales = self.tuned[f"{name}.w.q"], self.tuned[f"{name}.w.s"]
        else:
            weights, scales = quantised(unpack(self.file.blocks(f"{name}.w")).reshape(outputs, inputs).T)
        return self.node(
            "DynamicQuantizeMatMul",
            [
                x,
                self.constant(f"{name}.q", weights),
                self.constant(f"{name}.s", scales),
                self.constant(f"{name}.z", np.zeros(outputs, np.int8)),
                self.constant(f"{name}.b", self.vector(f"{name}.b")),
            ],
            f"{name}.out",
            "com.microsoft",
        )

    def vector(self, name: str) -> NDArray[Any]:
        return self.tuned[name] if name in self.tuned else self.file.vector(name)

    def norm(self, x: str, y: str, name: str, epsilon: float) -> str:
        both = self.node("Add", [x, y], f"{name}.sum")
        scale, bias = (self.constant(f"{name}.{part}", self.vector(f"{name}.{part}")) for part in "wb")
        return self.node("LayerNormalization", [both, scale, bias], f"{name}.out", axis=-1, epsilon=epsilon)


def build(file: ModelFile, tuned: Mapping[str, NDArray[Any]], layers: int = LATE + 1) -> bytes:
    """The serialised graph of the first `layers`, weights inside; `tuned` replaces layers of the file."""
    graph, shape = _Graph(file, tuned), file.shape
    x = "states"
    for layer in range(layers):
        name = f"l{layer}"
        query, key, value = (graph.linear(x, f"{name}.{part}", shape.hidden, shape.hidden) for part in "qkv")
        attended = graph.node(
            "MultiHeadAttention",
            [query, key, value],
            f"{name}.attended",
            "com.microsoft",
            num_heads=shape.heads,
        )
        x = graph.norm(
            x, graph.linear(attended, f"{name}.ao", shape.hidden, shape.hidden), f"{name}.aln", shape.epsilon
        )
        inner = graph.node(
            "Gelu", [graph.linear(x, f"{name}.fi", shape.hidden, shape.inner)], f"{name}.gelu", "com.microsoft"
        )
        x = graph.norm(x, graph.linear(inner, f"{name}.fo", shape.inner, shape.hidden), f"{name}.oln", shape.epsilon)
        if layer in (EARLY, LATE):
            graph.node("Identity", [x], "early" if layer == EARLY else "late")
    outputs = [name for name, layer in (("early", EARLY), ("late", LATE)) if layer < layers]
    sizes: list[str | int | None] = [1, "tokens", shape.hidden]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "e5",
            [
                helper.make_tensor_value_info("states", TensorProto.FLOAT, sizes),
            ],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes) for name in outputs],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)],
        ir_version=10,
    )
    return bytes(onnx.ModelProto.SerializeToString(model))
