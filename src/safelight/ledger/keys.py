"""The log's signing key, on disk: an Ed25519 seed that only its owner can read. Losing it ends the log."""

import contextlib
import hashlib
from pathlib import Path

from safelight.core.errors import LedgerCode, LedgerUnfit, NotStartable
from safelight.ledger.proofs.checkpoint import open_checkpoint
from safelight.ledger.proofs.errors import Malformed, ProofError
from safelight.ledger.proofs.note import SecretKey
from safelight.store.key_file import load_or_make


def load_or_make_key(path: Path, origin: str = "", kept_head: Path | None = None) -> SecretKey:
    """Read the key, or make one. Raises LedgerUnfit.

    `origin` is the log's name, by rights its address without the scheme. Where none is said, a log keeps the name under
    which it signed its kept head, so that a command need not be told it again; a new log's follows from the key.
    """
    try:
        seed = load_or_make(path, "the log's key")
    except NotStartable as error:
        raise LedgerUnfit(LedgerCode.KEY_UNFIT, error.message) from error
    try:
        return SecretKey(origin or _name_before(kept_head, seed) or _name_of(seed), seed)
    except Malformed as error:
        raise LedgerUnfit(LedgerCode.KEY_UNFIT, f"SAFELIGHT_LEDGER_ORIGIN cannot be a log's name: {error}") from error


def _name_of(seed: bytes) -> str:
    return f"safelight.local/{hashlib.sha256(b'safelight-log-name' + seed).hexdigest()[:12]}"


def _name_before(kept_head: Path | None, seed: bytes) -> str:
    """The name in a kept head that this key signed; empty for anything else, which whoever reads the head will tell."""
    with contextlib.suppress(OSError, ProofError):
        content = kept_head.read_bytes() if kept_head else b""
        name = content.partition(b"\n")[0].decode("utf-8", "replace")
        return open_checkpoint(content, SecretKey(name, seed).public()).checkpoint.origin
    return ""
