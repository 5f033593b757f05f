"""The log remembers which keys mark, so that it tells when they are others."""

import sqlalchemy as sa
from alembic import op

revision = "0014_ledger_marks"
down_revision = "0013_case_numbers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("ledger_head", sa.Column("marks", sa.Text(), comment="the same, for the keys of the marks"))


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("ledger_head") as batch:
        batch.drop_column("marks")
