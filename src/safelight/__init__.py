"""Safelight: the safeguard that stands in front of an image model.

Read `gate/flow.py` first: the way of a request, in numbered steps. `wiring/` shows every part and how they join.
"""

__version__ = "0.1.0"
