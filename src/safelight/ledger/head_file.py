"""The last head, kept outside the database: what tells a restored or exchanged database from the one that ran.

Put the file on another disk than the database (`SAFELIGHT_LEDGER_HEAD_FILE`): a backup that brings both back at once
cannot be told from here, only by a witness.
"""

import os
import secrets
from pathlib import Path

from safelight.core.errors import LedgerCode, LedgerUnfit
from safelight.ledger.proofs.checkpoint import Checkpoint, open_checkpoint
from safelight.ledger.proofs.errors import ProofError
from safelight.ledger.proofs.note import Note, PublicKey


class HeadFile:
    """One file with one signed head."""

    def __init__(self, path: Path, log_key: PublicKey) -> None:
        self._path = path
        self._log_key = log_key

    def read(self) -> Checkpoint | None:
        """The head that was kept last; None before the first. Raises LedgerUnfit for one that the log never signed."""
        try:
            return open_checkpoint(self._path.read_bytes(), self._log_key).checkpoint
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"The kept head {self._path} cannot be read: {error.strerror}."
            raise LedgerUnfit(LedgerCode.HEAD_UNREADABLE, message) from error
        except ProofError as error:
            message = (
                f"The kept head {self._path} was not signed by this log's key ({error}) If SAFELIGHT_LEDGER_ORIGIN was "
                "changed, set it to the name that the log had. If the key was changed on purpose, this is a new log: "
                "start it with an empty database and another head file."
            )
            raise LedgerUnfit(LedgerCode.KEY_CHANGED, message) from error

    def keep(self, note: Note) -> None:
        """Keep a later head; an earlier one, from a slower process, changes nothing. Raises OSError."""
        kept = self.read()
        if kept and kept.size >= Checkpoint.parse(note.text).size:
            return
        fresh = self._path.with_name(f"{self._path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(note.to_bytes())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
