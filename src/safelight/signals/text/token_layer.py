"""The head's first layer, run by onnxruntime on one thread.

numpy hands a product of this size to a BLAS that takes every core; beside other detectors on a small machine the
threads wait for each other, and 0.2 ms become 12. The port asks a detector to use one core.
"""

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from safelight.signals.text.head import Head

Numbers = NDArray[np.float32]


class TokenLayer:
    """(tokens, features) from (tokens, width), as `Head.features` computes it. Safe to share between threads."""

    def __init__(self, head: Head) -> None:
        weights = (head.token / head.spread[:, None]).astype(np.float32)
        bias = (head.token_bias - (head.centre / head.spread) @ head.token).astype(np.float32)
        width, features = weights.shape
        graph = helper.make_graph(
            [
                helper.make_node("MatMul", ["states", "weights"], ["product"]),
                helper.make_node("Add", ["product", "bias"], ["sum"]),
                helper.make_node("Relu", ["sum"], ["features"]),
            ],
            "token_layer",
            [helper.make_tensor_value_info("states", TensorProto.FLOAT, ["tokens", width])],
            [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["tokens", features])],
            [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def features(self, states: Numbers) -> Numbers:
        """See the class."""
        made: Numbers = self._session.run(["features"], {"states": states})[0]
        return made
