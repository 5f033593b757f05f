"""What can be asked of a published log. Each check raises a ProofError, or says what it has verified."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.x509 import Certificate

from ..proofs.audit import Audit
from ..proofs.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from ..proofs.errors import InclusionFailed, SignatureInvalid, Unavailable
from ..proofs.leaf import Leaf
from ..proofs.merkle import consistency_proof, inclusion_proof, leaf_hash, verify_consistency, verify_inclusion
from ..proofs.note import PublicKey
from ..proofs.receipt import MERGE_DELAY_MAX_S, Receipt
from ..proofs.tiles import ENTRIES, TILE_WIDTH, Tile, TileReader, parse_bundle, parse_tile, tile_at
from ..proofs.timestamp import Stamp
from ..proofs.tlog_proof import TlogProof
from .source import Source, read_checkpoint, read_proof, read_stamped, read_tile

_STAMP_TRIES = 2


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the verifier believes, from elsewhere than the log: its key, and witnesses, of whom `quorum` must sign."""

    log_key: PublicKey
    witnesses: tuple[PublicKey, ...] = ()
    quorum: int = 0

    def open(self, content: bytes) -> SignedCheckpoint:
        """A head that the log and enough witnesses signed. Raises Malformed or SignatureInvalid."""
        signed = open_checkpoint(content, self.log_key, self.witnesses)
        if (found := len(signed.cosignatures)) < self.quorum:
            raise SignatureInvalid(f"{found} of the trusted witnesses have signed this head, not {self.quorum}.")
        return signed


@dataclass(frozen=True, slots=True)
class Included:
    """A leaf that was found where it belongs."""

    index: int
    leaf: Leaf | None
    """What it says, where the proof brought it along or the entries could be read."""
    head: SignedCheckpoint


def check_proof(content: bytes, leaf_hashed: bytes, trust: Trust) -> Included:
    """A tlog-proof for the leaf with this hash, offline."""
    proof = TlogProof.parse(content)
    head = trust.open(proof.checkpoint.to_bytes())
    verify_inclusion(proof.index, head.checkpoint.size, leaf_hashed, proof.hashes, head.checkpoint.root)
    if proof.extra and leaf_hash(proof.extra) != leaf_hashed:
        raise InclusionFailed("The leaf that the proof brings along is not the one that it is about.")
    return Included(proof.index, Leaf.parse(proof.extra) if proof.extra else None, head)


def check_receipt(receipt: Receipt, source: Source, trust: Trust) -> Included:
    """That the log gave this receipt, and has kept its promise."""
    receipt.verify(trust.log_key)
    head, found = _looked_up(receipt.leaf_hash, source, trust)
    if found is None:
        raise _broken_promise(receipt, head)
    return found


def check_leaf(hashed: bytes, source: Source, trust: Trust) -> Included:
    """That a leaf with this hash stands in the log."""
    head, found = _looked_up(hashed, source, trust)
    if found is None:
        raise InclusionFailed(f"The log's head of {head.checkpoint.size} leaves has no such leaf.")
    return found


def check_consistency(old: SignedCheckpoint, new: SignedCheckpoint, source: Source) -> None:
    """That the new head holds everything that the old one did. Raises ConsistencyFailed."""
    _check_leads(old.checkpoint, new.checkpoint, source, new.checkpoint.size)


@dataclass(frozen=True, slots=True)
class Stamped:
    """A head that existed at a moment that the operator did not choose."""

    head: SignedCheckpoint
    time: datetime
    authority: str


def check_stamp(source: Source, log_key: PublicKey, authorities: Sequence[Certificate]) -> Stamped:
    """The latest time stamp: of a head that this log signed, by an authority that is trusted. Raises ProofError.

    Whether the head leads to the latest one is for `check_consistency`.
    """
    for attempt in range(_STAMP_TRIES):
        note, stamp = read_stamped(source)
        head = open_checkpoint(note, log_key)
        read = Stamp.parse(stamp)
        # The two files are fetched one after the other, and a newer pair may have come in between.
        if read.is_of(head.note.text) or attempt == _STAMP_TRIES - 1:
            break
    return Stamped(head, read.time, read.verify(head.note.text, authorities))


