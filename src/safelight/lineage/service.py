"""Remembers outputs by digest and fingerprint, and recognises them when they come back as inputs.

Rules
- No picture is kept, and no prompt in clear: a keyed digest, a perceptual fingerprint, the carried signals, and, where
  the operator wants it, the words under seal. All of it ends after `keep`.
- The exact file brings its history to whoever sends it on the same platform. A near copy does so only to the account
  that it was made for: many people may edit the same public picture, and one must not answer for another's words.
- A file from which an output was made is not that output, however little was changed: sent again, it begins anew.
- History only ever adds to what a request is judged by. Nothing is lowered by it.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, bindparam, delete, insert, select

from safelight.core.clock import Clock, to_rfc3339
from safelight.core.ids import new_id
from safelight.core.request import Subject
from safelight.core.signal import Signal
from safelight.lineage.model import (
    CARRIED,
    EARLIER_MAX,
    NO_HISTORY,
    NOTHING,
    SOURCES_MAX,
    WORDS_MAX_CHARS,
    Draft,
    Fingerprint,
    History,
    Made,
    carried,
    told,
)
from safelight.lineage.words import WordsKey
from safelight.store.database import Database
from safelight.store.digest_key import DigestKey
from safelight.store.tables import made_image_bands, made_images

NEAR_MAX_BITS = 31
"""Of 256: what PDQ's authors take as the same picture."""
BANDS = 16
"""A fingerprint is looked up by its 16 bands of 16 bits: one that differs in up to 15 bits shares at least one band
with it, and one that differs in more very likely does."""
_PURGED_AT_ONCE = 200
_DIGEST = "made_image"

# Built once: every release goes through them.
_INSERT, _INSERT_BANDS = insert(made_images), insert(made_image_bands)
_EXPIRED = select(made_images.c.id).where(made_images.c.expires_at <= bindparam("now")).limit(_PURGED_AT_ONCE)


