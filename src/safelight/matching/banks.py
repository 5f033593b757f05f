"""Banks in the store: made, listed, held back, released, removed; every step leaves an event that is never changed.

The hashes themselves are in the index, by the bank's number; here is who they came from and what they mean.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update

from safelight.core.canonical import Json, canonical_json
from safelight.core.clock import to_rfc3339
from safelight.core.ids import new_id
from safelight.matching.errors import BankError
from safelight.matching.index.layout import MAX_RADIUS
from safelight.matching.model import Bank, BankCategory, BankKind, BankState
from safelight.store.tables import bank_events, banks

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_BATCH_NAME = re.compile(r"[a-z0-9][a-z0-9._~-]{0,79}")
"""Of what was held back of a list: the list's name, a `~`, and when."""
PROTECTED_NAME = "protected-photos"
"""The bank of photos that their people registered (`protect.py`)."""
OWN_NAMES = frozenset({PROTECTED_NAME, "reported", "taken-down", "taken-down-child", "taken-down-other"})
"""Banks that the service fills by itself, those of reports included (`cases/stay_down.py`): it needs them for good."""


def create_bank(
    connection: Connection,
    *,
    name: str,
    owner: str,
    source: str,
    category: BankCategory,
    kind: BankKind = BankKind.KNOWN,
    threshold_bits: int = MAX_RADIUS,
    meaning: str = "",
    state: BankState = BankState.ACTIVE,
    why: str = "",
    parent: int | None = None,
    stale_after_h: int = 0,
    now: datetime,
) -> Bank:
    """Make an empty bank. Raises BankError for a name that is taken or is none, or a threshold out of range."""
    if not (_NAME if parent is None else _BATCH_NAME).fullmatch(name):
        raise BankError(
            "A bank's name has at most 80 of a-z, 0-9, dot, dash, underscore, and begins with a letter or a digit."
        )
    if not 0 <= threshold_bits <= MAX_RADIUS:
        raise BankError(f"The threshold is 0 to {MAX_RADIUS} bits: beyond that the index would not be complete.")
    if state_there := connection.execute(select(banks.c.state).where(banks.c.name == name)).scalar():
        if state_there == BankState.REMOVED.value:
            message = f"The name {name!r} belonged to a bank that was removed, whose history keeps it"
            raise BankError(f"{message}; choose another name.")
        raise BankError(f"There is a bank {name!r} already; choose another name.")
    values = {
        "name": name,
        "owner": owner,
        "source": source,
        "category": category.value,
        "kind": kind.value,
        "threshold_bits": threshold_bits,
        "meaning": meaning,
        "state": state.value,
        "why": why,
        "parent": parent,
        "stale_after_h": stale_after_h,
        "created_at": to_rfc3339(now),
        "updated_at": to_rfc3339(now),
    }
    connection.execute(insert(banks).values(values))
    bank = bank_named(connection, name)
    note(connection, bank.number, "made", {"owner": owner, "source": source, "category": category.value}, now)
    return bank


def list_banks(connection: Connection) -> list[Bank]:
    """Every bank, removed ones too, oldest first."""
    return [_to_bank(row) for row in connection.execute(select(banks).order_by(banks.c.number))]


def bank_named(connection: Connection, name: str) -> Bank:
    """One bank. Raises BankError where there is none."""
    row = connection.execute(select(banks).where(banks.c.name == name)).one_or_none()
    if row is None:
        raise BankError(f"There is no bank {name!r}; see `safelight banks list`.")
    return _to_bank(row)


def batches_of(connection: Connection, number: int) -> list[Bank]:
    """What was held back of a bank's list and was not removed since: it waits, or counts like the bank itself."""
    query = select(banks).where(banks.c.parent == number, banks.c.state != BankState.REMOVED.value)
    return [_to_bank(row) for row in connection.execute(query.order_by(banks.c.number))]


def set_state(connection: Connection, name: str, state: BankState, why: str, now: datetime) -> Bank:
    """Hold a bank back, release it or remove it, for a reason that is kept. Raises BankError."""
    bank = bank_named(connection, name)
    if bank.state is BankState.REMOVED:
        raise BankError(f"The bank {name!r} was removed, and its hashes with it; make a new one.")
    if state is BankState.REMOVED and name in OWN_NAMES:
        raise BankError(
            f"The service fills {name!r} by itself and would have nowhere to put what comes. Photos are taken off with"
            " `safelight protect remove`, reported ones by deciding their case; `safelight banks quarantine` holds it."
        )
    connection.execute(update(banks).where(banks.c.number == bank.number).values(state=state.value, why=why))
    note(connection, bank.number, state.value, {"why": why}, now)
    return bank_named(connection, name)


def set_state_of_all(connection: Connection, name: str, state: BankState, why: str, now: datetime) -> list[Bank]:
    """`set_state` of a bank; what was held back of its list is removed with it, and held back where it counts by now.

    A release is of one bank alone: somebody has looked at that one. Returns every bank that has changed, beginning with
    this one. Raises BankError.
    """
    bank = set_state(connection, name, state, why, now)
    batches = [] if state is BankState.ACTIVE else batches_of(connection, bank.number)
    return [bank, *(set_state(connection, one.name, state, why, now) for one in batches if one.state is not state)]


def touch(connection: Connection, number: int, now: datetime) -> None:
    """Note that the bank's source has spoken."""
    connection.execute(update(banks).where(banks.c.number == number).values(updated_at=to_rfc3339(now)))


def note(connection: Connection, number: int, kind: str, body: Mapping[str, Json], now: datetime) -> None:
    """Leave an event. `body` holds counts and words, never a hash."""
    row = {
        "id": new_id("bev", now),
        "at": to_rfc3339(now),
        "bank": number,
        "kind": kind,
        "body": canonical_json(body).decode(),
    }
    connection.execute(insert(bank_events).values(row))


def events_of(connection: Connection, number: int) -> list[tuple[str, str, str]]:
    """When, what, and its counts and words as JSON; oldest first."""
    query = select(bank_events).where(bank_events.c.bank == number).order_by(bank_events.c.id)
    return [(row.at, row.kind, row.body) for row in connection.execute(query)]


def _to_bank(row: Row[tuple[object, ...]]) -> Bank:
    return Bank(
        number=row.number,
        name=row.name,
        owner=row.owner,
        source=row.source,
        category=BankCategory(row.category),
        kind=BankKind(row.kind),
        threshold_bits=row.threshold_bits,
        meaning=row.meaning,
        state=BankState(row.state),
        why=row.why,
        parent=row.parent,
        stale_after_h=row.stale_after_h,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
