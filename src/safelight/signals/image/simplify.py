"""The same network with fewer passes over its tensors: what a model's exporter spelt out is put back together.

Paddle writes hard-swish as four operations and PyTorch GELU as five, each a pass over the whole tensor, and scales and
shifts stand beside the convolution that could have held them. onnxruntime recognises the short forms and not the long
ones: the text finder needs 31 ms instead of 49, the second nudity model 20 instead of 26.

Rules of this module
- Only identities of real arithmetic: no weight is approximated, pruned or quantised. Scores move by float rounding
  (`tests/signals/image/test_simplify.py` holds them to 10⁻⁴; most move by 10⁻⁷).
- A pattern that is not found exactly as expected is left as it was.
- Padding is not crossed: a shift in front of a padded convolution stays, since what is padded is not shifted.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper

_ORT = "com.microsoft"
_CHANNELS_LAST_BUT_TWO = (1, 1)
"""The trailing shape of a constant that holds one number for each channel of (batch, channels, height, width)."""


def simplified(content: bytes) -> bytes:
    """The serialised ONNX model in `content`, simplified."""
    model = onnx.load_model_from_string(content)
    graph = _Graph(model)
    _join_hard_swish(graph)
    _join_gelu(graph)
    _fold_behind_convolutions(graph)
    _fold_before_convolutions(graph)
    made: bytes = graph.model().SerializeToString()
    return made


class _Graph:
    """A model's nodes in their order, its constants by name, and who reads what."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = model
        self.constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
        self.nodes: list[NodeProto] = []
        for node in model.graph.node:
            if node.op_type == "Constant" and node.attribute[0].name == "value":
                self.constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
            else:
                self.nodes.append(node)
        self._outputs = {one.name for one in model.graph.output}
        self._index()

    def replace(self, old: Sequence[NodeProto], new: Sequence[NodeProto]) -> None:
        """Put `new` where the first of `old` stood, and drop `old`."""
        at = next(index for index, node in enumerate(self.nodes) if node is old[0])
        gone = {id(node) for node in old}
        after = [node for node in self.nodes[at:] if id(node) not in gone]
        self.nodes[at:] = [*new, *after]
        self._index()

    def reader(self, name: str) -> NodeProto | None:
        """The only node that reads `name`; None where there are several, or it leaves the model."""
        readers = self.readers[name]
        return readers[0] if len(readers) == 1 and name not in self._outputs else None

    def with_constant(self, node: NodeProto | None, kind: str) -> tuple[str, NDArray[np.float32]] | None:
        """What `node`, of two inputs, combines with a constant, and the constant; None where it is no such node."""
        if node is None or node.op_type != kind:
            return None
        left, right = node.input
        if right in self.constants and left not in self.constants:
            return left, self.constants[right]
        if left in self.constants and right not in self.constants and kind != "Div":
            return right, self.constants[left]
        return None

    def with_number(self, node: NodeProto | None, kind: str) -> tuple[str, float] | None:
        """As `with_constant`, where the constant is one number."""
        found = self.with_constant(node, kind)
        return (found[0], float(found[1].reshape(-1)[0])) if found and found[1].size == 1 else None

    def keep(self, name: str, values: NDArray[np.float32]) -> str:
        """A new constant's name."""
        self.constants[name] = np.ascontiguousarray(values, np.float32)
        return name

    def needs(self, domain: str) -> None:
        """Say that the model uses operators of `domain`."""
        if all(one.domain != domain for one in self._model.opset_import):
            self._model.opset_import.append(helper.make_opsetid(domain, 1))

    def model(self) -> onnx.ModelProto:
        """The model as it is now."""
        made = onnx.ModelProto()
        made.CopyFrom(self._model)
        made.graph.ClearField("node")
        made.graph.ClearField("initializer")
        made.graph.node.extend(self.nodes)
        used = {name for node in self.nodes for name in node.input} | self._outputs
        kept = (numpy_helper.from_array(value, name) for name, value in self.constants.items() if name in used)
        made.graph.initializer.extend(kept)
        return made

    def _index(self) -> None:
        self.readers: dict[str, list[NodeProto]] = defaultdict(list)
        for node in self.nodes:
            for name in node.input:
                self.readers[name].append(node)


def _join_hard_swish(graph: _Graph) -> None:
    """x · clip(x + 3, 0, 6) ÷ 6 becomes x · HardSigmoid(x)."""
    for add in list(graph.nodes):
        shifted = graph.with_number(add, "Add")
        clip = graph.reader(add.output[0]) if shifted else None
        if not shifted or shifted[1] != 3 or clip is None or _bounds(graph, clip) != (0, 6):
            continue
        product = graph.reader(clip.output[0])
        if product is None or product.op_type != "Mul" or set(product.input) != {shifted[0], clip.output[0]}:
            continue
        sixth = graph.reader(product.output[0])
        divided = graph.with_number(sixth, "Div")
        if sixth is None or not divided or divided[1] != 6:
            continue
        gate = f"{add.output[0]}/gate"
        joined = [
            helper.make_node("HardSigmoid", [shifted[0]], [gate], alpha=1 / 6, beta=0.5),
            helper.make_node("Mul", [shifted[0], gate], [sixth.output[0]]),
        ]
        graph.replace([add, clip, product, sixth], joined)


def _bounds(graph: _Graph, node: NodeProto) -> tuple[float, ...] | None:
    if node.op_type != "Clip" or not all(name in graph.constants for name in node.input[1:]):
        return None
    return tuple(float(graph.constants[name]) for name in node.input[1:])


