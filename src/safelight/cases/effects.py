"""Effects run after their commit: tell the platform, block at the gate, remember fingerprints, send letters.

Rules of this module
- An effect is leased before it runs: a process that is killed leaves it to be run again after the lease. Platforms and
  letters carry the effect's id, so a repetition changes nothing. A post that cannot tell a repetition is the exception:
  its letters are marked doubtful before they are sent, and one that stays so is for a person to look at.
- What is said is what holds when it is said: the case is read again, and an order that was overtaken says nothing.
- Whatever fails is tried again with pauses; after the rules' number of tries it is dead, loudly, and stays in sight.
- A receiver that was silent and answers again is told at once what waits for it, whatever pauses are left.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection, Row, and_, bindparam, case, select, update

from safelight.cases.confirmed import unconfirmed
from safelight.cases.draft import Fingerprint
from safelight.cases.held_up import TRIES
from safelight.cases.history import Event, Step
from safelight.cases.machine import replay
from safelight.cases.mailroom import Mailroom
from safelight.cases.model import PLATFORM_ID, Visibility
from safelight.cases.orders import Orders, Work
from safelight.cases.records import (
    BANK,
    DEAD,
    DONE,
    DOUBTFUL,
    INDEX,
    LETTER,
    MATCH,
    OVERTAKEN,
    PICTURE,
    PLACES,
    WAITING,
    Book,
    is_findable,
    unknown_numbers,
)
from safelight.cases.sheet import Columns, Sheet
from safelight.cases.stay_down import Copies, Down
from safelight.cases.takedown.ports import Confirmed, DeliveryFailed, Order, Platform, Post
from safelight.core.clock import to_rfc3339
from safelight.core.errors import BadInput, SafelightError
from safelight.store.cases_tables import case_effects, case_places, cases
from safelight.store.database import Database
from safelight.store.group import GroupCommit

log = structlog.get_logger()
_MEANS = {
    Order.WATCH: Visibility.VISIBLE,
    Order.HIDE: Visibility.HIDDEN,
    Order.REMOVE: Visibility.REMOVED,
    Order.RESTORE: Visibility.VISIBLE,
}
_IN_BANKS = (BANK, INDEX)
_RECEIVERS = ((PLACES, PICTURE), (LETTER,))
"""Kinds that go to the same receiver: the platform's connector, the post."""
_SILENCE = timedelta(minutes=2)
"""A receiver that did nothing that it was told for so long was out of order, or had nothing to do."""
_CONFIRM = (
    update(case_places)
    .where(case_places.c.case_id == bindparam("this"), case_places.c.digest == bindparam("place"))
    .where(case_places.c.confirmed_seq <= bindparam("sequence"))
    .values(visibility=bindparam("means"), confirmed_at=bindparam("now"), confirmed_seq=bindparam("sequence"))
)
AT_ONCE = 64
"""Effects run side by side: a platform that is slow for one case holds up few others."""
MATCHED_AT_ONCE = 256
"""Cases of which what was made here is looked for with one look at the register."""


@dataclass(frozen=True, slots=True)
class _Done:
    """An effect that was carried out."""

    work: Work
    confirmed: Confirmed | None = None
    prints: tuple[Fingerprint, ...] = ()
    """What a picture that the platform gave is known by."""


