"""A key and what it may do."""

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """What a key may be used for, as `scope:resource:action`."""

    MAKE = "gate:image:make"
    """Ask for images: generations, edits, variations."""
    CHECK = "gate:request:check"
    """Ask for decisions only: `/v1/check` and `/v1/moderations`."""
    CONSENT_READ = "consent:record:read"
    """See the consent records of the key's platform, and check a statement."""
    CONSENT_WRITE = "consent:record:write"
    """Add and revoke consent records. Enrolling a signer is not to be had by any key: it is done on the machine."""
    PROTECT = "matching:photo:protect"
    """Register photos that are not to be used, and ask about them with their receipts."""
    LOOKUP = "matching:bank:lookup"
    """Learn which banks know a picture or a hash, by name: for reviewers and machines that act on lists."""
    SEE_COPY = "matching:copy:see"
    """As that, and see where a copy agrees with the picture that a bank knows, and where that one's edges lie."""
    TRACE = "provenance:picture:trace"
    """Learn from which request, and whose account, a picture comes; each use is recorded."""

    REPORT = "cases:report:send"
    """Hand on reports, and what their people do with their receipts: for a platform's own form."""
    TAKEDOWN_READ = "cases:takedown:read"
    """Ask whether something may be shown, and read the letters to an account, to hand them on."""
    FIGURES_READ = "figures:service:read"
    """Times, shares and backlog of reports."""


GATE_PERMISSIONS = (Permission.MAKE, Permission.CHECK)
"""What a key may do unless it is made for something else: whoever may ask for images may not also allow them."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is known after authentication; its secret is not among it."""

    id: str
    name: str
    permissions: frozenset[Permission]
    platform: str
    """Whose key it is: the accounts behind all keys of one platform are the same people."""
    requests_per_minute: int = 0
    """0 for no bound."""
    revoked: bool = False
