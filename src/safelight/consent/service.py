"""What the records that a request names come to. Fail closed: one that does not count makes all of them count as none.

Nothing is kept between requests: a withdrawal holds from the moment of its commit.
"""

import asyncio
import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection

from safelight.consent.model import Record
from safelight.consent.register import find
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
