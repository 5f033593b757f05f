"""C2SP tlog-witness, `add-checkpoint`: what a log sends to a witness, and what comes back."""

from dataclasses import dataclass

from .checkpoint import parse_size
from .errors import Malformed
from .note import NOTE_MAX_BYTES, SIGNATURES_MAX_COUNT, Note, Signature, decode_text, encode_base64
from .tlog_proof import parse_hashes

REQUEST_MAX_BYTES = NOTE_MAX_BYTES + 4096


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A new head, the size that the witness last signed, and the proof that leads from there to here."""

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: Note

    def to_bytes(self) -> bytes:
        """The request's body."""
        lines = "".join(encode_base64(one) + "\n" for one in self.proof)
        return f"old {self.old_size}\n{lines}\n".encode() + self.checkpoint.to_bytes()

    @classmethod
    def parse(cls, content: bytes) -> "AddCheckpoint":
        """Read a request's body. Raises Malformed."""
        if len(content) > REQUEST_MAX_BYTES:
            raise Malformed(f"A request has at most {REQUEST_MAX_BYTES} bytes.")
        head, separator, checkpoint = decode_text(content).partition("\n\n")
        lines = head.split("\n")
        if not separator or not lines[0].startswith("old "):
            raise Malformed("A request begins with the old size and ends with a checkpoint.")
        old_size = parse_size(lines.pop(0).removeprefix("old "))
        return cls(old_size, parse_hashes(lines), Note.parse(checkpoint.encode()))


def parse_cosignatures(content: bytes) -> tuple[Signature, ...]:
    """The signature lines of a witness's answer, not yet believed. Raises Malformed."""
    if len(content) > NOTE_MAX_BYTES:
        raise Malformed(f"An answer has at most {NOTE_MAX_BYTES} bytes.")
    text = decode_text(content)
    lines = text.removesuffix("\n").split("\n")
    if not text.endswith("\n") or len(lines) > SIGNATURES_MAX_COUNT:
        raise Malformed("A witness answers with signature lines.")
    return tuple(Signature.parse(line) for line in lines)