class Lineage:
    """The memory of outputs."""

    def __init__(
        self,
        database: Database,
        digest_key: DigestKey,
        clock: Clock,
        fingerprint: Fingerprint,
        words_key: WordsKey | None,
        *,
        keep: timedelta,
    ) -> None:
        """`words_key` None: no words are kept. `keep` zero: nothing is remembered, and nothing is looked for."""
        self._database = database
        self._digest_key = digest_key
        self._clock = clock
        self._fingerprint = fingerprint
        self._words_key = words_key
        self._keep = keep

    async def look(self, photos: Sequence[tuple[bytes, NDArray[np.uint8]]], subject: Subject) -> History:
        """The history of `photos`: of each its file and its first frame. Raises StoreFailed."""
        if not self._keep or not photos:
            return NO_HISTORY
        marks = await asyncio.to_thread(self._marks, photos)
        return await self._database.read(lambda connection: self._look(connection, marks, subject))

    async def draft(
        self,
        made: Sequence[Made],
        subject: Subject,
        *,
        before: History,
        words: Sequence[str],
        signals: Iterable[Signal],
    ) -> Draft:
        """What is to be remembered of pictures that are about to be released; empty where nothing is.

        `words`: what was asked now; `signals`: what was observed of it; `before`: what the pictures came from.
        """
        if not self._keep:
            return NOTHING
        now = self._clock()
        # Plain JSON: the canonical form writes 35.0 as 35, which is another type of signal.
        kept = json.dumps({signal.name: signal.value for signal in carried((*before.signals, *signals))})
        said = (*before.words, *(word[:WORDS_MAX_CHARS] for word in words))[-EARLIER_MAX:]
        marks = await asyncio.to_thread(self._marks, [(one.content, one.frame) for one in made])
        rows: list[dict[str, object]] = []
        bands: list[dict[str, object]] = []
        for content_digest, prints in marks:
            image_id = new_id("img", now)
            rows.append(
                {
                    "id": image_id,
                    "platform": subject.platform,
                    "subject_id": subject.id,
                    "content_digest": content_digest,
                    "fingerprint": prints[0] if prints else None,
                    "edits": before.edits + 1,
                    "signals": kept,
                    "words": self._words_key.seal(said, image_id) if self._words_key else None,
                    "expires_at": to_rfc3339(now + self._keep),
                    "sources": json.dumps(before.sources),
                }
            )
            bands += [{"band": band, "image_id": image_id} for band in sorted(bands_of(prints[:1]))]
        return Draft(tuple(rows), tuple(bands))

    def write(self, connection: Connection, drafts: Sequence[Draft]) -> None:
        """Remember `drafts`, in the transaction that records that their pictures are released."""
        if not any(draft.rows for draft in drafts):
            return
        self._purge(connection)
        connection.execute(_INSERT, [row for draft in drafts for row in draft.rows])
        if bands := [band for draft in drafts for band in draft.bands]:
            connection.execute(_INSERT_BANDS, bands)

    async def purge(self) -> None:
        """Forget what has expired. Raises StoreFailed."""
        await self._database.write(lambda connection: self._purge(connection))

    def _marks(self, pictures: Sequence[tuple[bytes, NDArray[np.uint8]]]) -> list[tuple[str, tuple[bytes, ...]]]:
        """Digest and fingerprints of each; hashing and filtering are no work for the event loop."""
        return [(self._digest_key.digest(_DIGEST, file), self._fingerprint(frame)) for file, frame in pictures]

    def _look(
        self, connection: Connection, marks: Sequence[tuple[str, tuple[bytes, ...]]], subject: Subject
    ) -> History:
        found = [row for mark in marks if (row := self._find(connection, *mark, subject)) is not None]
        earlier = (source for row in found for source in _sources(row))
        sources = tuple(dict.fromkeys([*earlier, *(digest for digest, _ in marks)]))[:SOURCES_MAX]
        if not found:
            return History(sources=sources)
        longest = max(found, key=lambda row: row.edits)
        signals = [told(name, value) for row in found for name, value in json.loads(row.signals).items()]
        words = [word for row in found for word in self._words(row)]
        return History(
            edits=longest.edits,
            signals=carried(signal for signal in signals if signal.name in CARRIED),
            words=tuple(dict.fromkeys(words))[-EARLIER_MAX:],
            images=tuple(row.id for row in found),
            sources=sources,
        )

    def _words(self, row: Row[Any]) -> tuple[str, ...]:
        return self._words_key.open(row.words, row.id) if self._words_key and row.words else ()

    def _find(
        self, connection: Connection, content_digest: str, prints: tuple[bytes, ...], subject: Subject
    ) -> Row[Any] | None:
        alive = made_images.c.expires_at > to_rfc3339(self._clock())
        here = select(made_images).where(made_images.c.platform == subject.platform, alive)
        # The same bytes may have been made in several chains: the longest has most to say.
        exact = here.where(made_images.c.content_digest == content_digest).order_by(made_images.c.edits.desc())
        if (row := connection.execute(exact.limit(1)).one_or_none()) is not None or not prints:
            return row
        near = here.where(
            made_images.c.subject_id == subject.id,
            made_images.c.id.in_(
                select(made_image_bands.c.image_id).where(made_image_bands.c.band.in_(bands_of(prints)))
            ),
        )
        best = min(
            (
                (_distance(row.fingerprint, prints), -row.edits, row.id, row)
                for row in connection.execute(near)
                if content_digest not in _sources(row)
            ),
            default=None,
            key=lambda candidate: candidate[:3],
        )
        return best[3] if best and best[0] <= NEAR_MAX_BITS else None

    def _purge(self, connection: Connection) -> None:
        """Forget what has expired, a bounded number at once so that no request waits for a large clearing."""
        ids = list(connection.execute(_EXPIRED, {"now": to_rfc3339(self._clock())}).scalars())
        if ids:
            connection.execute(delete(made_image_bands).where(made_image_bands.c.image_id.in_(ids)))
            connection.execute(delete(made_images).where(made_images.c.id.in_(ids)))


def _sources(row: Row[Any]) -> tuple[str, ...]:
    return tuple(json.loads(row.sources)) if row.sources else ()


def bands_of(prints: Iterable[bytes]) -> set[int]:
    """The bands of some fingerprints: place and content of each 16 bits in one number."""
    return {
        (place << 16) | int.from_bytes(one[2 * place : 2 * place + 2], "big")
        for one in prints
        for place in range(BANDS)
    }


def _distance(one: bytes, others: Iterable[bytes]) -> int:
    number = int.from_bytes(one, "big")
    return min((number ^ int.from_bytes(other, "big")).bit_count() for other in others)
