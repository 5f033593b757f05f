"""What concerns oneself: passkeys, matters not to work on, what one was shown, breaks."""

import json
from dataclasses import replace

from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from safelight.accounts import staff_passkeys as passkeys
from safelight.accounts import staff_sessions as sessions
from safelight.accounts.permissions import StaffPermission
from safelight.accounts.staff import opt_out
from safelight.accounts.staff_welfare import WelfareRules, begin_break, end_break, exposure_of
from safelight.cases.draft import Matter
from safelight.cases.service import Cases
from safelight.core.errors import BadInput, InputCode
from safelight.web.console.case_view import moment, staff_of
from safelight.web.console.door import Door, Visit
from safelight.web.console.words import say


class MemberPages:
    """One's own pages."""

    def __init__(self, door: Door, cases: Cases, welfare: WelfareRules) -> None:
        self._door = door
        self._cases = cases
        self._welfare = welfare

    async def page(self, visit: Visit) -> Response:
        """Everything about oneself."""
        held, exposure = await self._door.database.read(
            lambda c: (
                passkeys.list_passkeys(c, visit.member),
                exposure_of(c, visit.member, self._welfare, visit.now),
            )
        )
        return self._door.show(
            "me.html",
            visit,
            passkeys=held,
            exposure=exposure,
            rules=self._welfare,
            matters=Matter,
            sees=visit.may(StaffPermission.MEDIA_VIEW),
            say=say,
            moment=moment,
        )

    async def opt_out(self, visit: Visit) -> Response:
        """Choose the matters that one does not work on; what one holds of them goes back. Raises BadInput."""
        chosen = frozenset(value for name, value in visit.choices if name == "matter")
        if not chosen <= {matter.value for matter in Matter}:
            raise BadInput(InputCode.FIELD_INVALID, "There is no such matter.", param="matter")

        def leave(connection: Connection) -> None:
            opt_out(connection, visit.member, chosen, now=visit.now)
            self._cases.give_back(connection, staff_of(replace(visit.member, opted_out=chosen)))

        await self._door.database.write(leave)
        return self._door.go("/me")

    async def begin_break(self, visit: Visit) -> Response:
        """Begin a break."""
        await self._door.database.write(lambda c: begin_break(c, visit.member, visit.now))
        return self._door.go("/break")

    async def end_break(self, visit: Visit) -> Response:
        """End it."""
        await self._door.database.write(lambda c: end_break(c, visit.member, self._welfare, visit.now))
        return self._door.go("/")

    async def break_page(self, visit: Visit) -> Response:
        """A page with nothing on it."""
        exposure = await self._door.database.read(lambda c: exposure_of(c, visit.member, self._welfare, visit.now))
        if not exposure.on_break_since:
            return self._door.go("/")
        return self._door.show(
            "break.html", visit, since=moment(exposure.on_break_since), rules=self._welfare, due=exposure.break_due
        )

    async def passkey_begin(self, visit: Visit) -> Response:
        """The question for another passkey."""

        def ask(connection: Connection) -> passkeys.Asked:
            asked = passkeys.ask_to_enrol(connection, self._door.site, visit.member)
            sessions.set_challenge(connection, visit.session, asked.challenge)
            return asked

        return JSONResponse(json.loads((await self._door.database.write(ask)).options))

    async def passkey_finish(self, visit: Visit) -> Response:
        """The other passkey. Raises NotAllowed."""
        try:
            credential = json.dumps(json.loads(visit.form.get("body", ""))["credential"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadInput(InputCode.BODY_INVALID, "Send a JSON object with `credential`.") from error

        def enrol(connection: Connection) -> None:
            challenge = sessions.take_challenge(connection, visit.session, "enrol")
            passkeys.enrol(connection, self._door.site, visit.member, credential, challenge, visit.now)

        await self._door.database.write(enrol)
        return JSONResponse({})

    async def passkey_remove(self, visit: Visit) -> Response:
        """Remove a passkey. Raises NotAllowed for the only one."""
        name = visit.form.get("name", "")
        await self._door.database.write(lambda c: passkeys.remove_passkey(c, visit.member, name, now=visit.now))
        return self._door.go("/me")
