"""Who of the staff may do what: one list of permissions, one table of roles.

Rules of this module
- A permission is something a person does, `scope:resource:action`. Keys of platforms have their own list
  (`accounts/model.py`): the types differ, so that nothing meant for a person is ever given to a key.
- Nobody has two roles, and no role has everything. Who says who may decide (`admin`) sees no case and no picture; who
  reads the figures of all (`lead`, `auditor`) need not look at pictures to do so.
- A role says what somebody may do in general. What the state of a case allows is `cases/`' to say, and that the second
  of two is another person than the first, too.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from safelight.core.errors import PermissionLacking


class StaffPermission(StrEnum):
    """What a member of the staff may do in the console."""

    QUEUE_READ = "cases:queue:read"
    """See the queue: clocks, categories and states, no words and no pictures."""
    CASE_READ = "cases:case:read"
    """See a case: reports, facts, copies, letters, history."""
    CASE_CLAIM = "cases:case:claim"
    """Take a case, and give it back, so that nobody else works on it meanwhile."""
    CASE_FREE = "cases:case:free"
    """Free a case that somebody else holds; see what could not be delivered, and have it tried again."""
    CASE_DECIDE = "cases:case:decide"
    """Decide; where two must, be the first."""
    CASE_SECOND = "cases:case:second"
    """Confirm or reject what another decided, where two must."""
    CASE_UNDO = "cases:case:undo"
    """Take back a decision."""
    APPEAL_DECIDE = "cases:appeal:decide"
    """Decide what somebody contests."""
    MEDIA_VIEW = "cases:media:view"
    """Have a picture shown, at first with less detail; each showing is counted."""
    REVIEW_BLIND = "quality:review:blind"
    """Judge again, without seeing how it was judged, what others have decided."""
    FIGURES_READ = "figures:service:read"
    """Times, shares and backlog of the whole service."""
    STAFF_FIGURES_READ = "figures:staff:read"
    """Agreement and exposure of each member."""
    MEMBER_READ = "staff:member:read"
    """See who is on the staff, and what was changed there."""
    MEMBER_WRITE = "staff:member:write"
    """Add members, change their role, end their membership."""


class Role(StrEnum):
    """What somebody was appointed to. One each."""

    MODERATOR = "moderator"
    """Works the queue."""
    SENIOR = "senior"
    """Works the queue, is the second of two, frees what others hold, decides appeals."""
    LEAD = "lead"
    """Looks after the queue and those who work it; decides nothing."""
    AUDITOR = "auditor"
    """Reads: cases, figures, staff. Sees no picture and changes nothing."""
    ADMIN = "admin"
    """Says who is on the staff; sees no case."""


_P = StaffPermission
_MODERATOR = frozenset(
    {_P.QUEUE_READ, _P.CASE_READ, _P.CASE_CLAIM, _P.CASE_DECIDE, _P.CASE_UNDO, _P.MEDIA_VIEW, _P.FIGURES_READ}
)

PERMISSIONS: Mapping[Role, frozenset[StaffPermission]] = MappingProxyType(
    {
        Role.MODERATOR: _MODERATOR | {_P.REVIEW_BLIND},
        Role.SENIOR: _MODERATOR | {_P.REVIEW_BLIND, _P.CASE_SECOND, _P.CASE_FREE, _P.APPEAL_DECIDE},
        Role.LEAD: frozenset(
            {_P.QUEUE_READ, _P.CASE_READ, _P.CASE_FREE, _P.FIGURES_READ, _P.STAFF_FIGURES_READ, _P.MEMBER_READ}
        ),
        Role.AUDITOR: frozenset({_P.QUEUE_READ, _P.CASE_READ, _P.FIGURES_READ, _P.STAFF_FIGURES_READ, _P.MEMBER_READ}),
        Role.ADMIN: frozenset({_P.MEMBER_READ, _P.MEMBER_WRITE}),
    }
)
"""The table. `docs/reference/permissions.md` prints it; `tests/accounts/test_permissions.py` holds it to its rules."""


def may(role: Role, permission: StaffPermission) -> bool:
    """Whether somebody with `role` may do this at all."""
    return permission in PERMISSIONS[role]


def require(role: Role, permission: StaffPermission) -> None:
    """Raises PermissionLacking unless somebody with `role` may do this."""
    if not may(role, permission):
        raise PermissionLacking(
            f"Your role ({role.value}) lacks the permission `{permission.value}`. Who needs it asks an admin."
        )
