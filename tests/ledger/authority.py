"""A time stamp authority of our own (RFC 3161): a root, a signer for stamping only, and answers in DER."""

import hashlib
import http.server
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
POLICY = "1.3.6.1.4.1.32473.1"  # of the arc for examples (RFC 5612)


def der(tag: int, *parts: bytes) -> bytes:
    """One element."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def number(value: int) -> bytes:
    """An INTEGER."""
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def object_id(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    content = b""
    for arc in (40 * first + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        content += bytes(reversed(groups))
    return der(0x06, content)


SHA256 = der(0x30, object_id("2.16.840.1.101.3.4.2.1"), der(0x05))


class Authority:
    """Stamps whatever it is asked."""

    def __init__(
        self,
        *,
        rsa_key: bool = False,
        usage: bool = True,
        days: int = 30,
        now: datetime = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC),
    ) -> None:
        """`usage`: whether the signer's certificate says that it is for stamping; `days`: how long it is valid."""
        self.now = now
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._certificate("root", self._root_key.public_key(), None, ca=True, days=3650)
        self._key: Key = rsa.generate_private_key(65537, 2048) if rsa_key else ec.generate_private_key(ec.SECP256R1())
        purpose = [ExtendedKeyUsageOID.TIME_STAMPING] if usage else [ExtendedKeyUsageOID.CODE_SIGNING]
        self.signer = self._certificate("signer", self._key.public_key(), purpose, ca=False, days=days)
        self.broken: bytes | None = None
        """Answered in place of a stamp."""

    @property
    def root_pem(self) -> bytes:
        """What a verifier brings."""
        return self.root.public_bytes(Encoding.PEM)

    def answer(self, request: bytes) -> bytes:
        """A TimeStampResp for a TimeStampReq, which rfc3161-client reads."""
        asked = _read(request)
        return self.stamp(asked[0], asked[1])

    def stamp(self, digest: bytes, nonce: int) -> bytes:
        """A granted response."""
        imprint = der(0x30, SHA256, der(0x04, digest))
        time = der(0x18, self.now.strftime("%Y%m%d%H%M%SZ").encode())
        info = der(0x30, number(1), object_id(POLICY), imprint, number(secrets.randbits(60)), time, number(nonce))
        attributes = self._attributes(info)
        signed = der(
            0x30,
            number(3),
            der(0x31, SHA256),
            der(0x30, object_id("1.2.840.113549.1.9.16.1.4"), der(0xA0, der(0x04, info))),
            der(0xA0, self.signer.public_bytes(Encoding.DER)),
            der(0x31, self._signer_info(attributes)),
        )
        token = der(0x30, object_id("1.2.840.113549.1.7.2"), der(0xA0, signed))
        return der(0x30, der(0x30, number(0)), token)

    def _attributes(self, info: bytes) -> bytes:
        certificate = der(0x04, hashlib.sha256(self.signer.public_bytes(Encoding.DER)).digest())
        named = der(0x30, der(0x30, der(0x30, certificate)))
        values = [
            ("1.2.840.113549.1.9.3", object_id("1.2.840.113549.1.9.16.1.4")),
            ("1.2.840.113549.1.9.4", der(0x04, hashlib.sha256(info).digest())),
            ("1.2.840.113549.1.9.16.2.47", named),
        ]
        return b"".join(sorted(der(0x30, object_id(kind), der(0x31, value)) for kind, value in values))

    def _signer_info(self, attributes: bytes) -> bytes:
        message = der(0x31, attributes)
        if isinstance(self._key, rsa.RSAPrivateKey):
            signature = self._key.sign(message, padding.PKCS1v15(), hashes.SHA256())
            algorithm = der(0x30, object_id("1.2.840.113549.1.1.11"), der(0x05))
        else:
            signature = self._key.sign(message, ec.ECDSA(hashes.SHA256()))
            algorithm = der(0x30, object_id("1.2.840.10045.4.3.2"))
        serial = number(self.signer.serial_number)
        sid = der(0x30, self.signer.issuer.public_bytes(), serial)
        return der(0x30, number(1), sid, SHA256, der(0xA0, attributes), algorithm, der(0x04, signature))

    def _certificate(
        self, name: str, key: object, purpose: list[x509.ObjectIdentifier] | None, *, ca: bool, days: int
    ) -> x509.Certificate:
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority.example root")])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority.example {name}")])
        begin = self.now - timedelta(days=1)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)  # type: ignore[arg-type]
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            # Readers of content credentials ask for these two of an authority's signer as well.
            .add_extension(_usage(ca=ca), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._root_key.public_key()), critical=False
            )
        )
        if purpose:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purpose), critical=True)
        return builder.sign(self._root_key, hashes.SHA256())


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _read(request: bytes) -> tuple[bytes, int]:
    """Digest and nonce of a request for a SHA-256 that asks for no policy."""
    begin = request.index(b"\x04\x20") + 2
    nonce = begin + 34
    return request[begin : begin + 32], int.from_bytes(request[nonce : nonce + request[nonce - 1]], "big")


@contextmanager
def listening(authority: Authority) -> Iterator[str]:
    """The authority behind a real server; its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            answer = authority.answer(body) if authority.broken is None else authority.broken
            self.send_response(200 if answer else 503)
            self.send_header("content-type", "application/timestamp-reply")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
