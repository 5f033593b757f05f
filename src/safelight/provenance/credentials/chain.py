"""The certificates that content credentials are signed under, and the development chain made on a first run.

Rules of this module
- The operator's chain is one PEM file, leaf first; the key is another. What signed once stays trusted for reading:
  every root that was ever in use is kept in a folder of its own, so a new key leaves the old marks valid.
- An authority issues to many, so a root does not say who signed: every leaf that was ever in use is kept as well.
- Kept is for good, so it comes last: only what a picture was signed under, whole, was ever in use (`seal.py`).
- The development chain is for trying things out. It says so in its name, it shouts at every start, and where the
  settings say production it is refused.

Source: C2PA 2.x, "X.509 certificates": a leaf that is no authority, with `digitalSignature` and one of the extended key
usages of its list; a leaf that signed itself is refused by readers, so the shortest chain has two certificates.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from safelight.core.errors import NotStartable
from safelight.store.database import make_data_dir

DEVELOPMENT = "Safelight development, not for production"
"""The organisation in the subject of every certificate of a development chain."""
CHAIN_FILE, KEY_FILE = "chain.pem", "key.pem"
TRUSTED_FOLDER, SIGNERS_FOLDER = "trusted", "signers"
LEAF_LIFE = timedelta(days=365)
_ROOT_LIFE = timedelta(days=3650)
_RENEW_BEFORE = timedelta(days=30)
_PEM = serialization.Encoding.PEM


@dataclass(frozen=True, slots=True)
class Chain:
    """Certificates, the signing one first."""

    certificates: tuple[x509.Certificate, ...]

    @classmethod
    def parse(cls, pem: bytes, name: str) -> "Chain":
        """Read a PEM file. Raises NotStartable for one that readers of credentials would refuse; `name` says which."""
        try:
            chain = cls(tuple(x509.load_pem_x509_certificates(pem)))
            if len(chain.certificates) < 2:
                raise NotStartable(f"{name} must hold the signing certificate and, behind it, its issuers.")
            for subject, issuer in zip(chain.certificates, chain.certificates[1:], strict=False):
                subject.verify_directly_issued_by(issuer)
            if chain.leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
                raise NotStartable(f"{name} begins with a certificate of an authority; put the signing one first.")
        except (ValueError, TypeError, InvalidSignature, x509.InvalidVersion, x509.ExtensionNotFound) as error:
            raise NotStartable(f"{name} is no chain of certificates, leaf first: {error}") from error
        return chain

    @property
    def leaf(self) -> x509.Certificate:
        """The certificate that signs."""
        return self.certificates[0]

    @property
    def root(self) -> x509.Certificate:
        """The last certificate given: what readers are told to trust."""
        return self.certificates[-1]

    @property
    def is_development(self) -> bool:
        """Whether it was made here on a first run."""
        return any(name.value == DEVELOPMENT for name in self.leaf.subject)

    @property
    def pem(self) -> str:
        """All certificates, as signers and readers take them."""
        return "".join(one.public_bytes(_PEM).decode() for one in self.certificates)

    @property
    def name(self) -> str:
        """Who signs, for a person."""
        return self.leaf.subject.rfc4514_string()

    def why_unfit(self, now: datetime) -> str:
        """Why nothing may be signed under it at `now`; empty where nothing speaks against it."""
        for certificate in self.certificates:
            if now >= certificate.not_valid_after_utc:
                return f"{certificate.subject.rfc4514_string()} expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
            if now < certificate.not_valid_before_utc:
                return f"{certificate.subject.rfc4514_string()} holds from {certificate.not_valid_before_utc:%Y-%m-%d}"
        return ""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose credentials are this service's own: signed by one of the signers, under one of the roots."""

    roots_pem: str = ""
    signers: frozenset[int] = frozenset()
    """Serial numbers of the certificates that sign, or signed."""


