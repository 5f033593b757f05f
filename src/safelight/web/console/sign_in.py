"""Signing in, enrolling, signing out: by passkey or by the organisation's account.

Rules of this module
- The challenge stands in a session made for this one sign-in; its answer spends it, and the sign-in makes a new one.
- The link to enrol carries its token after `#`, which browsers do not send: it is in no log of any server.
- The provider sends the browser back from its own site, and such a request carries no strict cookie: the page that it
  reaches does nothing but ask for the same address again, from here.
"""

import json
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from safelight.accounts import staff_passkeys as passkeys
from safelight.accounts import staff_sessions as sessions
from safelight.accounts.staff import Member, check_enrolment, use_enrolment
from safelight.accounts.staff_oidc import Oidc, bind_account, member_of
from safelight.core.errors import BadInput, InputCode, NotAllowed
from safelight.web.console.door import PREFIX, SIGN_IN, Door, Visit

T = TypeVar("T")

_NO = "This sign-in did not hold. Try again, or ask an admin for a new link to enrol by."


class SignInPages:
    """The pages before the console."""

    def __init__(self, door: Door, oidc: Oidc | None) -> None:
        self._door = door
        self._oidc = oidc

    def routes(self) -> list[Route]:
        """Pages without a session, and signing out."""
        door = self._door
        return [
            Route(SIGN_IN, door.unguarded(self.page), methods=["GET"]),
            Route(f"{SIGN_IN}/begin", door.unguarded(self.begin), methods=["POST"]),
            Route(f"{SIGN_IN}/finish", door.unguarded(self.finish), methods=["POST"]),
            Route(f"{SIGN_IN}/oidc", door.unguarded(self.oidc_begin), methods=["GET"]),
            Route(f"{SIGN_IN}/oidc/back", door.unguarded(self.oidc_back), methods=["GET"]),
            Route(f"{SIGN_IN}/oidc/finish", door.unguarded(self.oidc_finish), methods=["GET"]),
            Route(f"{PREFIX}/enrol", door.unguarded(self.enrol_page), methods=["GET"]),
            Route(f"{PREFIX}/enrol/begin", door.unguarded(self.enrol_begin), methods=["POST"]),
            Route(f"{PREFIX}/enrol/finish", door.unguarded(self.enrol_finish), methods=["POST"]),
            Route(f"{PREFIX}/enrol/oidc", door.unguarded(self.enrol_oidc), methods=["POST"]),
            Route(f"{PREFIX}/sign-out", door.guard(self.sign_out, None), methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        """Sign in. A browser that came by another name of this machine is told the right one."""
        elsewhere = request.headers.get("host", "") != urlsplit(self._door.site.origin).netloc
        return self._door.show(
            "sign_in.html",
            None,
            next=_safe_next(request.query_params.get("next", "")),
            has_oidc=self._oidc is not None,
            elsewhere=f"{self._door.site.origin}{PREFIX}" if elsewhere else "",
        )

    async def begin(self, _request: Request) -> Response:
        """The question to the browser's passkeys."""
        asked, now = passkeys.ask_to_sign_in(self._door.site), self._door.clock()
        session = await self._door.database.write(lambda c: sessions.begin(c, asked.challenge, now))
        return self._door.with_cookie(JSONResponse(json.loads(asked.options)), session)

    async def finish(self, request: Request) -> Response:
        """The passkey's answer. Raises NotAllowed."""
        begun = await self._begun(request)
        credential = json.dumps(_field(await self._json(request), "credential", dict))
        now = self._door.clock()

        def recognise(connection: Connection) -> Member | None:
            challenge = sessions.take_challenge(connection, begun, "sign_in")
            return passkeys.recognise(connection, self._door.site, credential, challenge, now)

        return await self._signed_in(begun, await self._door.database.write(recognise), "passkey")

    async def enrol_page(self, _request: Request) -> Response:
        """Where a link to enrol leads."""
        return self._door.show("enrol.html", None, has_oidc=self._oidc is not None)

    async def enrol_begin(self, request: Request) -> Response:
        """Whose link it is, and the question for a new passkey. Raises NotAllowed."""
        token = _field(await self._json(request), "token", str)
        now = self._door.clock()

        def ask(connection: Connection) -> tuple[passkeys.Asked, sessions.Session, Member]:
            member = check_enrolment(connection, token, now)
            asked = passkeys.ask_to_enrol(connection, self._door.site, member)
            return asked, sessions.begin(connection, asked.challenge, now), member

        asked, session, member = await self._door.database.write(ask)
        answer = JSONResponse({"name": member.name, "options": json.loads(asked.options)})
        return self._door.with_cookie(answer, session)

    async def enrol_finish(self, request: Request) -> Response:
        """The new passkey: kept, the link spent, and its owner signed in. Raises NotAllowed."""
        begun = await self._begun(request)
        body = await self._json(request)
        token, credential = _field(body, "token", str), json.dumps(_field(body, "credential", dict))
        now = self._door.clock()

        def enrol(connection: Connection) -> Member:
            challenge = sessions.take_challenge(connection, begun, "enrol")
            member = use_enrolment(connection, token, now)
            passkeys.enrol(connection, self._door.site, member, credential, challenge, now)
            return member

        return await self._signed_in(begun, await self._door.database.write(enrol), "passkey")

    async def enrol_oidc(self, request: Request) -> Response:
        """Where to go to have the organisation's account bound. Raises NotAllowed."""
        token = _field(await self._json(request), "token", str)
        now = self._door.clock()
        await self._door.database.read(lambda c: check_enrolment(c, token, now))
        address, challenge = await self._provider().ask(enrolment=token)
        session = await self._door.database.write(lambda c: sessions.begin(c, challenge, now))
        return self._door.with_cookie(JSONResponse({"address": address}), session)

    async def oidc_begin(self, _request: Request) -> Response:
        """To the organisation's sign-in. Raises NotAllowed."""
        address, challenge = await self._provider().ask()
        now = self._door.clock()
        session = await self._door.database.write(lambda c: sessions.begin(c, challenge, now))
        return self._door.with_cookie(RedirectResponse(address, 303), session)

    async def oidc_back(self, request: Request) -> Response:
        """From the provider's site: ask again, from ours, so that the strict cookie comes along."""
        kept = {name: request.query_params[name] for name in ("code", "state", "iss") if name in request.query_params}
        return self._door.show("oidc_back.html", None, address=f"{SIGN_IN}/oidc/finish?{urlencode(kept)}")

    async def oidc_finish(self, request: Request) -> Response:
        """What the provider says of who came back. Raises NotAllowed."""
        begun = await self._begun(request)
        now = self._door.clock()
        challenge = await self._door.database.write(lambda c: sessions.take_challenge(c, begun, "oidc"))
        account = await self._provider().recognise(request.query_params, challenge, now)

        def recognise(connection: Connection) -> Member | None:
            if token := challenge.get("enrolment"):
                bind_account(connection, member := use_enrolment(connection, token, now), account, now)
                return member
            return member_of(connection, account)

        return await self._signed_in(begun, await self._door.database.write(recognise), "oidc")

    async def sign_out(self, visit: Visit) -> Response:
        """Sign out."""
        await self._door.database.write(lambda c: sessions.end(c, visit.session))
        return self._door.with_cookie(RedirectResponse(SIGN_IN, 303), None)

    async def _signed_in(self, begun: sessions.Session, member: Member | None, how: str) -> Response:
        if member is None:
            raise NotAllowed(_NO)
        now = self._door.clock()
        session = await self._door.database.write(
            lambda c: sessions.sign_in(c, begun, member, how=how, rules=self._door.rules, now=now)
        )
        answer: Response = JSONResponse({"name": member.name})
        if how == "oidc":
            answer = self._door.go("/")
        return self._door.with_cookie(answer, session)

    async def _begun(self, request: Request) -> sessions.Session:
        session = await self._door.session(request)
        if session is None:
            raise NotAllowed("This sign-in was not begun here, or took too long. Begin again.")
        return session

    async def _json(self, request: Request) -> dict[str, object]:
        try:
            found = json.loads(await self._door.body(request))
        except (ValueError, RecursionError) as error:
            raise BadInput(InputCode.BODY_INVALID, "Send a JSON object.") from error
        if not isinstance(found, dict):
            raise BadInput(InputCode.BODY_INVALID, "Send a JSON object.")
        return found

    def _provider(self) -> Oidc:
        if self._oidc is None:
            raise NotAllowed("No organisation's sign-in is set up here (SAFELIGHT_OIDC_ISSUER). Use a passkey.")
        return self._oidc


def _field(body: dict[str, object], name: str, kind: type[T]) -> T:
    value = body.get(name)
    if not isinstance(value, kind):
        raise BadInput(InputCode.FIELD_INVALID, f"The field `{name}` is missing.", param=name)
    return value


def _safe_next(path: str) -> str:
    """A page of the console to go to after sign-in; anything else is its first page."""
    is_ours = path.startswith(f"{PREFIX}/") and path.isascii() and path.isprintable() and "\\" not in path
    return path if is_ours and not path.startswith(SIGN_IN) else f"{PREFIX}/"
