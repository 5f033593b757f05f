"""Safelight: the safeguard that stands in front of an image model.

Read `gate/flow.py` first: the way of a request, in numbered steps. `wiring/` shows every part and how they join.
"""

import os

__version__ = "0.1.0"

# The official builds of ONNX Runtime keep a device id and report each session to their maker, from 1.29 on, unless this
# stands in the environment before the library is first imported. So it is here, before any other part of Safelight.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
