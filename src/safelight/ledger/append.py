"""A gate process's own hand on the log: leaves, numbered without a gap, in the transaction of whoever asks.

Rules of this module
- A leaf is written together with what it speaks of, or neither is. The number comes from the database in the same
  transaction, so a transaction that fails uses none up.
- Nothing is signed here but receipts, and a receipt is given only for what has been committed.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from safelight.core.canonical import canonical_json
from safelight.core.clock import Clock, to_rfc3339
from safelight.core.errors import StoreFailed
from safelight.ledger.draft import Draft, code
from safelight.ledger.matters import marks_draft
from safelight.ledger.proofs.leaf import Leaf, LeafKind, PublicValue, commit
from safelight.ledger.proofs.merkle import leaf_hash
from safelight.ledger.proofs.note import SecretKey
from safelight.ledger.proofs.receipt import give_receipt
from safelight.ledger.subject_keys import SubjectKey, keys_of
from safelight.store.ledger_tables import ledger_values
from safelight.store.tables import (
    ledger_head,
    ledger_leaves,
    ledger_outages,
    ledger_processes,
)

HEARTBEAT_S = 30
"""How often a process says at least that it runs."""

# Built once: every decision goes through them.
_NUMBER = (
    update(ledger_processes)
    .where(ledger_processes.c.id == bindparam("mine"))
    .values(next_seq=ledger_processes.c.next_seq + bindparam("count"))
    .returning(ledger_processes.c.next_seq)
)
_INSERT = insert(ledger_leaves)


@dataclass(frozen=True, slots=True)
class Appended:
    """A leaf that stands in the store once the transaction is committed."""

    leaf_hash: bytes
    at: datetime


class Ledger:
    """One gate process's leaves."""

    def __init__(self, key: SecretKey, clock: Clock) -> None:
        self.key = key
        self.process = secrets.token_hex(8)
        """New at each start: the name under which its leaves count."""
        self._clock = clock
        self._outages_may_stand = False
        """A hint that spares the common case a question; the truth is in the table."""

    def begin(
        self,
        connection: Connection,
        *,
        release: str,
        policy: str | None = None,
        models: Sequence[str] = (),
        thresholds: Mapping[str, float] | None = None,
    ) -> None:
        """Write this process's first leaf, and what has changed since the log's last process began.

        Without a `policy` the process is no gate but a command that has something to log.
        """
        now = self._clock()
        row = {"id": self.process, "next_seq": 0, "counted_from": 0, "started_at": to_rfc3339(now)}
        connection.execute(insert(ledger_processes), [row])
        last = connection.execute(select(ledger_head.c.policy, ledger_head.c.models, ledger_head.c.thresholds)).one()
        named = sorted(code(model) for model in models)
        start: dict[str, PublicValue] = {"heartbeat_s": HEARTBEAT_S, "policy": policy, "release": code(release)}
        drafts = [Draft(LeafKind.PROCESS_START, now, start)]
        if policy is None:
            self.append(connection, drafts)
            return
        if last.policy != policy:
            drafts.append(Draft(LeafKind.POLICY_CHANGE, now, {"policy": policy, "previous": last.policy}))
        if changed := _changed(last.thresholds, thresholds or {}):
            drafts.append(Draft(LeafKind.THRESHOLD_CHANGE, now, {"changed": changed, "policy": policy}))
        if last.models != " ".join(named):
            drafts.append(Draft(LeafKind.MODEL_CHANGE, now, {"models": named}))
        in_force = {"policy": policy, "models": " ".join(named), "thresholds": _text_of(thresholds or {})}
        connection.execute(update(ledger_head).values(in_force))
        self.append(connection, drafts)

    def mark_with(self, connection: Connection, *, watermark: str | None, credentials: str | None) -> None:
        """Write which keys mark from here on, where the log's last process marked with others (`marks_draft`)."""
        now_in_force = f"{watermark} {credentials}"
        if connection.execute(select(ledger_head.c.marks)).scalar_one() == now_in_force:
            return
        connection.execute(update(ledger_head).values(marks=now_in_force))
        self.append(connection, [marks_draft(self._clock(), watermark=watermark, credentials=credentials)])

    def append(self, connection: Connection, drafts: Sequence[Draft]) -> list[Appended]:
        """Write leaves in the caller's transaction. Raises StoreFailed when this process has not begun."""
        if not drafts:
            return []
        # The first statement writes, so that SQLite takes its lock at once and never has to start over.
        after = connection.execute(_NUMBER, {"mine": self.process, "count": len(drafts)}).scalar()
        if after is None:
            raise StoreFailed("This process's count in the log is gone; restart it.")
        keys = keys_of(connection, (one.subject_id for one in drafts if one.subject_id), self._clock())
        appended, rows, kept = [], [], []
        for seq, draft in enumerate(drafts, start=after - len(drafts)):
            key = keys[draft.subject_id] if draft.subject_id else None
            if key and draft.committed and draft.kind is not LeafKind.DECISION:
                kept.append(self._kept(seq, draft, key))
            commitments = {
                name: commit(name, key.salt(self.process, seq, name), value)
                for name, value in draft.committed.items()
                if key
            }
            leaf = Leaf(draft.kind, to_rfc3339(draft.at), self.process, seq, draft.public, commitments)
            content = leaf.to_bytes()
            appended.append(Appended(leaf_hash(content), draft.at))
            rows.append(
                {
                    "process": self.process,
                    "seq": seq,
                    "content": content,
                    "leaf_hash": appended[-1].leaf_hash,
                    "sort": draft.sort,
                    "subject_key_id": key.id if key else None,
                    "record_id": draft.record_id,
                }
            )
        connection.execute(_INSERT, rows)
        if kept:
            connection.execute(insert(ledger_values), kept)
        return appended

    def append_once(self, connection: Connection, drafts: Sequence[Draft], *, release: str) -> list[Appended]:
        """Begin, write and end in one transaction: for a command that has something to log and runs no gate."""
        self.begin(connection, release=release)
        appended = self.append(connection, drafts)
        self.end(connection)
        return appended

    def outages(self, connection: Connection, missing: Sequence[str], answered: Sequence[str]) -> list[Draft]:
        """Leaves for parts that have begun not to answer (`missing`), and for those that answer again (`answered`)."""
        if not missing and not self._outages_may_stand:
            return []
        now = self._clock()
        mine = ledger_outages.c.process == self.process
        standing = set(connection.execute(select(ledger_outages.c.part).where(mine)).scalars())
        begun = sorted(set(missing) - standing)
        over = sorted(standing & set(answered) - set(missing))
        if begun:
            rows = [{"process": self.process, "part": part, "since": to_rfc3339(now)} for part in begun]
            connection.execute(insert(ledger_outages), rows)
        if over:
            connection.execute(delete(ledger_outages).where(mine, ledger_outages.c.part.in_(over)))
        self._outages_may_stand = bool(standing | set(begun))
        return [Draft(LeafKind.OUTAGE_START, now, {"part": code(part)}) for part in begun] + [
            Draft(LeafKind.OUTAGE_END, now, {"part": code(part)}) for part in over
        ]

    def count_up(self, connection: Connection) -> None:
        """Write the totals of the decisions since the last totals."""
        mine = ledger_processes.c.id == self.process
        first, after = connection.execute(
            select(ledger_processes.c.counted_from, ledger_processes.c.next_seq).where(mine).with_for_update()
        ).one()
        counts = connection.execute(
            select(ledger_leaves.c.sort, func.count())
            .where(ledger_leaves.c.process == self.process, ledger_leaves.c.seq >= first, ledger_leaves.c.seq < after)
            .where(ledger_leaves.c.sort.is_not(None))
            .group_by(ledger_leaves.c.sort)
        )
        public: dict[str, PublicValue] = {
            "counts": {str(sort): int(count) for sort, count in counts},
            "first_seq": first,
            "last_seq": after - 1,
        }
        connection.execute(update(ledger_processes).where(mine).values(counted_from=after))
        self.append(connection, [Draft(LeafKind.TOTALS, self._clock(), public)])

    def end(self, connection: Connection) -> None:
        """Write the last totals, and that the process stops in order."""
        self.count_up(connection)
        self.append(connection, [Draft(LeafKind.PROCESS_END, self._clock())])

    def beat(self, connection: Connection) -> None:
        """Write that the process runs."""
        self.append(connection, [Draft(LeafKind.HEARTBEAT, self._clock())])

    def _kept(self, seq: int, draft: Draft, key: SubjectKey) -> dict[str, str | int]:
        body = canonical_json(dict(draft.committed)).decode()
        return {"process": self.process, "seq": seq, "subject_key_id": key.id, "body": body}

    def receipt(self, appended: Appended) -> str:
        """The log's promise for a leaf that has been committed."""
        return give_receipt(appended.leaf_hash, int(appended.at.timestamp() * 1000), self.key).to_text()


def _changed(last: str | None, thresholds: Mapping[str, float]) -> list[str]:
    """The names of thresholds that were added, taken away or moved."""
    before: Mapping[str, float] = json.loads(last or "{}")
    names = before.keys() | thresholds.keys()
    return sorted(code(name) for name in names if before.get(name) != thresholds.get(name))


def _text_of(thresholds: Mapping[str, float]) -> str:
    return canonical_json(dict(thresholds)).decode()
