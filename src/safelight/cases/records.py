"""Cases in the store: one function adds to a history; row, timers and effects follow in the same transaction.

Rules of this module
- A case's row is written from its history and from nothing else, here only.
- Whatever changes what may be seen orders the platform and the banks in the same transaction. An order names a case;
  what it says is read when it runs, so that a late one says what holds then.
"""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from safelight.cases.draft import Fingerprint, Matter, Place, PlaceKind, ReportDraft, Route
from safelight.cases.errors import CaseCode, CaseError
from safelight.cases.history import Case, Event, Step
from safelight.cases.machine import apply, replay
from safelight.cases.model import CLOCK_ID, RULES_ID, CaseKind, CaseState, Visibility
from safelight.cases.rules import CaseRules
from safelight.cases.sealing import GONE, Seal
from safelight.cases.spelling import (
    read_addition,
    read_fingerprint,
    read_place,
    read_report,
    write_fingerprint,
    write_place,
)
from safelight.cases.timers import destroy_at, next_at
from safelight.core.canonical import Json, canonical_json
from safelight.core.clock import Clock, to_rfc3339
from safelight.core.ids import new_id
from safelight.ledger.draft import Draft
from safelight.ledger.matters import takedown_draft
from safelight.store.cases_tables import (
    case_additions,
    case_effects,
    case_events,
    case_places,
    case_prints,
    case_reports,
    cases,
)
from safelight.store.digest_key import DigestKey

WAITING, DONE, DEAD, DOUBTFUL, OVERTAKEN = "waiting", "done", "dead", "doubtful", "overtaken"
PLACES, BANK, INDEX, LETTER = "places", "bank", "index", "letter"
"""Kinds of effect: tell the platform; block or unblock at the gate; remember the fingerprints; send a letter."""
PICTURE, MATCH = "picture", "match"
"""Ask the platform for a picture that is down, to know crops of it; look for what was made here of it."""
_NUMBER_BITS = 40


# Built once: every report goes through them.
_UPDATE = update(cases).where(cases.c.id == bindparam("this"))
_LAST = select(func.max(case_effects.c.seq)).where(case_effects.c.lane == bindparam("this"))
_OVERTAKE = (
    update(case_effects)
    .where(case_effects.c.lane == bindparam("this"), case_effects.c.state.in_([WAITING, DEAD]))
    .values(state=OVERTAKEN, done_at=bindparam("at"))
)


