"""The only room that knows every part: from settings to a running Safelight.

`running.py` opens them; what ships, and what comes from installed packages, is listed in `detectors.py` and `marks.py`.
"""

from safelight.wiring.detectors import (
    ASKED_FIRST,
    NAMES_FILE,
    PLUGIN_GROUP,
    builtin_detectors,
    builtin_vocabulary,
    plugin_detectors,
)
from safelight.wiring.marks import MARKS_FOLDER, SIGNER_GROUP, fingerprint, provenance_of, seeing
from safelight.wiring.running import Safelight

__all__ = [
    "ASKED_FIRST",
    "MARKS_FOLDER",
    "NAMES_FILE",
    "PLUGIN_GROUP",
    "SIGNER_GROUP",
    "Safelight",
    "builtin_detectors",
    "builtin_vocabulary",
    "fingerprint",
    "plugin_detectors",
    "provenance_of",
    "seeing",
]
