"""Cases in the store: one function adds to a history; row, timers and effects follow in the same transaction.

Rules of this module
- A case's row is written from its history and from nothing else, here only.
- Whatever changes what may be seen orders the platform and the banks in the same transaction. An order names a case;
  what it says is read when it runs, so that a late one says what holds then.
"""

import json
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Row, bindparam, func, select, update

from safelight.cases.addresses import same_address
from safelight.cases.columns import columns_of
from safelight.cases.draft import Fingerprint, Matter, Place, PlaceKind, ReportDraft, Route
from safelight.cases.errors import CaseCode, CaseError
from safelight.cases.history import Case, Event, Step
from safelight.cases.machine import apply, replay
from safelight.cases.model import CLOCK_ID, PLATFORM_ID, RULES_ID, CaseKind, CaseState, Visibility
from safelight.cases.rules import CaseRules
from safelight.cases.sealing import GONE, Seal
from safelight.cases.sheet import Columns, Sheet
from safelight.cases.spelling import (
    read_addition,
    read_fingerprint,
    read_place,
    read_report,
    write_fingerprint,
    write_place,
)
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
_UNSAID: Columns = {
    "places": 0,
    "views": 0,
    "is_known": False,
    "is_flood": False,
    "subject_id": None,
    "reference": None,
}
"""Columns of a case that no step says."""


