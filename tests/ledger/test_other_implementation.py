"""A log that Safelight wrote, verified by code that we did not write (`aics-tlog`): heads, tiles, proofs, witnesses."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from safelight.ledger.disclose import export
from safelight.ledger.proofs.cosignature import cosign
from safelight.ledger.proofs.note import Algorithm
from safelight.ledger.published import prove_consistency, read_checkpoint, read_proof
from tests.ledger.store_log import StoreLog, store_log
from tests.ledger.twin import KEY, WITNESS

# It asks for Python 3.12, and runs on 3.11 as well: `.ci/run` installs it on either.
other: Any = pytest.importorskip("aics_tlog", reason="pip install --no-deps --ignore-requires-python aics-tlog")


def written(log: StoreLog) -> None:
    log.begin()
    for count in (3, 300, 259):
        log.decide(count)
        log.integrate()


def test_it_reads_our_whole_log_and_finds_a_flipped_byte(tmp_path: Path) -> None:
    with store_log(tmp_path / "log.db") as log:
        written(log)
        head = log.run(partial(export, folder=tmp_path / "copy", log_key=KEY.public()))
        entries = log.entries()
    note = other.parse_note((tmp_path / "copy/checkpoint").read_text("utf-8"))
    opened = other.verify_checkpoint(note, other.parse_vkey((tmp_path / "copy/key").read_text().strip()))
    assert opened.ok, opened.error
    assert (opened.size, opened.root) == (head.size, head.root)
    reader = other.FileSystemTileReader(tmp_path / "copy")
    other.audit_tiles(reader, opened.size, opened.root)
    verified = other.VerifiedTileReader(reader, opened.size, opened.root)
    for index in (0, 255, 256, head.size - 1):
        assert verified.entry(index) == entries[index]
    bundle = tmp_path / "copy/tile/entries/000"
    bundle.write_bytes(bundle.read_bytes().replace(b"allow", b"alloW", 1))
    with pytest.raises(other.TileVerificationError):
        other.audit_tiles(reader, opened.size, opened.root)


def test_it_verifies_our_proofs_and_our_witness(tmp_path: Path) -> None:
    with store_log(tmp_path / "log.db") as log:
        log.begin()
        old = log.integrate()
        (appended, *_) = log.decide(500)
        head = log.integrate()
        proof = log.run(partial(read_proof, leaf_hash=appended.leaf_hash))
        hashes = log.run(partial(prove_consistency, old=old.size, new=head.size))
        note = log.run(read_checkpoint)
    assert other.verify_inclusion(appended.leaf_hash, proof.index, head.size, list(proof.hashes), head.root)
    assert other.leaf_hash(proof.extra) == appended.leaf_hash
    assert other.verify_consistency(old.size, head.size, old.root, head.root, hashes)
    signed = note.with_signatures([cosign(note.text, WITNESS, 1_700_000_000)])
    keys = [other.parse_vkey(WITNESS.public(Algorithm.COSIGNATURE).to_text())]
    key = other.parse_vkey(KEY.public().to_text())
    opened = other.verify_checkpoint(other.parse_note(signed.to_bytes().decode()), key, keys, quorum=1)
    assert opened.ok, opened.error
    assert opened.timestamps == {WITNESS.name: 1_700_000_000}