class Courier:
    """Runs what is due."""

    def __init__(
        self, database: Database, book: Book, mail: Mailroom, copies: Copies, platform: Platform, post: Post
    ) -> None:
        self._database = database
        self._book = book
        self._orders = Orders(book, mail)
        self._copies = copies
        self._platform = platform
        self._post = post
        # What is done side by side is noted together: a commit waits for the disk, and one does as well as many.
        self._done: GroupCommit[_Done, None] = GroupCommit(database, self._note_all_done)
        self._answered_at: dict[tuple[str, ...], datetime] = {}
        """When each receiver last did what it was told."""
        self._running: frozenset[str] = frozenset()
        self._came_back: set[str] = set()
        """Kinds whose receiver came back while these ran: what it failed just before that is tried at once."""

    async def run_due(self) -> int:
        """Run up to `AT_ONCE` effects that are due; returns how many there were. Raises StoreFailed."""
        works = await self._leased(is_matching=False)
        in_banks = [work for work in works if work.row.kind in _IN_BANKS]
        others = [work for work in works if work.row.kind not in _IN_BANKS]
        self._running = frozenset(work.row.id for work in works)
        await asyncio.gather(self._run_in_banks(in_banks), *(self._run(work) for work in others))
        self._running = frozenset()
        self._came_back.clear()
        return len(works)

    async def match_back(self) -> int:
        """Look for what was made here of pictures that went down, many cases at once: a look at the register takes
        long, however many are looked for, and no order waits for it. Returns how many there were. Raises StoreFailed.
        """
        works = await self._leased(is_matching=True)
        if not works:
            return 0
        try:
            grown = await asyncio.to_thread(self._copies.match_back, self._down(works))
        except SafelightError as error:
            for work in works:
                await self._note_failure(work.row, DeliveryFailed(error.message))
        else:
            await self._database.write(partial(self._note_matched, works=works, grown=grown))
        return len(works)

    async def _leased(self, *, is_matching: bool) -> list[Work]:
        if not await self._database.read(lambda c: self._due(c, 1, is_matching=is_matching)):
            return []
        return await self._database.write(lambda c: self._lease(c, is_matching=is_matching))

    def _due(self, connection: Connection, limit: int, *, is_matching: bool) -> list[Row[Any]]:
        kind = case_effects.c.kind
        query = (
            select(case_effects)
            .where(case_effects.c.state == WAITING, case_effects.c.due_at <= to_rfc3339(self._book.clock()))
            .where(kind == MATCH if is_matching else kind != MATCH)
            .order_by(case_effects.c.due_at)
            .limit(limit)
        )
        return list(connection.execute(query))

    def _lease(self, connection: Connection, *, is_matching: bool) -> list[Work]:
        now = self._book.clock()
        until = now + timedelta(seconds=self._book.rules.delivery.lease_s)
        count = MATCHED_AT_ONCE if is_matching else AT_ONCE
        due = {row.id: row for row in self._due(connection, count, is_matching=is_matching)}
        free = and_(case_effects.c.state == WAITING, case_effects.c.due_at <= to_rfc3339(now))
        lease = update(case_effects).where(case_effects.c.id.in_(due), free)
        leased = lease.values(attempts=case_effects.c.attempts + 1, due_at=to_rfc3339(until))
        ids = set(connection.execute(leased.returning(case_effects.c.id)).scalars())
        works, doubtful = [], []
        for row, work in self._orders.works(connection, [row for row in due.values() if row.id in ids]):
            if isinstance(work, str):
                self._fail(connection, row, DeliveryFailed(work))
                continue
            works.append(work)
            if work.parcel is not None and not self._post.repeats_safely(work.parcel):
                doubtful.append(row.id)
        if doubtful:
            doubted = update(case_effects).where(case_effects.c.id.in_(doubtful))
            connection.execute(doubted.values(state=DOUBTFUL, error="It was being sent."))
        return works

    async def _run_in_banks(self, works: Sequence[Work]) -> None:
        """One write to the disk for all; where that fails, one for each: nobody waits for a neighbour's sake."""
        if not works:
            return
        try:
            await asyncio.to_thread(self._in_banks, works)
        except Exception as error:  # noqa: BLE001 (whoever has caused it fails below, alone)
            log.warning("banks_asked_one_by_one", error=type(error).__name__)
            await asyncio.gather(*(self._run(work) for work in works))
        else:
            await asyncio.gather(*(self._done.add(_Done(work)) for work in works))

    async def _run(self, work: Work) -> None:
        try:
            done = await self._carry_out(work)
        except DeliveryFailed as error:
            await self._note_failure(work.row, error)
        except SafelightError as error:
            await self._note_failure(work.row, DeliveryFailed(error.message))
        except Exception as error:  # noqa: BLE001 (a platform may be anybody's code: its failure is kept and seen)
            is_doubtful = work.parcel is not None and not self._post.repeats_safely(work.parcel)
            failed = DeliveryFailed(f"It failed with {type(error).__name__}.", is_doubtful=is_doubtful)
            await self._note_failure(work.row, failed)
        else:
            await self._done.add(done)

    async def _carry_out(self, work: Work) -> _Done:
        if work.parcel is not None:
            await self._post.send(work.parcel)
        elif work.row.kind == PLACES:
            return _Done(work, await self._platform.carry_out(work.command) if work.command else None)
        elif work.row.kind == PICTURE:
            return _Done(work, prints=await self._look_at_picture(work))
        else:
            await asyncio.to_thread(self._in_banks, [work])
        return _Done(work)

    async def _look_at_picture(self, work: Work) -> tuple[Fingerprint, ...]:
        """What the picture is known by, where the platform gives it and it is still down."""
        assert work.case is not None  # noqa: S101 (set for every kind but letters)
        for number, place in enumerate(work.places if work.case.visibility is not Visibility.VISIBLE else ()):
            file = await self._platform.picture(f"{work.row.id}_{number}", place)
            if file is not None:
                try:
                    keeps = self._book.rules.matter[work.case.matter].features
                    describe = partial(self._copies.describe, keeps_features=keeps)
                    return await asyncio.to_thread(describe, work.number, work.case.matter, file)
                except BadInput as error:
                    log.warning("picture_unreadable", case=work.row.case_id, why=error.message)
        return ()

    def _in_banks(self, works: Sequence[Work]) -> None:
        remembered = []
        for work in works:
            assert work.case is not None  # noqa: S101 (set for every kind but letters)
            is_shown = work.case.visibility is Visibility.VISIBLE
            if work.row.kind == INDEX and is_shown and not work.prints:
                self._copies.forget(work.number)  # they were destroyed
            elif work.row.kind == INDEX:
                remembered.append((work.number, work.prints))
            elif is_shown:
                self._copies.unblock(work.number)
                self._forget_lost(work.prints)
        self._copies.remember(remembered)
        # Fingerprints that were added to a case that is hidden are blocked with the others.
        self._copies.block(self._down(works))

    def _down(self, works: Sequence[Work]) -> list[Down]:
        """Those whose picture is hidden or removed."""
        return [
            Down(one.number, one.case.matter, one.prints, self._book.rules.matter[one.case.matter].features)
            for one in works
            if one.case is not None and one.case.visibility is not Visibility.VISIBLE
        ]

    def _forget_lost(self, prints: tuple[Fingerprint, ...]) -> None:
        """A case that a restored database has lost still blocks; whoever decides on its picture decides on it too."""
        near = self._copies.find([one for one in prints if one.is_usable])
        if near:
            for number in self._database.read_here(lambda c: unknown_numbers(c, near)):
                self._copies.forget(number)

    def _note_matched(self, connection: Connection, works: Sequence[Work], grown: frozenset[int]) -> None:
        self._note_all_done(connection, [_Done(work) for work in works])
        with self._book.sheet(connection) as sheet:
            for work in works:
                if work.number in grown:
                    log.error("reported_picture_was_made_here", case=work.row.case_id)
                    self._book.enqueue(sheet, PLACES, work.row.case_id)
            self._end_if_shown(sheet, works)

    def _end_if_shown(self, sheet: Sheet, works: Sequence[Work]) -> None:
        """Have what was kept of a picture dropped again, where it was shown again in the meantime."""
        shown = and_(cases.c.visibility == Visibility.VISIBLE.value, cases.c.id.in_([one.row.case_id for one in works]))
        for case_id in sheet.connection.execute(select(cases.c.id).where(shown)).scalars():
            self._book.enqueue(sheet, BANK, case_id)

    def _note_all_done(self, connection: Connection, done: Sequence[_Done]) -> list[None]:
        now = to_rfc3339(self._book.clock())
        mine = and_(
            case_effects.c.id.in_([one.work.row.id for one in done]), case_effects.c.state.in_([WAITING, DOUBTFUL])
        )
        connection.execute(update(case_effects).where(mine).values(state=DONE, done_at=now, error=""))
        # Where another case has everything down, there was nothing to tell; nobody reads "done" of what never left.
        silent = [one.work.row.id for one in done if one.work.row.kind == PLACES and one.work.command is None]
        if silent:
            unsaid = update(case_effects).where(case_effects.c.id.in_(silent), case_effects.c.state == DONE)
            connection.execute(unsaid.values(state=OVERTAKEN))
        for kinds in _RECEIVERS:
            if any(one.work.row.kind in kinds for one in done):
                self._note_answer(connection, kinds)
        with self._book.sheet(connection) as sheet:
            confirmed = [place for one in done for place in self._follow(sheet, one)]
            self._end_if_shown(sheet, [one.work for one in done if one.work.row.kind == PICTURE])
        if confirmed:
            connection.execute(_CONFIRM, [place | {"now": now} for place in confirmed])
        self._note_gone(connection, [one.work.row.case_id for one in done if _names_any(one)])
        return [None] * len(done)

    def _note_answer(self, connection: Connection, kinds: tuple[str, ...]) -> None:
        """Have what waits for a receiver tried at once, where it has come back; none of it is given up sooner for it.

        Only then: what fails while its receiver follows others fails by itself, and waits out its pauses.
        """
        now, columns = self._book.clock(), case_effects.c
        last, self._answered_at[kinds] = self._answered_at.get(kinds), now
        if last is not None and now - last < _SILENCE:
            return
        in_vain = and_(columns.state == WAITING, columns.due_at > to_rfc3339(now), columns.error != "")
        waiting = and_(in_vain, columns.kind.in_(kinds), columns.id.not_in(self._running))
        # What was held up for long enough to be in sight stays in sight.
        attempts = case((columns.attempts > TRIES, columns.attempts - 1), else_=columns.attempts)
        connection.execute(update(case_effects).where(waiting).values(due_at=to_rfc3339(now), attempts=attempts))
        self._came_back.update(kinds)

    def _note_gone(self, connection: Connection, case_ids: Sequence[str]) -> None:
        """Have the histories say of which of these nothing is to be seen any more, where that is so the first time.

        `case_ids`: of those that are somewhere; of what was found nowhere nobody says that it is gone.
        """
        columns = cases.c
        out_of_sight = and_(columns.visibility != Visibility.VISIBLE.value, columns.confirmed_at.is_(None))
        new = connection.execute(select(columns.id).where(columns.id.in_(case_ids), out_of_sight)).scalars().all()
        gone = set(new) - unconfirmed(connection, new)
        if not gone:
            return
        with self._book.sheet(connection) as sheet:
            for case_id, events in self._book.events(connection, gone).items():
                event = Event(self._book.clock(), Step.CONFIRMED, PLATFORM_ID)
                self._book.add_to(sheet, case_id, replay(events), event)

    def _follow(self, sheet: Sheet, done: _Done) -> list[Columns]:
        """Have done what follows from an effect; returns the places of which the platform has confirmed something."""
        work, confirmed = done.work, done.confirmed
        if work.case is None:
            return []
        case_id, is_down = work.row.case_id, work.case.visibility is not Visibility.VISIBLE
        if work.row.kind in _IN_BANKS and is_down:
            self._book.enqueue(sheet, MATCH, case_id)
        if done.prints:
            with self._book.sheet(sheet.connection) as own:
                if self._book.add_prints(own, case_id, done.prints):
                    self._book.enqueue(own, PLACES, case_id)
        if confirmed is None or work.command is None:
            return []
        # Of what is only watched no copies were dealt with, but what an earlier order took away is shown again.
        copies = confirmed.copies if work.command.order is not Order.WATCH else ()
        if confirmed.has_picture and is_down:
            self._book.enqueue(sheet, PICTURE, case_id)
        if copies:
            with self._book.sheet(sheet.connection) as own:
                self._book.add_places(own, case_id, copies, is_copy=True)
        means = {"means": _MEANS[work.command.order].value, "sequence": work.command.sequence, "this": case_id}
        if not (_names_any(done) or work.command.fingerprints or work.command.requests):
            return []  # words are for a person: no machine has looked for anything
        # Words that were kept before they were a case's own stand under their own digest.
        told = {self._book.place_digest(one, of) for one in (*work.command.places, *copies) for of in (case_id, "")}
        return [{**means, "place": digest} for digest in told]

    async def _note_failure(self, row: Row[Any], failed: DeliveryFailed) -> None:
        await self._database.write(lambda c: self._fail(c, row, failed))

    def _fail(self, connection: Connection, row: Row[Any], failed: DeliveryFailed) -> None:
        attempts = row.attempts + 1
        state = WAITING
        if failed.is_doubtful:
            state = DOUBTFUL
        elif failed.is_final or attempts >= self._book.rules.delivery.dead_after_tries:
            state = DEAD
        pause_s = 0.0 if row.kind in self._came_back else self._book.rules.delivery.pause_s(attempts)
        due_at = self._book.clock() + timedelta(seconds=pause_s)
        values = {"state": state, "due_at": to_rfc3339(due_at), "error": failed.message}
        mine = and_(case_effects.c.id == row.id, case_effects.c.state.in_([WAITING, DOUBTFUL]))
        connection.execute(update(case_effects).where(mine).values(values))
        tell = log.warning if state == WAITING else log.error
        tell("case_effect_failed", effect=row.id, kind=row.kind, case=row.case_id, attempts=attempts, state=state)


def _names_any(done: _Done) -> bool:
    """Whether what was carried out was about any place by which a platform can tell the picture."""
    command, confirmed = done.work.command, done.confirmed
    if command is None or confirmed is None:
        return False
    return any(map(is_findable, (*command.places, *confirmed.copies)))
