"""The transparency log: leaves, tiles, heads; the count of each gate process; the subjects' keys."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLES = (
    "ledger_outages",
    "ledger_leaves",
    "ledger_tiles",
    "ledger_subject_keys",
    "ledger_processes",
    "ledger_head",
    "ledger_checkpoints",
)


def upgrade() -> None:
    op.create_table(
        "ledger_checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("witnesses", sa.Integer(), server_default="0", nullable=False, comment="how many have signed it"),
        sa.PrimaryKeyConstraint("size", name="pk_ledger_checkpoints"),
    )
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False, comment="always 1"),
        sa.Column("log_key", sa.Text(), nullable=False, comment="name and public key; another key is another log"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("rounds", sa.BigInteger(), nullable=False, comment="changed first, to lock the row"),
        sa.Column("policy", sa.String(80), comment="as the last process began with it"),
        sa.Column("models", sa.Text(), comment="the same, for the detectors"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_head"),
    )
    op.create_table(
        "ledger_processes",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("next_seq", sa.BigInteger(), nullable=False),
        sa.Column("counted_from", sa.BigInteger(), nullable=False, comment="the first leaf that no totals speak of"),
        sa.Column("started_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_processes"),
    )
    op.create_table(
        "ledger_subject_keys",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("subject_id", sa.String(40), comment="none once the key was destroyed"),
        sa.Column("secret", sa.LargeBinary(32)),
        sa.Column("destroyed_at", sa.String(27)),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_subject_keys"),
        sa.UniqueConstraint("subject_id", name="uq_ledger_subject_keys_subject_id"),
    )
    op.create_table(
        "ledger_tiles",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name="pk_ledger_tiles"),
    )
    op.create_table(
        "ledger_leaves",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("idx", sa.BigInteger(), comment="place in the tree; none while it waits"),
        sa.Column("process", sa.String(16), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sort", sa.String(80), comment="decisions: stage/verdict/category, for the totals"),
        sa.Column("subject_key_id", sa.String(40)),
        sa.Column("record_id", sa.String(40), comment="the row whose values the leaf commits to"),
        sa.ForeignKeyConstraint(["process"], ["ledger_processes.id"], name="fk_ledger_leaves_process_ledger_processes"),
        sa.ForeignKeyConstraint(
            ["subject_key_id"], ["ledger_subject_keys.id"], name="fk_ledger_leaves_subject_key_id_ledger_subject_keys"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_leaves"),
        sa.UniqueConstraint("idx", name="uq_ledger_leaves_idx"),
        sa.UniqueConstraint("process", "seq", name="uq_ledger_leaves_process"),
    )
    op.create_index("ix_ledger_leaves_leaf_hash", "ledger_leaves", ["leaf_hash"])
    op.create_index("ix_ledger_leaves_record_id", "ledger_leaves", ["record_id"])
    op.create_table(
        "ledger_outages",
        sa.Column("process", sa.String(16), nullable=False),
        sa.Column("part", sa.String(120), nullable=False),
        sa.Column("since", sa.String(27), nullable=False),
        sa.ForeignKeyConstraint(
            ["process"], ["ledger_processes.id"], name="fk_ledger_outages_process_ledger_processes"
        ),
        sa.PrimaryKeyConstraint("process", "part", name="pk_ledger_outages"),
    )


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
