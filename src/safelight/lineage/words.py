"""The words of an edit, sealed: AES-256-GCM under a key that is used for nothing else, bound to the row they stand in.

Without the key file nothing can be read; to forget all words at once, destroy it.
"""

import json
import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from safelight.core.errors import NotStartable
from safelight.store.key_file import KEY_BYTES, load_or_make

_NONCE_BYTES = 12


class WordsKey:
    """Seals and opens."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise NotStartable(f"the key of the edit chain must be {KEY_BYTES} bytes; remove it, and one is made anew")
        self._cipher = AESGCM(key)

    @classmethod
    def load_or_make(cls, path: Path) -> "WordsKey":
        """Read the key file, or make one that only its owner can read. Raises NotStartable."""
        if_lost = "remove it, and one is made anew"
        return cls(load_or_make(path, "the key of the edit chain", if_lost=if_lost))

    def seal(self, words: Sequence[str], row: str) -> bytes:
        """`words`, for the row with the id `row` only. A fresh nonce each time, so equal words look different."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        plain = json.dumps(list(words)).encode()
        return nonce + self._cipher.encrypt(nonce, plain, row.encode())

    def open(self, sealed: bytes, row: str) -> tuple[str, ...]:
        """The words of `row`; none where they were sealed under another key, or the row was changed."""
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], row.encode())
        except (InvalidTag, ValueError):
            return ()
        return tuple(json.loads(plain))