def _join_gelu(graph: _Graph) -> None:
    """x · (½ · (1 + erf(x ÷ √2))) becomes onnxruntime's Gelu."""
    for root in list(graph.nodes):
        scaled = graph.with_number(root, "Div")
        erf = graph.reader(root.output[0]) if scaled else None
        if not scaled or abs(scaled[1] - np.sqrt(2)) > 1e-6 or erf is None or erf.op_type != "Erf":
            continue
        plus = graph.reader(erf.output[0])
        added = graph.with_number(plus, "Add")
        half = graph.reader(plus.output[0]) if plus is not None else None
        halved = graph.with_number(half, "Mul")
        product = graph.reader(half.output[0]) if half is not None else None
        if plus is None or half is None or product is None or not added or not halved:
            continue
        of_x = product.op_type == "Mul" and set(product.input) == {scaled[0], half.output[0]}
        if added[1] == 1 and halved[1] == 0.5 and of_x:
            joined = helper.make_node("Gelu", [scaled[0]], [product.output[0]], domain=_ORT)
            graph.replace([root, erf, plus, half, product], [joined])
            graph.needs(_ORT)


def _fold_behind_convolutions(graph: _Graph) -> None:
    """Scales and shifts behind a convolution become part of its weights and bias."""
    for convolution in [node for node in graph.nodes if _is_foldable(graph, node)]:
        weights, bias = _weights(graph, convolution)
        behind: list[NodeProto] = []
        last = convolution
        for kind, node, constant in _chain(graph, convolution):
            values = _for_each_channel(constant, len(weights))
            if values is None:
                break
            if kind == "Mul":
                weights, bias = weights * values.reshape(-1, 1, 1, 1), bias * values
            else:
                bias = bias + values
            behind.append(node)
            last = node
        if behind:
            folded = _convolution(graph, convolution, convolution.input[0], last.output[0], weights, bias)
            graph.replace([convolution, *behind], [folded])


def _chain(graph: _Graph, node: NodeProto) -> Iterator[tuple[str, NodeProto, NDArray[np.float32]]]:
    """The scales and shifts that follow `node`, one reading only the other."""
    following = graph.reader(node.output[0])
    while following is not None:
        for kind in ("Mul", "Add"):
            if found := graph.with_constant(following, kind):
                yield kind, following, found[1]
                break
        else:
            return
        following = graph.reader(following.output[0])


def _fold_before_convolutions(graph: _Graph) -> None:
    """s · x + t in front of an unpadded 1 × 1 convolution becomes part of it; else it becomes a convolution itself.

    A convolution of one weight for each channel keeps the tensor in the layout that its neighbours compute in.
    """
    for scale in list(graph.nodes):
        scaled = graph.with_number(scale, "Mul")
        shift = graph.reader(scale.output[0]) if scaled else None
        shifted = graph.with_number(shift, "Add")
        readers = graph.readers[shift.output[0]] if shift is not None and shifted else []
        convolution = next((node for node in readers if _is_foldable(graph, node)), None)
        if not scaled or shift is None or not shifted or convolution is None:
            continue
        weights, bias = _weights(graph, convolution)
        channels = weights.shape[1] * _group(convolution)
        if len(readers) == 1 and _is_pointwise(convolution, weights):
            bias = bias + shifted[1] * weights.sum(axis=(1, 2, 3))
            folded = _convolution(
                graph, convolution, scaled[0], convolution.output[0], weights * np.float32(scaled[1]), bias
            )
            graph.replace([scale, shift], [])
            graph.replace([convolution], [folded])
        else:
            name = shift.output[0]
            names = [
                graph.keep(f"{name}/scale", np.full((channels, 1, 1, 1), scaled[1], np.float32)),
                graph.keep(f"{name}/shift", np.full(channels, shifted[1], np.float32)),
            ]
            own = helper.make_node("Conv", [scaled[0], *names], [name], group=channels, kernel_shape=[1, 1])
            graph.replace([scale, shift], [own])


def _is_foldable(graph: _Graph, node: NodeProto) -> bool:
    return node.op_type == "Conv" and all(name in graph.constants for name in node.input[1:])


def _weights(graph: _Graph, convolution: NodeProto) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    weights = graph.constants[convolution.input[1]]
    has_bias = len(convolution.input) > 2
    return weights, graph.constants[convolution.input[2]] if has_bias else np.zeros(len(weights), np.float32)


def _convolution(
    graph: _Graph,
    like: NodeProto,
    source: str,
    target: str,
    weights: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> NodeProto:
    names = [graph.keep(f"{target}/weights", weights), graph.keep(f"{target}/bias", bias)]
    made = NodeProto()
    made.CopyFrom(like)
    made.ClearField("input")
    made.ClearField("output")
    made.input.extend([source, *names])
    made.output.append(target)
    return made


def _for_each_channel(constant: NDArray[np.float32], channels: int) -> NDArray[np.float32] | None:
    if constant.size == 1 and constant.ndim <= 4:
        return np.full(channels, constant.reshape(-1)[0], np.float32)
    if constant.size == channels and constant.shape[-2:] == _CHANNELS_LAST_BUT_TWO:
        return constant.reshape(channels).astype(np.float32)
    return None


def _is_pointwise(convolution: NodeProto, weights: NDArray[np.float32]) -> bool:
    padded = any(any(one.ints) for one in convolution.attribute if one.name == "pads")
    automatic = any(one.s not in (b"", b"NOTSET") for one in convolution.attribute if one.name == "auto_pad")
    return weights.shape[2:] == (1, 1) and _group(convolution) == 1 and not padded and not automatic


def _group(convolution: NodeProto) -> int:
    return next((int(one.i) for one in convolution.attribute if one.name == "group"), 1)
