"""C2SP signed-note: a text with signature lines, and keys by name, algorithm and id.

Signature types known here: 0x01 (Ed25519 over the text), 0x04 (cosignature/v1, see `cosignature.py`) and, under 0xff,
receipts of Safelight (`receipt.py`). Lines of unknown keys are kept and not believed.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .errors import Malformed, SignatureInvalid

NOTE_MAX_BYTES = 64 * 1024
SIGNATURES_MAX_COUNT = 32
"""Twice of what the specification asks a verifier to take."""
_KEY_NAME_MAX_CHARS = 255
_NAMES_SHOWN = 3
_DASH = "— "


class Algorithm(Enum):
    """What a key signs, by the bytes that go into its id."""

    NOTE = b"\x01"
    """A note's text (Ed25519)."""
    COSIGNATURE = b"\x04"
    """A checkpoint that a witness has found consistent, with the time (Ed25519)."""
    RECEIPT = b"\xffsafelight-receipt/v1"
    """A leaf that the log has promised to integrate (Ed25519)."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Whose signatures are believed: a name, what it signs, and an Ed25519 key of 32 bytes."""

    name: str
    algorithm: Algorithm
    raw: bytes

    @property
    def id(self) -> bytes:
        """Four bytes that find the key's line in a note; no proof of anything."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.algorithm.value + self.raw).digest()[:4]

    def to_text(self) -> str:
        """The verifier key: `name+id+key`, with the id in hexadecimal and the key in base64."""
        return f"{self.name}+{self.id.hex()}+{encode_base64(self.algorithm.value + self.raw)}"

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """Read a verifier key. Raises Malformed."""
        name, _, rest = text.partition("+")
        shown_id, _, encoded = rest.partition("+")
        try:
            check_key_name(name)
            material = decode_base64(encoded)
        except Malformed as error:
            raise Malformed(f"Not a verifier key, which reads `name+id+key`: {error}") from error
        for algorithm in Algorithm:
            raw = material.removeprefix(algorithm.value)
            if len(raw) == 32 and raw != material:
                key = cls(name, algorithm, raw)
                if key.id.hex() != shown_id:
                    raise Malformed("The verifier key's id does not belong to its name and key.")
                return key
        raise Malformed("Not an Ed25519 verifier key: it reads `name+id+key`.")

    def signs_as(self, algorithm: Algorithm) -> "PublicKey":
        """The same name and key, for another kind of signature."""
        return PublicKey(self.name, algorithm, self.raw)

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check an Ed25519 signature (RFC 8032). Raises SignatureInvalid."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise SignatureInvalid(f"The signature of {self.name} is false.") from error


class SecretKey:
    """A name and an Ed25519 seed of 32 bytes."""

    def __init__(self, name: str, seed: bytes) -> None:
        check_key_name(name)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.name = name
        self._raw = self._key.public_key().public_bytes_raw()

    def public(self, algorithm: Algorithm = Algorithm.NOTE) -> PublicKey:
        """What others need to verify its signatures of one kind."""
        return PublicKey(self.name, algorithm, self._raw)

    def sign(self, message: bytes) -> bytes:
        """64 bytes (RFC 8032)."""
        return self._key.sign(message)


@dataclass(frozen=True, slots=True)
class Signature:
    """One line below a note."""

    name: str
    key_id: bytes
    raw: bytes

    def to_line(self) -> str:
        """With its newline."""
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.raw)}\n"

    @classmethod
    def parse(cls, line: str) -> "Signature":
        """Read a line without its newline. Raises Malformed."""
        if not line.startswith(_DASH):
            raise Malformed("A signature line begins with an em dash and a space.")
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        check_key_name(name)
        material = decode_base64(encoded)
        if len(material) < 5:
            raise Malformed("A signature has a key id of four bytes and something behind it.")
        return cls(name, material[:4], material[4:])

    def is_of(self, key: PublicKey) -> bool:
        """Whether the line says that `key` made it."""
        return self.name == key.name and self.key_id == key.id


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends in a newline, and its signature lines, not yet believed."""

    text: str
    signatures: tuple[Signature, ...]

    def to_bytes(self) -> bytes:
        """As it is published."""
        return (self.text + "\n" + "".join(line.to_line() for line in self.signatures)).encode()

    @classmethod
    def parse(cls, content: bytes) -> "Note":
        """Read a note. Raises Malformed."""
        if len(content) > NOTE_MAX_BYTES:
            raise Malformed(f"A note has at most {NOTE_MAX_BYTES} bytes here.")
        whole = decode_text(content)
        body, separator, lines = whole.rpartition("\n\n")
        if not separator or not lines.endswith("\n"):
            raise Malformed("A note is a text, an empty line, and signature lines.")
        found = lines.removesuffix("\n").split("\n")
        if len(found) > SIGNATURES_MAX_COUNT:
            raise Malformed(f"A note has at most {SIGNATURES_MAX_COUNT} signatures here.")
        return cls(body + "\n", tuple(Signature.parse(line) for line in found))

    def with_signatures(self, more: Iterable[Signature]) -> "Note":
        """The same text with further lines; one that stands there already is not repeated."""
        return Note(self.text, tuple(dict.fromkeys((*self.signatures, *more))))

    def verify(self, key: PublicKey) -> None:
        """Check that `key`, of the algorithm NOTE, signed the text. Raises SignatureInvalid."""
        lines = [line for line in self.signatures if line.is_of(key)]
        if not lines:
            names = dict.fromkeys(line.name for line in self.signatures if line.name.isprintable())
            there = f"; there are those of {', '.join(list(names)[:_NAMES_SHOWN])}" if names else ""
            raise SignatureInvalid(f"There is no signature of {key.name} (key {key.id.hex()}) on it{there}.")
        for line in lines:
            key.verify(line.raw, self.text.encode())


def sign_note(text: str, key: SecretKey) -> Note:
    """Sign `text`, which must end in a newline. Raises ValueError otherwise."""
    if not text.endswith("\n"):
        raise ValueError("the text of a note ends in a newline")
    return Note(text, (Signature(key.name, key.public().id, key.sign(text.encode())),))


def check_key_name(name: str) -> None:
    """Raises Malformed for a name that no signature line can carry."""
    if not 0 < len(name) <= _KEY_NAME_MAX_CHARS or "+" in name or any(character.isspace() for character in name):
        raise Malformed("A key's name has no space, no plus sign, and at most 255 characters.")


def decode_text(content: bytes) -> str:
    """UTF-8 without control characters other than newline. Raises Malformed."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("Not UTF-8.") from error
    if any(character < " " and character != "\n" for character in text):
        raise Malformed("It has control characters.")
    return text


def encode_base64(content: bytes) -> str:
    """Standard base64 with padding (RFC 4648 section 4)."""
    return base64.b64encode(content).decode()


def decode_base64(text: str) -> bytes:
    """Read standard base64, in its one spelling. Raises Malformed."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("Not base64.") from error
    if encode_base64(content) != text:
        raise Malformed("Base64 that is spelt in another way than its one.")
    return content
