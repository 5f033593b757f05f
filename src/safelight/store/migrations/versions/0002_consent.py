"""Consent: signers, records, and the history of both, which nothing can change."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = ("consent_signers", "consent_records", "consent_events")


def upgrade() -> None:
    op.create_table(
        "consent_signers",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(32), nullable=False, comment="Ed25519"),
        sa.Column(
            "reference", sa.Text(), nullable=False, comment="where the operator keeps the identity check; no name"
        ),
        sa.Column("checked_by", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consent_signers"),
        sa.UniqueConstraint("public_key", name="uq_consent_signers_public_key"),
    )
    op.create_table(
        "consent_records",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("signer_id", sa.String(40), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False, comment="canonical JSON, exactly what was signed"),
        sa.Column("statement_digest", sa.String(80), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False, comment="Ed25519, over the statement's bytes"),
        sa.PrimaryKeyConstraint("id", name="pk_consent_records"),
        sa.ForeignKeyConstraint(
            ["signer_id"], ["consent_signers.id"], name="fk_consent_records_signer_id_consent_signers"
        ),
        sa.UniqueConstraint("statement_digest", name="uq_consent_records_statement_digest"),
    )
    op.create_index("ix_consent_records_signer_id", "consent_records", ["signer_id"])
    op.create_table(
        "consent_events",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False, comment="enrolled, added or revoked"),
        sa.Column("signer_id", sa.String(40), nullable=False),
        sa.Column("record_id", sa.String(40), comment="none: the signer itself"),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consent_events"),
        sa.ForeignKeyConstraint(
            ["signer_id"], ["consent_signers.id"], name="fk_consent_events_signer_id_consent_signers"
        ),
        sa.ForeignKeyConstraint(
            ["record_id"], ["consent_records.id"], name="fk_consent_events_record_id_consent_records"
        ),
    )
    op.create_index("ix_consent_events_signer_id", "consent_events", ["signer_id"])
    op.create_index("ix_consent_events_record_id", "consent_events", ["record_id"])
    _forbid_changes()


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION safelight_append_only()")


def _forbid_changes() -> None:
    """Whoever has the connection can add, and can neither change nor remove."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION safelight_append_only() RETURNS trigger AS "
            "$$ BEGIN RAISE EXCEPTION 'append only'; END $$ LANGUAGE plpgsql"
        )
        for table in _TABLES:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION safelight_append_only()"
            )
        return
    for table in _TABLES:
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'append only'); END"
            )
