"""Queues of cases by age, matter, state and holder are read from an index."""

from alembic import op

revision = "0012_case_queues"
down_revision = "0011_bank_copies"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_cases_queue_newest": ["is_waiting", "received_at", "id"],
    "ix_cases_queue_matter": ["is_waiting", "matter", "rank_at", "id"],
    "ix_cases_queue_state": ["is_waiting", "state", "rank_at", "id"],
    "ix_cases_queue_mine": ["held_by", "is_waiting", "rank_at"],
}


def upgrade() -> None:
    """Make the indexes."""
    for name, columns in _INDEXES.items():
        op.create_index(name, "cases", columns)


def downgrade() -> None:
    """Drop them."""
    for name in _INDEXES:
        op.drop_index(name, "cases")
