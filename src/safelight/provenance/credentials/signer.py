"""Who signs: the port, a key on this machine, and a hook for a key that never is (a KMS, an HSM, a service).

Rules of a signer
- `sign` gets the bytes to be signed and answers with a raw signature of `algorithm`; ECDSA as r and s of equal length,
  as COSE wants it (RFC 9053), not DER. It may raise whatever it likes: then nothing is released.
- It is called from several threads, and may take its time only within the gate's deadline for marks.
- What it answers is held against the chain's first certificate (`is_signed`): a wrong signature is no mark.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from safelight.core.errors import NotStartable
from safelight.provenance.credentials.chain import Chain


class Algorithm(StrEnum):
    """The signatures that C2PA knows and a key here may make."""

    ES256 = "es256"
    ES384 = "es384"
    ED25519 = "ed25519"
    PS256 = "ps256"


@runtime_checkable
class Signer(Protocol):
    """Signs content credentials."""

    @property
    def algorithm(self) -> Algorithm:
        """Of the signatures."""

    @property
    def chain(self) -> Chain:
        """The certificates that stand behind them, leaf first."""

    def sign(self, message: bytes) -> bytes:
        """The raw signature of `message`."""


@dataclass(frozen=True, slots=True)
class RemoteSigner:
    """The hook for a key elsewhere: `call` sends the message there and gives back the raw signature."""

    chain: Chain
    algorithm: Algorithm
    call: Callable[[bytes], bytes]

    def sign(self, message: bytes) -> bytes:
        """What the other side answered."""
        return self.call(message)


class LocalSigner:
    """A private key in this process."""

    def __init__(self, key: PrivateKeyTypes, chain: Chain) -> None:
        """Raises NotStartable for a kind of key that C2PA does not take."""
        self.chain = chain
        self.algorithm, self._sign = _way_of(key)

    def sign(self, message: bytes) -> bytes:
        """The signature."""
        return self._sign(message)


def is_signed(signer: Signer, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is one of `message` by the key in the signer's first certificate, in COSE's raw form."""
    key = signer.chain.leaf.public_key()
    try:
        match signer.algorithm, key:
            case Algorithm.ED25519, ed25519.Ed25519PublicKey():
                key.verify(signature, message)
            case Algorithm.PS256, rsa.RSAPublicKey():
                key.verify(signature, message, _PSS, hashes.SHA256())
            case ((Algorithm.ES256 | Algorithm.ES384), ec.EllipticCurvePublicKey()):
                size, digest = _ECDSA[signer.algorithm]
                if key.key_size != 8 * size or len(signature) != 2 * size:
                    return False
                r, s = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
                key.verify(encode_dss_signature(r, s), message, ec.ECDSA(digest))
            case _:
                return False
    except InvalidSignature:
        return False
    return True


_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size)
_ECDSA: dict[Algorithm, tuple[int, hashes.HashAlgorithm]] = {
    Algorithm.ES256: (32, hashes.SHA256()),
    Algorithm.ES384: (48, hashes.SHA384()),
}
"""Bytes of r and of s, and the digest."""


def _way_of(key: PrivateKeyTypes) -> tuple[Algorithm, Callable[[bytes], bytes]]:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return Algorithm.ED25519, key.sign
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return Algorithm.ES256, lambda message: _ecdsa(key, message, Algorithm.ES256)
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP384R1):
        return Algorithm.ES384, lambda message: _ecdsa(key, message, Algorithm.ES384)
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
        return Algorithm.PS256, lambda message: key.sign(message, _PSS, hashes.SHA256())
    raise NotStartable("Content credentials take a key on P-256 or P-384, an Ed25519 key, or RSA from 2048 bits.")


def _ecdsa(key: ec.EllipticCurvePrivateKey, message: bytes, algorithm: Algorithm) -> bytes:
    size, digest = _ECDSA[algorithm]
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(digest)))
    return r.to_bytes(size) + s.to_bytes(size)
