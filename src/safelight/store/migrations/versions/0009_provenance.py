"""The register of outputs, by id, watermark and fingerprint, and the book of traces."""

import sqlalchemy as sa
from alembic import op

revision = "0009_provenance"
down_revision = "0008_cases"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outputs",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.String(40), nullable=False, comment="stands in the picture's own credentials"),
        sa.Column("request_id", sa.String(40), nullable=False),
        sa.Column("decision_id", sa.String(40), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False, comment="the log's promise for the decision"),
        sa.Column("place", sa.String(40), nullable=False, comment="which of the request's pictures, such as output 2"),
        sa.Column("made_at", sa.String(27), nullable=False),
        sa.Column("expires_at", sa.String(27), nullable=False),
        sa.Column("media_type", sa.String(40), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False, comment="pixels"),
        sa.Column("height", sa.Integer(), nullable=False, comment="pixels"),
        sa.Column("how", sa.String(16), nullable=False, comment="created or edited"),
        sa.Column("watermark", sa.LargeBinary(8), comment="random; none where the picture could not carry one"),
        sa.Column("content_digest", sa.String(80), nullable=False, comment="keyed, of the file that left"),
        sa.Column("fingerprint", sa.LargeBinary(32), comment="perceptual; none for a picture without detail"),
        sa.Column("features", sa.LargeBinary(), comment="places and bits of local features, packed"),
        sa.Column("lineage_id", sa.String(40), comment="under which the edit chain remembers the picture"),
        sa.Column(
            "parents", sa.Text(), nullable=False, comment="JSON: lineage ids of the pictures that it was edited from"
        ),
        sa.Column("photos", sa.Integer(), nullable=False, comment="photos that were sent in with the request"),
        sa.PrimaryKeyConstraint("number", name="pk_outputs"),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name="fk_outputs_decision_id_decisions"),
        sa.UniqueConstraint("id", name="uq_outputs_id"),
        sa.UniqueConstraint("watermark", name="uq_outputs_watermark"),
        sqlite_autoincrement=True,
    )
    for column in ("request_id", "expires_at", "content_digest", "lineage_id"):
        op.create_index(f"ix_outputs_{column}", "outputs", [column])
    op.create_table(
        "traces",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("by", sa.Text(), nullable=False, comment="an API key's id, or whoever sat at the command line"),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("picture_digest", sa.String(80), nullable=False, comment="keyed, of the file that was asked about"),
        sa.Column("answer", sa.String(16), nullable=False, comment="yes, no or unsure"),
        sa.Column("request_id", sa.String(40), comment="the one that was named, if any"),
        sa.PrimaryKeyConstraint("id", name="pk_traces"),
    )
    op.create_index("ix_traces_at", "traces", ["at"])


def downgrade() -> None:
    op.drop_table("traces")
    op.drop_table("outputs")
