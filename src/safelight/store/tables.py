"""The first tables, and the metadata that `*_tables.py` share.

Migrations are in `migrations/versions`; a test holds the two against each other.

What is not here: prompts, images, account names. A request leaves keyed digests (`digest_key.py`), which tell whether
a text or image in hand is the one that was asked, and nothing to anybody without the key.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Moments are RFC 3339 text in UTC with microseconds (`core.clock.to_rfc3339`): they sort as text in every database.

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", Text, nullable=False),
    Column("platform", Text, nullable=False, comment="whose accounts ask through it"),
    Column("secret_sha256", LargeBinary(32), nullable=False),
    Column("permissions", Text, nullable=False, comment="space separated"),
    Column("requests_per_minute", Integer, nullable=False, comment="0: no bound"),
    Column("created_at", String(27), nullable=False),
    Column("revoked_at", String(27)),
)

subjects = Table(
    "subjects",
    metadata,
    Column("id", String(40), primary_key=True, comment="keyed digest of the platform's account name"),
    Column("standing", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed_at", String(27), nullable=False),
)

policies = Table(
    "policies",
    metadata,
    Column("version", String(80), primary_key=True),
    Column("text", Text, nullable=False, comment="canonical; decisions can be replayed with it"),
    Column("first_used_at", String(27), nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("request_id", String(40), nullable=False, index=True),
    Column("at", String(27), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("category", String(40)),
    Column("policy_version", String(80), ForeignKey("policies.version"), nullable=False),
    Column("key_id", String(40), nullable=False),
    Column("subject_id", String(40), nullable=False),
    Column("tier", String(16), nullable=False, comment="for parity audits; no input of policy"),
    Column("prompt_digest", String(80), nullable=False),
    Column("image_digests", Text, nullable=False, comment="JSON list: uploads, mask, outputs"),
    Column("body", Text, nullable=False, comment="the decision, canonical JSON"),
    Index("ix_decisions_key_id_at", "key_id", "at"),
    Index("ix_decisions_subject_id_at", "subject_id", "at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("decision_id", String(40), ForeignKey("decisions.id"), nullable=False),
    Column("created_at", String(27), nullable=False),
    Column("done_at", String(27), index=True),
)

# Consent: a signer is a person whose identity the operator checked; a record is a statement that they signed. Neither
# is ever changed: what becomes of them is an event, and triggers hold all three tables to that (migration 0002).

consent_signers = Table(
    "consent_signers",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("platform", Text, nullable=False),
    Column("public_key", LargeBinary(32), nullable=False, unique=True, comment="Ed25519"),
    Column("reference", Text, nullable=False, comment="where the operator keeps the identity check; no name"),
    Column("checked_by", Text, nullable=False),
    Column("checked_at", String(27), nullable=False),
)

consent_records = Table(
    "consent_records",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("signer_id", String(40), ForeignKey("consent_signers.id"), nullable=False, index=True),
    Column("platform", Text, nullable=False),
    Column("statement", Text, nullable=False, comment="canonical JSON, exactly what was signed"),
    Column("statement_digest", String(80), nullable=False, unique=True),
    Column("signature", LargeBinary(64), nullable=False, comment="Ed25519, over the statement's bytes"),
)

consent_events = Table(
    "consent_events",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("at", String(27), nullable=False),
    Column("kind", String(20), nullable=False, comment="enrolled, added or revoked"),
    Column("signer_id", String(40), ForeignKey("consent_signers.id"), nullable=False, index=True),
    Column("record_id", String(40), ForeignKey("consent_records.id"), index=True, comment="none: the signer itself"),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

banks = Table(
    "banks",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True, comment="stands in the index beside each hash"),
    Column("name", String(80), nullable=False, unique=True),
    Column("owner", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("category", String(40), nullable=False),
    Column("kind", String(16), nullable=False, comment="known, or negative: known false matches"),
    Column("threshold_bits", Integer, nullable=False),
    Column("meaning", Text, nullable=False, comment="what a match means, for the reviewer"),
    Column("state", String(16), nullable=False),
    Column("why", Text, nullable=False, comment="of the state"),
    Column("parent", Integer, ForeignKey("banks.number"), comment="of a batch held back: the bank it came for"),
    Column(
        "stale_after_h", Integer, nullable=False, comment="hours without news after which somebody is told; 0: never"
    ),
    Column("created_at", String(27), nullable=False),
    Column("updated_at", String(27), nullable=False, comment="last news from its source"),
)

bank_events = Table(
    "bank_events",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("at", String(27), nullable=False),
    Column("bank", Integer, ForeignKey("banks.number"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("body", Text, nullable=False, comment="JSON: counts and a note; no hash"),
)

protected_photos = Table(
    "protected_photos",
    metadata,
    Column("item", Integer, primary_key=True, autoincrement=True, comment="stands in the index beside the hash"),
    Column("receipt_sha256", LargeBinary(32), nullable=False, unique=True),
    Column("created_at", String(27), nullable=False),
    Column("removed_at", String(27)),
)

protection_attempts = Table(
    "protection_attempts",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("item", Integer, ForeignKey("protected_photos.item"), nullable=False, index=True),
    Column("at", String(27), nullable=False),
    Column("stage", String(16), nullable=False, comment="a photo sent in, or a picture that was made"),
)

exchanges = Table(
    "exchanges",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("bank", Integer, ForeignKey("banks.number"), nullable=False),
    Column("checkpoint", Text, nullable=False, comment="where the next fetch goes on"),
    Column(
        "unknown", Text, nullable=False, comment="JSON: how many entries of each unknown signal type were kept aside"
    ),
    Column("fetched_at", String(27), nullable=False),
)

# The transparency log. What each leaf says, and how, is in `ledger/proofs/leaf.py`.

ledger_head = Table(
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="always 1"),
    Column("log_key", Text, nullable=False, comment="name and public key; another key is another log"),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("rounds", BigInteger, nullable=False, comment="changed first, to lock the row"),
    Column("policy", String(80), comment="as the last process began with it"),
    Column("models", Text, comment="the same, for the detectors"),
    Column("thresholds", Text, comment="the same, as JSON by name"),
    Column("marks", Text, comment="the same, for the keys of the marks"),
)

ledger_processes = Table(
    "ledger_processes",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("next_seq", BigInteger, nullable=False),
    Column("counted_from", BigInteger, nullable=False, comment="the first leaf that no totals speak of"),
    Column("started_at", String(27), nullable=False),
)

ledger_outages = Table(
    "ledger_outages",
    metadata,
    Column("process", String(16), ForeignKey("ledger_processes.id"), primary_key=True),
    Column("part", String(120), primary_key=True),
    Column("since", String(27), nullable=False),
)

ledger_subject_keys = Table(
    "ledger_subject_keys",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("subject_id", String(40), unique=True, comment="none once the key was destroyed"),
    Column("secret", LargeBinary(32)),
    Column("destroyed_at", String(27)),
)

ledger_leaves = Table(
    "ledger_leaves",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("idx", BigInteger, unique=True, comment="place in the tree; none while it waits"),
    Column("process", String(16), ForeignKey("ledger_processes.id"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("leaf_hash", LargeBinary(32), nullable=False, index=True),
    Column("content", LargeBinary, nullable=False),
    Column("sort", String(80), comment="decisions: stage/verdict/category, for the totals"),
    Column("subject_key_id", String(40), ForeignKey("ledger_subject_keys.id")),
    Column("record_id", String(40), index=True, comment="the row whose values the leaf commits to"),
    UniqueConstraint("process", "seq"),
)

ledger_tiles = Table(
    "ledger_tiles",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
    Column("middle", LargeBinary, comment="full lowest tiles: their hashes four levels up, for proofs"),
)

ledger_checkpoints = Table(
    "ledger_checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
    Column("at", String(27), nullable=False),
    Column("witnesses", Integer, nullable=False, server_default="0", comment="how many have signed it"),
)

# Outputs that were released, for as long as an edit of them may come back (`lineage/`). No picture, no prompt in clear.

made_images = Table(
    "made_images",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("platform", Text, nullable=False),
    Column("subject_id", String(40), nullable=False),
    Column("content_digest", String(80), nullable=False, index=True, comment="keyed, of the file that left"),
    Column("fingerprint", LargeBinary(32), comment="perceptual; none for a picture without detail"),
    Column("edits", Integer, nullable=False, comment="how many led here, this one included"),
    Column("signals", Text, nullable=False, comment="JSON: what a later edit is judged with"),
    Column("words", LargeBinary, comment="what was asked, sealed; none where no words are kept"),
    Column("expires_at", String(27), nullable=False, index=True),
    Column("sources", Text, comment="JSON: keyed digests of the files that it was made from; none where unknown"),
)

made_image_bands = Table(
    "made_image_bands",
    metadata,
    Column("band", Integer, primary_key=True, autoincrement=False, comment="place and content of 16 bits"),
    Column("image_id", String(40), ForeignKey("made_images.id"), primary_key=True, index=True),
)
