"""Before a gate process may run: is this database the log that its key has signed, and all of it?

A database from a backup has forgotten leaves for which receipts exist, and would sign other leaves at the same places:
a fork. So whoever finds one does not start.
"""

from sqlalchemy import Connection, insert, select

from safelight.core.errors import LedgerCode, LedgerUnfit
from safelight.ledger.proofs.checkpoint import Checkpoint, open_checkpoint
from safelight.ledger.proofs.errors import ProofError
from safelight.ledger.proofs.merkle import EMPTY_ROOT
from safelight.ledger.proofs.note import PublicKey
from safelight.ledger.published import read_checkpoint, root_at
from safelight.store.tables import ledger_checkpoints, ledger_head

NEXT_STEP = (
    "Do not go on with it: bring back the newest copy of the database, or keep this one aside as it is, tell those who "
    "watch the log, and start a new log with an empty database and a new key (docs/how-to/on-call.md)."
)


def open_log(connection: Connection, log_key: PublicKey, kept: Checkpoint | None) -> None:
    """Make the log's first row, or check the log that is there against itself and against the head that was kept.

    Raises LedgerUnfit.
    """
    head = connection.execute(select(ledger_head)).first()
    if head is None:
        if kept and kept.size:
            _refuse(LedgerCode.ROLLED_BACK, f"The database holds no log, but {kept.size} leaves have been signed.")
        row = {"id": 1, "log_key": log_key.to_text(), "size": 0, "root": EMPTY_ROOT, "rounds": 0}
        connection.execute(insert(ledger_head), [row])
        return
    if head.log_key != log_key.to_text():
        message = (
            f"The database holds the log {head.log_key}, and the key at hand is {log_key.to_text()}: bring back the "
            "log's own key and name, or start a new log with an empty database."
        )
        raise LedgerUnfit(LedgerCode.KEY_CHANGED, message)
    if kept and kept.size > head.size:
        _refuse(
            LedgerCode.ROLLED_BACK,
            f"The database ends at leaf {head.size}, but the log has signed {kept.size}: it was rolled back.",
        )
    _check_signed(connection, log_key, Checkpoint(log_key.name, head.size, head.root))
    if kept:
        _check_root(connection, kept, "that was kept outside the database")


def _check_signed(connection: Connection, log_key: PublicKey, head: Checkpoint) -> None:
    """The newest heads in the database, the witnessed one too, were signed by this key and lead to these tiles."""
    if not connection.execute(select(ledger_checkpoints.c.size).limit(1)).first():
        if head.size:
            _refuse(LedgerCode.CHANGED, f"The head of {head.size} leaves is not signed.")
        return
    for witnessed in (False, True):
        try:
            note = read_checkpoint(connection, witnessed=witnessed)
            signed = open_checkpoint(note.to_bytes(), log_key).checkpoint
        except ProofError as error:
            if witnessed and error.code == "unavailable":
                continue
            _refuse(LedgerCode.CHANGED, f"A head in the database is not what the log signed ({error}).")
        if not witnessed and signed != head:
            _refuse(LedgerCode.CHANGED, "The head in the database is not the last that the log signed.")
        _check_root(connection, signed, "that a witness signed" if witnessed else "in the database")


def _check_root(connection: Connection, signed: Checkpoint, which: str) -> None:
    try:
        found = root_at(connection, signed.size)
    except (ProofError, ValueError) as error:
        _refuse(LedgerCode.CHANGED, f"Tiles of the tree of {signed.size} leaves are gone or cut ({error}).")
    if found != signed.root:
        _refuse(LedgerCode.CHANGED, f"The tree is not the one of the head of {signed.size} leaves {which}.")


def _refuse(code: LedgerCode, what: str) -> None:
    raise LedgerUnfit(code, f"{what} {NEXT_STEP}")
