"""What the routes need of the running Safelight, and the way in: key first, then memory, then the body."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from safelight.accounts.model import Permission
from safelight.accounts.service import Accounts
from safelight.consent.service import Consents
from safelight.gate.flow import Gate
from safelight.web.gateway.bodies import BodyReader, Held
from safelight.web.gateway.caller import LANGUAGE_HEADER, caller_of
from safelight.web.gateway.translate import Translator


@dataclass(frozen=True, slots=True)
class Door:
    """The parts that the gateway's routes use."""

    gate: Gate
    accounts: Accounts
    consents: Consents
    bodies: BodyReader
    translator: Translator

    @asynccontextmanager
    async def enter(self, request: Request, permission: Permission) -> AsyncIterator[Held]:
        """Let `request` in: a stranger without a key is sent away before their body is read. Raises SafelightError."""
        caller = caller_of(request)
        key = await self.accounts.check_key(caller, permission)
        if caller.user and (language := request.headers.get(LANGUAGE_HEADER)):
            await self.accounts.languages.note(self.accounts.pseudonym(key.platform, caller.user), language)
        async with self.bodies.hold(request) as held:
            yield held


def door_of(request: Request) -> Door:
    """The door of the application that serves `request`."""
    door: Door = request.app.state.door
    return door
