"""What importing Safelight does: nothing but to keep a library from reporting to its maker."""

import os
import subprocess
import sys
from pathlib import Path

LOAD = """
import safelight
import onnx.helper as make
import onnxruntime

x, y = (make.make_tensor_value_info(name, 1, [1]) for name in "xy")
graph = make.make_graph([make.make_node("Identity", ["x"], ["y"])], "g", [x], [y])
model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=9)
onnxruntime.InferenceSession(model.SerializeToString())
"""


def test_the_model_library_keeps_no_device_id_and_has_nothing_to_report(tmp_path: Path) -> None:
    # Under CI, and in its own tests, the library is silent by itself, which would show nothing.
    unset = ("CI", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "GITHUB_ACTIONS")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {"HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", LOAD], env=environment, check=True, timeout=60)  # noqa: S603 (our own words)
    assert list(tmp_path.rglob("*")) == []
