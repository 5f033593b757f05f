"""One table of roles and permissions, and the rules that it keeps whatever is added to it."""

import pytest

from safelight.accounts.permissions import PERMISSIONS, Role, StaffPermission, may, require
from safelight.core.errors import PermissionLacking

P = StaffPermission
SEES_PICTURES = {Role.MODERATOR, Role.SENIOR}
TABLE = {
    Role.MODERATOR: "queue:read case:read case:claim case:decide case:undo media:view service:read review:blind",
    Role.SENIOR: "queue:read case:read case:claim case:decide case:undo media:view service:read review:blind "
    "case:second case:free appeal:decide",
    Role.LEAD: "queue:read case:read case:free service:read staff:read member:read",
    Role.AUDITOR: "queue:read case:read service:read staff:read member:read",
    Role.ADMIN: "member:read member:write",
}
"""Written a second time, by hand: a change of the table is a change here too, and is seen."""


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", StaffPermission)
def test_the_table_is_the_one_that_was_agreed(role: Role, permission: StaffPermission) -> None:
    agreed = permission.value.split(":", 1)[1] in TABLE[role].split()
    assert may(role, permission) is agreed
    if agreed:
        require(role, permission)
    else:
        with pytest.raises(PermissionLacking, match=permission.value):
            require(role, permission)


def test_every_role_has_a_row_and_every_permission_a_holder() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert frozenset().union(*PERMISSIONS.values()) == set(StaffPermission)


def test_who_appoints_sees_no_case_and_nobody_has_everything() -> None:
    for held in PERMISSIONS.values():
        assert not (P.MEMBER_WRITE in held and any(one.value.startswith("cases:") for one in held))
        assert held != set(StaffPermission)


def test_only_those_who_decide_see_pictures_and_only_they_can_be_shown_them() -> None:
    assert {role for role in Role if may(role, P.MEDIA_VIEW)} == SEES_PICTURES
    assert {role for role in Role if may(role, P.CASE_DECIDE)} == SEES_PICTURES
