"""Tables of reports and cases. What people wrote, where the image is and how to reach anybody is sealed in each row.

Append only, by triggers (migration): the history, the letters, and what happened to accounts; but sealed words can be
emptied (`cases/retention.py`), and nothing else of their rows changed. A case's row is its
history's last word and can be made again from it.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from safelight.store.tables import metadata

_LONG = BigInteger().with_variant(Integer, "sqlite")

cases = Table(
    "cases",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("number", _LONG, nullable=False, unique=True, comment="under which its fingerprints stand in the index"),
    Column("kind", String(16), nullable=False),
    Column("matter", String(16), nullable=False),
    Column("route", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("visibility", String(16), nullable=False),
    Column("law", String(32), nullable=False),
    Column("received_at", String(27), nullable=False, index=True),
    Column("due_at", String(27), nullable=False),
    Column("rank_at", String(27), nullable=False),
    Column("next_at", String(27), index=True, comment="when time next has something to do"),
    Column("keep_until", String(27), index=True, comment="when words of it are to be destroyed; none: not yet known"),
    Column("is_waiting", Boolean, nullable=False),
    Column("in_danger", Boolean, nullable=False),
    Column("is_flood", Boolean, nullable=False),
    Column("is_known", Boolean, nullable=False, comment="in a bank before it was reported"),
    Column("reports", Integer, nullable=False),
    Column("places", Integer, nullable=False),
    Column("views", Integer, nullable=False),
    Column("held_by", String(80), nullable=False),
    Column("held_until", String(27)),
    Column("first_look_at", String(27)),
    Column("hidden_at", String(27)),
    Column("removed_at", String(27)),
    Column("confirmed_at", String(27), comment="when nothing that is known of it was to be seen any more"),
    Column("decided_at", String(27)),
    Column("outcome", String(20)),
    Column("was_contested", Boolean, nullable=False),
    Column("was_overturned", Boolean, nullable=False),
    Column("is_breached", Boolean, nullable=False),
    Column("subject_id", String(40), index=True, comment="the account that published it, as a pseudonym"),
    Column("reference", String(40), comment="of an account's case: the contested event"),
    Column("version", Integer, nullable=False),
    Index("ix_cases_queue_rank", "is_waiting", "rank_at", "id"),
    Index("ix_cases_queue_due", "is_waiting", "due_at", "id"),
    Index("ix_cases_queue_newest", "is_waiting", "received_at", "id"),
    Index("ix_cases_queue_matter", "is_waiting", "matter", "rank_at", "id"),
    Index("ix_cases_queue_state", "is_waiting", "state", "rank_at", "id"),
    Index("ix_cases_queue_mine", "held_by", "is_waiting", "rank_at"),
    Index("ix_cases_counts", "is_waiting", "matter", "state", "due_at"),
)

case_events = Table(
    "case_events",
    metadata,
    Column("case_id", String(40), ForeignKey("cases.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(27), nullable=False, index=True),
    Column("step", String(16), nullable=False),
    Column("by", String(80), nullable=False),
    Column("body", Text, nullable=False, comment="JSON: codes and counts"),
    Column("words", LargeBinary, comment="sealed: what a member wrote"),
    Index("ix_case_events_by_step", "by", "step", "at"),
)

case_reports = Table(
    "case_reports",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("case_id", String(40), ForeignKey("cases.id"), nullable=False, index=True),
    Column("at", String(27), nullable=False, index=True),
    Column("route", String(16), nullable=False),
    Column("is_flood", Boolean, nullable=False),
    Column("withdrawn_at", String(27)),
    Column("sealed", LargeBinary, nullable=False, comment="the report as it was sent"),
)

case_additions = Table(
    "case_additions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("report_id", String(40), ForeignKey("case_reports.id"), nullable=False, index=True),
    Column("at", String(27), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

case_receipts = Table(
    "case_receipts",
    metadata,
    Column("code_digest", String(80), primary_key=True, comment="keyed; the code is not kept"),
    Column("pin_digest", String(80), nullable=False),
    Column("case_id", String(40), ForeignKey("cases.id"), index=True, comment="none: a measure nobody contested yet"),
    Column("report_id", String(40), ForeignKey("case_reports.id")),
    Column("party", String(16), nullable=False),
    Column("subject_id", String(40), index=True),
    Column("event_id", String(40), comment="of a measure: which"),
    Column("language", String(35), nullable=False),
    Column("contact", LargeBinary, comment="sealed"),
    Column("created_at", String(27), nullable=False),
)

case_places = Table(
    "case_places",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("case_id", String(40), ForeignKey("cases.id"), nullable=False),
    Column("digest", String(80), nullable=False, index=True, comment="keyed: the same place, reported again"),
    Column("is_copy", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("visibility", String(16), nullable=False, comment="as the platform has confirmed it"),
    Column("confirmed_at", String(27)),
    Column("confirmed_seq", _LONG, nullable=False, comment="by which command"),
    UniqueConstraint("case_id", "digest"),
)

case_prints = Table(
    "case_prints",
    metadata,
    Column("case_id", String(40), ForeignKey("cases.id"), primary_key=True),
    Column("digest", String(80), primary_key=True, index=True, comment="keyed"),
    Column("sealed", LargeBinary, nullable=False),
)

case_effects = Table(
    "case_effects",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("case_id", String(40), ForeignKey("cases.id"), index=True),
    Column("kind", String(16), nullable=False),
    Column("lane", String(80), nullable=False, comment="a newer command of one lane overtakes an older one"),
    Column("seq", _LONG, nullable=False, comment="counts up in each lane: milliseconds since 1970"),
    Column("target", String(40), comment="of a letter: which"),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", String(27), nullable=False),
    Column("due_at", String(27), nullable=False),
    Column("done_at", String(27)),
    Column("error", Text, nullable=False),
    Index("ix_case_effects_state_due_at", "state", "due_at"),
    Index("ix_case_effects_lane_state", "lane", "state"),
)

case_letters = Table(
    "case_letters",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("case_id", String(40), ForeignKey("cases.id"), index=True),
    Column("code_digest", String(80), ForeignKey("case_receipts.code_digest"), nullable=False, index=True),
    Column("at", String(27), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("language", String(35), nullable=False),
    Column("effect_id", String(40), comment="that sends it; none: fetched with the receipt"),
    Column("sealed", LargeBinary, nullable=False, comment="subject and body"),
)

case_sources = Table(
    "case_sources",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("source", String(80), nullable=False, comment="keyed digest"),
    Column("kind", String(16), nullable=False, comment="report, or a wrong code or PIN"),
    Column("at", String(27), nullable=False, index=True),
    Index("ix_case_sources_source_kind_at", "source", "kind", "at"),
)
