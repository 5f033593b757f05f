"""New hashes against what was made here before: whoever lists a picture learns that it came from here, and when.

Rules of this module
- What is compared are the fingerprints that the service keeps of its outputs anyhow, for tracing and for the edit
  chain, for as long as it keeps them. No picture is looked at; none is there.
- A find is a row of its own, an event in the bank's history with the number of finds, and, where the decision is known
  that released the picture, an entry of the outbox. It stands once, however often a list is read.
- A few new hashes are compared with every past output, one by one. Of a long list, every past output is looked up in
  the index instead. Either way the answer is complete as far as hashes go, mirrored and turned copies included.

Left to others: copies that no hash finds (`past_copies.py`); what follows for the account and for the picture (whoever
works off the outbox).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select

from safelight.core.canonical import Json
from safelight.core.clock import to_rfc3339
from safelight.core.ids import made_at, new_id
from safelight.matching.banks import note
from safelight.matching.hashes import BankHashes
from safelight.matching.index.layout import to_words
from safelight.matching.index.segment import scan
from safelight.matching.model import Bank, BankKind
from safelight.matching.turns import turned
from safelight.store.database import Database
from safelight.store.matching_tables import past_matches
from safelight.store.provenance_tables import outputs
from safelight.store.tables import made_images, outbox

PAST_OUTPUT_KNOWN = "past_output_known"
"""The kind of outbox entry that a find leaves, under the decision that had released the picture."""
MATCHED_BACK = "matched_back"
"""The kind of the event in the bank's history."""
_ONE_BY_ONE_MAX = 500
"""New hashes up to which each is compared with every output: eight forms of each cost 80 ms a million outputs."""
_BATCH_ROWS = 20_000
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class PastOutput:
    """A picture that was released."""

    id: str
    made_at: str
    decision_id: str | None
    fingerprint: bytes
    """PDQ, 32 bytes."""


class PastOutputs(Protocol):
    """What was made here before, as far as it has a fingerprint."""

    def batches(self) -> Iterator[Sequence[PastOutput]]:
        """All of them, a bounded number at once. Raises StoreFailed."""


@dataclass(frozen=True, slots=True)
class PastMatch:
    """A past output that a bank knows."""

    item: int
    output: PastOutput
    distance: int | None
    """Bits; None where it was found by features (`past_copies.py`)."""


class StoredOutputs:
    """The register of outputs, and what the edit chain remembers beside it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def batches(self) -> Iterator[Sequence[PastOutput]]:
        """As the port says."""
        chained: set[str] = set()
        last = 0
        while rows := self._database.read_here(partial(_registered, after=last)):
            last = int(rows[-1].number)
            chained |= {row.lineage_id for row in rows if row.lineage_id}
            yield [PastOutput(row.id, row.made_at, row.decision_id, row.fingerprint) for row in rows]
        after = ""
        while rows := self._database.read_here(partial(_remembered, after=after)):
            after = rows[-1].id
            new = [row for row in rows if row.id not in chained]
            yield [PastOutput(row.id, to_rfc3339(made_at(row.id)), None, row.fingerprint) for row in new]


def match_back(
    database: Database,
    hashes: BankHashes,
    past: PastOutputs,
    bank: Bank,
    now: datetime,
    new: Sequence[tuple[bytes, int]] | None = None,
) -> list[PastMatch]:
    """Find past outputs near the PDQ hashes `new` (each with its item), or near any of the bank where none are given.

    Returns what was not known before, once that is recorded. Raises StoreFailed.
    """
    if bank.kind is BankKind.NEGATIVE or new == []:
        return []
    found: dict[tuple[int, str], PastMatch] = {}
    for batch in past.batches():
        is_few = new is not None and len(new) <= _ONE_BY_ONE_MAX
        for match in _compared(batch, new or (), bank) if is_few else _looked_up(batch, hashes, bank):
            key = match.item, match.output.id
            if key not in found or (match.distance or 0) < (found[key].distance or 0):
                found[key] = match
    return database.write_here(partial(record, bank=bank, found=list(found.values()), now=now)) if found else []


def past_matches_of(connection: Connection, bank: int) -> list[tuple[str, str, str, str | None, int | None]]:
    """What was found for a bank: when, which output, when it was made, its decision, bits apart; newest first.

    No bits where features alone say that it is a copy.
    """
    table = past_matches.c
    query = select(table.at, table.output_id, table.made_at, table.decision_id, table.distance)
    rows = connection.execute(query.where(table.bank == bank).order_by(table.id.desc()))
    return [(row.at, row.output_id, row.made_at, row.decision_id, row.distance) for row in rows]


def _compared(batch: Sequence[PastOutput], new: Sequence[tuple[bytes, int]], bank: Bank) -> list[PastMatch]:
    forms = [(form, item) for value, item in new for _, form in turned(value)]
    near = scan(_words([one.fingerprint for one in batch]), _words([form for form, _ in forms]), bank.threshold_bits)
    return [
        PastMatch(forms[int(query)][1], batch[int(row)], int(distance))
        for query, row, distance in zip(near.query, near.row, near.distance, strict=True)
    ]


def _looked_up(batch: Sequence[PastOutput], hashes: BankHashes, bank: Bank) -> Iterator[PastMatch]:
    for one in batch:
        forms = [form for _, form in turned(one.fingerprint)]
        for hit in hashes.near(forms, bank.threshold_bits):
            if hit.bank == bank.number:
                yield PastMatch(hit.item, one, hit.distance)


def _words(values: Sequence[bytes]) -> NDArray[np.uint64]:
    return to_words(b"".join(values))


def record(connection: Connection, bank: Bank, found: Sequence[PastMatch], now: datetime) -> list[PastMatch]:
    """Keep what is new of it: the rows, the outbox, the event. Returns that."""
    table = past_matches.c
    rows_known = connection.execute(select(table.item, table.output_id).where(table.bank == bank.number))
    known = {(row.item, row.output_id) for row in rows_known}
    new = [match for match in found if (match.item, match.output.id) not in known]
    if not new:
        return []
    at = to_rfc3339(now)
    rows = [
        {
            "id": new_id("pst", now),
            "at": at,
            "bank": bank.number,
            "item": match.item,
            "output_id": match.output.id,
            "made_at": match.output.made_at,
            "decision_id": match.output.decision_id,
            "distance": match.distance,
        }
        for match in new
    ]
    connection.execute(insert(past_matches), rows)
    effects = [
        {"id": new_id("out", now), "kind": PAST_OUTPUT_KNOWN, "decision_id": row["decision_id"], "created_at": at}
        for row in rows
        if row["decision_id"]
    ]
    if effects:
        connection.execute(insert(outbox), effects)
    # The first few by name, for whoever reads the history; all are in the table.
    first: list[Json] = [match.output.id for match in new[:_SHOWN]]
    note(connection, bank.number, MATCHED_BACK, {"outputs": len(new), "first": first}, now)
    return new


def _registered(connection: Connection, after: int) -> Sequence[Any]:
    columns = outputs.c
    query = select(columns.number, columns.id, columns.made_at, columns.decision_id, columns.fingerprint)
    query = query.add_columns(columns.lineage_id).where(columns.number > after, columns.fingerprint.is_not(None))
    return connection.execute(query.order_by(columns.number).limit(_BATCH_ROWS)).all()


def _remembered(connection: Connection, after: str) -> Sequence[Any]:
    columns = made_images.c
    query = select(columns.id, columns.fingerprint).where(columns.id > after, columns.fingerprint.is_not(None))
    return connection.execute(query.order_by(columns.id).limit(_BATCH_ROWS)).all()
