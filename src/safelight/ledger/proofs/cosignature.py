"""C2SP tlog-cosignature, `cosignature/v1` with Ed25519: a witness says when it found a log's head consistent."""

from dataclasses import dataclass

from .errors import Malformed, SignatureInvalid
from .note import Algorithm, Note, PublicKey, SecretKey, Signature

_SIGNATURE_BYTES = 8 + 64


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's statement, verified."""

    witness: str
    time_s: int
    """POSIX seconds, as the witness's clock had it."""


def cosign(text: str, key: SecretKey, time_s: int) -> Signature:
    """A witness's signature line on a checkpoint's text."""
    signed = key.sign(_message(text, time_s))
    return Signature(key.name, key.public(Algorithm.COSIGNATURE).id, time_s.to_bytes(8, "big") + signed)


def cosignature_of(note: Note, witness: PublicKey) -> Cosignature | None:
    """What `witness` says of the note; None where it has not signed. Raises SignatureInvalid or Malformed."""
    if witness.algorithm is not Algorithm.COSIGNATURE:
        raise Malformed(f"{witness.name} is no witness key: its type must be 0x04.")
    found = None
    for line in note.signatures:
        if not line.is_of(witness):
            continue
        if len(line.raw) != _SIGNATURE_BYTES:
            raise SignatureInvalid(f"The cosignature of {witness.name} has the wrong length.")
        time_s = int.from_bytes(line.raw[:8], "big")
        if time_s >= 1 << 63:
            raise SignatureInvalid(f"The cosignature of {witness.name} has a time that cannot be.")
        witness.verify(line.raw[8:], _message(note.text, time_s))
        found = Cosignature(witness.name, max(time_s, found.time_s if found else 0))
    return found


def _message(text: str, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()
