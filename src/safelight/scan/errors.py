"""What can stop a scan as a whole. A file that cannot be read is a row with its error instead.

SafelightError
└── ScanFailed    no such source, another scan's folder, the engine or the cluster failed; what was scanned is kept
"""

from safelight.core.errors import SafelightError


class ScanFailed(SafelightError):
    """The scan cannot begin or go on; what was scanned is kept, and the same command goes on there."""

    code = "scan_failed"
