"""What is shown of the log on purpose: one leaf's commitments opened, a copy of the public part; and what is erased."""

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from safelight.core.clock import Clock
from safelight.core.errors import BadInput, InputCode, LedgerCode, LedgerUnfit
from safelight.ledger.append import Ledger
from safelight.ledger.draft import Draft, decision_values
from safelight.ledger.proofs.checkpoint import Checkpoint
from safelight.ledger.proofs.errors import Unavailable
from safelight.ledger.proofs.leaf import Leaf, LeafKind
from safelight.ledger.proofs.note import PublicKey, encode_base64
from safelight.ledger.proofs.tiles import TILE_WIDTH, tiles_between
from safelight.ledger.published import read_checkpoint, read_stamped, read_tile
from safelight.ledger.subject_keys import destroy, key_by_id
from safelight.store.ledger_tables import ledger_values
from safelight.store.tables import decisions, ledger_leaves, policies


class Shut(Unavailable):
    """The log is whole, and does not show this: it was never there, its key was destroyed, or its record is gone."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A leaf, and salt and value of the fields that were asked for."""

    leaf: str
    index: int | None
    openings: Mapping[str, tuple[bytes, str]]

    def to_json(self) -> dict[str, Any]:
        """As it is handed to an auditor (`safelight-verify opening`, `parity`)."""
        shown = {name: {"salt": encode_base64(salt), "value": value} for name, (salt, value) in self.openings.items()}
        return {"leaf": self.leaf, "index": self.index, "openings": shown}


def open_leaf(connection: Connection, leaf_hash: bytes | None, record_id: str, fields: Sequence[str] = ()) -> Opened:
    """Open the leaf with this hash, or the first of the record `record_id`; `fields`: which of them, none: all.

    Raises BadInput when there is no such leaf, Shut when its subject was erased, or what it commits to is gone.
    """
    which = ledger_leaves.c.leaf_hash == leaf_hash if leaf_hash else ledger_leaves.c.record_id == record_id
    row = connection.execute(select(ledger_leaves).where(which).order_by(ledger_leaves.c.id)).first()
    if row is None:
        raise BadInput(InputCode.LEAF_UNKNOWN, "The log has no such leaf; give a receipt, or the id of a decision.")
    key = key_by_id(connection, row.subject_key_id) if row.subject_key_id else None
    if key is None:
        raise Shut("The leaf commits to nothing that can be opened: its subject's key was destroyed, or it has none.")
    leaf = Leaf.parse(row.content)
    values = _values(connection, leaf, row)
    if unknown := set(fields) - values.keys():
        raise Shut(f"The leaf has no field {sorted(unknown)[0]!r}; it has {', '.join(values)}.")
    openings = {
        name: (key.salt(leaf.process, leaf.seq, name), value)
        for name, value in values.items()
        if not fields or name in fields
    }
    for name, (salt, value) in openings.items():
        leaf.check_opening(name, salt, value)
    return Opened(row.content.decode(), row.idx, openings)


def open_decisions(
    connection: Connection, begin: str, end: str, fields: Sequence[str], each: Callable[[Opened], None]
) -> int:
    """Open `fields` of every decision in the tree from `begin` to before `end` (RFC 3339, as leaves have it).

    Gives each to `each`, in the order of the log; returns how many could not be opened, because their subject was
    erased or their record is gone.
    """
    shut = 0
    ids = connection.execute(
        select(ledger_leaves.c.record_id)
        .join(decisions, decisions.c.id == ledger_leaves.c.record_id)
        .where(decisions.c.at >= begin, decisions.c.at < end, ledger_leaves.c.idx.is_not(None))
        .where(ledger_leaves.c.sort.is_not(None))
        .order_by(ledger_leaves.c.idx)
    ).scalars()
    for record_id in ids.all():
        try:
            each(open_leaf(connection, None, str(record_id), fields))
        except Shut:
            shut += 1
    return shut


def policy_text(connection: Connection, version: str) -> str:
    """The canonical text of a policy that was in force; its SHA-256 is its version. Raises Shut."""
    text: str | None = connection.execute(select(policies.c.text).where(policies.c.version == version)).scalar()
    if text is None:
        raise Shut(f"No policy {version} was ever in force here.")
    return text


def export(connection: Connection, folder: Path, log_key: PublicKey) -> Checkpoint:
    """Copy what is public to `folder`, ready for any web server; tiles that are there already are not written again.

    Each file is there whole or not at all, and the head goes last, so that whoever reads the copy meanwhile, or after a
    full disk, never finds a head without its tiles. Raises BadInput for a folder with another log's copy, and OSError.
    """
    key_file, key_text = folder / "key", log_key.to_text() + "\n"
    if key_file.exists() and (other := key_file.read_text("utf-8")) != key_text:
        message = f"{folder} holds a copy of the log {other.strip()}; name another folder for this one."
        raise BadInput(InputCode.FIELD_INVALID, message, param="folder")
    note = read_checkpoint(connection)
    head = Checkpoint.parse(note.text)
    for tile in tiles_between(0, head.size):
        path = folder / tile.path
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, read_tile(connection, tile))
        if tile.width == TILE_WIDTH:
            _drop_partials(path)
    _write_whole(key_file, key_text.encode())
    with contextlib.suppress(Unavailable):
        _write_whole(folder / "witnessed", read_checkpoint(connection, witnessed=True).to_bytes())
    with contextlib.suppress(Unavailable):
        stamped, stamp = read_stamped(connection)
        _write_whole(folder / "stamped", stamped.to_bytes())
        _write_whole(folder / "stamped.tsr", stamp)
    _write_whole(folder / "checkpoint", note.to_bytes())
    return head


def erase(connection: Connection, ledger: Ledger, subject_id: str, clock: Clock) -> None:
    """Destroy a subject's key, and log that one was destroyed. Raises LedgerUnfit when the subject has none."""
    if not destroy(connection, subject_id, clock()):
        raise LedgerUnfit(LedgerCode.NO_SUBJECT, f"The log knows no subject {subject_id!r}, or it was erased before.")
    ledger.append(connection, [Draft(LeafKind.ERASURE, clock())])


def _values(connection: Connection, leaf: Leaf, row: Row[Any]) -> Mapping[str, str]:
    """What the leaf commits to. Raises Shut when it is gone."""
    found: Mapping[str, str] | None = None
    if leaf.kind == LeafKind.DECISION:
        record = connection.execute(select(decisions).where(decisions.c.id == row.record_id)).first()
        found = decision_values({str(name): value for name, value in record._mapping.items()}) if record else None
    else:
        here = (ledger_values.c.process == row.process) & (ledger_values.c.seq == row.seq)
        body = connection.execute(select(ledger_values.c.body).where(here)).scalar()
        found = json.loads(body) if body else None
    if found is None:
        raise Shut("The record of this leaf is gone, so there is nothing to open it with.")
    return found


def _write_whole(path: Path, content: bytes) -> None:
    fresh = path.with_name(f"{path.name}.new")
    try:
        fresh.write_bytes(content)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def _drop_partials(full: Path) -> None:
    """Partial tiles may go once the full one is there (C2SP tlog-tiles)."""
    folder = full.with_name(f"{full.name}.p")
    for partial in folder.glob("*"):
        partial.unlink()
    if folder.is_dir():
        folder.rmdir()
