"""The transparency log: what leaves of other matters commit to, time stamps on heads, the thresholds in force."""

import sqlalchemy as sa
from alembic import op

revision = "0006_ledger"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_values",
        sa.Column("process", sa.String(16), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject_key_id", sa.String(40), nullable=False),
        sa.Column(
            "body", sa.Text(), nullable=False, comment="JSON: by field, what the leaf commits to; gone with the key"
        ),
        sa.ForeignKeyConstraint(
            ["subject_key_id"], ["ledger_subject_keys.id"], name="fk_ledger_values_subject_key_id_ledger_subject_keys"
        ),
        sa.PrimaryKeyConstraint("process", "seq", name="pk_ledger_values"),
    )
    op.create_index("ix_ledger_values_subject_key_id", "ledger_values", ["subject_key_id"])
    op.create_table(
        "ledger_timestamps",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False, comment="of the head that was stamped"),
        sa.Column("token", sa.LargeBinary(), nullable=False, comment="RFC 3161 TimeStampResp, DER"),
        sa.Column("at", sa.String(27), nullable=False, comment="when it was received here"),
        sa.PrimaryKeyConstraint("size", name="pk_ledger_timestamps"),
    )
    few = sa.text("witnesses > 0")
    op.create_index(
        "ix_ledger_checkpoints_witnessed", "ledger_checkpoints", ["size"], sqlite_where=few, postgresql_where=few
    )
    op.add_column("ledger_head", sa.Column("thresholds", sa.Text(), comment="the same, as JSON by name"))


def downgrade() -> None:
    op.drop_column("ledger_head", "thresholds")
    op.drop_index("ix_ledger_checkpoints_witnessed", "ledger_checkpoints")
    op.drop_table("ledger_timestamps")
    op.drop_table("ledger_values")