def load_or_make(folder: Path, now: datetime, *, production: bool) -> tuple[Chain, bytes]:
    """The chain and the PEM of its key in `folder`; a development chain is made there where there is none.

    A development chain that is about to expire is replaced. Raises NotStartable.
    """
    if production:  # nothing is made, so there is nothing to wait for
        return _load_or_make(folder, now, production=True)
    make_data_dir(folder)
    with _alone(folder):
        return _load_or_make(folder, now, production=False)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time: of two that start at once, one's key would stand beside the other's chain."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise NotStartable(f"The folder {folder} cannot be opened: {error.strerror}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _load_or_make(folder: Path, now: datetime, *, production: bool) -> tuple[Chain, bytes]:
    chain_file, key_file = folder / CHAIN_FILE, folder / KEY_FILE
    if not chain_file.exists():
        if production:
            message = f"No certificates to sign content credentials with: put them in {chain_file} and {key_file}."
            raise NotStartable(f"{message} See docs/how-to/marks.md.")
        make_development(folder, now)
    chain, key = _read(chain_file, key_file)
    if chain.is_development and production:
        raise NotStartable(f"{chain_file} is the development chain, which nobody outside trusts: replace it.")
    if chain.is_development and now >= chain.leaf.not_valid_after_utc - _RENEW_BEFORE:
        make_development(folder, now)
        chain, key = _read(chain_file, key_file)
    return chain, key


def make_development(folder: Path, now: datetime) -> None:
    """Make a new root, leaf and key in `folder`, in place of what is there. Raises NotStartable."""
    root_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, leaf_name = _named("root"), _named("signer")
    root = (
        _certificate(root_name, root_name, root_key.public_key(), now, _ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    leaf = (
        _certificate(leaf_name, root_name, leaf_key.public_key(), now, LEAF_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    secret = leaf_key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # The key first: a chain without its key would be found at the next start, the other way round makes a new one.
        _replace(folder / KEY_FILE, secret)
        _replace(folder / CHAIN_FILE, Chain((leaf, root)).pem.encode())
    except OSError as error:
        raise NotStartable(f"The development chain could not be made in {folder}: {error.strerror}.") from error


def keep_trusted(folder: Path, chain: Chain) -> None:
    """Keep root and leaf of `chain`, which has signed, among those that marks are read under. Raises NotStartable."""
    for kept, certificate in ((folder / TRUSTED_FOLDER, chain.root), (folder / SIGNERS_FOLDER, chain.leaf)):
        path = kept / f"{certificate.fingerprint(hashes.SHA256()).hex()[:16]}.pem"
        try:
            kept.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                _replace(path, certificate.public_bytes(_PEM))
        except OSError as error:
            raise NotStartable(f"The trusted certificates in {kept} cannot be kept: {error.strerror}.") from error


def trust_of(folder: Path) -> Trust:
    """Every root and every leaf that is kept in `folder`. Raises NotStartable for a file that is no certificate."""
    roots, leaves = _kept(folder / TRUSTED_FOLDER), _kept(folder / SIGNERS_FOLDER)
    pem = "".join(one.public_bytes(_PEM).decode() for one in roots)
    return Trust(pem, frozenset(one.serial_number for one in leaves))


def _kept(folder: Path) -> list[x509.Certificate]:
    found: list[x509.Certificate] = []
    for path in sorted(folder.glob("*.pem")):
        try:
            found += x509.load_pem_x509_certificates(path.read_bytes())
        except (OSError, ValueError, x509.InvalidVersion) as error:
            raise NotStartable(f"{path} is no certificate in PEM; take it out of the folder.") from error
    return found


def load_key(pem: bytes, chain: Chain, name: str) -> PrivateKeyTypes:
    """The private key, which must be the leaf's. Raises NotStartable."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise NotStartable(f"{name} is no private key in PEM without a password: {error}") from error
    form = _PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    if key.public_key().public_bytes(*form) != chain.leaf.public_key().public_bytes(*form):
        raise NotStartable(f"{name} is not the key of the first certificate in the chain.")
    return key


def _read(chain_file: Path, key_file: Path) -> tuple[Chain, bytes]:
    try:
        return Chain.parse(chain_file.read_bytes(), str(chain_file)), key_file.read_bytes()
    except OSError as error:
        raise NotStartable(f"The key for content credentials {error.filename}: {error.strerror}.") from error


def _replace(path: Path, content: bytes) -> None:
    """Write `content` where only its owner can read it, whole or not at all."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _named(what: str) -> x509.Name:
    names: Sequence[x509.NameAttribute[str]] = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, DEVELOPMENT),
        x509.NameAttribute(NameOID.COMMON_NAME, f"Safelight development {what}"),
    ]
    return x509.Name(names)


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))  # clocks of readers differ
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
