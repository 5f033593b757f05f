"""How networks are opened: nothing of the file is kept twice, and threads may share one."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from safelight.signals.sessions import open_session


def _doubling() -> bytes:
    """A network that multiplies its input by a table of twos."""
    twos = numpy_helper.from_array(np.full((64, 64), 2, np.float32), "twos")
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", 64]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "twos"], ["y"])], "g", ends[:1], ends[1:], [twos])
    made: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10
    ).SerializeToString()
    return made


def test_the_serialised_network_is_let_go_of() -> None:
    """Held, it would be a second copy of all weights."""
    content = _doubling()
    session = open_session(content)
    assert not any(value is content for value in vars(session).values())
    assert [one.name for one in session.get_inputs()] == ["x"]


def test_several_threads_may_run_it_at_once() -> None:
    session = open_session(_doubling())
    rows = [np.full((count, 64), count, np.float32) for count in range(1, 33)]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda one: session.run(None, {"x": one})[0], rows))
    assert all(np.array_equal(answer, one @ np.full((64, 64), 2)) for one, answer in zip(rows, answers, strict=True))


def test_what_is_no_network_does_not_open() -> None:
    with pytest.raises(Exception, match=r"(?i)protobuf"):
        open_session(b"no network")
