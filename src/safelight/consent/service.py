"""What the records that a request names come to. Fail closed: one that does not count makes all of them count as none.

Nothing is kept between requests: a withdrawal holds from the moment of its commit.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from safelight.consent.model import Checked, Record
from safelight.consent.register import add, check, find, list_records, revoke
from safelight.consent.statement import read_signed
from safelight.core.clock import Clock
from safelight.core.consent import NO_CONSENT, Consent, ConsentState, Use
from safelight.core.errors import BadInput, InputCode
from safelight.core.limits import Limits
from safelight.core.request import ImageRequest, Subject
from safelight.store.database import Database


class Consents:
    """Looks records up for the gate."""

    def __init__(self, database: Database, clock: Clock, limits: Limits) -> None:
        self._database = database
        self._clock = clock
        self._limits = limits

    async def look(self, request: ImageRequest, subject: Subject) -> Consent:
        """What the records that `request` names allow, now. Raises BadInput for too many, or StoreFailed."""
        ids = tuple(dict.fromkeys(request.consents))
        if not ids:
            return NO_CONSENT
        if len(ids) > self._limits.consents_max_count:
            message = f"At most {self._limits.consents_max_count} consent records in one request."
            raise BadInput(InputCode.CONSENT_INVALID, message, param="consent")
        photos = await asyncio.to_thread(_digests, [photo.content for photo in request.photos])

        def read(connection: Connection) -> Consent:
            return self._weigh(find(connection, ids, subject.platform), ids, photos, subject.id)

        return await self._database.read(read)

    async def add(self, raw: bytes, *, platform: str, by: str) -> Record:
        """Keep the signed statement in `raw` (JSON) for `platform`. Raises BadInput or StoreFailed."""
        signed = read_signed(raw, self._limits)
        now = self._clock()

        def write(connection: Connection) -> Record:
            record_id = add(connection, signed, platform=platform, by=by, now=now)
            return find(connection, [record_id], platform)[record_id]

        return await self._database.write(write)

    async def revoke(self, which: str, *, platform: str, by: str, reason: str) -> str | None:
        """Revoke a record of `platform` for good; since when it was already. Raises BadInput or StoreFailed."""
        now = self._clock()
        return await self._database.write(
            lambda connection: revoke(connection, which, platform=platform, by=by, reason=reason, now=now)
        )

    async def records(self, platform: str) -> list[Record]:
        """The records of `platform`, oldest first. Raises StoreFailed."""
        return await self._database.read(lambda connection: list_records(connection, platform))

    async def verify(self, raw: bytes, *, platform: str) -> Checked:
        """What a signed statement would be worth as it is now, without keeping it. Raises BadInput or StoreFailed."""
        signed = read_signed(raw, self._limits)
        now = self._clock()
        return await self._database.read(lambda connection: check(connection, signed, platform=platform, now=now))

    def now(self) -> datetime:
        """The moment at which a state is told."""
        return self._clock()

    def _weigh(self, records: dict[str, Record], ids: Sequence[str], photos: Sequence[str], subject_id: str) -> Consent:
        now = self._clock()
        covered: dict[str, dict[str, set[Use]]] = {photo: {} for photo in photos}
        for record_id in ids:
            record = records.get(record_id)
            if record is None:
                return Consent(ConsentState.UNKNOWN)
            state = record.state_at(now)
            if state is not ConsentState.ACTIVE or record.signed is None:
                return Consent(state)
            statement = record.signed.statement
            if statement.accounts and subject_id not in statement.accounts:
                return Consent(ConsentState.OTHER_ACCOUNT)
            if covered.keys().isdisjoint(statement.photos):
                return Consent(ConsentState.OTHER_PHOTO)
            for photo in statement.photos:
                if photo in covered:
                    covered[photo].setdefault(statement.signer, set()).update(statement.uses)
        if not all(covered.values()):
            return Consent(ConsentState.OTHER_PHOTO)
        # Where several people signed for one photo, each must have agreed; and every photo must allow the use.
        agreed = [uses for signers in covered.values() for uses in signers.values()]
        return Consent(ConsentState.ACTIVE, frozenset(Use).intersection(*agreed))


def _digests(contents: Sequence[bytes]) -> list[str]:
    return [hashlib.sha256(content).hexdigest() for content in contents]
