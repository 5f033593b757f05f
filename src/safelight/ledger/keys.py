"""The log's signing key, on disk: an Ed25519 seed that only its owner can read. Losing it ends the log."""

import hashlib
import os
import secrets
from pathlib import Path

from safelight.core.errors import LedgerCode, LedgerUnfit
from safelight.ledger.proofs.errors import Malformed
from safelight.ledger.proofs.note import SecretKey

_SEED_BYTES = 32


def load_or_make_key(path: Path, origin: str = "") -> SecretKey:
    """Read the key, or make one. Raises LedgerUnfit.

    `origin` is the log's name, by rights its address without the scheme; without one the name follows from the key.
    """
    seed = _read(path) or _make(path)
    if len(seed) != _SEED_BYTES:
        message = f"The log's key {path} must have {_SEED_BYTES} bytes, not {len(seed)}; restore it from backup."
        raise LedgerUnfit(LedgerCode.KEY_UNFIT, message)
    try:
        return SecretKey(
            origin or f"safelight.local/{hashlib.sha256(b'safelight-log-name' + seed).hexdigest()[:12]}", seed
        )
    except Malformed as error:
        raise LedgerUnfit(LedgerCode.KEY_UNFIT, f"SAFELIGHT_LEDGER_ORIGIN cannot be a log's name: {error}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise LedgerUnfit(LedgerCode.KEY_UNFIT, f"The log's key {path} cannot be read: {error.strerror}.") from error


def _make(path: Path) -> bytes:
    """Write a new seed beside `path` and link it there, so that no other process ever reads half of it."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_SEED_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:  # another process was first
            pass
        finally:
            fresh.unlink()
        return path.read_bytes()
    except OSError as error:
        raise LedgerUnfit(LedgerCode.KEY_UNFIT, f"The log's key {path} could not be made: {error.strerror}.") from error
