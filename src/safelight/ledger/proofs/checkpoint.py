"""C2SP tlog-checkpoint: the signed head of a log."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .cosignature import Cosignature, cosignature_of
from .errors import Malformed, SignatureInvalid
from .merkle import HASH_BYTES
from .note import Note, PublicKey, SecretKey, decode_base64, encode_base64, sign_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_EXTENSIONS_MAX_COUNT = 16


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's name, how many leaves it has, and the root over them."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    """Further lines, opaque. Safelight writes none."""

    def to_text(self) -> str:
        """The note's text."""
        return "\n".join((self.origin, str(self.size), encode_base64(self.root), *self.extensions)) + "\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read a note's text. Raises Malformed."""
        lines = text.removesuffix("\n").split("\n")
        if not text.endswith("\n") or not 3 <= len(lines) <= 3 + _EXTENSIONS_MAX_COUNT or not all(lines):
            raise Malformed("A checkpoint has an origin, a size and a root, each on a line of its own.")
        root = decode_base64(lines[2])
        if len(root) != HASH_BYTES:
            raise Malformed("A root has 32 bytes.")
        return cls(lines[0], parse_size(lines[1]), root, tuple(lines[3:]))


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint whose signature was verified, with the cosignatures of the witnesses that are trusted."""

    checkpoint: Checkpoint
    note: Note
    cosignatures: tuple[Cosignature, ...] = ()


def sign_checkpoint(checkpoint: Checkpoint, key: SecretKey) -> Note:
    """Sign a head with the log's key."""
    return sign_note(checkpoint.to_text(), key)


def open_checkpoint(content: bytes, log_key: PublicKey, witnesses: Sequence[PublicKey] = ()) -> SignedCheckpoint:
    """Read a checkpoint and verify who signed it. Raises Malformed or SignatureInvalid.

    The log's own signature must be there and true. A witness that has not signed is left out; a false signature
    under a trusted witness's name is an error. How many witnesses are enough is for the caller to say.
    """
    note = Note.parse(content)
    note.verify(log_key)
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != log_key.name:
        raise SignatureInvalid(f"The checkpoint is of the log {checkpoint.origin!r}, not of {log_key.name!r}.")
    found = (cosignature_of(note, witness) for witness in witnesses)
    return SignedCheckpoint(checkpoint, note, tuple(one for one in found if one))


def parse_size(text: str) -> int:
    """A decimal number without leading zeros, below 2**63. Raises Malformed."""
    if not _SIZE.fullmatch(text) or int(text) >= 1 << 63:
        raise Malformed("A size is a decimal number without leading zeros.")
    return int(text)
