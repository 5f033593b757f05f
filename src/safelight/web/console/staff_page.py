"""The staff: who is on it, with which role, and what was changed. Only an admin changes anything."""

from sqlalchemy import Connection
from starlette.responses import Response

from safelight.accounts.permissions import PERMISSIONS, Role, StaffPermission
from safelight.accounts.staff import (
    ENROLMENT_VALID,
    Member,
    add_member,
    change_role,
    end_member,
    find_member,
    latest_events,
    list_members,
    make_enrolment,
)
from safelight.accounts.staff_passkeys import count_passkeys
from safelight.core.errors import BadInput, InputCode, NotAllowed
from safelight.web.console.case_view import moment
from safelight.web.console.door import PREFIX, Door, Visit
from safelight.web.console.words import say

EVENTS_SHOWN = 100


class StaffPage:
    """The staff of one Safelight."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def page(self, visit: Visit) -> Response:
        """Members, roles, and what was changed."""
        return await self._page(visit, link="")

    async def add(self, visit: Visit) -> Response:
        """Appoint somebody; the page shows their link, once. Raises BadInput."""
        name, role = visit.form.get("name", ""), _role(visit)

        def appoint(connection: Connection) -> str:
            member = add_member(connection, name, role, by=visit.member.id, now=visit.now)
            return make_enrolment(connection, member, by=visit.member.id, now=visit.now)

        return await self._page(visit, link=self._link(await self._door.database.write(appoint)))

    async def link(self, visit: Visit) -> Response:
        """A new link for a member; the page shows it, once."""

        def renew(connection: Connection) -> str:
            return make_enrolment(connection, _member(connection, visit), by=visit.member.id, now=visit.now)

        return await self._page(visit, link=self._link(await self._door.database.write(renew)))

    async def role(self, visit: Visit) -> Response:
        """Give a member another role. Raises NotAllowed for one's own."""
        role = _role(visit)
        await self._door.database.write(
            lambda c: change_role(c, _other(c, visit), role, by=visit.member.id, now=visit.now)
        )
        return self._door.go("/staff")

    async def end(self, visit: Visit) -> Response:
        """End a membership. Raises NotAllowed for one's own."""
        await self._door.database.write(lambda c: end_member(c, _other(c, visit), by=visit.member.id, now=visit.now))
        return self._door.go("/staff")

    async def _page(self, visit: Visit, link: str) -> Response:
        members, passkeys, events = await self._door.database.read(
            lambda c: (list_members(c), count_passkeys(c), latest_events(c, EVENTS_SHOWN))
        )
        return self._door.show(
            "staff.html",
            visit,
            members=members,
            passkeys=passkeys,
            events=events,
            names={member.id: member.name for member in members} | {"machine": "the command line"},
            link=link,
            valid_h=int(ENROLMENT_VALID.total_seconds() / 3600),
            roles=Role,
            permissions=StaffPermission,
            table=PERMISSIONS,
            can_change=visit.may(StaffPermission.MEMBER_WRITE),
            say=say,
            moment=moment,
        )

    def _link(self, token: str) -> str:
        return f"{self._door.site.origin}{PREFIX}/enrol#{token}"


def _member(connection: Connection, visit: Visit) -> Member:
    member = find_member(connection, visit.request.path_params["member_id"])
    if member is None:
        raise BadInput(InputCode.FIELD_INVALID, "There is no such member.")
    return member


def _other(connection: Connection, visit: Visit) -> Member:
    member = _member(connection, visit)
    if member.id == visit.member.id:
        raise NotAllowed("Another admin has to change this about you; or `safelight staff` on the machine.")
    return member


def _role(visit: Visit) -> Role:
    try:
        return Role(visit.form.get("role", ""))
    except ValueError as error:
        raise BadInput(InputCode.FIELD_INVALID, "There is no such role.", param="role") from error
