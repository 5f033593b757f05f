"""Content credentials: what is signed is read back, what was changed is found, and an unfit key is refused."""

import io
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import c2pa
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

from safelight.core.errors import MarkCode, MarkFailed, NotStartable
from safelight.core.limits import DEFAULT_LIMITS
from safelight.core.request import Upload
from safelight.provenance.credentials.chain import (
    CHAIN_FILE,
    KEY_FILE,
    LEAF_LIFE,
    Chain,
    keep_trusted,
    load_key,
    load_or_make,
    make_development,
    trust_of,
)
from safelight.provenance.credentials.read import CredentialReader
from safelight.provenance.credentials.seal import Sealer
from safelight.provenance.credentials.signer import Algorithm, LocalSigner, RemoteSigner
from safelight.provenance.model import NO_CREDENTIALS, CredentialState, How, Origin, Source
from safelight.signals.image.decode import decode
from safelight.signals.model import PictureRole
from tests.ledger.authority import Authority, listening

CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
NOW = datetime.now(UTC)
FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/avif": "AVIF"}


def picture(media_type: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.arange(64 * 64 * 3, dtype=np.uint32).reshape(64, 64, 3).astype(np.uint8)).save(
        file, FORMATS[media_type]
    )
    return file.getvalue()


def origin(*sources: Source, at: datetime = NOW) -> Origin:
    how = How.EDITED if sources else How.CREATED
    return Origin("out_1", "req_1", "dec_1", "sha256:00", how, "sketch", at, sources)


def sealer(folder: Path, now: datetime = NOW) -> Sealer:
    chain, key = load_or_make(folder, now, production=False)
    return Sealer(LocalSigner(load_key(key, chain, "key"), chain), keep=partial(keep_trusted, folder))


def reader(folder: Path) -> CredentialReader:
    return CredentialReader(trust_of(folder))


@pytest.mark.parametrize("media_type", FORMATS)
def test_what_was_signed_is_a_picture_that_the_gate_takes(tmp_path: Path, media_type: str) -> None:
    """It comes back as an upload, as another Safelight's answer, and to be verified and traced."""
    plain = picture(media_type)
    sealed = sealer(tmp_path).seal(plain, media_type, origin())
    shown, before = (
        decode(Upload(file), role=PictureRole.PHOTO, where="photo 1", limits=DEFAULT_LIMITS) for file in (sealed, plain)
    )
    assert np.array_equal(shown.frames[0], before.frames[0])
    assert shown.media_type == before.media_type
    assert b"c2pa" not in shown.clean


@pytest.mark.parametrize("media_type", FORMATS)
def test_what_was_signed_is_read_back_as_trusted(tmp_path: Path, media_type: str) -> None:
    sealed = sealer(tmp_path).seal(picture(media_type), media_type, origin())
    read = reader(tmp_path).read(sealed, media_type)
    assert read.state is CredentialState.TRUSTED
    assert (read.output_id, read.request_id, read.decision_id) == ("out_1", "req_1", "dec_1")
    assert read.actions == ("c2pa.created",)
    assert read.digital_source == "trainedAlgorithmicMedia"
    # The picture itself is untouched.
    assert np.array_equal(
        np.asarray(Image.open(io.BytesIO(sealed))), np.asarray(Image.open(io.BytesIO(picture(media_type))))
    )


def test_an_edit_names_its_photos_and_carries_their_own_credentials(tmp_path: Path) -> None:
    signed_photo = sealer(tmp_path).seal(picture("image/jpeg"), "image/jpeg", origin())
    sources = Source(signed_photo, "image/jpeg"), Source(picture("image/png"), "image/png")
    sealed = sealer(tmp_path).seal(picture("image/webp"), "image/webp", origin(*sources))
    read = reader(tmp_path).read(sealed, "image/webp")
    assert read.state is CredentialState.TRUSTED
    assert read.actions == ("c2pa.opened", "c2pa.edited")
    assert read.digital_source == "compositeWithTrainedAlgorithmicMedia"
    assert read.ingredients == 2


