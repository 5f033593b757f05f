"""A certificate is trusted for good, so it is kept only after a picture was signed under it."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from safelight.backends.memory import MemoryBackend
from safelight.core.clock import utc_now
from safelight.core.errors import MarkFailed, NotStartable
from safelight.gate.cores import Cores
from safelight.provenance.credentials.chain import (
    CHAIN_FILE,
    KEY_FILE,
    SIGNERS_FOLDER,
    TRUSTED_FOLDER,
    keep_trusted,
    load_key,
    load_or_make,
)
from safelight.provenance.credentials.seal import Sealer
from safelight.provenance.credentials.signer import Algorithm, LocalSigner, RemoteSigner, Signer
from safelight.provenance.model import CredentialState
from safelight.settings import Settings
from safelight.store.database import Database, sqlite_url
from safelight.store.digest_key import DigestKey
from safelight.wiring import MARKS_FOLDER, Safelight
from tests.provenance.test_credentials import chain_of_two, origin, picture


def started(folder: Path, signer: Signer | None = None, *, days: float = 0) -> Safelight:
    """The marks of a service that starts on `folder`, in so many days."""
    settings = Settings(_env_file=None, data_dir=folder, open=True)
    later = timedelta(days=days)
    safelight = Safelight(
        settings, detectors=[], signer=signer, clock=lambda: utc_now() + later, backend=MemoryBackend()
    )
    safelight.database = Database(sqlite_url(folder / "safelight.db"))
    safelight._open_marks(settings, Cores(1), DigestKey(bytes(32)))
    return safelight


def kept(folder: Path) -> list[str]:
    marks = folder / MARKS_FOLDER
    return [path.name for name in (SIGNERS_FOLDER, TRUSTED_FOLDER) for path in sorted((marks / name).glob("*"))]


def local_signer(folder: Path) -> LocalSigner:
    chain, key = load_or_make(folder, utc_now(), production=False)
    return LocalSigner(load_key(key, chain, KEY_FILE), chain)


def test_a_chain_that_was_refused_beside_our_key_stays_a_strangers_once_the_slip_is_corrected(tmp_path: Path) -> None:
    """Another customer of the same authority: their photo must not become one that was made here."""
    root_key = ec.generate_private_key(ec.SECP256R1())
    our_key = ec.generate_private_key(ec.SECP256R1())
    ours, theirs = chain_of_two("nothing", root_key, our_key), chain_of_two("nothing", root_key)
    marks = tmp_path / MARKS_FOLDER
    marks.mkdir()
    secret = our_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (marks / KEY_FILE).write_bytes(secret)
    (marks / CHAIN_FILE).write_text(theirs.chain.pem)
    with pytest.raises(NotStartable, match="not the key of the first certificate"):
        started(tmp_path)
    assert kept(tmp_path) == []
    (marks / CHAIN_FILE).write_text(ours.chain.pem)
    running = started(tmp_path)
    assert len(kept(tmp_path)) == 2
    states = [
        running.credentials.read(one.seal(picture("image/png"), "image/png", origin(at=utc_now())), "image/png").state
        for one in (ours, theirs)
    ]
    assert states == [CredentialState.TRUSTED, CredentialState.VALID]


@pytest.mark.parametrize("why", ["expired", "first certificate's key", "emailProtection"])
def test_a_chain_that_is_refused_at_the_start_is_not_kept(tmp_path: Path, why: str) -> None:
    signer: Signer = local_signer(tmp_path / "key")
    if why == "first certificate's key":
        foreign = LocalSigner(ec.generate_private_key(ec.SECP256R1()), signer.chain)
        signer = RemoteSigner(signer.chain, Algorithm.ES256, foreign.sign)
    if why == "emailProtection":
        signer = chain_of_two("use")._signer
    with pytest.raises(NotStartable, match=why):
        started(tmp_path, signer, days=400 if why == "expired" else 0)
    assert kept(tmp_path) == []


def test_the_chain_of_a_signer_that_is_away_is_kept_once_it_has_signed(tmp_path: Path) -> None:
    local = local_signer(tmp_path / "key")
    is_away = [True]
    signer = RemoteSigner(local.chain, Algorithm.ES256, lambda message: b"" if is_away[0] else local.sign(message))
    running = started(tmp_path, signer)
    marker = running.marks._marker
    assert marker
    assert marker.trouble()
    assert kept(tmp_path) == []
    is_away[0] = False
    sealed = marker.seal(picture("image/png"), "image/png", origin(at=utc_now()))
    assert len(kept(tmp_path)) == 2
    assert running.credentials.read(sealed, "image/png").state is CredentialState.TRUSTED


def test_no_picture_leaves_under_a_chain_that_cannot_be_kept(tmp_path: Path) -> None:
    local = local_signer(tmp_path / "key")
    (tmp_path / "full").write_text("a file where a folder should be")
    sealer = Sealer(local, keep=partial(keep_trusted, tmp_path / "full"))
    with pytest.raises(MarkFailed, match="cannot be kept"):
        sealer.seal(picture("image/png"), "image/png", origin(at=utc_now()))
    assert "cannot be kept" in sealer.trouble
