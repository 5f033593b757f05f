"""What people wrote in a case can be destroyed at its time: emptied, and nothing else of the row changed."""

import sqlalchemy as sa
from alembic import op

revision = "0015_case_retention"
down_revision = "0014_ledger_marks"
branch_labels = None
depends_on = None

_SEALED = {
    "case_events": ("words", ("case_id", "seq", "at", "step", "by", "body")),
    "case_letters": ("sealed", ("id", "case_id", "code_digest", "at", "kind", "language", "effect_id")),
    "case_additions": ("sealed", ("id", "report_id", "at")),
}


def upgrade() -> None:
    """Add the moment, and let the triggers pass what empties a sealed text."""
    op.add_column(
        "cases",
        sa.Column("keep_until", sa.String(27), comment="when words of it are to be destroyed; none: not yet known"),
    )
    op.create_index("ix_cases_keep_until", "cases", ["keep_until"])
    # Closed cases are looked at once, and get their moment from their history then.
    op.execute("UPDATE cases SET keep_until = received_at WHERE NOT is_waiting")
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table, (sealed, others) in _SEALED.items():
        if postgresql:
            same = " AND ".join(f'NEW."{name}" IS NOT DISTINCT FROM OLD."{name}"' for name in others)
            op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION safelight_append_only()"
            )
            op.execute(
                f"CREATE TRIGGER {table}_emptied_only BEFORE UPDATE ON {table} "
                f"FOR EACH ROW WHEN ((octet_length(NEW.{sealed}) = 0 AND {same}) IS NOT TRUE) "
                "EXECUTE FUNCTION safelight_append_only()"
            )
            continue
        same = " AND ".join(f'NEW."{name}" IS OLD."{name}"' for name in others)
        op.execute(f"DROP TRIGGER {table}_no_update")
        op.execute(
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
            f"WHEN (length(NEW.{sealed}) = 0 AND {same}) IS NOT TRUE "
            "BEGIN SELECT RAISE(ABORT, 'append only'); END"
        )


def downgrade() -> None:
    """Forbid every change again."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table in _SEALED:
        if postgresql:
            op.execute(f"DROP TRIGGER {table}_emptied_only ON {table}")
            op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION safelight_append_only()"
            )
            continue
        op.execute(f"DROP TRIGGER {table}_no_update")
        op.execute(
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, 'append only'); END"
        )
    op.drop_index("ix_cases_keep_until", "cases")
    with op.batch_alter_table("cases") as batch:
        batch.drop_column("keep_until")