def test_a_photo_whose_credentials_cannot_be_read_is_an_ingredient_all_the_same(tmp_path: Path) -> None:
    """The asker chooses the photo's bytes, and must not be able to stop the marking with them."""
    broken = sealer(tmp_path).seal(picture("image/jpeg"), "image/jpeg", origin())
    sealed = sealer(tmp_path).seal(
        picture("image/png"), "image/png", origin(Source(broken[: len(broken) // 2], "image/jpeg"))
    )
    read = reader(tmp_path).read(sealed, "image/png")
    assert (read.state, read.ingredients) == (CredentialState.TRUSTED, 1)


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/webp"])
def test_one_flipped_byte_of_the_picture_is_found(tmp_path: Path, media_type: str) -> None:
    sealed = bytearray(sealer(tmp_path).seal(picture(media_type), media_type, origin()))
    sealed[-40] ^= 1
    read = reader(tmp_path).read(bytes(sealed), media_type)
    assert read.state in {CredentialState.BROKEN, CredentialState.UNREADABLE}


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/webp"])
def test_nothing_of_a_photos_metadata_is_in_what_is_made_of_it(tmp_path: Path, media_type: str) -> None:
    """The ids that photo software writes lead to the files of the photo's owner; its place and author are theirs."""
    exif = Image.Exif()
    exif[0x010E], exif[0x013B] = "a described place", "an author"
    said = b'xmpMM:InstanceID="xmp.iid:an-instance" xmpMM:DocumentID="xmp.did:a-document"'
    spaces = b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"'
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF %s><rdf:Description rdf:about="" %s/></rdf:RDF></x:xmpmeta>'
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, FORMATS[media_type], exif=exif, xmp=xmp % (spaces, said))
    assert b"an-instance" in file.getvalue()
    sealed = sealer(tmp_path).seal(picture("image/png"), "image/png", origin(Source(file.getvalue(), media_type)))
    assert reader(tmp_path).read(sealed, "image/png").ingredients == 1
    assert not [one for one in (b"a described place", b"an author", b"an-instance", b"a-document") if one in sealed]


def test_a_file_that_points_to_credentials_elsewhere_has_none_here(tmp_path: Path) -> None:
    chain, key = load_or_make(tmp_path, NOW, production=False)
    local = LocalSigner(load_key(key, chain, "key"), chain)
    created = {"action": "c2pa.created", "digitalSourceType": CAPTURE}
    manifest = {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}]}
    file = io.BytesIO()
    native = c2pa.Signer.from_callback(local.sign, c2pa.C2paSigningAlg.ES256, chain.pem)
    with c2pa.Builder.from_json(manifest) as builder:
        builder.set_remote_url("https://credentials.example/manifest.c2pa")
        builder.set_no_embed()
        builder.sign(native, "image/jpeg", io.BytesIO(picture("image/jpeg")), file)
    assert b"c2pa" in file.getvalue()
    assert reader(tmp_path).read(file.getvalue(), "image/jpeg") == NO_CREDENTIALS


def test_credentials_of_strangers_are_valid_and_not_trusted(tmp_path: Path) -> None:
    sealed = sealer(tmp_path / "theirs").seal(picture("image/png"), "image/png", origin())
    sealer(tmp_path / "ours")
    assert reader(tmp_path / "ours").read(sealed, "image/png").state is CredentialState.VALID


def test_another_customer_of_the_same_authority_is_a_stranger(tmp_path: Path) -> None:
    """Whoever has a certificate from it could write our assertion, and name anybody's request in it."""
    root_key = ec.generate_private_key(ec.SECP256R1())
    ours, theirs = (chain_of_two("nothing", root_key) for _ in range(2))
    keep_trusted(tmp_path, ours.chain)
    sealed = [one.seal(picture("image/png"), "image/png", origin()) for one in (ours, theirs)]
    states = [reader(tmp_path).read(one, "image/png").state for one in sealed]
    assert states == [CredentialState.TRUSTED, CredentialState.VALID]


def test_a_file_without_credentials_has_none(tmp_path: Path) -> None:
    sealer(tmp_path)
    for content in (b"", b"no picture", picture("image/png"), b"c2pa"):
        state = reader(tmp_path).read(content, "image/png").state
        assert state in {CredentialState.NONE, CredentialState.UNREADABLE}


