"""Features of pictures whose cropped and turned copies are to be found."""

import sqlalchemy as sa
from alembic import op

revision = "0011_bank_copies"
down_revision = "0010_past_matches"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bank_copies",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("bank", sa.Integer(), nullable=False),
        sa.Column("item", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bank_copies"),
        sa.UniqueConstraint("bank", "item", name="uq_bank_copies_bank"),
        sa.ForeignKeyConstraint(["bank"], ["banks.number"], name="fk_bank_copies_bank_banks"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("bank_copies")
