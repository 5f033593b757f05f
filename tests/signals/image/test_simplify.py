"""A simplified network is the same network: same answers to float rounding, on photographs and noise, in any size."""

from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import skimage.data
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from safelight.signals.image.bundled import BundledModel
from safelight.signals.image.nudity import SAFETY_CLASSIFIER
from safelight.signals.image.ocr import FINDER, READER
from safelight.signals.image.simplify import simplified

Floats = NDArray[np.float32]


def content(model: BundledModel) -> bytes:
    """The file as its package ships it."""
    spec = find_spec(model.package)
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0], model.path).read_bytes()


def session(model: bytes) -> onnxruntime.InferenceSession:
    """On one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def pictures(height: int, width: int) -> list[Floats]:
    """Photographs and noise as (1, 3, height, width), 0 to 255."""
    found = [skimage.data.astronaut(), skimage.data.coffee(), skimage.data.page()]
    found.append(np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8))
    small = (cv2.resize(one, (width, height), interpolation=cv2.INTER_AREA) for one in found)
    rgb = (np.repeat(one[..., None], 3, axis=2) if one.ndim == 2 else one for one in small)
    return [np.ascontiguousarray(one.transpose(2, 0, 1)[None], np.float32) for one in rgb]


@pytest.mark.parametrize(
    ("model", "scale", "sizes", "tolerance"),
    [
        (SAFETY_CLASSIFIER, 1.0, [(224, 224)], 1e-5),
        (FINDER, 127.5, [(448, 448), (320, 736)], 1e-4),
        (READER, 127.5, [(48, 320), (48, 96)], 1e-4),
    ],
    ids=["nudity two", "text finder", "text reader"],
)
def test_answers_are_the_same(
    model: BundledModel, scale: float, sizes: list[tuple[int, int]], tolerance: float
) -> None:
    """Far below anything that a threshold could feel."""
    before, after = session(content(model)), session(simplified(content(model)))
    name = before.get_inputs()[0].name
    for height, width in sizes:
        for picture in pictures(height, width):
            values = {name: picture if scale == 1 else picture / np.float32(scale) - 1}
            for expected, came in zip(before.run(None, values), after.run(None, values), strict=True):
                np.testing.assert_allclose(came, expected, rtol=0, atol=tolerance)


def test_there_is_less_to_compute() -> None:
    """The patterns are found in the models that they were written for; a new release of one may spell them anew."""
    finder, classifier = (
        Counter(node.op_type for node in onnx.load_model_from_string(simplified(content(model))).graph.node)
        for model in (FINDER, SAFETY_CLASSIFIER)
    )
    assert finder["Div"] == 0
    assert finder["Clip"] == 0
    assert classifier["Erf"] == 0


def network(*nodes: onnx.NodeProto, **constants: NDArray[np.floating]) -> bytes:
    """A model from `x` (1, 2, height, width) to `y`."""
    value = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in "xy"]
    weights = [numpy_helper.from_array(np.asarray(one, np.float32), name) for name, one in constants.items()]
    graph = helper.make_graph(list(nodes), "g", value[:1], value[1:], weights)
    made: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()
    return made


X = np.random.default_rng(2).normal(0, 3, (1, 2, 9, 7)).astype(np.float32)


def same(model: bytes) -> Counter[str]:
    """That the simplified `model` answers as before; its operations."""
    made = simplified(model)
    (expected,), (came,) = (session(one).run(None, {"x": X}) for one in (model, made))
    np.testing.assert_allclose(came, expected, rtol=1e-4, atol=1e-5)
    return Counter(node.op_type for node in onnx.load_model_from_string(made).graph.node)


def test_a_shift_is_not_moved_across_padding() -> None:
    """At the border it would be added to what is padded too."""
    nodes = [
        helper.make_node("Mul", ["x", "s"], ["a"]),
        helper.make_node("Add", ["a", "t"], ["b"]),
        helper.make_node("Conv", ["b", "w"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    ]
    weights = np.random.default_rng(3).normal(size=(4, 2, 3, 3))
    assert same(network(*nodes, s=np.array([2.0]), t=np.array([-3.0]), w=weights)) == {"Conv": 2}


def test_a_shift_moves_into_a_pointwise_convolution_with_strides() -> None:
    """Nothing is padded there."""
    nodes = [
        helper.make_node("Mul", ["x", "s"], ["a"]),
        helper.make_node("Add", ["a", "t"], ["b"]),
        helper.make_node("Conv", ["b", "w"], ["y"], kernel_shape=[1, 1], strides=[2, 2]),
    ]
    weights = np.random.default_rng(3).normal(size=(4, 2, 1, 1))
    assert same(network(*nodes, s=np.array([2.0]), t=np.array([-3.0]), w=weights)) == {"Conv": 1}


def test_what_somebody_else_reads_stays() -> None:
    """A convolution whose own answer is wanted too is not folded."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], kernel_shape=[1, 1]),
        helper.make_node("Mul", ["a", "s"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["y"]),
    ]
    weights = np.random.default_rng(3).normal(size=(2, 2, 1, 1))
    assert same(network(*nodes, s=np.array([2.0]), w=weights)) == {"Conv": 1, "Mul": 1, "Add": 1}


@pytest.mark.parametrize(("three", "six"), [(3.0, 6.0), (2.0, 6.0), (3.0, 5.0)])
def test_only_hard_swish_is_taken_for_hard_swish(three: float, six: float) -> None:
    """Its likes are left alone."""
    nodes = [
        helper.make_node("Add", ["x", "three"], ["a"]),
        helper.make_node("Clip", ["a", "zero", "six"], ["b"]),
        helper.make_node("Mul", ["x", "b"], ["c"]),
        helper.make_node("Div", ["c", "six"], ["y"]),
    ]
    numbers = {"zero": np.array(0.0), "three": np.array(three), "six": np.array(six)}
    joined = same(network(*nodes, **numbers)) == {"HardSigmoid": 1, "Mul": 1}
    assert joined is ((three, six) == (3.0, 6.0))


@pytest.mark.parametrize("half", [0.5, 0.25])
def test_only_gelu_is_taken_for_gelu(half: float) -> None:
    """Its likes are left alone."""
    nodes = [
        helper.make_node("Div", ["x", "root"], ["a"]),
        helper.make_node("Erf", ["a"], ["b"]),
        helper.make_node("Add", ["b", "one"], ["c"]),
        helper.make_node("Mul", ["half", "c"], ["d"]),
        helper.make_node("Mul", ["x", "d"], ["y"]),
    ]
    numbers = {"root": np.array(np.sqrt(2)), "one": np.array(1.0), "half": np.array(half)}
    assert (same(network(*nodes, **numbers)) == {"Gelu": 1}) is (half == 0.5)
