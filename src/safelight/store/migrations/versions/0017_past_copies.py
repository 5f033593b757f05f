"""Past outputs are looked at for copies that no hash finds: how far that went, and finds without a distance.

Pictures whose features were kept before are not looked for again among what was made before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017_past_copies"
down_revision = "0016_account_languages"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the mark; let finds have no distance."""
    op.add_column("bank_copies", sa.Column("looked_from", sa.BigInteger()))
    op.execute("UPDATE bank_copies SET looked_from = 0")
    with op.batch_alter_table("past_matches") as batch:
        batch.alter_column("distance", existing_type=sa.Integer(), nullable=True)


def downgrade() -> None:
    """Drop the mark, and the finds that have no distance."""
    op.execute("DELETE FROM past_matches WHERE distance IS NULL")
    with op.batch_alter_table("past_matches") as batch:
        batch.alter_column("distance", existing_type=sa.Integer(), nullable=False)
    op.drop_column("bank_copies", "looked_from")