def test_marks_of_an_earlier_key_stay_trusted(tmp_path: Path) -> None:
    old = sealer(tmp_path).seal(picture("image/png"), "image/png", origin())
    make_development(tmp_path, NOW)
    new = sealer(tmp_path).seal(picture("image/png"), "image/png", origin())
    states = [reader(tmp_path).read(one, "image/png").state for one in (old, new)]
    assert states == [CredentialState.TRUSTED] * 2
    assert trust_of(tmp_path).roots_pem.count("BEGIN CERTIFICATE") == 2


def test_credentials_under_a_certificate_past_its_time_are_whole_and_no_longer_trusted(tmp_path: Path) -> None:
    """Without a time stamp nobody can tell whether it was signed in time."""
    soon = datetime.now(UTC) + timedelta(seconds=3)
    make_development(tmp_path, soon - LEAF_LIFE)
    chain, key = Chain.parse((tmp_path / CHAIN_FILE).read_bytes(), "chain"), (tmp_path / KEY_FILE).read_bytes()
    keep_trusted(tmp_path, chain)
    signing = Sealer(LocalSigner(load_key(key, chain, "key"), chain))
    sealed = signing.seal(picture("image/png"), "image/png", origin(at=soon - timedelta(seconds=2)))
    assert reader(tmp_path).read(sealed, "image/png").state is CredentialState.TRUSTED
    time.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds()) + 1)
    assert reader(tmp_path).read(sealed, "image/png").state is CredentialState.EXPIRED


def test_nothing_is_signed_with_an_expired_key(tmp_path: Path) -> None:
    signing = sealer(tmp_path)
    with pytest.raises(MarkFailed, match="expired") as failed:
        signing.seal(picture("image/png"), "image/png", origin(at=NOW + timedelta(days=366)))
    assert failed.value.code == MarkCode.KEY_EXPIRED


def test_a_development_chain_is_renewed_before_it_expires(tmp_path: Path) -> None:
    first, _ = load_or_make(tmp_path, NOW, production=False)
    same, _ = load_or_make(tmp_path, NOW + timedelta(days=300), production=False)
    later, _ = load_or_make(tmp_path, NOW + timedelta(days=350), production=False)
    assert first.leaf == same.leaf != later.leaf


def test_of_several_that_start_at_once_all_sign_under_one_chain(tmp_path: Path) -> None:
    count = 8
    ready = threading.Barrier(count)

    def start(_: int) -> tuple[Chain, bytes]:
        ready.wait(10)
        return load_or_make(tmp_path / "marks", NOW, production=False)

    with ThreadPoolExecutor(count) as starts:
        made = list(starts.map(start, range(count)))
    assert len({(chain.pem, key) for chain, key in made}) == 1
    chain, key = made[0]
    load_key(key, chain, "key")


def test_production_takes_no_development_chain(tmp_path: Path) -> None:
    with pytest.raises(NotStartable, match="No certificates"):
        load_or_make(tmp_path, NOW, production=True)
    load_or_make(tmp_path, NOW, production=False)
    with pytest.raises(NotStartable, match="development chain"):
        load_or_make(tmp_path, NOW, production=True)


def test_the_key_must_belong_to_the_chain(tmp_path: Path) -> None:
    chain, _ = load_or_make(tmp_path, NOW, production=False)
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(NotStartable, match="not the key"):
        load_key(other, chain, "key")
    with pytest.raises(NotStartable, match="no private key"):
        load_key(b"nonsense", chain, "key")


@pytest.mark.parametrize("defect", ["leaf alone", "root first", "nonsense"])
def test_a_chain_that_readers_would_refuse_is_refused_at_start(tmp_path: Path, defect: str) -> None:
    chain, _ = load_or_make(tmp_path, NOW, production=False)
    pems = chain.pem.split("-----END CERTIFICATE-----\n")
    leaf, root = (part + "-----END CERTIFICATE-----\n" for part in pems[:2])
    (tmp_path / CHAIN_FILE).write_text({"leaf alone": leaf, "root first": root + root, "nonsense": "?"}[defect])
    with pytest.raises(NotStartable):
        load_or_make(tmp_path, NOW, production=False)


def test_the_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    load_or_make(tmp_path, NOW, production=False)
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o077 == 0


