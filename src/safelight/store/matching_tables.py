"""Of the banks: pictures that were made here before somebody listed them (`matching/past.py`), and features of pictures
whose cropped and turned copies are to be found (`matching/copy_book.py`)."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, String, Table, UniqueConstraint

from safelight.store.tables import metadata

past_matches = Table(
    "past_matches",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("at", String(27), nullable=False, comment="when it was found out"),
    Column("bank", Integer, ForeignKey("banks.number"), nullable=False),
    Column("item", BigInteger, nullable=False, comment="of the bank; 0 where it does not know its items apart"),
    Column("output_id", String(40), nullable=False, comment="in the register of outputs, or in the edit chain"),
    Column("made_at", String(27), nullable=False),
    Column("decision_id", String(40), ForeignKey("decisions.id"), comment="that released it, where that is known"),
    Column("distance", Integer, comment="bits; none where features alone say that it is a copy"),
    UniqueConstraint("bank", "item", "output_id"),
)

bank_copies = Table(
    "bank_copies",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("bank", Integer, ForeignKey("banks.number"), nullable=False),
    Column("item", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False, comment="local features of a picture, under a key that is not here"),
    Column("created_at", String(27), nullable=False),
    Column(
        "looked_from",
        BigInteger,
        comment="outputs of this number and above were looked at for copies of it; none so far, or all where it is 0",
    ),
    UniqueConstraint("bank", "item"),
    sqlite_autoincrement=True,
)
