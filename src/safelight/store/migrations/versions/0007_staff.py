"""Staff: members, passkeys, enrolments, sessions, events, exposures, breaks, blind second reviews."""

import sqlalchemy as sa
from alembic import op

revision = "0007_staff"
down_revision = "0006_ledger"
branch_labels = None
depends_on = None

_TABLES = (
    "staff_members",
    "staff_passkeys",
    "staff_enrolments",
    "staff_sessions",
    "staff_events",
    "staff_exposures",
    "staff_breaks",
    "staff_reviews",
)
_APPEND_ONLY = ("staff_events", "staff_exposures")


def upgrade() -> None:
    op.create_table(
        "staff_events",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("member_id", sa.String(length=40), nullable=False, comment="whom it is about"),
        sa.Column("done_by", sa.Text(), nullable=False, comment="a member's id, or who worked at the machine"),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False, comment="codes, no free text"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_events"),
    )
    op.create_index("ix_staff_events_member_id", "staff_events", ["member_id"])
    op.create_table(
        "staff_members",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="as colleagues know them"),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("ended_at", sa.String(length=27), comment="may not sign in any more"),
        sa.Column("oidc_issuer", sa.Text(), server_default="", nullable=False),
        sa.Column("oidc_subject", sa.Text(), comment="the issuer's `sub`, learnt when the member enrols by it"),
        sa.Column("opted_out", sa.Text(), server_default="", nullable=False, comment="matters, space separated"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_members"),
        sa.UniqueConstraint("name", name="uq_staff_members_name"),
        sa.UniqueConstraint("oidc_issuer", "oidc_subject", name="uq_staff_members_oidc_issuer"),
    )
    op.create_table(
        "staff_breaks",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("member_id", sa.String(length=40), nullable=False),
        sa.Column("begun_at", sa.String(length=27), nullable=False),
        sa.Column("ended_at", sa.String(length=27)),
        sa.Column("long_enough", sa.Boolean(), nullable=False, comment="one that was not interrupts nothing"),
        sa.ForeignKeyConstraint(["member_id"], ["staff_members.id"], name="fk_staff_breaks_member_id_staff_members"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_breaks"),
    )
    op.create_index("ix_staff_breaks_member_id_begun_at", "staff_breaks", ["member_id", "begun_at"])
    op.create_table(
        "staff_enrolments",
        sa.Column("token_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("member_id", sa.String(length=40), nullable=False),
        sa.Column("expires_at", sa.String(length=27), nullable=False),
        sa.Column("used_at", sa.String(length=27)),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_members.id"], name="fk_staff_enrolments_member_id_staff_members"
        ),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_staff_enrolments"),
    )
    op.create_index("ix_staff_enrolments_member_id", "staff_enrolments", ["member_id"])
    op.create_table(
        "staff_exposures",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("member_id", sa.String(length=40), nullable=False),
        sa.Column("case_id", sa.String(length=40), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("matter", sa.String(length=16), nullable=False),
        sa.Column("in_full", sa.Boolean(), nullable=False, comment="false: with less detail"),
        sa.ForeignKeyConstraint(["member_id"], ["staff_members.id"], name="fk_staff_exposures_member_id_staff_members"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_exposures"),
    )
    op.create_index("ix_staff_exposures_member_id_at", "staff_exposures", ["member_id", "at"])
    op.create_table(
        "staff_passkeys",
        sa.Column("credential_id", sa.LargeBinary(length=1023), nullable=False),
        sa.Column("member_id", sa.String(length=40), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False, comment="COSE"),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("used_at", sa.String(length=27)),
        sa.ForeignKeyConstraint(["member_id"], ["staff_members.id"], name="fk_staff_passkeys_member_id_staff_members"),
        sa.PrimaryKeyConstraint("credential_id", name="pk_staff_passkeys"),
    )
    op.create_index("ix_staff_passkeys_member_id", "staff_passkeys", ["member_id"])
    op.create_table(
        "staff_reviews",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("case_id", sa.String(length=40), nullable=False),
        sa.Column("first_by", sa.String(length=40), nullable=False),
        sa.Column(
            "first_answer", sa.String(length=40), nullable=False, comment="hidden from the second until answered"
        ),
        sa.Column("matter", sa.String(length=16), nullable=False),
        sa.Column("drawn_at", sa.String(length=27), nullable=False),
        sa.Column("second_by", sa.String(length=40)),
        sa.Column("second_answer", sa.String(length=40)),
        sa.Column("answered_at", sa.String(length=27)),
        sa.ForeignKeyConstraint(["second_by"], ["staff_members.id"], name="fk_staff_reviews_second_by_staff_members"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_reviews"),
        sa.UniqueConstraint("case_id", name="uq_staff_reviews_case_id"),
    )
    op.create_index("ix_staff_reviews_answered_at", "staff_reviews", ["answered_at"])
    op.create_table(
        "staff_sessions",
        sa.Column("token_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("member_id", sa.String(length=40), comment="none before sign-in"),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("seen_at", sa.String(length=27), nullable=False),
        sa.Column("expires_at", sa.String(length=27), nullable=False, comment="whatever is done until then"),
        sa.Column(
            "challenge", sa.Text(), server_default="", nullable=False, comment="JSON: what the next answer must be to"
        ),
        sa.ForeignKeyConstraint(["member_id"], ["staff_members.id"], name="fk_staff_sessions_member_id_staff_members"),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_staff_sessions"),
    )
    op.create_index("ix_staff_sessions_expires_at", "staff_sessions", ["expires_at"])
    op.create_index("ix_staff_sessions_member_id", "staff_sessions", ["member_id"])
    _forbid_changes()


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)


def _forbid_changes() -> None:
    """What happened and what was shown can be added to, and neither changed nor removed.

    The function of PostgreSQL is the one of migration 0002.
    """
    for table in _APPEND_ONLY:
        if op.get_bind().dialect.name == "postgresql":
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION safelight_append_only()"
            )
            continue
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'append only'); END"
            )
