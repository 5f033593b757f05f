"""Which files a remembered output was made from, as keyed digests: they are not the output, however alike.

Of outputs of before it is not known: a file that looks like one of them is still taken for it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020_made_image_sources"
down_revision = "0019_case_confirmed"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("made_images", sa.Column("sources", sa.Text))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("made_images", "sources")