class Book:
    """Reads and writes cases inside a caller's transaction."""

    def __init__(
        self,
        rules: CaseRules,
        key: DigestKey,
        clock: Clock,
        append_leaves: Callable[[Connection, Sequence[Draft]], Any],
    ) -> None:
        self.rules = rules
        self.key = key
        self.clock = clock
        self.seal = Seal(key)
        self._append_leaves = append_leaves

    def leaf(self, connection: Connection, draft: Draft) -> None:
        """Write a leaf of the ledger, with whatever else this transaction does."""
        self._append_leaves(connection, [draft])

    # Histories

    def row(self, connection: Connection, case_id: str) -> Row[Any]:
        """A case's row. Raises CaseError."""
        row = connection.execute(select(cases).where(cases.c.id == case_id)).one_or_none()
        if row is None:
            raise CaseError(CaseCode.UNKNOWN, f"There is no case {case_id[:40]!r}.")
        return row

    def load(self, connection: Connection, case_id: str) -> Case:
        """A case, from its history. Raises CaseError."""
        return replay(event for _, event, _ in self.history(connection, case_id))

    def history(self, connection: Connection, case_id: str) -> list[tuple[int, Event, str]]:
        """Every step with its number and, where a member wrote any, its words; oldest first."""
        query = select(case_events).where(case_events.c.case_id == case_id).order_by(case_events.c.seq)
        return [
            (
                row.seq,
                Event(datetime.fromisoformat(row.at), Step(row.step), row.by, _json(row.body)),
                self.seal.open(f"{case_id}/{row.seq}", row.words)["words"] if row.words else "",
            )
            for row in connection.execute(query)
        ]

    def begin(self, connection: Connection, case_id: str, event: Event, **more: Any) -> Case:
        """A new case, from what was received. `more`: columns that no step says (`views`, `is_known`, …)."""
        case = apply(None, event)
        # Drawn, not counted: the index of fingerprints is no part of a database that is restored, and a number that
        # was given again would find another's pictures.
        number = 1 + secrets.randbelow((1 << _NUMBER_BITS) - 1)
        columns = {"places": 0, "views": 0, "is_known": False, "is_flood": False} | more
        row = {"id": case_id, "number": number, **columns}
        row |= self._columns(case, columns["views"], columns["is_flood"])
        connection.execute(insert(cases), [row])
        self._add_step(connection, case_id, 1, event, "")
        return case

    def add(self, connection: Connection, case_id: str, case: Case, *events: Event, words: str = "") -> Case:
        """Add steps to a history; `words` belong to the first. Raises CaseError where one may not follow.

        Whatever changes what may be seen is ordered of the platform and the banks, and written to the ledger.
        """
        after = case
        for event in events:
            before, after = after, apply(after, event)
            self._add_step(connection, case_id, after.version, event, words)
            words = ""
            is_settled = event.step is Step.DECIDED or after.state is CaseState.WITHDRAWN
            if after.visibility is not before.visibility or is_settled:
                # Also where nothing changes in sight: a platform that was told to watch has to hear that it need not.
                self.order(connection, case_id, after)
                self._log_visibility(connection, case_id, before, after, event)
        row = self.row(connection, case_id)
        columns = self._columns(after, row.views, row.is_flood)
        connection.execute(_UPDATE, [{**columns, "this": case_id}])
        return after

    def _add_step(self, connection: Connection, case_id: str, seq: int, event: Event, words: str) -> None:
        sealed = self.seal.close(f"{case_id}/{seq}", {"words": words}) if words else None
        body = canonical_json(event.body).decode()
        row = {"case_id": case_id, "seq": seq, "at": to_rfc3339(event.at), "step": event.step.value, "by": event.by}
        connection.execute(insert(case_events), [row | {"body": body, "words": sealed}])

    def _columns(self, case: Case, views: int, is_flood: bool) -> dict[str, Any]:
        due_at, rank_at = (
            case.due_at,
            self.rules.rank_at(case.matter, case.received_at, in_danger=case.in_danger, views=views, is_flood=is_flood),
        )
        if case.state is CaseState.CONTESTED and case.contested_at:
            due_at = case.contested_at + timedelta(hours=self.rules.times.appeal_h)
            rank_at = case.contested_at + timedelta(hours=self.rules.times.appeal_h / 2)
        return {
            "kind": case.kind.value,
            "matter": case.matter.value,
            "route": case.route.value,
            "state": case.state.value,
            "visibility": case.visibility.value,
            "law": case.law.value,
            "received_at": to_rfc3339(case.received_at),
            "due_at": to_rfc3339(due_at),
            "rank_at": to_rfc3339(rank_at),
            "next_at": _text(next_at(case, self.rules)),
            "keep_until": _text(destroy_at(case, self.rules)),
            "is_waiting": case.is_waiting,
            "in_danger": case.in_danger,
            "reports": len(case.reports),
            "held_by": case.held_by,
            "held_until": _text(case.held_until),
            "first_look_at": _text(case.first_look_at),
            "hidden_at": _text(case.hidden_at),
            "removed_at": _text(case.removed_at),
            "decided_at": _text(case.decided_at),
            "outcome": case.outcome.value if case.outcome else None,
            "was_contested": bool(case.has_contested),
            "was_overturned": case.was_overturned,
            "is_breached": case.is_breached,
            "version": case.version,
        }

    # What follows

    def order(self, connection: Connection, case_id: str, case: Case) -> None:
        """Have the platform and the banks brought to what holds now."""
        if case.kind is CaseKind.IMAGE:
            for kind in (PLACES, BANK):
                self.enqueue(connection, kind, f"{case_id}/{kind}", case_id=case_id)

    def enqueue(
        self,
        connection: Connection,
        kind: str,
        lane: str,
        *,
        case_id: str | None,
        target: str | None = None,
    ) -> str:
        """Queue an effect; one of the same lane that still waits is overtaken by it. Returns its id.

        Its sequence is the time in milliseconds, or one more than the last of its lane: whoever followed orders that a
        restored database knows nothing of still takes the next one for newer.
        """
        now = self.clock()
        last = connection.execute(_LAST, {"this": lane}).scalar() or 0
        seq = max(int(now.timestamp() * 1000), last + 1)
        if kind != LETTER:
            connection.execute(_OVERTAKE, {"this": lane, "at": to_rfc3339(now)})
        effect_id = new_id("eff", now)
        row = {
            "id": effect_id,
            "case_id": case_id,
            "kind": kind,
            "lane": lane,
            "seq": seq,
            "target": target,
            "state": WAITING,
            "attempts": 0,
            "created_at": to_rfc3339(now),
            "due_at": to_rfc3339(now),
            "done_at": None,
            "error": "",
        }
        connection.execute(insert(case_effects), [row])
        return effect_id

    def _log_visibility(self, connection: Connection, case_id: str, before: Case, after: Case, event: Event) -> None:
        if after.kind is not CaseKind.IMAGE:
            return
        outcome = {Visibility.HIDDEN: "hidden", Visibility.REMOVED: "removed"}.get(after.visibility, "restored")
        if after.visibility is Visibility.VISIBLE and before.visibility is not Visibility.REMOVED:
            outcome = "withdrawn" if after.state is CaseState.WITHDRAWN else "kept"
        copies = connection.execute(
            select(func.count()).where(case_places.c.case_id == case_id, case_places.c.is_copy)
        ).scalar_one()
        draft = takedown_draft(
            event.at,
            case_id=case_id,
            outcome=outcome,
            after_s=max(int((event.at - after.received_at).total_seconds()), 0),
            copies=copies,
            automatic=event.by in (CLOCK_ID, RULES_ID),
            reason=after.reason.value if after.reason else str(event.body.get("why", "")),
        )
        self.leaf(connection, draft)

    # Places and fingerprints

    def add_places(self, connection: Connection, case_id: str, places: Sequence[Place], *, is_copy: bool) -> int:
        """Keep places of a case; returns how many were new."""
        known = set(connection.execute(select(case_places.c.digest).where(case_places.c.case_id == case_id)).scalars())
        rows = {}
        for place in places:
            digest = self.place_digest(place)
            if digest not in known:
                row_id = new_id("plc", self.clock())
                rows[digest] = {
                    "id": row_id,
                    "case_id": case_id,
                    "digest": digest,
                    "is_copy": is_copy,
                    "sealed": self.seal.close(row_id, write_place(place)),
                    "visibility": Visibility.VISIBLE.value,
                    "confirmed_at": None,
                    "confirmed_seq": 0,
                }
        if rows:
            connection.execute(insert(case_places), list(rows.values()))
            grown = update(cases).where(cases.c.id == case_id).values(places=cases.c.places + len(rows))
            connection.execute(grown)
        return len(rows)

    def places(self, connection: Connection, case_id: str) -> list[tuple[Place, Row[Any]]]:
        """Every place of a case whose name is still kept, with its row; oldest first."""
        mine = select(case_places).where(case_places.c.case_id == case_id, case_places.c.sealed != GONE)
        query = mine.order_by(case_places.c.id)
        return [(read_place(self.seal.open(row.id, row.sealed)), row) for row in connection.execute(query)]

    def add_prints(self, connection: Connection, case_id: str, prints: Sequence[Fingerprint]) -> int:
        """Keep fingerprints of a case, and have them remembered; returns how many were new."""
        known = set(connection.execute(select(case_prints.c.digest).where(case_prints.c.case_id == case_id)).scalars())
        rows = {}
        for one in prints:
            digest = self.print_digest(one)
            if digest not in known:
                sealed = self.seal.close(f"{case_id}/{digest}", write_fingerprint(one))
                rows[digest] = {"case_id": case_id, "digest": digest, "sealed": sealed}
        if rows:
            connection.execute(insert(case_prints), list(rows.values()))
            self.enqueue(connection, INDEX, f"{case_id}/{INDEX}", case_id=case_id)
        return len(rows)

    def prints(self, connection: Connection, case_id: str) -> tuple[Fingerprint, ...]:
        """Every fingerprint of a case."""
        query = select(case_prints).where(case_prints.c.case_id == case_id)
        return tuple(
            read_fingerprint(self.seal.open(f"{case_id}/{row.digest}", row.sealed)) for row in connection.execute(query)
        )

    def unconfirmed(self, connection: Connection, case_id: str) -> int:
        """What the platform has not confirmed yet of what it was told last."""
        places = connection.execute(
            select(func.count())
            .select_from(case_places)
            .where(case_places.c.case_id == case_id, case_places.c.visibility == Visibility.VISIBLE.value)
        ).scalar_one()
        orders = connection.execute(
            select(func.count())
            .select_from(case_effects)
            .where(case_effects.c.lane == f"{case_id}/{PLACES}", case_effects.c.state.in_([WAITING, DEAD, DOUBTFUL]))
        ).scalar_one()
        return int(places) + int(orders)

    def place_digest(self, place: Place) -> str:
        """Equal for equal places."""
        return self.key.digest("case place", f"{place.kind}\0{place.value.strip()}".encode())

    def print_digest(self, one: Fingerprint) -> str:
        """Equal for equal fingerprints."""
        return self.key.digest("case print", one.kind.value.encode() + b"\0" + one.value)

    # Reports

    def report(self, connection: Connection, report_id: str) -> ReportDraft:
        """A report with everything that was added to it; of one that was destroyed, what its row still says."""
        row = connection.execute(select(case_reports).where(case_reports.c.id == report_id)).one()
        if row.sealed == GONE:
            draft = ReportDraft(Matter(self.row(connection, row.case_id).matter), Route(row.route))
        else:
            draft = read_report(self.seal.open(row.id, row.sealed))
        mine = select(case_additions).where(case_additions.c.report_id == report_id, case_additions.c.sealed != GONE)
        query = mine.order_by(case_additions.c.id)
        for addition in connection.execute(query):
            draft = draft.with_added(read_addition(self.seal.open(addition.id, addition.sealed)))
        return draft


def unknown_numbers(connection: Connection, numbers: Sequence[int]) -> set[int]:
    """Those that no case has: fingerprints of reports that came after the backup from which a database was restored."""
    return set(numbers) - set(connection.execute(select(cases.c.number).where(cases.c.number.in_(numbers))).scalars())


def is_findable(place: Place) -> bool:
    """Whether a machine can tell by it which picture is meant."""
    return place.kind is not PlaceKind.WORDS


def body_of(matter: Matter, rules: CaseRules, at: datetime, **more: Json) -> dict[str, Json]:
    """What `received`, `joined` and `added` say of a matter and its clock."""
    clock = rules.clock(matter, at)
    return {"matter": matter.value, "law": clock.law.value, "due_at": to_rfc3339(clock.due_at), **more}


def _text(moment: datetime | None) -> str | None:
    return to_rfc3339(moment) if moment else None


def _json(text: str) -> Mapping[str, Json]:
    return cast(Mapping[str, Json], json.loads(text))
