"""RFC 3161 time stamps on heads: an authority that is not the operator says when it had seen one.

What is stamped is the text of the head's note (origin, size, root), by its SHA-256. A verifier brings the authority's
certificate from elsewhere; everything else is in the stamp. Checked are the imprint, the attributes that the signature
covers (RFC 5652 section 5.4), the signature, that the stamp names its own signer's certificate (RFC 5816), that this
certificate is for time stamping only, and the chain up to a certificate that is trusted, each at the stamp's moment.
Revocation is not asked about: that needs the network, and the answer would change with the day.
"""

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID

from .der import INTEGER, OBJECT_ID, OCTETS, SEQUENCE, SET, TIME, Element, parse
from .errors import Malformed, SignatureInvalid

STAMP_MAX_BYTES = 64 * 1024
_SIGNED_DATA, _TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE, _MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE, _SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"
_HASHES: dict[str, type[hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256,
    "2.16.840.1.101.3.4.2.2": hashes.SHA384,
    "2.16.840.1.101.3.4.2.3": hashes.SHA512,
}
_REQUEST_BEGIN = bytes.fromhex("3043 020101 3031 300d 0609608648016503040201 0500 0420")
"""Version 1, and a SHA-256 imprint up to its digest."""
_CHAIN_MAX_LENGTH = 6
_UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
"""What a certificate raises when a part of it is read at last: it comes from the log, which may be a hostile one."""
_CONTEXT_0 = 0xA0


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time stamp, read and not yet believed."""

    imprint: bytes
    time: datetime
    nonce: int | None
    policy: str
    info: bytes
    """The TSTInfo that was signed."""
    certificates: tuple[x509.Certificate, ...]
    signer: "_Signer"

    @classmethod
    def parse(cls, content: bytes) -> "Stamp":
        """Read a TimeStampResp (RFC 3161 section 2.4.2) that was granted. Raises Malformed."""
        if len(content) > STAMP_MAX_BYTES:
            raise Malformed(f"A time stamp has at most {STAMP_MAX_BYTES} bytes here.")
        response = parse(content).inside()
        if response.next(SEQUENCE).inside().next(INTEGER).integer() not in {0, 1}:
            raise Malformed("The authority did not grant the time stamp.")
        signed = _explicit(response.next(SEQUENCE), _SIGNED_DATA)
        response.end()
        data = parse(signed).inside()
        data.next(INTEGER)
        data.next(SET)
        info = parse(_explicit(data.next(SEQUENCE), _TST_INFO), OCTETS).content
        certificates = tuple(_certificate(one) for one in _contents(data.optional(_CONTEXT_0)))
        data.optional(0xA1)  # revocation lists
        signers = data.next(SET).inside().rest()
        if len(signers) != 1:
            raise Malformed("A time stamp has one signer.")
        imprint, time, nonce, policy = _read_info(info)
        return cls(imprint, time, nonce, policy, info, certificates, _Signer.read(signers[0]))

    def is_of(self, text: str) -> bool:
        """Whether it is about the head with this text."""
        return self.imprint == hashlib.sha256(text.encode()).digest()

    def verify(self, text: str, authorities: Sequence[x509.Certificate]) -> str:
        """Check that one of `authorities`, or somebody whom it certified, stamped `text`; returns the signer's name.

        Raises SignatureInvalid.
        """
        if not self.is_of(text):
            raise SignatureInvalid("The time stamp is of another head.")
        self.signer.check_attributes(self.info)
        known = (*self.certificates, *authorities)
        signer = next((one for one in known if self.signer.is_of(one)), None)
        if signer is None:
            raise SignatureInvalid("The certificate of the time stamp's signer is not at hand.")
        self.signer.verify(signer)
        _check_for_stamping(signer)
        _check_chain(signer, known, authorities, self.time)
        return signer.subject.rfc4514_string()


@dataclass(frozen=True, slots=True)
class _Signer:
    """The SignerInfo (RFC 5652 section 5.3), as far as it matters here."""

    digest: str
    attributes: bytes
    """As they are signed: a SET."""
    signature: bytes

    @classmethod
    def read(cls, element: Element) -> "_Signer":
        parts = element.inside()
        parts.next(INTEGER)
        if parts.optional(SEQUENCE) is None:
            parts.next(0x80)  # by key identifier; the certificate is found by the hash that the signature covers
        digest = parts.next(SEQUENCE).inside().next(OBJECT_ID).object_id()
        attributes = parts.next(_CONTEXT_0)
        parts.next(SEQUENCE)
        signature = parts.next(OCTETS).content
        return cls(digest, bytes([SET]) + attributes.whole[1:], signature)

    def check_attributes(self, info: bytes) -> None:
        if self._one(_CONTENT_TYPE).object_id() != _TST_INFO:
            raise SignatureInvalid("What was signed is no time stamp.")
        digest = self._one(_MESSAGE_DIGEST)
        if digest.tag != OCTETS or digest.content != _digest(self._hash(), info):
            raise SignatureInvalid("The time stamp was changed after it was signed.")

    def is_of(self, certificate: x509.Certificate) -> bool:
        """Whether the signed attributes name this certificate, by its hash."""
        for kind, default in ((_SIGNING_CERTIFICATE_V2, hashes.SHA256()), (_SIGNING_CERTIFICATE, hashes.SHA1())):  # noqa: S303 (what RFC 3161 prescribes; RFC 5816 replaces it)
            if (named := self._find(kind)) is None:
                continue
            first = named.inside().next(SEQUENCE).inside().next(SEQUENCE).inside()
            algorithm = first.optional(SEQUENCE)
            by = _hash_of(algorithm.inside().next(OBJECT_ID).object_id()) if algorithm else default
            return certificate.fingerprint(by) == first.next(OCTETS).content
        raise SignatureInvalid("The time stamp does not name its signer's certificate.")

    def verify(self, certificate: x509.Certificate) -> None:
        try:
            key, by = certificate.public_key(), self._hash()
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(self.signature, self.attributes, padding.PKCS1v15(), by)
            elif isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(self.signature, self.attributes, ec.ECDSA(by))
            else:
                raise SignatureInvalid("The time stamp's signer has a key of a kind that is not known here.")
        except InvalidSignature as error:
            raise SignatureInvalid("The signature of the time stamp is false.") from error
        except _UNREADABLE as error:
            raise SignatureInvalid("The key of the time stamp's signer cannot be read.") from error

    def _hash(self) -> hashes.HashAlgorithm:
        return _hash_of(self.digest)

    def _one(self, kind: str) -> Element:
        if (found := self._find(kind)) is None:
            raise SignatureInvalid("The time stamp lacks an attribute that its signature must cover.")
        return found

    def _find(self, kind: str) -> Element | None:
        for attribute in parse(self.attributes, SET).inside().rest():
            parts = attribute.inside()
            if parts.next(OBJECT_ID).object_id() == kind:
                values = parts.next(SET).inside().rest()
                if len(values) != 1:
                    raise Malformed("An attribute of the time stamp has one value.")
                return values[0]
        return None


def request_stamp(text: str, nonce: int) -> bytes:
    """A TimeStampReq (RFC 3161 section 2.4.1) for the head with this text, asking for the signer's certificate.

    `nonce`: from 2**55 on, below 2**63, so that it has eight bytes.
    """
    if not 1 << 55 <= nonce < 1 << 63:
        raise ValueError("a nonce here has eight bytes and is positive")
    digest = hashlib.sha256(text.encode()).digest()
    return _REQUEST_BEGIN + digest + b"\x02\x08" + nonce.to_bytes(8, "big") + b"\x01\x01\xff"


def read_certificates(content: bytes) -> list[x509.Certificate]:
    """Certificates in PEM, one or more. Raises Malformed."""
    try:
        return x509.load_pem_x509_certificates(content)
    except (ValueError, x509.InvalidVersion) as error:
        raise Malformed("Not certificates in PEM.") from error


def _read_info(info: bytes) -> tuple[bytes, datetime, int | None, str]:
    """Imprint, moment, nonce and policy of a TSTInfo (RFC 3161 section 2.4.2)."""
    parts = parse(info).inside()
    if parts.next(INTEGER).integer() != 1:
        raise Malformed("A time stamp of a version that is not known here.")
    policy = parts.next(OBJECT_ID).object_id()
    imprint = parts.next(SEQUENCE).inside()
    if imprint.next(SEQUENCE).inside().next(OBJECT_ID).object_id() not in _HASHES:
        raise Malformed("The time stamp's imprint is by a hash that is not known here.")
    digest = imprint.next(OCTETS).content
    parts.next(INTEGER)
    time = _moment(parts.next(TIME).content)
    parts.optional(SEQUENCE)  # accuracy
    parts.optional(0x01)  # ordering
    nonce = parts.optional(INTEGER)
    return digest, time, nonce.integer() if nonce else None, policy


def _moment(content: bytes) -> datetime:
    """A GeneralizedTime as RFC 3161 has it: in UTC, with or without a fraction of a second."""
    text = content.decode("ascii", "replace")
    try:
        whole = "%Y%m%d%H%M%S.%fZ" if "." in text else "%Y%m%d%H%M%SZ"
        return datetime.strptime(text, whole).replace(tzinfo=UTC)
    except ValueError as error:
        raise Malformed("The time stamp's moment cannot be read.") from error


def _explicit(element: Element, kind: str) -> bytes:
    """What a ContentInfo or EncapsulatedContentInfo of this kind holds."""
    parts = element.inside()
    if parts.next(OBJECT_ID).object_id() != kind:
        raise Malformed("Not a time stamp.")
    content = parts.next(_CONTEXT_0).content
    parts.end()
    return content


def _contents(element: Element | None) -> list[Element]:
    return element.inside().rest() if element else []


def _certificate(element: Element) -> x509.Certificate:
    try:
        with warnings.catch_warnings():
            # A serial number that is not positive is only warned of, as yet: no authority has one (RFC 5280).
            warnings.simplefilter("error", CryptographyDeprecationWarning)
            return x509.load_der_x509_certificate(element.whole)
    except (ValueError, x509.InvalidVersion, CryptographyDeprecationWarning) as error:
        raise Malformed("A certificate in the time stamp cannot be read.") from error


def _check_for_stamping(certificate: x509.Certificate) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (x509.ExtensionNotFound, *_UNREADABLE) as error:
        raise SignatureInvalid("The signer's certificate is not for time stamping.") from error
    # RFC 3161 section 2.3: this purpose only, and critical.
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise SignatureInvalid("The signer's certificate is not for time stamping only.")


def _check_chain(
    signer: x509.Certificate, known: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate], at: datetime
) -> None:
    current = signer
    for _ in range(_CHAIN_MAX_LENGTH):
        if not current.not_valid_before_utc <= at <= current.not_valid_after_utc:
            raise SignatureInvalid("A certificate of the time stamp was not valid at its moment.")
        if current in trusted:
            return
        issuer = next((one for one in known if one != current and _is_issued_by(current, one)), None)
        if issuer is None:
            break
        current = issuer
    raise SignatureInvalid("The time stamp does not lead to an authority that is trusted.")


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        if not issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        certificate.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, InvalidSignature, TypeError, *_UNREADABLE):
        return False
    return True


def _hash_of(kind: str) -> hashes.HashAlgorithm:
    if kind not in _HASHES:
        raise SignatureInvalid("The time stamp is by a hash that is not known here.")
    return _HASHES[kind]()


def _digest(by: hashes.HashAlgorithm, content: bytes) -> bytes:
    digest = hashes.Hash(by)
    digest.update(content)
    return digest.finalize()
