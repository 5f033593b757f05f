"""Merkle trees as in RFC 6962 section 2.1: hashes, proofs, and their verification (RFC 9162 section 2.1.3 and 2.1.4).

A tree is known here by its perfect subtrees: `subtree(level, index)` gives the hash over the 2**level leaves from
`index * 2**level` on. Every root and proof of every tree size is made of those, so they need no other store.
"""

import hashlib
from collections.abc import Callable, Sequence

from .errors import ConsistencyFailed, InclusionFailed

HASH_BYTES = 32
PROOF_MAX_HASHES = 63
"""The most hashes of a proof: trees are smaller than 2**63 leaves (C2SP tlog-witness)."""

Subtree = Callable[[int, int], bytes]
"""Gives the hash of a perfect subtree: level (0: a leaf) and index within the level."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one leaf (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""


def root(size: int, subtree: Subtree) -> bytes:
    """The root of the tree of the first `size` leaves."""
    return _range_root(0, size, subtree) if size else EMPTY_ROOT


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of hashes. Raises ValueError for any other number."""
    if not hashes or len(hashes) & (len(hashes) - 1):
        raise ValueError("a perfect subtree has a power of two of leaves")
    level, sha256 = list(hashes), hashlib.sha256
    while len(level) > 1:
        # `node_hash`, without the call: most of what verifying and proving cost is done here.
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
    return level[0]


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 section 2.1.1, the leaf's sibling first. Raises ValueError outside the tree."""
    if not 0 <= index < size:
        raise ValueError("there is no such leaf in a tree of this size")
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(middle, end, subtree))
            end = middle
        else:
            path.append(_range_root(start, middle, subtree))
            start = middle
    return path[::-1]


def consistency_proof(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 6962 section 2.1.2; empty for equal sizes and from the empty tree.

    Raises ValueError when `old` is larger than `new`.
    """
    if not 0 <= old <= new:
        raise ValueError("consistency leads from a smaller tree to a larger one")
    if old in {0, new}:
        return []
    start, end, path, whole = 0, new, [], True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_root(middle, end, subtree))
            end = middle
        else:
            path.append(_range_root(start, middle, subtree))
            start, whole = middle, False
    # The old tree's own root need not be told where it is a whole subtree of the new one.
    if not whole:
        path.append(_range_root(start, end, subtree))
    return path[::-1]


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root_hash: bytes) -> None:
    """Check that the leaf with hash `leaf` is at `index` (RFC 9162 section 2.1.3.2). Raises InclusionFailed."""
    if not 0 <= index < size:
        raise InclusionFailed(f"Leaf {index} lies outside a tree of {size} leaves.")
    at, last, hashed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise InclusionFailed("The proof is longer than the tree is high.")
        if at & 1 or at == last:
            hashed = node_hash(sibling, hashed)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            hashed = node_hash(hashed, sibling)
        at, last = at >> 1, last >> 1
    if last or hashed != root_hash:
        raise InclusionFailed(f"Leaf {index} does not lead to the root of the tree of {size} leaves.")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the old tree is the beginning of the new one (RFC 9162 section 2.1.4.2). Raises ConsistencyFailed."""
    if not 0 <= old <= new:
        raise ConsistencyFailed(f"The log had {old} leaves and now has {new}: it was rolled back.")
    if old in {0, new}:
        expected = EMPTY_ROOT if old == 0 else new_root
        if proof or old_root != expected:
            raise ConsistencyFailed(f"Two different trees of {old} leaves: the log was forked or changed.")
        return
    hashes = list(proof)
    if not old & (old - 1):
        hashes.insert(0, old_root)
    if not hashes:
        raise ConsistencyFailed("The proof is empty.")
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old_hash = new_hash = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise ConsistencyFailed("The proof is longer than the tree is high.")
        if at & 1 or at == last:
            old_hash, new_hash = node_hash(sibling, old_hash), node_hash(sibling, new_hash)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new_hash = node_hash(new_hash, sibling)
        at, last = at >> 1, last >> 1
    if last or old_hash != old_root or new_hash != new_root:
        raise ConsistencyFailed(f"The tree of {old} leaves is not the beginning of the tree of {new}.")


def _split(count: int) -> int:
    """The largest power of two smaller than `count`, where the tree over `count` leaves parts."""
    return 1 << ((count - 1).bit_length() - 1)


def _range_root(start: int, end: int, subtree: Subtree) -> bytes:
    """MTH(D[start:end]), for a range that a split has made: its perfect subtrees, folded from the right."""
    parts = []
    while start < end:
        level = (end - start).bit_length() - 1
        parts.append(subtree(level, start >> level))
        start += 1 << level
    folded = parts.pop()
    while parts:
        folded = node_hash(parts.pop(), folded)
    return folded
