"""What happened to accounts, append only; when a standing lifts itself; their language. Accounts are pseudonyms."""

from sqlalchemy import Column, String, Table

from safelight.store.tables import metadata

account_events = Table(
    "account_events",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("subject_id", String(40), nullable=False, index=True),
    Column("at", String(27), nullable=False),
    Column("kind", String(16), nullable=False, comment="strike, limited, suspended, lifted or reversed"),
    Column("reason", String(40), nullable=False),
    Column("reference", String(40), nullable=False, comment="the decision or the case that it follows from"),
    Column("until", String(27), comment="none: for good"),
    Column("by", String(80), nullable=False),
    Column("about", String(40), comment="of `reversed`: the event that is void"),
)

account_terms = Table(
    "account_terms",
    metadata,
    Column("subject_id", String(40), primary_key=True),
    Column("until", String(27), nullable=False, index=True, comment="when the standing lifts itself"),
)

account_languages = Table(
    "account_languages",
    metadata,
    Column("subject_id", String(40), primary_key=True),
    Column("language", String(35), nullable=False),
    Column("changed_at", String(27), nullable=False),
)
