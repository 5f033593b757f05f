"""The two questions about a picture in hand: anybody's "was it made here?", and the investigator's "who asked for it?".

Rules of this module
- A trace is recorded before its answer is given: who asked, why, a keyed digest of the picture, and what came out. The
  log gets a leaf in the same transaction. The picture itself is looked at in memory and never kept.
- The public question knows no fingerprint: whoever looks alike is nobody's business. It gives no account, no request
  and no time, and says of a mark only that it is there.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert

from safelight.core.canonical import Json
from safelight.core.clock import Clock, to_rfc3339
from safelight.core.ids import new_id
from safelight.provenance import register
from safelight.provenance.model import Credentials, CredentialState
from safelight.provenance.register import Output
from safelight.provenance.trace import CREDENTIALS_SAY, Answer, Look, Trace, Tracer
from safelight.provenance.watermark import NotRead, Reading, WhyNotRead
from safelight.store.database import Database
from safelight.store.provenance_tables import traces

Frame = NDArray[np.uint8]
COMPARED_MAX_COUNT = 5_000
"""Outputs, the newest, whose details a trace compares where nothing else leads home: about a millisecond each."""
_PIECE = 100


class Purpose(StrEnum):
    """Why somebody traces a picture; public in the log."""

    INVESTIGATION = "investigation"
    POLICE = "police"
    REPORT = "report"
    REGULATOR = "regulator"
    COURT = "court"


@dataclass(frozen=True, slots=True)
class Use:
    """One use of the trace, as it is recorded."""

    id: str
    at: datetime
    by: str
    purpose: Purpose
    reason: str
    picture_digest: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What anybody may know of a picture."""

    answer: Answer
    watermark: str
    """`found`, `damaged`, `none` or `too_small`."""
    credentials: Credentials


Log = Callable[[Connection, Use, Trace], None]
"""Writes the log's leaf of a trace in the caller's transaction."""


class Provenance:
    """Answers both."""

    def __init__(self, tracer: Tracer, database: Database, clock: Clock, log: Log) -> None:
        self._tracer = tracer
        self._database = database
        self._clock = clock
        self._log = log
        self._closer_look = asyncio.Lock()  # one at a time, so that the gate keeps its processors

    async def trace(self, content: bytes, frame: Frame, *, by: str, purpose: Purpose, reason: str) -> tuple[Use, Trace]:
        """Where the picture in `content`, decoded as `frame`, comes from. Raises StoreFailed."""
        look = await asyncio.to_thread(self._tracer.look, content, frame)
        now = self._clock()
        # Comparing takes its time, which the one writer has not.
        found = await self._database.read(lambda connection: self._tracer.find(connection, look, now))
        if found.answer is not Answer.YES and isinstance(look.watermark, NotRead):
            async with self._closer_look:
                found = await self._find_closer(look, now, found)

        def write(connection: Connection) -> tuple[Use, Trace]:
            use = Use(new_id("trc", now), now, by, purpose, reason, look.content_digest)
            row = {
                "id": use.id,
                "at": to_rfc3339(now),
                "by": by,
                "purpose": purpose.value,
                "reason": reason,
                "picture_digest": look.content_digest,
                "answer": found.answer.value,
                "request_id": found.output.request_id if found.output else None,
            }
            connection.execute(insert(traces), [row])
            self._log(connection, use, found)
            return use, found

        return await self._database.write(write)

    async def _find_closer(self, look: Look, now: datetime, found: Trace) -> Trace:
        """What is found with seconds of work: the mark of a turned picture, and a likeness in details."""
        look = await asyncio.to_thread(self._tracer.turned, look)
        shown: list[int] = []
        if isinstance(look.watermark, NotRead):
            if found.candidates:
                return found
            shown = await self._shown(look, now)
        return await self._database.read(lambda connection: self._tracer.find(connection, look, now, shown))

    async def _shown(self, look: Look, now: datetime) -> list[int]:
        """The newest outputs of which the picture shows at least a part, in pieces: the database waits for nobody."""
        shows = await asyncio.to_thread(self._tracer.finder, look)
        if shows is None:
            return []
        shown: list[int] = []
        before: int | None = None
        for _ in range(COMPARED_MAX_COUNT // _PIECE):
            piece = await self._database.read(partial(register.newest_features, before=before, count=_PIECE, now=now))
            shown += await asyncio.to_thread(lambda piece: [number for number, known in piece if shows(known)], piece)
            if len(piece) < _PIECE:
                break
            before = piece[-1][0]
        return shown

    async def verify(self, content: bytes, frame: Frame) -> Verified:
        """Whether the picture carries a mark of this service. Nothing is kept of it. Raises StoreFailed."""
        look = await asyncio.to_thread(self._tracer.look, content, frame)
        now = self._clock()
        return await self._database.read(lambda connection: self._verified(connection, look, now))

    def _verified(self, connection: Connection, look: Look, now: datetime) -> Verified:
        told, mark = look.credentials, look.watermark
        watermark = _NOT_READ[mark.why] if isinstance(mark, NotRead) else "found"
        if told.are_ours or register.by_content(connection, look.content_digest, now):
            answer = Answer.YES
        elif isinstance(mark, Reading):
            # Its own picture, or one that the mark was laid over: only the register can tell.
            found = self._tracer.find(connection, look, now)
            answer = Answer.YES if found.answer is Answer.YES else Answer.UNSURE
        else:
            answer = Answer.NO if watermark == "none" and not told.may_be_ours else Answer.UNSURE
        return Verified(answer, watermark, told)


_NOT_READ = {
    WhyNotRead.TOO_SMALL: "too_small",
    WhyNotRead.NOTHING_FOUND: "none",
    WhyNotRead.DAMAGED: "damaged",
}


def trace_to_json(use: Use, trace: Trace) -> dict[str, Json]:
    """A trace as the API and `safelight trace --json` give it."""
    return {
        "trace": use.id,
        "at": to_rfc3339(use.at),
        "answer": trace.answer.value,
        "confidence": trace.confidence,
        "output": _output_to_json(trace.output) if trace.output else None,
        "clues": [
            {"means": clue.means.value, "says": clue.says, "outputs": list(clue.outputs)} for clue in trace.clues
        ],
        "chain": [_output_to_json(output) for output in trace.chain],
        "candidates": [
            {
                "request": one.request_id,
                "output": one.output_id,
                "made_at": one.made_at,
                "distance_bits": one.distance_bits,
            }
            for one in trace.candidates
        ],
    }


def verified_to_json(verified: Verified) -> dict[str, Json]:
    """What anybody is told, as `POST /v1/verify` gives it."""
    told = verified.credentials
    credentials: dict[str, Json] = {"state": told.state.value}
    if told.state is not CredentialState.NONE:
        credentials |= {
            "says": CREDENTIALS_SAY[told.state],
            "signer": told.signer,
            "software": told.software,
            "actions": list(told.actions),
            "digital_source": told.digital_source,
            "ingredients": told.ingredients,
            "forbids_ai": told.forbids_ai,
        }
    return {"answer": verified.answer.value, "watermark": verified.watermark, "credentials": credentials}


def _output_to_json(output: Output) -> dict[str, Json]:
    return {
        "id": output.id,
        "request": output.request_id,
        "decision": output.decision_id,
        "receipt": output.receipt,
        "policy_version": output.policy_version,
        "made_at": output.made_at,
        "how": output.how.value,
        "place": output.place,
        "photos": output.photos,
        "account": output.subject_id,
        "key": output.key_id,
    }
