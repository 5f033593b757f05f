"""Keyed digests: a record can tell whether a text is the one that was asked, without holding it.

A plain hash would not do: prompts are short, and anybody could hash a list of guesses.
"""

import hashlib
import hmac
from pathlib import Path

from safelight.core.errors import NotStartable
from safelight.store.key_file import KEY_BYTES, load_or_make


class DigestKey:
    """A secret key for HMAC-SHA-256 (RFC 2104). Losing it makes old digests meaningless; leaking it, guessable."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise NotStartable(f"the digest key must be {KEY_BYTES} bytes, not {len(key)}; restore it from backup")
        self._key = key

    @classmethod
    def load_or_make(cls, path: Path) -> "DigestKey":
        """Read the key file, or make one that only its owner can read. Raises NotStartable."""
        return cls(load_or_make(path, "the digest key"))

    def digest(self, purpose: str, content: bytes) -> str:
        """`hmac-sha256:` and 64 hex digits. Digests for different purposes cannot be compared with each other."""
        return "hmac-sha256:" + self._mac(purpose, content).hex()

    def pseudonym(self, content: bytes) -> str:
        """`sub_` and 32 hex digits (128 bits): the name under which an account is known here."""
        return "sub_" + self._mac("subject", content).hex()[:32]

    def derived(self, purpose: str) -> bytes:
        """32 secret bytes for one purpose; they tell nothing of the key or of the bytes for another."""
        return self._mac("derived", purpose.encode())

    def _mac(self, purpose: str, content: bytes) -> bytes:
        mac = hmac.new(self._key, purpose.encode() + b"\0", hashlib.sha256)
        mac.update(content)  # by itself: a picture is not copied for it
        return mac.digest()
