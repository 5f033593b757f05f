"""Has heads stamped by an authority for time stamps (RFC 3161), against a log that is dated back.

The authority sees a hash of the head and nothing else. What it answers is kept only if it is about that head; whether
it is to be believed is for verifiers, who bring its certificate. An authority that does not answer is asked again at
the next turn: time stamps are evidence beside the log, and the gate does not wait for them.
"""

import asyncio
import secrets
from functools import partial

import httpx2
import structlog
from sqlalchemy import Connection, exists, insert, select

from safelight.core.clock import Clock, to_rfc3339
from safelight.core.errors import NotStartable, StoreFailed
from safelight.ledger.proofs.checkpoint import Checkpoint
from safelight.ledger.proofs.errors import Malformed, ProofError, Unavailable
from safelight.ledger.proofs.note import Note
from safelight.ledger.proofs.timestamp import STAMP_MAX_BYTES, Stamp, request_stamp
from safelight.ledger.published import read_checkpoint
from safelight.ledger.witnesses import is_address
from safelight.store.database import Database
from safelight.store.ledger_tables import ledger_timestamps

log = structlog.get_logger()

TIMEOUT_S = 20.0


class HttpStamps:
    """Asks one authority over HTTP (RFC 3161 section 3.4)."""

    def __init__(self, database: Database, address: str, clock: Clock, *, every_s: float) -> None:
        """Raises NotStartable for an address that is none."""
        if not is_address(address):
            raise NotStartable("SAFELIGHT_LEDGER_STAMPS is the address of an RFC 3161 authority, with its scheme.")
        self._database = database
        self._address = address
        self._clock = clock
        self._every_s = every_s

    async def run(self) -> None:
        """See Stamps."""
        while True:
            try:
                await self.stamp(await self._database.read(read_checkpoint))
            except (httpx2.HTTPError, TimeoutError, ProofError, StoreFailed) as error:
                log.warning("head_not_stamped", error=type(error).__name__, why=str(error))
            await asyncio.sleep(self._every_s)

    async def stamp(self, note: Note) -> None:
        """Have this head stamped, unless it is. Raises httpx2.HTTPError, ProofError or StoreFailed."""
        size = Checkpoint.parse(note.text).size
        if await self._database.read(partial(_is_stamped, size=size)):
            return
        nonce = (1 << 62) | secrets.randbits(62)
        answer = await self._post(request_stamp(note.text, nonce))
        stamp = Stamp.parse(answer)
        if stamp.nonce != nonce or not stamp.is_of(note.text):
            raise Malformed("The authority stamped something else than what it was asked for.")
        row = {"size": size, "token": answer, "at": to_rfc3339(self._clock())}
        await self._database.write(partial(_keep, row=row))

    async def _post(self, body: bytes) -> bytes:
        headers = {"content-type": "application/timestamp-query"}
        async with (
            asyncio.timeout(TIMEOUT_S),
            httpx2.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client,
            client.stream("POST", self._address, content=body, headers=headers) as answer,
        ):
            content = b""
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > STAMP_MAX_BYTES:
                    raise Malformed("The authority answered with more than a time stamp.")
            if answer.status_code != 200:
                raise Unavailable(f"The authority answered {answer.status_code}.")
            return content


def _is_stamped(connection: Connection, size: int) -> bool:
    return bool(connection.execute(select(exists().where(ledger_timestamps.c.size >= size))).scalar())


def _keep(connection: Connection, row: dict[str, object]) -> None:
    if not _is_stamped(connection, int(str(row["size"]))):  # another process of this gate may have been first
        connection.execute(insert(ledger_timestamps), [row])
