"""Further tables of the transparency log, on the metadata of `tables.py`."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, String, Table, Text, text

from safelight.store.tables import ledger_checkpoints, metadata

# Of many heads few are witnessed, and every proof asks for the latest of those.
Index(
    "ix_ledger_checkpoints_witnessed",
    ledger_checkpoints.c.size,
    sqlite_where=text("witnesses > 0"),
    postgresql_where=text("witnesses > 0"),
)

ledger_values = Table(
    "ledger_values",
    metadata,
    Column("process", String(16), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("subject_key_id", String(40), ForeignKey("ledger_subject_keys.id"), nullable=False, index=True),
    Column("body", Text, nullable=False, comment="JSON: by field, what the leaf commits to; gone with the key"),
)

ledger_timestamps = Table(
    "ledger_timestamps",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False, comment="of the head that was stamped"),
    Column("token", LargeBinary, nullable=False, comment="RFC 3161 TimeStampResp, DER"),
    Column("at", String(27), nullable=False, comment="when it was received here"),
)
