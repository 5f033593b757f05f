"""What the banks found out later: pictures that were made here before somebody listed them."""

import sqlalchemy as sa
from alembic import op

revision = "0010_past_matches"
down_revision = "0009_provenance"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "past_matches",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("bank", sa.Integer(), nullable=False),
        sa.Column("item", sa.BigInteger(), nullable=False),
        sa.Column("output_id", sa.String(40), nullable=False),
        sa.Column("made_at", sa.String(27), nullable=False),
        sa.Column("decision_id", sa.String(40)),
        sa.Column("distance", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_past_matches"),
        sa.UniqueConstraint("bank", "item", "output_id", name="uq_past_matches_bank"),
        sa.ForeignKeyConstraint(["bank"], ["banks.number"], name="fk_past_matches_bank_banks"),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name="fk_past_matches_decision_id_decisions"),
    )


def downgrade() -> None:
    op.drop_table("past_matches")
