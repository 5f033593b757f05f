"""Numbers of cases are drawn from 40 bits, and orders are counted in milliseconds: both need 64 bits.

SQLite's integers have them as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013_case_numbers"
down_revision = "0012_case_queues"
branch_labels = None
depends_on = None

_COLUMNS = {"cases": "number", "case_effects": "seq", "case_places": "confirmed_seq"}


def upgrade() -> None:
    """Widen them."""
    if op.get_bind().dialect.name != "sqlite":
        for table, column in _COLUMNS.items():
            op.alter_column(table, column, type_=sa.BigInteger(), existing_nullable=False)


def downgrade() -> None:
    """There is no way back for numbers that are longer."""
    if op.get_bind().dialect.name != "sqlite":
        for table, column in _COLUMNS.items():
            op.alter_column(table, column, type_=sa.Integer(), existing_nullable=False)