def test_a_key_elsewhere_signs_through_the_hook_and_its_failure_releases_nothing(tmp_path: Path) -> None:
    chain, key = load_or_make(tmp_path, NOW, production=False)
    local = LocalSigner(load_key(key, chain, "key"), chain)
    remote = Sealer(RemoteSigner(chain, Algorithm.ES256, local.sign), keep=partial(keep_trusted, tmp_path))
    sealed = remote.seal(picture("image/png"), "image/png", origin())
    assert reader(tmp_path).read(sealed, "image/png").state is CredentialState.TRUSTED

    def away(_message: bytes) -> bytes:
        raise ConnectionError("a secret address")

    with pytest.raises(MarkFailed, match="ConnectionError") as failed:
        Sealer(RemoteSigner(chain, Algorithm.ES256, away)).seal(picture("image/png"), "image/png", origin())
    assert failed.value.code == MarkCode.SIGNER_UNAVAILABLE
    assert "secret" not in failed.value.message
    with pytest.raises(MarkFailed):
        Sealer(RemoteSigner(chain, Algorithm.ES256, lambda _: b"")).seal(picture("image/png"), "image/png", origin())


@pytest.mark.parametrize("wrong", ["another key", "DER", "another algorithm", "garbage"])
def test_a_key_elsewhere_whose_signature_readers_would_refuse_releases_nothing(tmp_path: Path, wrong: str) -> None:
    """A KMS after its key was replaced, or a hook that hands on what the KMS answered as it came."""
    chain, pem = load_or_make(tmp_path, NOW, production=False)
    key = load_key(pem, chain, "key")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    call = {
        "another key": LocalSigner(ec.generate_private_key(ec.SECP256R1()), chain).sign,
        "DER": lambda message: key.sign(message, ec.ECDSA(hashes.SHA256())),
        "another algorithm": LocalSigner(ed25519.Ed25519PrivateKey.generate(), chain).sign,
        "garbage": lambda _: b"x" * 64,
    }[wrong]
    remote = Sealer(RemoteSigner(chain, Algorithm.ES256, call))
    with pytest.raises(NotStartable, match="first certificate's key"):
        remote.prove(NOW)
    with pytest.raises(MarkFailed, match="first certificate's key") as failed:
        remote.seal(picture("image/png"), "image/png", origin())
    assert failed.value.code == MarkCode.SIGNER_UNAVAILABLE


def test_a_kind_of_key_that_c2pa_does_not_know_is_refused(tmp_path: Path) -> None:
    chain, _ = load_or_make(tmp_path, NOW, production=False)
    assert LocalSigner(ed25519.Ed25519PrivateKey.generate(), chain).algorithm is Algorithm.ED25519
    with pytest.raises(NotStartable, match="P-256"):
        LocalSigner(ec.generate_private_key(ec.SECP256K1()), chain)


@pytest.mark.parametrize("label", ["c2pa.training-mining", "cawg.training-mining"])
@pytest.mark.parametrize(
    ("entries", "forbids"),
    [
        ({"ai_inference": "notAllowed"}, True),
        ({"ai_generative_training": "notAllowed", "ai_inference": "allowed"}, True),
        ({"data_mining": "constrained"}, True),
        ({"ai_inference": "allowed"}, False),
        ({}, False),
    ],
)
def test_a_photo_can_say_that_ai_may_not_use_it(
    tmp_path: Path, label: str, entries: dict[str, str], forbids: bool
) -> None:
    chain, key = load_or_make(tmp_path, NOW, production=False)
    local = LocalSigner(load_key(key, chain, "key"), chain)
    prefix = label.partition(".")[0]
    manifest = {
        "claim_generator_info": [{"name": "camera"}],
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": CAPTURE}]},
            },
            {"label": label, "data": {"entries": {f"{prefix}.{name}": {"use": use} for name, use in entries.items()}}},
        ],
    }
    file = io.BytesIO()
    signer = c2pa.Signer.from_callback(local.sign, c2pa.C2paSigningAlg.ES256, chain.pem)
    with c2pa.Builder.from_json(manifest) as builder:
        builder.sign(signer, "image/jpeg", io.BytesIO(picture("image/jpeg")), file)
    assert reader(tmp_path).read(file.getvalue(), "image/jpeg").forbids_ai is forbids


def signature_of(content: bytes) -> dict[str, object]:
    """What the library says of a signature."""
    with c2pa.Reader("image/png", io.BytesIO(content)) as found:
        store = json.loads(found.json())
    told: dict[str, object] = store["manifests"][store["active_manifest"]]["signature_info"]
    return told


