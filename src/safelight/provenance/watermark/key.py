"""The key of the watermark: without it the pattern looks like grain, and with it anybody can write, read and remove it.

Rules of this module
- A key is 32 random bytes in a file of its own (`store/key_file.py`).
- Its id is derived from the secret and tells nothing of it; records name a key by its id.
- Old keys are kept for reading as long as pictures marked with them should be traced. Only the newest marks.

Left to others: what the pattern is (`layout.py`), which key marks now (wiring).
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from safelight.core.errors import NotStartable
from safelight.store.key_file import KEY_BYTES, load_or_make

_ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class WatermarkKey:
    """One secret of `KEY_BYTES` bytes. Raises NotStartable where it has another length."""

    secret: bytes = field(repr=False)
    id: str = field(init=False)
    """`wmk_` and 16 hex digits."""

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise NotStartable(
                f"a watermark key must be {KEY_BYTES} bytes, not {len(self.secret)}; restore it from backup"
            )
        object.__setattr__(self, "id", "wmk_" + self.stream("id", _ID_BYTES).hex())

    @classmethod
    def load_or_make(cls, path: Path) -> "WatermarkKey":
        """Read the key file, or make one that only its owner can read. Raises NotStartable."""
        return cls(load_or_make(path, "the watermark key"))

    def stream(self, purpose: str, length: int) -> bytes:
        """`length` bytes that nobody without the secret can tell from chance (SHAKE-256, FIPS 202, key first)."""
        return hashlib.shake_256(self.secret + b"safelight watermark 1\0" + purpose.encode()).digest(length)
