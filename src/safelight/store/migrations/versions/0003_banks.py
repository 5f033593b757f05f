"""Banks of known images, protected photos, exchanges."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "banks",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("category", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("threshold_bits", sa.Integer(), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("parent", sa.Integer()),
        sa.Column("stale_after_h", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("updated_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_banks"),
        sa.UniqueConstraint("name", name="uq_banks_name"),
        sa.ForeignKeyConstraint(["parent"], ["banks.number"], name="fk_banks_parent_banks"),
    )
    op.create_table(
        "bank_events",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("bank", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bank_events"),
        sa.ForeignKeyConstraint(["bank"], ["banks.number"], name="fk_bank_events_bank_banks"),
    )
    op.create_index("ix_bank_events_bank", "bank_events", ["bank"])
    op.create_table(
        "protected_photos",
        sa.Column("item", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("receipt_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("removed_at", sa.String(27)),
        sa.PrimaryKeyConstraint("item", name="pk_protected_photos"),
        sa.UniqueConstraint("receipt_sha256", name="uq_protected_photos_receipt_sha256"),
    )
    op.create_table(
        "protection_attempts",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_protection_attempts"),
        sa.ForeignKeyConstraint(
            ["item"], ["protected_photos.item"], name="fk_protection_attempts_item_protected_photos"
        ),
    )
    op.create_index("ix_protection_attempts_item", "protection_attempts", ["item"])
    op.create_table(
        "exchanges",
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("bank", sa.Integer(), nullable=False),
        sa.Column("checkpoint", sa.Text(), nullable=False),
        sa.Column("unknown", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_exchanges"),
        sa.ForeignKeyConstraint(["bank"], ["banks.number"], name="fk_exchanges_bank_banks"),
    )


def downgrade() -> None:
    for table in ("exchanges", "protection_attempts", "protected_photos", "bank_events", "banks"):
        op.drop_table(table)
