"""What the indexes of hashes and of copies write to a disk is encrypted: whole files here, a journal in `index/`.

A file is a head (`SLS1`, 16 random bytes, the sizes of up to four parts) and the parts, cut into pieces of a mebibyte
that are encrypted one by one.

Rules of this module
- AES-256-GCM (NIST SP 800-38D). Each file has a key of its own, which follows from the secret and its random bytes, and
  its pieces are numbered: no key and nonce are used twice.
- The file's name and its head are authenticated with every piece. A piece that was changed, moved, left out, or taken
  from another file is found when it is read, and so is another key.
- Clear bytes are handed on piece by piece and never written; where they go is the caller's (`shared.py`).
- A small file that says which others count is replaced by renaming: whoever is killed leaves the old or the new one.
"""

import hmac
import os
import secrets
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

_MAGIC = b"SLS1"
_HEAD = struct.Struct(">4s16s4Q")
_PARTS = 4
_PIECE = 1 << 20
"""Bytes that are decrypted at a time: few enough to stay in a core's cache on their way."""
_TAG = 16
_ALIGNED = 64
"""Parts begin at such places of the memory, so that numpy may look at them as numbers."""
_THREADS = 2
_THREADS_FROM = 1 << 26
"""Bytes from which a second thread is worth its start: reading and copying hold no lock of Python's."""

Put = Callable[[int, memoryview], None]
"""Takes clear bytes and where they begin in the memory; from several threads, never twice for the same place."""


class Seal:
    """Keys for the files of one index, from a secret of 32 bytes that serves nothing else."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def code(self, purpose: str, content: bytes) -> bytes:
        """32 bytes that nobody without the secret can make, and that tell nothing of the content."""
        return hmac.digest(self._secret, purpose.encode() + b"\0" + content, "sha256")

    def cipher(self, purpose: str, content: bytes) -> AESGCM:
        """Encrypts for one purpose only."""
        return AESGCM(self.code(purpose, content))

    def name(self, folder: Path) -> str:
        """Of this folder's shared memory; tells nothing without the secret."""
        return self.code("folder", os.fsencode(folder.resolve())).hex()[:32]

    def write(self, path: Path, parts: Sequence[NDArray[Any]]) -> None:
        """Write up to four arrays, encrypted, and have them on disk when this returns. Raises OSError."""
        plain = [np.ascontiguousarray(part).reshape(-1).view(np.uint8).data for part in parts]
        sizes = [len(part) for part in plain] + [0] * (_PARTS - len(plain))
        head = _HEAD.pack(_MAGIC, secrets.token_bytes(16), *sizes)
        cipher, about = self.cipher("file", head), head + path.name.encode()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(head)
            sealed = memoryview(bytearray(_PIECE + _TAG))
            for piece in _pieces(sizes):
                one = plain[piece.part][piece.begins : piece.begins + piece.size] if piece.size else b""
                cipher.encrypt_into(piece.nonce, one, about, sealed[: piece.size + _TAG])
                file.write(sealed[: piece.size + _TAG])
            file.flush()
            os.fsync(file.fileno())

    def file(self, path: Path) -> "SealedFile":
        """What was written to `path`. Raises OSError, or ValueError where no such file can be there."""
        with path.open("rb") as file:
            head = file.read(_HEAD.size)
            size = os.fstat(file.fileno()).st_size
        if len(head) != _HEAD.size or not head.startswith(_MAGIC):
            raise ValueError(f"{path.name} is not one of its files; restore the folder from backup")
        sizes = _HEAD.unpack(head)[2:]
        # Looked at before any memory is asked for: a changed head may say any size.
        if size != _HEAD.size + sum(sizes) + _TAG * sum(max(1, -(-part // _PIECE)) for part in sizes):
            raise ValueError(f"{path.name} is not as it was saved; restore the folder from backup")
        return SealedFile(path, head, sizes, self.code("memory", head).hex()[:32], self.cipher("file", head))


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file whose head was read; nothing of it is known to be right before `read` has returned."""

    path: Path
    head: bytes
    sizes: tuple[int, ...]
    """Bytes of each part."""
    mark: str
    """Another file has another; tells nothing without the secret."""
    cipher: AESGCM

    @property
    def size(self) -> int:
        """Bytes of memory that the parts need."""
        return max(1, _starts(self.sizes)[-1])

    def read(self, put: Put) -> None:
        """Decrypt everything. Raises OSError, or ValueError for what is not as it was written, or of another key."""
        pieces = list(_pieces(self.sizes))
        threads = _THREADS if self.size >= _THREADS_FROM else 1
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            if threads == 1:
                self._read(pieces, descriptor, put)
                return
            # Side by side in the file, so that the disk is read forward.
            with ThreadPoolExecutor(threads, "open index") as pool:
                shares = [pieces[first::threads] for first in range(threads)]
                list(pool.map(partial(self._read, descriptor=descriptor, put=put), shares))
        finally:
            os.close(descriptor)

    def parts(self, memory: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
        """The bytes of each part in the memory that `read` filled."""
        starts = _starts(self.sizes)
        return [memory[start : start + size] for start, size in zip(starts, self.sizes, strict=False)]

    def _read(self, pieces: Sequence["_Piece"], descriptor: int, put: Put) -> None:
        about, starts = self.head + self.path.name.encode(), _starts(self.sizes)
        sealed, clear = memoryview(bytearray(_PIECE + _TAG)), memoryview(bytearray(_PIECE))
        for piece in pieces:
            one, plain = sealed[: piece.size + _TAG], clear[: piece.size]
            try:
                if os.preadv(descriptor, [one], piece.at) != len(one):
                    raise InvalidTag
                self.cipher.decrypt_into(piece.nonce, one, about, plain)
            except InvalidTag as error:
                why = "was changed or is of another key; restore the folder and digest.key from one backup"
                raise ValueError(f"{self.path.name} {why}") from error
            if piece.size:
                put(starts[piece.part] + piece.begins, plain)


@dataclass(frozen=True, slots=True)
class _Piece:
    number: int
    part: int
    begins: int
    """In its part."""
    size: int
    at: int
    """In the file."""

    @property
    def nonce(self) -> bytes:
        return self.number.to_bytes(12, "big")


def _pieces(sizes: Sequence[int]) -> Iterator[_Piece]:
    """All pieces of a file, in their order; a part without bytes has one too, so that nothing is unauthenticated."""
    number, at = 0, _HEAD.size
    for part, whole in enumerate(sizes):
        for begins in range(0, max(1, whole), _PIECE):
            size = min(_PIECE, whole - begins)
            yield _Piece(number, part, begins, size, at)
            number, at = number + 1, at + size + _TAG


def _starts(sizes: Sequence[int]) -> list[int]:
    """Where each part begins in memory, and at last the end."""
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + -(-size // _ALIGNED) * _ALIGNED)
    return starts


def replace_text(path: Path, text: str) -> None:
    """Have `text` (ASCII) in the file instead of what stood there, and on disk when this returns. Raises OSError."""
    written = path.with_name(f"{path.name}.partial")
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in `folder` on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
