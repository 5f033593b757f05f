"""The register of signers and records: every change is one event, and nothing is ever changed or removed.

Each function runs inside the caller's transaction (`store/database.py`).
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, exists, func, insert, or_, select

from safelight.consent.model import Checked, Event, Record, Signer
from safelight.consent.statement import Signed, Statement, read_statement
from safelight.core.canonical import canonical_json
from safelight.core.clock import to_rfc3339
from safelight.core.consent import ConsentState
from safelight.core.errors import BadInput, InputCode
from safelight.core.ids import new_id
from safelight.store.tables import consent_events, consent_records, consent_signers

ENROLLED, ADDED, REVOKED = "enrolled", "added", "revoked"


def enrol(
    connection: Connection, *, public_key: bytes, platform: str, reference: str, checked_by: str, now: datetime
) -> Signer:
    """Enrol the key of a person whose identity and age `checked_by` has checked. Raises BadInput."""
    if len(public_key) != 32:
        raise _refused("an Ed25519 public key has 32 bytes", "public_key")
    if not reference.strip() or not checked_by.strip():
        raise _refused("say who checked the person's identity and age, and where that is kept", "checked_by")
    if connection.execute(select(exists().where(consent_signers.c.public_key == public_key))).scalar():
        raise _refused("this key is enrolled already, and a key is one person's", "public_key")
    signer = Signer(new_id("csg", now), platform, public_key, reference, checked_by, to_rfc3339(now), revoked=False)
    connection.execute(
        insert(consent_signers).values(
            id=signer.id,
            platform=platform,
            public_key=public_key,
            reference=reference,
            checked_by=checked_by,
            checked_at=signer.checked_at,
        )
    )
    _note(connection, now, ENROLLED, signer.id, None, checked_by, reference)
    return signer


def demand_signer(connection: Connection, statement: Statement) -> None:
    """Raises BadInput where nothing that its signer signed could count, so that nobody is asked to sign in vain."""
    if _public_key(connection, statement, None) is None:
        raise _not_enrolled()
    if _is_revoked(connection, statement.signer, None):
        raise _key_revoked()


def add(connection: Connection, signed: Signed, *, platform: str | None, by: str, now: datetime) -> str:
    """Keep a signed statement; returns the record's id. Raises BadInput for one that could never count.

    `platform`: the only one whose statements are taken; None takes any (the operator's own command line).
    """
    statement = signed.statement
    public_key = _public_key(connection, statement, platform)
    if public_key is None:
        raise _not_enrolled()
    if not signed.is_by(public_key):
        raise _refused("the signature is not its signer's, or the statement was changed after signing", "signature")
    if _is_revoked(connection, statement.signer, None):
        raise _key_revoked()
    if now >= statement.expires_at:
        raise _refused("it has expired", "expires_at")
    if connection.execute(select(exists().where(consent_records.c.statement_digest == statement.digest))).scalar():
        raise _refused("it is in the register already, in force or withdrawn", "statement")
    record_id = new_id("con", now)
    connection.execute(
        insert(consent_records).values(
            id=record_id,
            signer_id=statement.signer,
            platform=statement.platform,
            statement=canonical_json(statement.to_json()).decode(),
            statement_digest=statement.digest,
            signature=signed.signature,
        )
    )
    _note(connection, now, ADDED, statement.signer, record_id, by, "")
    return record_id


def revoke(
    connection: Connection, which: str, *, platform: str | None, by: str, reason: str, now: datetime
) -> str | None:
    """Revoke a record (`con_…`), or a signer (`csg_…`) with all its records, at once and for good. Raises BadInput.

    Returns since when it was revoked already, by itself or with its signer; then nothing changes.
    """
    table = consent_signers if which.startswith("csg_") else consent_records
    columns = (table.c.platform, table.c.id if table is consent_signers else table.c.signer_id)
    row = connection.execute(select(*columns).where(table.c.id == which)).one_or_none()
    if row is None or platform not in {None, row[0]}:
        raise _refused(f"there is no {which!r} in the register; see `safelight consent list`", "id")
    record_id = None if table is consent_signers else which
    since = _revoked_at(connection, row[1], record_id)
    if since is None:
        _note(connection, now, REVOKED, row[1], record_id, by, reason)
    return since


def check(connection: Connection, signed: Signed, *, platform: str | None, now: datetime) -> Checked:
    """What `signed` is worth at `now`, whether it is in the register or not. Nothing is written."""
    statement = signed.statement
    public_key = _public_key(connection, statement, platform)
    if public_key is None:
        return Checked(ConsentState.UNKNOWN, None)
    record_id = connection.execute(
        select(consent_records.c.id).where(consent_records.c.statement_digest == statement.digest)
    ).scalar()
    revoked = _is_revoked(connection, statement.signer, record_id)
    return Checked(Record("", signed, public_key, revoked).state_at(now), record_id)


def find(connection: Connection, ids: Sequence[str], platform: str) -> dict[str, Record]:
    """The records of `platform` among `ids`, by id."""
    statement = _records().where(consent_records.c.id.in_(ids), consent_records.c.platform == platform)
    return {record.id: record for record in map(_to_record, connection.execute(statement))}


def list_records(connection: Connection, platform: str | None = None) -> list[Record]:
    """Every record, oldest first; of one platform where one is named."""
    statement = _records().order_by(consent_records.c.id)
    if platform is not None:
        statement = statement.where(consent_records.c.platform == platform)
    return [_to_record(row) for row in connection.execute(statement)]


def list_signers(connection: Connection, platform: str | None = None) -> list[Signer]:
    """Every signer, oldest first; of one platform where one is named."""
    statement = select(consent_signers, _revocation(with_record=False)).order_by(consent_signers.c.id)
    if platform is not None:
        statement = statement.where(consent_signers.c.platform == platform)
    return [Signer(*row) for row in connection.execute(statement)]


def history(connection: Connection, which: str) -> list[Event]:
    """What became of a record or a signer, oldest first. Raises BadInput where there is none of that id."""
    column = consent_events.c.signer_id if which.startswith("csg_") else consent_events.c.record_id
    columns = [consent_events.c[name] for name in ("at", "kind", "signer_id", "record_id", "by", "reason")]
    rows = connection.execute(select(*columns).where(column == which).order_by(consent_events.c.id))
    if events := [Event(*row) for row in rows]:  # whatever is in the register came into it by an event
        return events
    raise _refused(f"there is no {which!r} in the register; see `safelight consent list`", "id")


def _records() -> Select[Any]:
    """Each record with its signer's key and whether either was revoked."""
    return select(
        consent_records.c.id,
        consent_records.c.statement,
        consent_records.c.signature,
        consent_signers.c.public_key,
        _revocation(with_record=True),
    ).join_from(consent_records, consent_signers)


def _revocation(*, with_record: bool) -> Any:
    event = consent_events.alias()
    of_signer = event.c.record_id.is_(None) & (event.c.signer_id == consent_signers.c.id)
    whose = or_(of_signer, event.c.record_id == consent_records.c.id) if with_record else of_signer
    return exists().where(event.c.kind == REVOKED, whose).label("revoked")


def _to_record(row: Row[Any]) -> Record:
    try:
        signed = Signed(read_statement(json.loads(row.statement)), row.signature)
    except (BadInput, ValueError):
        signed = None  # the row was changed behind our back: it stays a record, and counts as tampered with
    return Record(row.id, signed, row.public_key, bool(row.revoked))


def _is_revoked(connection: Connection, signer_id: str, record_id: str | None) -> bool:
    return _revoked_at(connection, signer_id, record_id) is not None


def _revoked_at(connection: Connection, signer_id: str, record_id: str | None) -> str | None:
    event = consent_events.c
    of_signer = event.record_id.is_(None) & (event.signer_id == signer_id)
    whose = of_signer if record_id is None else or_(of_signer, event.record_id == record_id)
    return connection.execute(select(func.min(event.at)).where(event.kind == REVOKED, whose)).scalar()


def _note(
    connection: Connection, now: datetime, kind: str, signer_id: str, record_id: str | None, by: str, reason: str
) -> None:
    connection.execute(
        insert(consent_events).values(
            id=new_id("cev", now),
            at=to_rfc3339(now),
            kind=kind,
            signer_id=signer_id,
            record_id=record_id,
            by=by,
            reason=reason,
        )
    )


def _public_key(connection: Connection, statement: Statement, platform: str | None) -> bytes | None:
    """Of the statement's signer; none where that is not enrolled on its platform, or `platform` is another."""
    query = select(consent_signers.c.public_key, consent_signers.c.platform)
    signer = connection.execute(query.where(consent_signers.c.id == statement.signer)).one_or_none()
    if signer is None or signer.platform != statement.platform or platform not in {None, statement.platform}:
        return None
    return bytes(signer.public_key)


def _not_enrolled() -> BadInput:
    return _refused("its signer is not enrolled on this platform: `safelight consent enrol`", "signer")


def _key_revoked() -> BadInput:
    return _refused("its signer's key was revoked", "signer")


def _refused(why: str, param: str) -> BadInput:
    return BadInput(InputCode.CONSENT_INVALID, f"This cannot be taken: {why}.", param=param)
