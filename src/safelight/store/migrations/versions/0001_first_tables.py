"""First tables: keys, subjects, policies, decisions, outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False, comment="whose accounts ask through it"),
        sa.Column("secret_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("permissions", sa.Text(), nullable=False, comment="space separated"),
        sa.Column("requests_per_minute", sa.Integer(), nullable=False, comment="0: no bound"),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("revoked_at", sa.String(27)),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
    )
    op.create_table(
        "subjects",
        sa.Column("id", sa.String(40), nullable=False, comment="keyed digest of the platform's account name"),
        sa.Column("standing", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subjects"),
    )
    op.create_table(
        "policies",
        sa.Column("version", sa.String(80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False, comment="canonical; decisions can be replayed with it"),
        sa.Column("first_used_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_policies"),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("request_id", sa.String(40), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("category", sa.String(40)),
        sa.Column("policy_version", sa.String(80), nullable=False),
        sa.Column("key_id", sa.String(40), nullable=False),
        sa.Column("subject_id", sa.String(40), nullable=False),
        sa.Column("tier", sa.String(16), nullable=False, comment="for parity audits; no input of policy"),
        sa.Column("prompt_digest", sa.String(80), nullable=False),
        sa.Column("image_digests", sa.Text(), nullable=False, comment="JSON list: uploads, mask, outputs"),
        sa.Column("body", sa.Text(), nullable=False, comment="the decision, canonical JSON"),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
        sa.ForeignKeyConstraint(["policy_version"], ["policies.version"], name="fk_decisions_policy_version_policies"),
    )
    op.create_index("ix_decisions_request_id", "decisions", ["request_id"])
    op.create_index("ix_decisions_key_id_at", "decisions", ["key_id", "at"])
    op.create_index("ix_decisions_subject_id_at", "decisions", ["subject_id", "at"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("decision_id", sa.String(40), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("done_at", sa.String(27)),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name="fk_outbox_decision_id_decisions"),
    )
    op.create_index("ix_outbox_done_at", "outbox", ["done_at"])


def downgrade() -> None:
    for table in ("outbox", "decisions", "policies", "subjects", "api_keys"):
        op.drop_table(table)
