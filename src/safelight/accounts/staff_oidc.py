"""Sign-in by the organisation's own accounts: OpenID Connect Core 1.0, authorisation code with PKCE (RFC 7636).

Rules of this module
- Who somebody is, is `iss` and `sub`, and nothing else: no e-mail address makes a member, since those are given anew.
- An account is bound to a member by an enrolment link, never by signing in with it.
- `state`, `nonce` and the code verifier stand in the server-side session. The signature is checked with the keys that
  the issuer publishes, by the algorithms listed here: neither `none` nor a shared secret is among them.
- The provider's answers are bounded in time and size, and go nowhere but into these checks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit

import httpx2
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.integrations.httpx_client import OAuthError as RefusedByProvider
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization
from joserfc.jws import JWSRegistry
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import IntegrityError

from safelight.accounts.staff import Member, find_member, note
from safelight.core.errors import NotAllowed, NotStartable
from safelight.store.staff_tables import staff_members

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
TIMEOUT_S = 10.0
ANSWER_MAX_BYTES = 256 * 1024
LEEWAY_S = 60
"""How far the provider's clock may be from ours."""

_REFUSED = "Your organisation's sign-in did not hold. Begin again; if it fails again, tell an admin."


@dataclass(frozen=True, slots=True)
class OidcAccount:
    """Somebody, as their organisation names them."""

    issuer: str
    subject: str


class Oidc:
    """One provider. `close()` when done."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """Raises NotStartable for an issuer that is not https, unless it is on this machine."""
        parts = urlsplit(issuer)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise NotStartable("The OIDC issuer must be an https address (SAFELIGHT_OIDC_ISSUER).")
        self.issuer = issuer
        self._client_id = client_id
        self._client = AsyncOAuth2Client(
            client_id,
            client_secret,
            scope="openid",
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=TIMEOUT_S,
            trust_env=False,
            transport=transport,
        )

    async def close(self) -> None:
        """Close the connections to the provider."""
        await self._client.aclose()

    async def ask(self, **more: str) -> tuple[str, dict[str, str]]:
        """Where to send the browser, and the challenge for the session, with `more` beside it. Raises NotAllowed."""
        metadata = await self._metadata()
        verifier, nonce = generate_token(64), generate_token(32)
        address, state = self._client.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
        )
        return address, {"kind": "oidc", "state": state, "nonce": nonce, "verifier": verifier, **more}

    async def recognise(self, answer: Mapping[str, str], challenge: Mapping[str, str], now: datetime) -> OidcAccount:
        """Who came back, from the query of the return address. Raises NotAllowed."""
        code, state = answer.get("code", ""), answer.get("state", "")
        # RFC 9207: a provider that names itself must be the one that was asked.
        if not code or not state or state != challenge["state"] or answer.get("iss", self.issuer) != self.issuer:
            raise NotAllowed(_REFUSED)
        metadata = await self._metadata()
        try:
            token = await self._client.fetch_token(
                metadata["token_endpoint"], code=code, code_verifier=challenge["verifier"]
            )
            keys = KeySet.import_key_set(cast(KeySetSerialization, await self._json(metadata["jwks_uri"])))
            decoded = jwt.decode(
                token["id_token"], key=keys, registry=JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
            )
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": self._client_id},
                    "nonce": {"essential": True, "value": challenge["nonce"]},
                },
                {"nonce": challenge["nonce"], "client_id": self._client_id, "access_token": token["access_token"]},
            )
            claims.validate(now=int(now.timestamp()), leeway=LEEWAY_S)
            subject = claims["sub"]
        except (RefusedByProvider, JoseError, httpx2.HTTPError, KeyError, TypeError, ValueError) as error:
            raise NotAllowed(_REFUSED) from error
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:  # the bound of OpenID Connect Core, section 2
            raise NotAllowed(_REFUSED)
        return OidcAccount(self.issuer, subject)

    async def _metadata(self) -> dict[str, Any]:
        found = await self._json(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        # OpenID Connect Discovery 1.0, section 4.3: the two must be the same, to the letter.
        if found.get("issuer") != self.issuer:
            raise NotAllowed(_REFUSED)
        return found

    async def _json(self, address: str) -> dict[str, Any]:
        try:
            answer = await self._client.request("GET", address, withhold_token=True, follow_redirects=False)
            found = answer.raise_for_status().json() if len(answer.content) <= ANSWER_MAX_BYTES else None
        except (httpx2.HTTPError, ValueError) as error:
            raise NotAllowed("Your organisation's sign-in does not answer. Try again, or use a passkey.") from error
        if not isinstance(found, dict):
            raise NotAllowed(_REFUSED)
        return found


def bind_account(connection: Connection, member: Member, account: OidcAccount, now: datetime) -> None:
    """Let `account` sign in as `member` from now on. Raises NotAllowed when it is somebody else's already."""
    values = {"oidc_issuer": account.issuer, "oidc_subject": account.subject}
    try:
        connection.execute(update(staff_members).where(staff_members.c.id == member.id).values(**values))
    except IntegrityError as error:
        raise NotAllowed("This account belongs to another member of the staff.") from error
    note(connection, member.id, "account_bound", "", by=member.id, now=now)


def member_of(connection: Connection, account: OidcAccount) -> Member | None:
    """The member whose account this is, or none."""
    table = staff_members
    found = connection.execute(
        select(table.c.id).where(table.c.oidc_issuer == account.issuer, table.c.oidc_subject == account.subject)
    ).scalar()
    member = find_member(connection, found) if found else None
    return member if member and not member.ended else None
