"""Step 8: decisions, the effects to run, the log's leaves, the register of outputs and the edit chain, in one
transaction, committed before anything leaves.

Prompts and images are not in it: keyed digests say later whether a text or image in hand is the one that was asked.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, exists, insert, select

from safelight.core.canonical import canonical_json
from safelight.core.category import Verdict
from safelight.core.clock import Clock, to_rfc3339
from safelight.core.decision import Decision
from safelight.core.errors import StoreFailed
from safelight.core.ids import new_id
from safelight.core.request import ImageRequest, Subject
from safelight.ledger.append import Ledger
from safelight.ledger.draft import decision_draft, decision_values
from safelight.lineage import model as lineage
from safelight.lineage.service import Lineage
from safelight.policy.model import Policy
from safelight.provenance import register
from safelight.store.database import Database
from safelight.store.digest_key import DigestKey
from safelight.store.group import GroupCommit
from safelight.store.tables import decisions as decisions_table
from safelight.store.tables import outbox, policies

REQUEST_REFUSED = "request_refused"
"""The kind of outbox entry that a refusal leaves; consequences for the account start from it."""
IMAGE_DIGEST = "image"
"""The purpose of the keyed digests of pictures, in records and in the register."""
Row = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One request's share of a transaction."""

    decisions: Sequence[Decision]
    rows: Sequence[Row]
    effects: Sequence[Row]
    pictures: Sequence[tuple[register.Entry, str]]
    """What is released, each with the keyed digest of its bytes."""
    remembered: lineage.Draft


class Recorder:
    """Writes what was decided."""

    def __init__(
        self,
        database: Database,
        digest_key: DigestKey,
        policy: Policy,
        clock: Clock,
        ledger: Ledger,
        trouble: Callable[[], str] = lambda: "",
        *,
        edit_chain: Lineage,
        keep_outputs: timedelta,
    ) -> None:
        """`trouble` says what keeps the log from taking more, if anything does; then nothing is recorded either.

        `keep_outputs`: how long the register knows a picture.
        """
        self._database = database
        self._digest_key = digest_key
        self._policy = policy
        self._clock = clock
        self._ledger = ledger
        self._trouble = trouble
        self._edit_chain = edit_chain
        self._keep_outputs = keep_outputs
        self._group = GroupCommit(database, self._write)

    async def keep_policy(self) -> None:
        """Keep the text of the policy in force, so that its decisions can be replayed. Raises StoreFailed."""
        await self._database.write(self._keep_policy)

    async def record(
        self,
        decisions: Sequence[Decision],
        request: ImageRequest,
        subject: Subject,
        outputs: Sequence[bytes],
        pictures: Sequence[register.Entry] = (),
        remembered: lineage.Draft = lineage.NOTHING,
    ) -> tuple[str, ...]:
        """Write `decisions` and what follows from them; once that is committed, the log's receipt for each of them.

        `pictures`: how `outputs` are found again, where they are to be released; `remembered`: what the edit chain
        will know of them. Raises StoreFailed or MarkFailed.
        """
        if trouble := self._trouble():
            raise StoreFailed(trouble)
        uploads = [photo.content for photo in request.photos] + ([request.mask.content] if request.mask else [])
        prompt_digest, digests = await asyncio.to_thread(self._digests, request.prompt, [*uploads, *outputs])
        image_digests = canonical_json(digests).decode()
        registered = list(zip(pictures, digests[len(uploads) :], strict=False))
        rows = [_row(decision, subject, prompt_digest, image_digests) for decision in decisions]
        now = self._clock()
        effects = [_effect(decision, now) for decision in decisions if decision.verdict is Verdict.REFUSE]
        return await self._group.add(_Entry(decisions, rows, effects, registered, remembered))

    def _write(self, connection: Connection, entries: Sequence[_Entry]) -> list[tuple[str, ...]]:
        """Several requests, one transaction. The receipts leave this class only when it has been committed."""
        connection.execute(insert(decisions_table), [row for entry in entries for row in entry.rows])
        if effects := [effect for entry in entries for effect in entry.effects]:
            connection.execute(insert(outbox), effects)
        last_looks = [entry.decisions[-1].observed for entry in entries]
        missing = [missing.source for look in last_looks for missing in look.missing]
        answered = [name for look in last_looks for name in look.answered]
        self._ledger.append(connection, self._ledger.outages(connection, missing, answered))
        drafts = [
            decision_draft(decision, decision_values(row), str(row["subject_id"]))
            for entry in entries
            for decision, row in zip(entry.decisions, entry.rows, strict=True)
        ]
        receipts = iter([self._ledger.receipt(one) for one in self._ledger.append(connection, drafts)])
        given = [tuple(next(receipts) for _ in entry.decisions) for entry in entries]
        released = [
            (picture, digest, mine[-1])
            for entry, mine in zip(entries, given, strict=True)
            for picture, digest in entry.pictures
        ]
        if released:
            register.write(connection, released, keep=self._keep_outputs)
        self._edit_chain.write(connection, [entry.remembered for entry in entries])
        return given

    def _digests(self, prompt: str, contents: Sequence[bytes]) -> tuple[str, list[str]]:
        """Of the prompt, and of each image. Hashing large images is no work for the event loop."""
        images = [self._digest_key.digest(IMAGE_DIGEST, content) for content in contents]
        return self._digest_key.digest("prompt", prompt.encode()), images

    def _keep_policy(self, connection: Connection) -> None:
        if not connection.execute(select(exists().where(policies.c.version == self._policy.version))).scalar():
            now = to_rfc3339(self._clock())
            row = {"version": self._policy.version, "text": self._policy.canonical_text, "first_used_at": now}
            connection.execute(insert(policies), row)


def _row(decision: Decision, subject: Subject, prompt_digest: str, image_digests: str) -> Row:
    """What is kept of a decision. Of what was asked, digests only."""
    return {
        "id": decision.id,
        "request_id": decision.request_id,
        "at": to_rfc3339(decision.at),
        "stage": decision.stage.value,
        "verdict": decision.verdict.value,
        "category": decision.category.value if decision.category else None,
        "policy_version": decision.policy_version,
        "key_id": subject.key_id,
        "subject_id": subject.id,
        "tier": subject.tier.value,
        "prompt_digest": prompt_digest,
        "image_digests": image_digests,
        "body": canonical_json(decision.to_json()).decode(),
    }


def _effect(decision: Decision, now: datetime) -> Row:
    return {
        "id": new_id("out", now),
        "kind": REQUEST_REFUSED,
        "decision_id": decision.id,
        "created_at": to_rfc3339(now),
    }
