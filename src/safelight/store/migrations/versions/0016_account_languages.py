"""In which language an account's letters go out, as its platform said last."""

import sqlalchemy as sa
from alembic import op

revision = "0016_account_languages"
down_revision = "0015_case_retention"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "account_languages",
        sa.Column("subject_id", sa.String(40), nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("changed_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_account_languages")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("account_languages")
