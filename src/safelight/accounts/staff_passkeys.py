"""Passkeys (W3C Web Authentication Level 3): a key pair in the member's device, bound to the console's own address.

Rules of this module
- User verification is required, of enrolment and of sign-in: the passkey is what one has and what one is or knows.
- The challenge comes from the server-side session and is spent by the first answer, right or wrong.
- Nobody names themselves: the passkey says whose it is (discoverable credentials), so names cannot be probed.
- A count that went backwards means that there are two of the key: the sign-in is refused and is an event.
- Every refusal has the same words; what was wrong is in the event or nowhere.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import Connection, delete, func, insert, select, update
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from safelight.accounts.staff import Member, find_member, note
from safelight.core.clock import to_rfc3339
from safelight.core.errors import NotAllowed
from safelight.store.staff_tables import staff_passkeys

RELYING_PARTY = "Safelight console"
PASSKEYS_MAX_COUNT = 10
"""Passkeys of one member."""

_ENROL, _SIGN_IN = "enrol", "sign_in"


@dataclass(frozen=True, slots=True)
class Site:
    """Where the console is, as browsers see it."""

    origin: str
    """Such as `https://console.example`, without a slash at the end."""

    @property
    def domain(self) -> str:
        """What passkeys are bound to: the relying party's id."""
        return urlsplit(self.origin).hostname or ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the browser is asked, and what its answer must be to."""

    options: str
    """JSON for `navigator.credentials`."""
    challenge: dict[str, str]
    """For the session."""


def ask_to_enrol(connection: Connection, site: Site, member: Member, **more: str) -> Asked:
    """Ask for a new passkey of `member`; `more` stands beside the challenge. Raises NotAllowed at the bound."""
    held = connection.execute(select(staff_passkeys.c.credential_id).where(staff_passkeys.c.member_id == member.id))
    known = [PublicKeyCredentialDescriptor(id=row.credential_id) for row in held]
    if len(known) >= PASSKEYS_MAX_COUNT:
        raise NotAllowed(f"You have {PASSKEYS_MAX_COUNT} passkeys; remove one first.")
    options = generate_registration_options(
        rp_id=site.domain,
        rp_name=RELYING_PARTY,
        user_name=member.name,
        user_id=member.id.encode(),
        exclude_credentials=known,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )
    challenge = {"kind": _ENROL, "challenge": bytes_to_base64url(options.challenge), "member": member.id, **more}
    return Asked(options_to_json(options), challenge)


def enrol(
    connection: Connection, site: Site, member: Member, credential: str, challenge: dict[str, str], now: datetime
) -> None:
    """Keep the passkey that answers `challenge`. Raises NotAllowed."""
    try:
        verified = verify_registration_response(
            credential=credential,
            expected_challenge=base64url_to_bytes(challenge["challenge"]),
            expected_rp_id=site.domain,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NotAllowed("This passkey cannot be taken. Begin again, on the console's own address.") from error
    taken = select(staff_passkeys.c.member_id).where(staff_passkeys.c.credential_id == verified.credential_id)
    if challenge.get("member") != member.id or connection.execute(taken).first():
        raise NotAllowed("This passkey cannot be taken. Begin again, on the console's own address.")
    connection.execute(
        insert(staff_passkeys).values(
            credential_id=verified.credential_id,
            member_id=member.id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            created_at=to_rfc3339(now),
        )
    )
    note(connection, member.id, "passkey_added", _short(verified.credential_id), by=member.id, now=now)


def ask_to_sign_in(site: Site) -> Asked:
    """Ask for a passkey of the console, whosever it is."""
    options = generate_authentication_options(rp_id=site.domain, user_verification=UserVerificationRequirement.REQUIRED)
    return Asked(options_to_json(options), {"kind": _SIGN_IN, "challenge": bytes_to_base64url(options.challenge)})


def recognise(
    connection: Connection, site: Site, credential: str, challenge: dict[str, str], now: datetime
) -> Member | None:
    """Whose passkey answered `challenge`; none for any answer that does not hold.

    It raises nothing, so that what it wrote about a key that was copied is committed.
    """
    named = _named(credential)
    row = connection.execute(select(staff_passkeys).where(staff_passkeys.c.credential_id == named[0])).one_or_none()
    member = find_member(connection, row.member_id) if row else None
    if row is None or member is None or member.ended or named[1] not in (None, member.id):
        return None
    try:
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=base64url_to_bytes(challenge["challenge"]),
            expected_rp_id=site.domain,
            expected_origin=site.origin,
            credential_public_key=row.public_key,
            # The count is judged below, where a key that was copied becomes an event.
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        return None
    if (row.sign_count or verified.new_sign_count) and verified.new_sign_count <= row.sign_count:
        note(connection, member.id, "passkey_copied", _short(row.credential_id), by=member.id, now=now)
        return None
    connection.execute(
        update(staff_passkeys)
        .where(staff_passkeys.c.credential_id == row.credential_id)
        .values(sign_count=verified.new_sign_count, used_at=to_rfc3339(now))
    )
    return member


def list_passkeys(connection: Connection, member: Member) -> list[tuple[str, str, str | None]]:
    """Of each passkey of `member`: its short name, when it was added, when it was last used."""
    rows = connection.execute(
        select(staff_passkeys).where(staff_passkeys.c.member_id == member.id).order_by(staff_passkeys.c.created_at)
    )
    return [(_short(row.credential_id), row.created_at, row.used_at) for row in rows]


def remove_passkey(connection: Connection, member: Member, name: str, *, now: datetime) -> None:
    """Remove the passkey with this short name. Raises NotAllowed for the last one, and where there is none."""
    rows = connection.execute(select(staff_passkeys.c.credential_id).where(staff_passkeys.c.member_id == member.id))
    found = {_short(row.credential_id): row.credential_id for row in rows}
    if name not in found or len(found) == 1:
        raise NotAllowed("There is no such passkey of yours, or it is the only one: add another first.")
    connection.execute(delete(staff_passkeys).where(staff_passkeys.c.credential_id == found[name]))
    note(connection, member.id, "passkey_removed", name, by=member.id, now=now)


def count_passkeys(connection: Connection) -> dict[str, int]:
    """How many passkeys each member has, by the member's id."""
    table = staff_passkeys
    rows = connection.execute(select(table.c.member_id, func.count()).group_by(table.c.member_id))
    return {row[0]: row[1] for row in rows}


def _named(credential: str) -> tuple[bytes, str | None]:
    """The credential's id and the member that it says it is of. Empty for what is none."""
    try:
        parsed = json.loads(credential)
        handle = parsed["response"].get("userHandle")
        return base64url_to_bytes(parsed["id"]), base64url_to_bytes(handle).decode() if handle else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return b"", None


def _short(credential_id: bytes) -> str:
    """Enough of a credential's id to tell one member's passkeys apart."""
    return bytes_to_base64url(credential_id)[:12]
