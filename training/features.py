"""What the head is trained on: the encoder's states of a text, kept on disk between runs so that a second is quick."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from safelight.signals.text.e5.encoder import Encoder

WIDTH = 768
PIECES_MAX = 80
_SAVE_EVERY = 20_000


class Features:
    """States by text. `cache` is a folder outside the repository, or None."""

    def __init__(self, cache: Path | None) -> None:
        self._cache = cache
        self._known: dict[bytes, NDArray[np.float16]] = {}
        self._fresh: list[bytes] = []
        self._encoder = Encoder()
        if cache:
            cache.mkdir(parents=True, exist_ok=True)
            for path in sorted(cache.glob("*.npz")):
                with np.load(path) as stored:
                    keys, rows, edges = stored["keys"], stored["rows"], stored["edges"]
                for at, key in enumerate(keys):
                    self._known[key.tobytes()] = rows[edges[at] : edges[at + 1]]

    def of(self, texts: Sequence[str]) -> list[NDArray[np.float16]]:
        """For each text (tokens, WIDTH), computed where not yet known."""
        out = []
        for text in texts:
            key = hashlib.sha256(text.encode("utf-8", "replace")).digest()
            if key not in self._known:
                self._known[key] = self._one(text)
                self._fresh.append(key)
                if len(self._fresh) >= _SAVE_EVERY:
                    self.save()
            out.append(self._known[key])
        self.save()
        return out

    def _one(self, text: str) -> NDArray[np.float16]:
        tokenizer = self._encoder.tokenizer
        ids = tokenizer.cut_words(tokenizer.words(text), {}).ids[:PIECES_MAX] or (3,)
        return self._encoder.states(ids).astype(np.float16)

    def save(self) -> None:
        """Write what is new to the cache, if there is one."""
        if self._cache and self._fresh:
            print(f"  encoded {len(self._fresh)} texts", flush=True)
            rows = [self._known[key] for key in self._fresh]
            edges = np.cumsum([0, *map(len, rows)])
            keys = np.frombuffer(b"".join(self._fresh), np.uint8).reshape(-1, 32)
            count = len(list(self._cache.glob("*.npz")))
            np.savez(
                self._cache / f"{count:04}.npz",
                keys=keys,
                rows=np.concatenate(rows),
                edges=edges,
            )
        self._fresh.clear()
