"""The register of outputs (`provenance/register.py`) and the book of traces. No picture is in either."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from safelight.store.tables import metadata

outputs = Table(
    "outputs",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", String(40), nullable=False, unique=True, comment="stands in the picture's own credentials"),
    Column("request_id", String(40), nullable=False, index=True),
    Column("decision_id", String(40), ForeignKey("decisions.id"), nullable=False),
    Column("receipt", Text, nullable=False, comment="the log's promise for the decision"),
    Column("place", String(40), nullable=False, comment="which of the request's pictures, such as output 2"),
    Column("made_at", String(27), nullable=False),
    Column("expires_at", String(27), nullable=False, index=True),
    Column("media_type", String(40), nullable=False),
    Column("width", Integer, nullable=False, comment="pixels"),
    Column("height", Integer, nullable=False, comment="pixels"),
    Column("how", String(16), nullable=False, comment="created or edited"),
    Column("watermark", LargeBinary(8), unique=True, comment="random; none where the picture could not carry one"),
    Column("content_digest", String(80), nullable=False, index=True, comment="keyed, of the file that left"),
    Column("fingerprint", LargeBinary(32), comment="perceptual; none for a picture without detail"),
    Column("features", LargeBinary, comment="places and bits of local features, packed"),
    Column("lineage_id", String(40), index=True, comment="under which the edit chain remembers the picture"),
    Column("parents", Text, nullable=False, comment="JSON: lineage ids of the pictures that it was edited from"),
    Column("photos", Integer, nullable=False, comment="photos that were sent in with the request"),
    sqlite_autoincrement=True,  # a number is never given twice, so that what is in memory can be brought up to date
)

traces = Table(
    "traces",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("at", String(27), nullable=False),
    Column("by", Text, nullable=False, comment="an API key's id, or whoever sat at the command line"),
    Column("purpose", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("picture_digest", String(80), nullable=False, comment="keyed, of the file that was asked about"),
    Column("answer", String(16), nullable=False, comment="yes, no or unsure"),
    Column("request_id", String(40), comment="the one that was named, if any"),
    Index("ix_traces_at", "at"),
)
