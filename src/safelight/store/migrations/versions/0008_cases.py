"""Reports, cases, letters and what happened to accounts; the history of each, which nothing can change."""

import sqlalchemy as sa
from alembic import op

revision = "0008_cases"
down_revision = "0007_staff"
branch_labels = None
depends_on = None

_APPEND_ONLY = ("case_events", "case_letters", "case_additions", "account_events")
_TABLES = (
    "account_events",
    "account_terms",
    "case_sources",
    "cases",
    "case_effects",
    "case_events",
    "case_places",
    "case_prints",
    "case_reports",
    "case_additions",
    "case_receipts",
    "case_letters",
)


def upgrade() -> None:
    op.create_table(
        "account_events",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("subject_id", sa.String(40), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False, comment="strike, limited, suspended, lifted or reversed"),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("reference", sa.String(40), nullable=False, comment="the decision or the case that it follows from"),
        sa.Column("until", sa.String(27), nullable=True, comment="none: for good"),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("about", sa.String(40), nullable=True, comment="of `reversed`: the event that is void"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_events")),
    )
    op.create_index(op.f("ix_account_events_subject_id"), "account_events", ["subject_id"], unique=False)
    op.create_table(
        "account_terms",
        sa.Column("subject_id", sa.String(40), nullable=False),
        sa.Column("until", sa.String(27), nullable=False, comment="when the standing lifts itself"),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_account_terms")),
    )
    op.create_index(op.f("ix_account_terms_until"), "account_terms", ["until"], unique=False)
    op.create_table(
        "case_sources",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("source", sa.String(80), nullable=False, comment="keyed digest"),
        sa.Column("kind", sa.String(16), nullable=False, comment="report, or a wrong code or PIN"),
        sa.Column("at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_sources")),
    )
    op.create_index(op.f("ix_case_sources_at"), "case_sources", ["at"], unique=False)
    op.create_index("ix_case_sources_source_kind_at", "case_sources", ["source", "kind", "at"], unique=False)
    op.create_table(
        "cases",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="under which its fingerprints stand in the index"),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("matter", sa.String(16), nullable=False),
        sa.Column("route", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("visibility", sa.String(16), nullable=False),
        sa.Column("law", sa.String(32), nullable=False),
        sa.Column("received_at", sa.String(27), nullable=False),
        sa.Column("due_at", sa.String(27), nullable=False),
        sa.Column("rank_at", sa.String(27), nullable=False),
        sa.Column("next_at", sa.String(27), nullable=True, comment="when time next has something to do"),
        sa.Column("is_waiting", sa.Boolean(), nullable=False),
        sa.Column("in_danger", sa.Boolean(), nullable=False),
        sa.Column("is_flood", sa.Boolean(), nullable=False),
        sa.Column("is_known", sa.Boolean(), nullable=False, comment="in a bank before it was reported"),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("views", sa.Integer(), nullable=False),
        sa.Column("held_by", sa.String(80), nullable=False),
        sa.Column("held_until", sa.String(27), nullable=True),
        sa.Column("first_look_at", sa.String(27), nullable=True),
        sa.Column("hidden_at", sa.String(27), nullable=True),
        sa.Column("removed_at", sa.String(27), nullable=True),
        sa.Column("decided_at", sa.String(27), nullable=True),
        sa.Column("outcome", sa.String(20), nullable=True),
        sa.Column("was_contested", sa.Boolean(), nullable=False),
        sa.Column("was_overturned", sa.Boolean(), nullable=False),
        sa.Column("is_breached", sa.Boolean(), nullable=False),
        sa.Column("subject_id", sa.String(40), nullable=True, comment="the account that published it, as a pseudonym"),
        sa.Column("reference", sa.String(40), nullable=True, comment="of an account's case: the contested event"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("number", name=op.f("uq_cases_number")),
    )
    op.create_index("ix_cases_counts", "cases", ["is_waiting", "matter", "state", "due_at"], unique=False)
    op.create_index(op.f("ix_cases_next_at"), "cases", ["next_at"], unique=False)
    op.create_index("ix_cases_queue_due", "cases", ["is_waiting", "due_at", "id"], unique=False)
    op.create_index("ix_cases_queue_rank", "cases", ["is_waiting", "rank_at", "id"], unique=False)
    op.create_index(op.f("ix_cases_received_at"), "cases", ["received_at"], unique=False)
    op.create_index(op.f("ix_cases_subject_id"), "cases", ["subject_id"], unique=False)
    op.create_table(
        "case_effects",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("case_id", sa.String(40), nullable=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("lane", sa.String(80), nullable=False, comment="a newer command of one lane overtakes an older one"),
        sa.Column("seq", sa.Integer(), nullable=False, comment="the case's version that ordered it"),
        sa.Column("target", sa.String(40), nullable=True, comment="of a letter: which"),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("due_at", sa.String(27), nullable=False),
        sa.Column("done_at", sa.String(27), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_effects_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_effects")),
    )
    op.create_index(op.f("ix_case_effects_case_id"), "case_effects", ["case_id"], unique=False)
    op.create_index("ix_case_effects_lane_state", "case_effects", ["lane", "state"], unique=False)
    op.create_index("ix_case_effects_state_due_at", "case_effects", ["state", "due_at"], unique=False)
    op.create_table(
        "case_events",
        sa.Column("case_id", sa.String(40), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="JSON: codes and counts"),
        sa.Column("words", sa.LargeBinary(), nullable=True, comment="sealed: what a member wrote"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_events_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", "seq", name=op.f("pk_case_events")),
    )
    op.create_index(op.f("ix_case_events_at"), "case_events", ["at"], unique=False)
    op.create_index("ix_case_events_by_step", "case_events", ["by", "step", "at"], unique=False)
    op.create_table(
        "case_places",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("case_id", sa.String(40), nullable=False),
        sa.Column("digest", sa.String(80), nullable=False, comment="keyed: the same place, reported again"),
        sa.Column("is_copy", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("visibility", sa.String(16), nullable=False, comment="as the platform has confirmed it"),
        sa.Column("confirmed_at", sa.String(27), nullable=True),
        sa.Column("confirmed_seq", sa.Integer(), nullable=False, comment="by which command"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_places_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_places")),
        sa.UniqueConstraint("case_id", "digest", name=op.f("uq_case_places_case_id")),
    )
    op.create_index(op.f("ix_case_places_digest"), "case_places", ["digest"], unique=False)
    op.create_table(
        "case_prints",
        sa.Column("case_id", sa.String(40), nullable=False),
        sa.Column("digest", sa.String(80), nullable=False, comment="keyed"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_prints_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", "digest", name=op.f("pk_case_prints")),
    )
    op.create_index(op.f("ix_case_prints_digest"), "case_prints", ["digest"], unique=False)
    op.create_table(
        "case_reports",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("case_id", sa.String(40), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("route", sa.String(16), nullable=False),
        sa.Column("is_flood", sa.Boolean(), nullable=False),
        sa.Column("withdrawn_at", sa.String(27), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="the report as it was sent"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_reports_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_reports")),
    )
    op.create_index(op.f("ix_case_reports_at"), "case_reports", ["at"], unique=False)
    op.create_index(op.f("ix_case_reports_case_id"), "case_reports", ["case_id"], unique=False)
    op.create_table(
        "case_additions",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("report_id", sa.String(40), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"], ["case_reports.id"], name=op.f("fk_case_additions_report_id_case_reports")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_additions")),
    )
    op.create_index(op.f("ix_case_additions_report_id"), "case_additions", ["report_id"], unique=False)
    op.create_table(
        "case_receipts",
        sa.Column("code_digest", sa.String(80), nullable=False, comment="keyed; the code is not kept"),
        sa.Column("pin_digest", sa.String(80), nullable=False),
        sa.Column("case_id", sa.String(40), nullable=True, comment="none: a measure nobody contested yet"),
        sa.Column("report_id", sa.String(40), nullable=True),
        sa.Column("party", sa.String(16), nullable=False),
        sa.Column("subject_id", sa.String(40), nullable=True),
        sa.Column("event_id", sa.String(40), nullable=True, comment="of a measure: which"),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("contact", sa.LargeBinary(), nullable=True, comment="sealed"),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_receipts_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["report_id"], ["case_reports.id"], name=op.f("fk_case_receipts_report_id_case_reports")
        ),
        sa.PrimaryKeyConstraint("code_digest", name=op.f("pk_case_receipts")),
    )
    op.create_index(op.f("ix_case_receipts_case_id"), "case_receipts", ["case_id"], unique=False)
    op.create_index(op.f("ix_case_receipts_subject_id"), "case_receipts", ["subject_id"], unique=False)
    op.create_table(
        "case_letters",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("case_id", sa.String(40), nullable=True),
        sa.Column("code_digest", sa.String(80), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("effect_id", sa.String(40), nullable=True, comment="that sends it; none: fetched with the receipt"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="subject and body"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_letters_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["code_digest"], ["case_receipts.code_digest"], name=op.f("fk_case_letters_code_digest_case_receipts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_letters")),
    )
    op.create_index(op.f("ix_case_letters_case_id"), "case_letters", ["case_id"], unique=False)
    op.create_index(op.f("ix_case_letters_code_digest"), "case_letters", ["code_digest"], unique=False)
    _forbid_changes()


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)


def _forbid_changes() -> None:
    """Whoever has the connection can add, and can neither change nor remove (the function: migration 0002)."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table in _APPEND_ONLY:
        if postgresql:
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
