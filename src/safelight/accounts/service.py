"""Step 1 of the gate: who asks, is the account in good standing, is there budget left.

Strikes and suspensions are decided elsewhere; here a standing is looked up and obeyed.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, select

from safelight.accounts.keys import authenticate
from safelight.accounts.languages import Languages
from safelight.accounts.model import GATE_PERMISSIONS, ApiKey, Permission
from safelight.core.category import Stage
from safelight.core.clock import Clock, to_rfc3339
from safelight.core.errors import AccountSuspended, BudgetSpent, NotAllowed, PermissionLacking
from safelight.core.request import Standing, Subject, Tier
from safelight.store.database import Database
from safelight.store.digest_key import DigestKey
from safelight.store.tables import decisions, subjects

_MINUTE = timedelta(minutes=1)
_STANDING = select(subjects.c.standing).where(subjects.c.id == bindparam("subject"))
"""Built once: every request asks it."""
_OPEN_KEY = ApiKey(
    "key_open",
    "open",
    frozenset({*GATE_PERMISSIONS, Permission.REPORT, Permission.TAKEDOWN_READ, Permission.FIGURES_READ}),
    platform="open",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who says they are calling: strings from the request, nothing verified yet."""

    key: str | None
    """The API key as presented."""
    user: str = ""
    """The platform's name for the account that asks; empty when the platform names none."""
    tier: Tier = Tier.FREE


def pseudonym(digest_key: DigestKey, platform: str, user: str) -> str:
    """As `Accounts.pseudonym`, for whoever holds the key."""
    name = unicodedata.normalize("NFC", user).strip()
    return digest_key.pseudonym(f"{platform}\0{name}".encode("utf-8", "surrogatepass"))


class Accounts:
    """Admits callers."""

    def __init__(
        self,
        database: Database,
        digest_key: DigestKey,
        clock: Clock,
        *,
        require_key: bool = True,
        subject_requests_per_minute: int = 0,
    ) -> None:
        self._database = database
        self._digest_key = digest_key
        self._clock = clock
        self.languages = Languages(database, clock)
        self._require_key = require_key
        self._subject_requests_per_minute = subject_requests_per_minute

    async def admit(self, caller: Caller, permission: Permission) -> Subject:
        """The subject behind `caller`. Raises what `core/errors.py` says of admission."""
        return await self._database.read(lambda connection: self._admit(connection, caller, permission))

    async def check_key(self, caller: Caller, permission: Permission) -> ApiKey:
        """The key, before anything else is read. Raises NotAllowed or PermissionLacking."""
        return await self._database.read(lambda connection: self._key(connection, caller, permission))

    def pseudonym(self, platform: str, user: str) -> str:
        """The id under which a platform's account is known here, whichever of its keys the platform uses."""
        return pseudonym(self._digest_key, platform, user)

    def _admit(self, connection: Connection, caller: Caller, permission: Permission) -> Subject:
        key = self._key(connection, caller, permission)
        subject_id = self.pseudonym(key.platform, caller.user)
        standing = connection.execute(_STANDING, {"subject": subject_id}).scalar()
        if standing == Standing.SUSPENDED:
            raise AccountSuspended(
                "This account is suspended. A letter told its owner why, and how to contest it; or ask support."
            )
        self._spend(connection, decisions.c.key_id == key.id, key.requests_per_minute, "API key")
        if caller.user:
            by_subject = decisions.c.subject_id == subject_id
            self._spend(connection, by_subject, self._subject_requests_per_minute, "account")
        return Subject(subject_id, key.id, Standing(standing or Standing.GOOD), caller.tier, key.platform)

    def _key(self, connection: Connection, caller: Caller, permission: Permission) -> ApiKey:
        if not self._require_key:
            if permission not in _OPEN_KEY.permissions:
                raise PermissionLacking(f"Without API keys nobody has the permission `{permission}`; drop `open`.")
            return _OPEN_KEY
        if not caller.key:
            raise NotAllowed("No API key. Send it as `Authorization: Bearer sl_…`.")
        key = authenticate(connection, caller.key)
        if permission not in key.permissions:
            raise PermissionLacking(f"This API key lacks the permission `{permission}`.")
        return key

    def _spend(self, connection: Connection, whose: object, per_minute: int, who: str) -> None:
        if per_minute <= 0:
            return
        now: datetime = self._clock()
        # Recorded decisions are the count: it survives a restart and holds across processes. Requests still under
        # way are not in it; `in_flight_max_count` bounds those. What a clock that was wrong put into the future is no
        # longer of the last minute: it would keep the account out until then.
        count = select(func.count()).where(
            whose,  # type: ignore[arg-type]
            decisions.c.stage == Stage.INPUT,
            decisions.c.at > to_rfc3339(now - _MINUTE),
            decisions.c.at <= to_rfc3339(now),
        )
        if (connection.execute(count).scalar() or 0) >= per_minute:
            raise BudgetSpent(f"This {who} may make {per_minute} requests a minute; try again soon.", retry_after_s=60)