Watch = Callable[[int, Sequence[bytes]], None]
"""Is told of entries in order: the index of the first, and as many as were read at once."""


def check_log(source: Source, trust: Trust, audit: Audit, watch: Watch | None = None) -> SignedCheckpoint:
    """The whole log from where `audit` stands: every entry, against the latest head. Raises ConsistencyFailed.

    A log that has become shorter than what was verified before was rolled back, and that is found first. A head that
    witnesses have signed may lie behind it, while the log's own does not: then nothing new is read. What `watch` is
    told counts for nothing before this returns.
    """
    head = trust.open(read_checkpoint(source, witnessed=trust.quorum > 0))
    size = head.checkpoint.size
    if size < audit.tree.size:
        latest = open_checkpoint(read_checkpoint(source), trust.log_key).checkpoint
        verified = Checkpoint(latest.origin, audit.tree.size, audit.tree.root())
        _check_leads(verified, latest, source, latest.size)
        _check_leads(head.checkpoint, verified, source, latest.size)
        return head
    while audit.tree.size < size:
        bundle = tile_at(ENTRIES, audit.tree.size // TILE_WIDTH, size)
        entries = parse_bundle(read_tile(source, bundle), bundle.width)[audit.tree.size % TILE_WIDTH :]
        if watch:
            watch(audit.tree.size, entries)
        audit.add_all(entries)
    audit.check_root(head.checkpoint)
    return head


def _check_leads(first: Checkpoint, second: Checkpoint, source: Source, size: int) -> None:
    """That `first` is the beginning of `second`, by the tiles of a log of `size` leaves. Raises ConsistencyFailed."""
    proof: Sequence[bytes] = ()
    if 0 < first.size < second.size:
        reader = TileReader(size, lambda tile: read_tile(source, tile))
        proof = consistency_proof(first.size, second.size, reader.subtree)
    verify_consistency(first.size, second.size, first.root, second.root, proof)


def _looked_up(hashed: bytes, source: Source, trust: Trust) -> tuple[SignedCheckpoint, Included | None]:
    """By the log's own proof; where it makes none, by a look through the leaf hashes themselves."""
    try:
        included = check_proof(read_proof(source, hashed), hashed, trust)
    except Unavailable:
        return _search(hashed, source, trust)
    return included.head, included


def _search(hashed: bytes, source: Source, trust: Trust) -> tuple[SignedCheckpoint, Included | None]:
    head = trust.open(read_checkpoint(source, witnessed=trust.quorum > 0))
    size = head.checkpoint.size
    reader = TileReader(size, lambda tile: read_tile(source, tile))
    for number in range((size + TILE_WIDTH - 1) // TILE_WIDTH):
        tile = tile_at(0, number, size)
        hashes = parse_tile(read_tile(source, tile), tile.width)
        if hashed in hashes:
            index = number * TILE_WIDTH + hashes.index(hashed)
            proof = inclusion_proof(index, size, reader.subtree)
            verify_inclusion(index, size, hashed, proof, head.checkpoint.root)
            return head, Included(index, _entry(source, index, size, hashed), head)
    return head, None


def _broken_promise(receipt: Receipt, head: SignedCheckpoint) -> InclusionFailed:
    late = [one for one in head.cosignatures if one.time_s * 1000 > receipt.time_ms + MERGE_DELAY_MAX_S * 1000]
    if late:
        return InclusionFailed(
            f"The log promised this leaf and has not kept it: {late[0].witness} signed a head without it more than "
            f"{MERGE_DELAY_MAX_S} s later. Keep the receipt and this head; together they are the evidence."
        )
    return InclusionFailed(
        f"The leaf is not in the log's head. If the receipt is younger than {MERGE_DELAY_MAX_S} s, ask again; "
        "otherwise keep it: it is the log's broken promise."
    )


def _entry(source: Source, index: int, size: int, hashed: bytes) -> Leaf:
    bundle: Tile = tile_at(ENTRIES, index // TILE_WIDTH, size)
    entry = parse_bundle(read_tile(source, bundle), bundle.width)[index % TILE_WIDTH]
    if leaf_hash(entry) != hashed:
        raise InclusionFailed(f"Entry {index} is not what its hash in the tree says.")
    return Leaf.parse(entry)
