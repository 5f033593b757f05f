"""When the platform had confirmed that nothing of a reported picture is to be seen.

Of cases of before it is not known: figures have them as decided, but not as gone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019_case_confirmed"
down_revision = "0018_ledger_middle"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("cases", sa.Column("confirmed_at", sa.String(27)))


def downgrade() -> None:
    """Drop it: it follows from the histories."""
    op.drop_column("cases", "confirmed_at")
