"""C2SP tlog-proof: one file that shows offline that a leaf is in a log, with the signed head that it leads to."""

from dataclasses import dataclass

from .checkpoint import parse_size
from .errors import Malformed
from .merkle import HASH_BYTES, PROOF_MAX_HASHES
from .note import NOTE_MAX_BYTES, Note, decode_base64, decode_text, encode_base64

_HEADER = "c2sp.org/tlog-proof@v1"
_EXTRA_MAX_BYTES = 64 * 1024
PROOF_MAX_BYTES = NOTE_MAX_BYTES + 2 * _EXTRA_MAX_BYTES


@dataclass(frozen=True, slots=True)
class TlogProof:
    """Where the leaf is, the hashes from its sibling to below the root, and the head, not yet believed."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: Note
    extra: bytes = b""
    """Not authenticated by the proof itself. Safelight puts the leaf here; its hash is what the proof is about."""

    def to_bytes(self) -> bytes:
        """As it is handed out, by convention in a file `….tlog-proof`."""
        extra = f"extra {encode_base64(self.extra)}\n" if self.extra else ""
        lines = "".join(encode_base64(one) + "\n" for one in self.hashes)
        return f"{_HEADER}\n{extra}index {self.index}\n{lines}\n".encode() + self.checkpoint.to_bytes()

    @classmethod
    def parse(cls, content: bytes) -> "TlogProof":
        """Read a proof. Raises Malformed."""
        if len(content) > PROOF_MAX_BYTES:
            raise Malformed(f"A proof has at most {PROOF_MAX_BYTES} bytes here.")
        head, separator, checkpoint = decode_text(content).partition("\n\n")
        lines = head.split("\n")
        if not separator or lines.pop(0) != _HEADER:
            raise Malformed(f"A proof begins with the line {_HEADER}.")
        extra = b""
        if lines and lines[0].startswith("extra "):
            extra = decode_base64(lines.pop(0).removeprefix("extra "))
            if not extra:
                raise Malformed("An `extra` line without anything is left out.")
        if not lines or not lines[0].startswith("index "):
            raise Malformed("A proof says the leaf's index.")
        index = parse_size(lines.pop(0).removeprefix("index "))
        return cls(index, parse_hashes(lines), Note.parse(checkpoint.encode()), extra)


def parse_hashes(lines: list[str]) -> tuple[bytes, ...]:
    """Hashes of a proof, one a line, in base64. Raises Malformed."""
    if len(lines) > PROOF_MAX_HASHES:
        raise Malformed(f"A proof has at most {PROOF_MAX_HASHES} hashes.")
    hashes = tuple(decode_base64(line) for line in lines)
    if any(len(one) != HASH_BYTES for one in hashes):
        raise Malformed("A hash has 32 bytes.")
    return hashes
