"""The one door that every detector comes through, ours and strangers' alike.

Rules of a detector
- Nothing is loaded at import. `load()` opens models; it may take seconds and runs once, before the service is ready.
- `verify()` runs the detector on its own examples and raises DetectorUnfit when an answer is wrong. It is run at start
  and by `safelight doctor`, so a wrong model file is found before the first request.
- `observe()` is synchronous, uses one core, keeps no state between calls, is safe to call from several threads, and
  keeps nothing of what it saw. It may emit only names that it declared in `emits`.
"""

from typing import Protocol, runtime_checkable

from safelight.core.signal import SignalSpec
from safelight.signals.model import Found, View


@runtime_checkable
class Detector(Protocol):
    """One way of looking at a request."""

    @property
    def name(self) -> str:
        """Stable, lower case, such as `text_meaning` or `image_nudity_one`."""

    @property
    def version(self) -> str:
        """Changes whenever an answer may change: the model's digest or release."""

    @property
    def emits(self) -> tuple[SignalSpec, ...]:
        """Every signal that it may emit."""

    def load(self) -> None:
        """Open models. Raises DetectorUnfit with the way out."""

    def verify(self) -> None:
        """Check the detector on its own examples. Raises DetectorUnfit with what was expected and what came."""

    def wants(self, view: View) -> bool:
        """Whether there is anything in `view` for it to look at; if not, it is not asked and not missing."""

    def observe(self, view: View) -> Found:
        """Look. Raises freely: an exception becomes Missing(broken), which the policy answers by refusing."""
