"""Full lowest tiles keep their hashes four levels up, so that a proof need not work them out.

Tiles of before have none: proofs in them are worked out from the leaves' hashes, as they were.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018_ledger_middle"
down_revision = "0017_past_copies"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("ledger_tiles", sa.Column("middle", sa.LargeBinary()))


def downgrade() -> None:
    """Drop it: everything in it follows from the tiles."""
    op.drop_column("ledger_tiles", "middle")
