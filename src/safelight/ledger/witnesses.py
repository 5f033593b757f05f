"""The log's side of witnessing (C2SP tlog-witness): have new heads signed, and hear when a witness has seen another.

A witness that cannot be reached is asked again with the next head. One that has seen more of this log than there is, or
another log under its name, stops the gate.
"""

import asyncio
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from urllib.parse import urlsplit

import httpx2
import structlog
from sqlalchemy import Connection, select, update

from safelight.core.errors import LedgerCode, LedgerUnfit, NotStartable
from safelight.ledger.opening import NEXT_STEP
from safelight.ledger.proofs.checkpoint import Checkpoint, parse_size
from safelight.ledger.proofs.cosignature import cosignature_of
from safelight.ledger.proofs.errors import Malformed, ProofError, Unavailable
from safelight.ledger.proofs.note import NOTE_MAX_BYTES, Algorithm, Note, PublicKey, Signature
from safelight.ledger.proofs.witness_request import AddCheckpoint, parse_cosignatures
from safelight.ledger.published import prove_consistency, read_checkpoint, size_of
from safelight.store.database import Database
from safelight.store.tables import ledger_checkpoints

log = structlog.get_logger()

TIMEOUT_S = 5.0
_TRIES_MAX_COUNT = 3
"""With the size that it says it has: another process of this gate may be asking as well."""


@dataclass(frozen=True, slots=True)
class KnownWitness:
    """Whose signature is wanted, and where to ask for it."""

    key: PublicKey
    address: str


def parse_witnesses(setting: str) -> list[KnownWitness]:
    """Read `SAFELIGHT_LEDGER_WITNESSES`: `key,address`, separated by spaces. Raises NotStartable."""
    found = []
    for entry in setting.split():
        key_text, _, address = entry.partition(",")
        try:
            key = PublicKey.parse(key_text)
        except Malformed as error:
            raise NotStartable(f"SAFELIGHT_LEDGER_WITNESSES: {key_text!r} is no verifier key ({error}).") from error
        if key.algorithm is not Algorithm.COSIGNATURE or not is_address(address):
            raise NotStartable(
                f"SAFELIGHT_LEDGER_WITNESSES: {entry!r} is not a witness's key, a comma and its address."
            )
        found.append(KnownWitness(key, address.rstrip("/")))
    return found


def is_address(text: str) -> bool:
    """Whether it can be asked over HTTP."""
    try:
        split = urlsplit(text)
        return split.scheme in {"http", "https"} and bool(split.hostname) and split.port != 0
    except ValueError:
        return False


class HttpWitnesses:
    """Asks every known witness, one after another."""

    def __init__(self, database: Database, witnesses: list[KnownWitness], *, timeout_s: float = TIMEOUT_S) -> None:
        self._database = database
        self._witnesses = witnesses
        self._timeout_s = timeout_s
        self._signed: dict[str, int] = {}
        """By name, the size that each signed last, as far as is known."""
        self._client = httpx2.AsyncClient(timeout=timeout_s, follow_redirects=False, trust_env=False)

    async def __aenter__(self) -> "HttpWitnesses":
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def check_start(self) -> None:
        """Have the head that the log would go on from signed. Raises LedgerUnfit when a witness has seen more."""
        try:
            note = await self._database.read(read_checkpoint)
        except Unavailable:
            return
        await self.ask(note)

    async def ask(self, note: Note) -> None:
        """Have `note` signed by everybody who can be reached. Raises LedgerUnfit or StoreFailed."""
        for witness in self._witnesses:
            try:
                signature = await self._ask(witness, note)
            except (httpx2.HTTPError, TimeoutError, ProofError) as error:
                log.warning("witness_silent", witness=witness.key.name, error=type(error).__name__)
                continue
            if signature:
                await self._database.write(partial(_keep, note=note, signature=signature))

    async def _ask(self, witness: KnownWitness, note: Note) -> Signature | None:
        head = Checkpoint.parse(note.text)
        for _ in range(_TRIES_MAX_COUNT):
            old = self._signed.get(witness.key.name, 0)
            if old > head.size:
                return None  # another process has had a later head signed
            proof = await self._database.read(partial(prove_consistency, old=old, new=head.size))
            body = AddCheckpoint(old, tuple(proof), note).to_bytes()
            status, answer = await self._post(f"{witness.address}/add-checkpoint", body)
            if status == 200:
                self._signed[witness.key.name] = head.size
                return _signature(witness, note, answer)
            if status == 422:
                _dispute(witness, f"says that the head of {head.size} leaves does not hold the {old} that it signed")
            if status != 409:
                raise Malformed(f"The witness answered {status}.")
            seen = parse_size(answer.decode("ascii", "replace").strip())
            if seen == old == head.size:
                _dispute(witness, f"has signed another tree of {seen} leaves")
            if seen > await self._database.read(size_of):
                _dispute(witness, f"has signed {seen} leaves, which is more than there are", LedgerCode.ROLLED_BACK)
            self._signed[witness.key.name] = seen
        return None

    async def _post(self, address: str, body: bytes) -> tuple[int, bytes]:
        # The client's own bound is on silence: a witness that sends byte by byte would hold up all others.
        async with asyncio.timeout(self._timeout_s), self._client.stream("POST", address, content=body) as answer:
            content = b""
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > NOTE_MAX_BYTES:
                    raise Malformed("The witness answered with more than a few signatures.")
            return answer.status_code, content


def _signature(witness: KnownWitness, note: Note, answer: bytes) -> Signature:
    """The witness's line, verified; whatever else it sent is left out."""
    for line in parse_cosignatures(answer):
        if line.is_of(witness.key) and cosignature_of(note.with_signatures([line]), witness.key):
            return line
    raise Malformed("The witness answered without its signature.")


def _keep(connection: Connection, note: Note, signature: Signature) -> None:
    here = ledger_checkpoints.c.size == Checkpoint.parse(note.text).size
    stored = Note.parse(connection.execute(select(ledger_checkpoints.c.note).where(here)).scalar_one())
    others = [one for one in stored.signatures if (one.name, one.key_id) != (signature.name, signature.key_id)]
    signed = Note(stored.text, (*others, signature))
    values = {"note": signed.to_bytes(), "witnesses": len(others)}  # the log's own signature is one of the others
    connection.execute(update(ledger_checkpoints).where(here).values(values))


def _dispute(witness: KnownWitness, what: str, code: LedgerCode = LedgerCode.CHANGED) -> None:
    raise LedgerUnfit(code, f"The witness {witness.key.name} {what}. {NEXT_STEP}")
