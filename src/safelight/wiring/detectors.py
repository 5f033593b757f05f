"""The detectors of a Safelight: those that ship with it, and those of installed packages.

A plugin comes through the entry point group `safelight.plugins`, by the same port and with the same checks. One that
does not load stops the start: a safeguard that is silently absent is none.
"""

from importlib.metadata import entry_points
from pathlib import Path

from safelight.core.errors import DetectorUnfit
from safelight.core.signal import Vocabulary
from safelight.gate.known_images import KnownImageDetector
from safelight.signals.image.mask import MaskDetector
from safelight.signals.image.nudity import OpenNsfwDetector, SafetyClassifierDetector
from safelight.signals.image.people import PeopleDetector
from safelight.signals.image.text_in_image import TextInImageDetector
from safelight.signals.ports import Detector
from safelight.signals.text.garments import GarmentsDetector
from safelight.signals.text.meaning import TextMeaning
from safelight.signals.text.people.deception import DeceptionDetector
from safelight.signals.text.people.names import NamesDetector

PLUGIN_GROUP = "safelight.plugins"
NAMES_FILE = "names.jsonl"
"""The operator's register of names, in the data folder."""
ASKED_FIRST = frozenset(
    {
        TextMeaning.name,
        GarmentsDetector.name,
        NamesDetector.name,
        DeceptionDetector.name,
        OpenNsfwDetector.name,
        KnownImageDetector.name,
    }
)
"""Asked about an output before the others: cheap, and mostly enough to settle what the policy wants to know."""


def builtin_detectors(data_dir: Path | None = None) -> list[Detector]:
    """The detectors that ship with Safelight, not yet loaded; `data_dir` holds what is the operator's own."""
    return [
        TextMeaning(),
        GarmentsDetector(),
        NamesDetector(data_dir / NAMES_FILE if data_dir else None),
        DeceptionDetector(),
        OpenNsfwDetector(),
        SafetyClassifierDetector(),
        PeopleDetector(),
        TextInImageDetector(),
        MaskDetector(),
        KnownImageDetector(),
    ]


def plugin_detectors() -> list[Detector]:
    """Detectors of installed packages. Each entry point names a callable without arguments. Raises DetectorUnfit."""
    found: list[Detector] = []
    for entry in entry_points(group=PLUGIN_GROUP):
        try:
            detector = entry.load()()
        except Exception as error:
            raise DetectorUnfit(f"The plugin {entry.name!r} does not load; repair or uninstall it.") from error
        if not isinstance(detector, Detector):
            raise DetectorUnfit(f"The plugin {entry.name!r} is no detector (see safelight.signals.ports).")
        found.append(detector)
    return found


def builtin_vocabulary() -> Vocabulary:
    """Every signal name that a policy may use on this machine: built-in detectors and installed plugins."""
    detectors = [*builtin_detectors(), *plugin_detectors()]
    return Vocabulary.of(spec for detector in detectors for spec in detector.emits)
