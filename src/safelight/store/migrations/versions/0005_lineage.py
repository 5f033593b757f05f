"""Outputs that may come back as inputs: digest, fingerprint and its bands, what a later edit is judged with."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "made_images",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.String(40), nullable=False),
        sa.Column("content_digest", sa.String(80), nullable=False, comment="keyed, of the file that left"),
        sa.Column("fingerprint", sa.LargeBinary(32), comment="perceptual; none for a picture without detail"),
        sa.Column("edits", sa.Integer(), nullable=False, comment="how many led here, this one included"),
        sa.Column("signals", sa.Text(), nullable=False, comment="JSON: what a later edit is judged with"),
        sa.Column("words", sa.LargeBinary(), comment="what was asked, sealed; none where no words are kept"),
        sa.Column("expires_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_made_images"),
    )
    op.create_index("ix_made_images_content_digest", "made_images", ["content_digest"])
    op.create_index("ix_made_images_expires_at", "made_images", ["expires_at"])
    op.create_table(
        "made_image_bands",
        sa.Column("band", sa.Integer(), autoincrement=False, nullable=False, comment="place and content of 16 bits"),
        sa.Column("image_id", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("band", "image_id", name="pk_made_image_bands"),
        sa.ForeignKeyConstraint(["image_id"], ["made_images.id"], name="fk_made_image_bands_image_id_made_images"),
    )
    op.create_index("ix_made_image_bands_image_id", "made_image_bands", ["image_id"])


def downgrade() -> None:
    op.drop_table("made_image_bands")
    op.drop_table("made_images")
