"""Tables of the staff: members, passkeys, enrolments, sessions, what happened, and what their eyes were asked to bear.

No secret stands here in clear: of session cookies and enrolment links only the SHA-256 is kept (both have 256 random
bits), and a passkey's public key is no secret.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from safelight.store.tables import metadata

staff_members = Table(
    "staff_members",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", Text, nullable=False, unique=True, comment="as colleagues know them"),
    Column("role", String(16), nullable=False),
    Column("created_at", String(27), nullable=False),
    Column("ended_at", String(27), comment="may not sign in any more"),
    Column("oidc_issuer", Text, nullable=False, server_default=""),
    Column("oidc_subject", Text, comment="the issuer's `sub`, learnt when the member enrols by it"),
    Column("opted_out", Text, nullable=False, server_default="", comment="matters, space separated"),
    UniqueConstraint("oidc_issuer", "oidc_subject"),
)

staff_passkeys = Table(
    "staff_passkeys",
    metadata,
    Column("credential_id", LargeBinary(1023), primary_key=True),
    Column("member_id", String(40), ForeignKey("staff_members.id"), nullable=False, index=True),
    Column("public_key", LargeBinary, nullable=False, comment="COSE"),
    Column("sign_count", BigInteger, nullable=False),
    Column("created_at", String(27), nullable=False),
    Column("used_at", String(27)),
)

staff_enrolments = Table(
    "staff_enrolments",
    metadata,
    Column("token_sha256", LargeBinary(32), primary_key=True),
    Column("member_id", String(40), ForeignKey("staff_members.id"), nullable=False, index=True),
    Column("expires_at", String(27), nullable=False),
    Column("used_at", String(27)),
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("token_sha256", LargeBinary(32), primary_key=True),
    Column("member_id", String(40), ForeignKey("staff_members.id"), index=True, comment="none before sign-in"),
    Column("created_at", String(27), nullable=False),
    Column("seen_at", String(27), nullable=False),
    Column("expires_at", String(27), nullable=False, index=True, comment="whatever is done until then"),
    Column("challenge", Text, nullable=False, server_default="", comment="JSON: what the next answer must be to"),
)

staff_events = Table(
    "staff_events",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("at", String(27), nullable=False),
    Column("member_id", String(40), nullable=False, index=True, comment="whom it is about"),
    Column("done_by", Text, nullable=False, comment="a member's id, or who worked at the machine"),
    Column("kind", String(40), nullable=False),
    Column("detail", Text, nullable=False, comment="codes, no free text"),
)

staff_exposures = Table(
    "staff_exposures",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("member_id", String(40), ForeignKey("staff_members.id"), nullable=False),
    Column("case_id", String(40), nullable=False),
    Column("at", String(27), nullable=False),
    Column("matter", String(16), nullable=False),
    Column("in_full", Boolean, nullable=False, comment="false: with less detail"),
    Index("ix_staff_exposures_member_id_at", "member_id", "at"),
)

staff_breaks = Table(
    "staff_breaks",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("member_id", String(40), ForeignKey("staff_members.id"), nullable=False),
    Column("begun_at", String(27), nullable=False),
    Column("ended_at", String(27)),
    Column("long_enough", Boolean, nullable=False, comment="one that was not interrupts nothing"),
    Index("ix_staff_breaks_member_id_begun_at", "member_id", "begun_at"),
)

staff_reviews = Table(
    "staff_reviews",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("case_id", String(40), nullable=False, unique=True),
    Column("first_by", String(40), nullable=False),
    Column("first_answer", String(40), nullable=False, comment="hidden from the second until answered"),
    Column("matter", String(16), nullable=False),
    Column("drawn_at", String(27), nullable=False),
    Column("second_by", String(40), ForeignKey("staff_members.id")),
    Column("second_answer", String(40)),
    Column("answered_at", String(27), index=True),
)