def test_a_time_stamp_says_when_it_was_signed(tmp_path: Path) -> None:
    """RFC 3161: what an authority stamped stays valid for readers that trust it when the certificate has expired."""
    chain, key = load_or_make(tmp_path, NOW, production=False)
    authority = Authority(rsa_key=True, now=NOW.replace(microsecond=0))
    with listening(authority) as address:
        stamping = Sealer(LocalSigner(load_key(key, chain, "key"), chain), address, partial(keep_trusted, tmp_path))
        sealed = stamping.seal(picture("image/png"), "image/png", origin())
        stamping.close()
    assert datetime.fromisoformat(str(signature_of(sealed)["time"])) == authority.now
    assert reader(tmp_path).read(sealed, "image/png").state is CredentialState.TRUSTED


def test_while_the_authority_is_silent_pictures_are_signed_without_a_time(tmp_path: Path) -> None:
    chain, key = load_or_make(tmp_path, NOW, production=False)
    authority = Authority(rsa_key=True, now=NOW.replace(microsecond=0))
    authority.broken = b""
    with listening(authority) as address:
        stamping = Sealer(LocalSigner(load_key(key, chain, "key"), chain), address, partial(keep_trusted, tmp_path))
        sealed = stamping.seal(picture("image/png"), "image/png", origin())
    again = stamping.seal(picture("image/png"), "image/png", origin())
    stamping.close()
    for one in (sealed, again):
        assert "time" not in signature_of(one)
        assert reader(tmp_path).read(one, "image/png").state is CredentialState.TRUSTED


def test_a_signer_that_fails_is_no_matter_of_the_stamp(tmp_path: Path) -> None:
    chain, _ = load_or_make(tmp_path, NOW, production=False)
    with listening(Authority(rsa_key=True, now=NOW)) as address:
        stamping = Sealer(RemoteSigner(chain, Algorithm.ES256, lambda _: b""), address)
        with pytest.raises(MarkFailed, match="empty signature"):
            stamping.seal(picture("image/png"), "image/png", origin())
        stamping.close()


USE, OTHER_USE = ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.SERVER_AUTH


def chain_of_two(
    lacking: str,
    root_key: ec.EllipticCurvePrivateKey | None = None,
    leaf_key: ec.EllipticCurvePrivateKey | None = None,
) -> Sealer:
    """A signer under a chain of two, of whose first certificate something is lacking."""
    root_key, leaf_key = (key or ec.generate_private_key(ec.SECP256R1()) for key in (root_key, leaf_key))
    names = [
        x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"Images {what}")]) for what in ("root", "signer")
    ]
    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    usage |= {"key_cert_sign": False, "crl_sign": False, "encipher_only": False, "decipher_only": False}
    said = {
        "use": x509.ExtendedKeyUsage([OTHER_USE if lacking == "a use that C2PA lists" else USE]),
        "signatures": x509.KeyUsage(digital_signature=True, **usage),
        "issuer": x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()),
    }
    certificates = []
    for key, name, is_root in ((leaf_key, names[1], False), (root_key, names[0], True)):
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(names[0])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(minutes=5))
            .not_valid_after(NOW + LEAF_LIFE)
            .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        )
        for name_of, extension in () if is_root else said.items():
            if name_of != lacking:
                builder = builder.add_extension(extension, critical=name_of == "signatures")
        certificates.append(builder.sign(root_key, hashes.SHA256()))
    return Sealer(LocalSigner(leaf_key, Chain(tuple(certificates))))


@pytest.mark.parametrize("lacking", ["use", "signatures", "issuer", "a use that C2PA lists"])
def test_certificates_that_readers_would_refuse_show_at_the_start(lacking: str) -> None:
    with pytest.raises(NotStartable, match="emailProtection"):
        chain_of_two(lacking).prove(NOW)


def test_a_whole_chain_of_ones_own_passes_and_a_signer_that_is_away_is_a_trouble(tmp_path: Path) -> None:
    whole = chain_of_two("nothing")
    whole.prove(NOW)
    assert whole.trouble == ""
    chain, _ = load_or_make(tmp_path, NOW, production=False)
    away = Sealer(RemoteSigner(chain, Algorithm.ES256, lambda _: b""))
    away.prove(NOW)
    assert "empty signature" in away.trouble
