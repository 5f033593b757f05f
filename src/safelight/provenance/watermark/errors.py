"""What can go wrong with marking.

SafelightError
└── NotMarkable   a picture that cannot carry a watermark; `safelight.provenance.watermark.can_carry` tells beforehand
"""

from safelight.core.errors import SafelightError


class NotMarkable(SafelightError):
    """A picture that cannot carry a watermark."""

    code = "not_markable"