# Built once: every report goes through them.
_UPDATE = update(cases).where(cases.c.id == bindparam("this"))
_GROW = _UPDATE.values(places=cases.c.places + bindparam("more"))
_EVENTS = (
    select(case_events)
    .where(case_events.c.case_id.in_(bindparam("cases", expanding=True)))
    .order_by(case_events.c.case_id, case_events.c.seq)
)
_COPIES = select(func.count()).where(case_places.c.case_id == bindparam("this"), case_places.c.is_copy)
_PLACES_OF = select(case_places.c.digest).where(case_places.c.case_id == bindparam("this"))
_PRINTS_OF = select(case_prints.c.digest).where(case_prints.c.case_id == bindparam("this"))
_LANES = case_effects.c.lane.in_(bindparam("lanes", expanding=True))
_LAST = select(case_effects.c.lane, func.max(case_effects.c.seq)).where(_LANES).group_by(case_effects.c.lane)
_OVERTAKE = (
    update(case_effects)
    .where(_LANES, case_effects.c.state.in_([WAITING, DEAD]))
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

    @contextmanager
    def sheet(self, connection: Connection) -> Iterator[Sheet]:
        """Gather what this transaction adds, and put it down at the end: also what the ledger is to hold of it.

        The sequence of an effect is the time in milliseconds, or one more than the last of its lane: whoever followed
        orders that a restored database knows nothing of still takes the next one for newer.
        """
        sheet = Sheet(connection)
        yield sheet
        lanes = [lane for lane, row in sheet.effects.items() if row["kind"] != LETTER]  # each letter has its own
        if lanes:
            last = connection.execute(_LAST, {"lanes": lanes}).all()
            for lane, seq in last:
                sheet.effects[lane]["seq"] = max(sheet.effects[lane]["seq"], seq + 1)
            if last:
                connection.execute(_OVERTAKE, {"lanes": lanes, "at": to_rfc3339(self.clock())})
        sheet.put_down()
        self._append_leaves(connection, sheet.leaves)

    # Histories

    def row(self, connection: Connection, case_id: str) -> Row[Any]:
        """A case's row. Raises CaseError."""
        row = connection.execute(select(cases).where(cases.c.id == case_id)).one_or_none()
        if row is None:
            raise CaseError(CaseCode.UNKNOWN, f"There is no case {case_id[:40]!r}.")
        return row

    def columns(self, sheet: Sheet, case_id: str) -> Mapping[str, Any]:
        """As `row`, also of a case that begins on this sheet."""
        return sheet.begun.get(case_id) or self.row(sheet.connection, case_id)._asdict()

    def load(self, connection: Connection, case_id: str) -> Case:
        """A case, from its history. Raises CaseError."""
        return replay(self.events(connection, [case_id])[case_id])

    def events(self, connection: Connection, case_ids: Collection[str]) -> Mapping[str, Sequence[Event]]:
        """The steps of several cases, of each the oldest first; none of a case that there is not."""
        found: dict[str, list[Event]] = {case_id: [] for case_id in case_ids}
        for row in connection.execute(_EVENTS, {"cases": list(found)}):
            found[row.case_id].append(_to_event(row))
        return found

    def history(self, connection: Connection, case_id: str) -> list[tuple[int, Event, str]]:
        """Every step with its number and, where a member wrote any, its words; oldest first."""
        return [
            (
                row.seq,
                _to_event(row),
                self.seal.open(f"{case_id}/{row.seq}", row.words)["words"] if row.words else "",
            )
            for row in connection.execute(_EVENTS, {"cases": [case_id]})
        ]

    def begin(self, sheet: Sheet, case_id: str, event: Event, **more: Any) -> Case:
        """A new case, from what was received. `more`: columns that no step says (`views`, `is_known`, …)."""
        case = apply(None, event)
        # Drawn, not counted: the index of fingerprints is no part of a database that is restored, and a number that
        # was given again would find another's pictures.
        number = 1 + secrets.randbelow((1 << _NUMBER_BITS) - 1)
        row = {"id": case_id, "number": number, **_UNSAID, **more}
        sheet.begun[case_id] = row | columns_of(case, self.rules, row["views"], is_flood=row["is_flood"])
        self._add_step(sheet, case_id, 1, event, "")
        return case

    def add(self, connection: Connection, case_id: str, case: Case, *events: Event, words: str = "") -> Case:
        """Add steps to a history; `words` belong to the first. Raises CaseError where one may not follow.

        Whatever changes what may be seen is ordered of the platform and the banks, and written to the ledger.
        """
        with self.sheet(connection) as sheet:
            return self.add_to(sheet, case_id, case, *events, words=words)

    def add_to(self, sheet: Sheet, case_id: str, case: Case, *events: Event, words: str = "") -> Case:
        """As `add`, with whatever else is on the sheet."""
        after = case
        for event in events:
            before, after = after, apply(after, event)
            self._add_step(sheet, case_id, after.version, event, words)
            words = ""
            is_settled = event.step is Step.DECIDED or after.state is CaseState.WITHDRAWN
            if after.visibility is not before.visibility or is_settled:
                # Also where nothing changes in sight: a platform that was told to watch has to hear that it need not.
                self.order(sheet, case_id, after)
                self._log_visibility(sheet, case_id, before, after, event)
            elif event.step is Step.CONFIRMED:
                self._log_visibility(sheet, case_id, before, after, event)
        row = self.columns(sheet, case_id)
        columns = columns_of(after, self.rules, row["views"], is_flood=row["is_flood"])
        if case_id in sheet.begun:
            sheet.begun[case_id] |= columns
        else:
            sheet.connection.execute(_UPDATE, {**columns, "this": case_id})
        return after

    def _add_step(self, sheet: Sheet, case_id: str, seq: int, event: Event, words: str) -> None:
        sealed = self.seal.close(f"{case_id}/{seq}", {"words": words}) if words else None
        body = canonical_json(event.body).decode()
        row = {"case_id": case_id, "seq": seq, "at": to_rfc3339(event.at), "step": event.step.value, "by": event.by}
        sheet.add(case_events, row | {"body": body, "words": sealed})

    # What follows

    def order(self, sheet: Sheet, case_id: str, case: Case) -> None:
        """Have the platform and the banks brought to what holds now."""
        if case.kind is CaseKind.IMAGE:
            for kind in (PLACES, BANK):
                self.enqueue(sheet, kind, case_id)

    def enqueue(self, sheet: Sheet, kind: str, case_id: str | None, letter_id: str | None = None) -> str:
        """Queue an effect for a case, or for a letter; what still waits of the same kind for the same case is overtaken
        by it. Returns its id.
        """
        now = self.clock()
        lane = f"{LETTER}/{letter_id}" if letter_id else f"{case_id}/{kind}"
        at, effect_id = to_rfc3339(now), new_id("eff", now)
        sheet.effects[lane] = {
            "id": effect_id,
            "case_id": case_id,
            "kind": kind,
            "lane": lane,
            "seq": int(now.timestamp() * 1000),
            "target": letter_id,
            "state": WAITING,
            "attempts": 0,
            "created_at": at,
            "due_at": at,
            "done_at": None,
            "error": "",
        }
        return effect_id

    def _log_visibility(self, sheet: Sheet, case_id: str, before: Case, after: Case, event: Event) -> None:
        if after.kind is not CaseKind.IMAGE:
            return
        outcome = {Visibility.HIDDEN: "hidden", Visibility.REMOVED: "removed"}.get(after.visibility, "restored")
        if after.visibility is Visibility.VISIBLE and before.visibility is not Visibility.REMOVED:
            outcome = "withdrawn" if after.state is CaseState.WITHDRAWN else "kept"
        if event.step is Step.CONFIRMED:
            outcome = "confirmed"
        draft = takedown_draft(
            event.at,
            case_id=case_id,
            outcome=outcome,
            after_s=max(int((event.at - after.received_at).total_seconds()), 0),
            copies=sum(row[0] for row in sheet.of_case(case_id, _COPIES)),
            automatic=event.by in (CLOCK_ID, RULES_ID, PLATFORM_ID),
            reason=after.reason.value if after.reason else str(event.body.get("why", "")),
        )
        sheet.leaves.append(draft)

    # Places and fingerprints

    def add_places(self, sheet: Sheet, case_id: str, places: Sequence[Place], *, is_copy: bool) -> int:
        """Keep places of a case; returns how many were new. Once a sheet, where the case does not begin on it."""
        known = {row.digest for row in sheet.of_case(case_id, _PLACES_OF)}
        rows = {}
        for place in places:
            digest = self.place_digest(place, case_id)
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
        for row in rows.values():
            sheet.add(case_places, row)
        if case_id in sheet.begun:
            sheet.begun[case_id]["places"] += len(rows)
        elif rows:
            sheet.connection.execute(_GROW, {"this": case_id, "more": len(rows)})
        return len(rows)

    def places(self, connection: Connection, case_id: str) -> list[tuple[Place, Row[Any]]]:
        """Every place of a case whose name is still kept, with its row; oldest first."""
        mine = select(case_places).where(case_places.c.case_id == case_id, case_places.c.sealed != GONE)
        query = mine.order_by(case_places.c.id)
        return [(self.place_of(row), row) for row in connection.execute(query)]

    def was_findable(self, connection: Connection, case_id: str) -> bool:
        """Whether any place of a case was one by which a platform can tell the picture, its name still kept or not.

        Of places whose names are destroyed only those are left that were (`retention.py`).
        """
        gone = select(case_places.c.id).where(case_places.c.case_id == case_id, case_places.c.sealed == GONE)
        if connection.execute(gone.limit(1)).first():
            return True
        return any(is_findable(place) for place, _ in self.places(connection, case_id))

    def place_of(self, row: Row[Any]) -> Place:
        """The place in a row. Raises StoreFailed."""
        return read_place(self.seal.open(row.id, row.sealed))

    def add_prints(self, sheet: Sheet, case_id: str, prints: Sequence[Fingerprint]) -> int:
        """Keep fingerprints of a case, and have them remembered; returns how many were new. Once a sheet, likewise."""
        known = {row.digest for row in sheet.of_case(case_id, _PRINTS_OF)}
        rows = {}
        for one in prints:
            digest = self.print_digest(one)
            if digest not in known:
                sealed = self.seal.close(f"{case_id}/{digest}", write_fingerprint(one))
                rows[digest] = {"case_id": case_id, "digest": digest, "sealed": sealed}
        for row in rows.values():
            sheet.add(case_prints, row)
        if rows:
            self.enqueue(sheet, INDEX, case_id)
        return len(rows)

    def prints(self, connection: Connection, case_id: str) -> tuple[Fingerprint, ...]:
        """Every fingerprint of a case."""
        query = select(case_prints).where(case_prints.c.case_id == case_id)
        return tuple(self.print_of(row) for row in connection.execute(query))

    def print_of(self, row: Row[Any]) -> Fingerprint:
        """The fingerprint in a row. Raises StoreFailed."""
        return read_fingerprint(self.seal.open(f"{row.case_id}/{row.digest}", row.sealed))

    def place_digest(self, place: Place, case_id: str = "") -> str:
        """Equal for equal places. Words are the same place within a case only: two people may say the same of two."""
        value = same_address(place.value) if place.kind is PlaceKind.ADDRESS else place.value.strip()
        if case_id and not is_findable(place):
            value = f"{case_id}\0{value}"
        return self.key.digest("case place", f"{place.kind}\0{value}".encode())

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


def _to_event(row: Row[Any]) -> Event:
    return Event(datetime.fromisoformat(row.at), Step(row.step), row.by, _json(row.body))


def _json(text: str) -> Mapping[str, Json]:
    return cast(Mapping[str, Json], json.loads(text))
