"""A witness (C2SP tlog-witness): it signs a log's head only if that holds everything that it signed before.

For somebody who is not the operator: a regulator, a university, a newspaper, on a laptop. It keeps one small file a log
and never sees an entry. The web side is `web/witness.py`, the command `safelight witness`.
"""

import hashlib
import os
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from safelight.ledger.proofs.checkpoint import Checkpoint
from safelight.ledger.proofs.cosignature import cosign
from safelight.ledger.proofs.errors import ConsistencyFailed, Malformed, SignatureInvalid
from safelight.ledger.proofs.merkle import EMPTY_ROOT, verify_consistency
from safelight.ledger.proofs.note import Note, PublicKey, SecretKey
from safelight.ledger.proofs.witness_request import AddCheckpoint

SIZE_TYPE = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Said:
    """An HTTP answer, as the protocol wants it."""

    status: int
    body: str
    media_type: str = "text/plain; charset=utf-8"


class Witness:
    """Remembers the last head of each log that it was told to watch."""

    def __init__(self, key: SecretKey, logs: Sequence[PublicKey], folder: Path, now_s: Callable[[], float]) -> None:
        """`folder` holds what it has signed; losing it means signing anything once, so keep it."""
        self.key = key
        self._logs = {log.name: log for log in logs}
        self._folder = folder
        self._now_s = now_s
        self._one_at_a_time = threading.Lock()

    def add_checkpoint(self, body: bytes) -> Said:
        """Answer `add-checkpoint`. What is signed is on disk before the answer. Raises OSError when it cannot be."""
        try:
            asked = AddCheckpoint.parse(body)
            head = Checkpoint.parse(asked.checkpoint.text)
        except Malformed as error:
            return Said(400, f"{error}\n")
        log = self._logs.get(head.origin)
        if log is None:
            return Said(404, "This witness does not watch that log.\n")
        try:
            asked.checkpoint.verify(log)
        except SignatureInvalid as error:
            return Said(403, f"{error}\n")
        if asked.old_size > head.size:
            return Said(400, "The old size is larger than the new one.\n")
        # Looking at the last head and keeping the new one must not be parted: see the race in the specification.
        with self._one_at_a_time:
            return self._sign(asked, head)

    def _sign(self, asked: AddCheckpoint, head: Checkpoint) -> Said:
        last = self.last(head.origin)
        if asked.old_size != last.size or (head.size == last.size and head.root != last.root):
            return Said(409, f"{last.size}\n", SIZE_TYPE)
        try:
            verify_consistency(last.size, head.size, last.root, head.root, asked.proof)
        except ConsistencyFailed as error:
            return Said(422, f"{error}\n")
        self._keep(head, asked.checkpoint)
        return Said(200, cosign(asked.checkpoint.text, self.key, int(self._now_s())).to_line())

    def last(self, origin: str) -> Checkpoint:
        """The head of this log that it signed last; the empty tree before the first."""
        try:
            return Checkpoint.parse(Note.parse(self._file(origin).read_bytes()).text)
        except FileNotFoundError:
            return Checkpoint(origin, 0, EMPTY_ROOT)

    def _keep(self, head: Checkpoint, note: Note) -> None:
        path = self._file(head.origin)
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(note.to_bytes())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    def _file(self, origin: str) -> Path:
        return self._folder / f"{hashlib.sha256(origin.encode()).hexdigest()}.checkpoint"
