"""A scan in a process of its own, as tests need it: small parts, killed at a file, or with a detector that crashes.

python -m tests.scan.runner ARCHIVE OUT DATA [--kill-at N] [--interrupt-at N] [--crash-on WIDTH] [--part-rows N]
"""

import argparse
import os
import signal
from pathlib import Path

from safelight.cli.bank_store import opened
from safelight.core.clock import utc_now
from safelight.core.signal import SignalSpec
from safelight.scan.engine import Engine
from safelight.scan.model import Plan
from safelight.scan.results import Results
from safelight.scan.run import scan
from safelight.signals.model import Found, View


class Crasher:
    """Ends its process at a picture of one width, as a fault in a decoder of another language would."""

    name, version = "image_crasher", "1"
    emits: tuple[SignalSpec, ...] = ()

    def __init__(self, width: int) -> None:
        self._width = width

    def load(self) -> None:
        """Nothing to load."""

    def verify(self) -> None:
        """Nothing to verify."""

    def wants(self, view: View) -> bool:
        """Always."""
        return True

    def observe(self, view: View) -> Found:
        """Crash."""
        if view.pictures[0].width == self._width:
            os.abort()
        return Found()


def main() -> None:
    """Scan."""
    parser = argparse.ArgumentParser()
    for name in ("archive", "out", "data"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--kill-at", type=int, default=0)
    parser.add_argument("--interrupt-at", type=int, default=0)
    parser.add_argument("--part-rows", type=int, default=3)
    parser.add_argument("--crash-on", type=int, default=0)
    asked = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has what runs beside it ignore Ctrl-C

    def progress(done: int, _of: int, _known: int) -> None:
        if done == asked.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if done == asked.interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)

    with opened(asked.data) as known:
        detectors = [Crasher(asked.crash_on)] if asked.crash_on else []
        plan = Plan((str(asked.archive),))
        engine = Engine(workers=2, describes=True)
        results, rows = Results(asked.out), asked.part_rows
        try:
            scan(plan, results, engine, known, detectors, utc_now, progress=progress, part_rows=rows)
        except KeyboardInterrupt:
            os._exit(130)
    os._exit(0)


if __name__ == "__main__":
    main()
