"""The log's signing key, on disk: an Ed25519 seed that only its owner can read. Losing it ends the log."""

import hashlib
from pathlib import Path

from safelight.core.errors import LedgerCode, LedgerUnfit, NotStartable
from safelight.ledger.proofs.errors import Malformed
from safelight.ledger.proofs.note import SecretKey
from safelight.store.key_file import load_or_make


def load_or_make_key(path: Path, origin: str = "") -> SecretKey:
    """Read the key, or make one. Raises LedgerUnfit.

    `origin` is the log's name, by rights its address without the scheme; without one the name follows from the key.
    """
    try:
        seed = load_or_make(path, "the log's key")
    except NotStartable as error:
        raise LedgerUnfit(LedgerCode.KEY_UNFIT, error.message) from error
    try:
        return SecretKey(
            origin or f"safelight.local/{hashlib.sha256(b'safelight-log-name' + seed).hexdigest()[:12]}", seed
        )
    except Malformed as error:
        raise LedgerUnfit(LedgerCode.KEY_UNFIT, f"SAFELIGHT_LEDGER_ORIGIN cannot be a log's name: {error}") from error
