"""A small, faithful OpenID provider: discovery, authorisation code with PKCE, ES256 identity tokens, one use of a code.

`faults` change one thing at a time about what it answers, so that a test can be somebody who forges exactly that.
"""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

ISSUER = "https://accounts.example"
CLIENT_ID, CLIENT_SECRET = "console", "a-client-secret-of-a-test"


@dataclass
class Provider:
    """One provider; `subject` is who is signed in at it."""

    subject: str = "person-1"
    now_s: int = field(default_factory=lambda: int(time.time()))
    faults: dict[str, Any] = field(default_factory=dict)
    """Claims to change (`nonce`, `aud`, `iss`, `exp`, `sub`), or `alg`: `HS256`, `other_key`, `none`."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._key = ECKey.generate_key("P-256", parameters={"kid": "one"})
        self._other = ECKey.generate_key("P-256", parameters={"kid": "one"})
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.metadata),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
                Route("/keys", self.keys),
            ]
        )

    async def metadata(self, _request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.faults.get("metadata_issuer", ISSUER),
                "authorization_endpoint": f"{ISSUER}/authorize",
                "token_endpoint": f"{ISSUER}/token",
                "jwks_uri": f"{ISSUER}/keys",
                "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
            }
        )

    async def authorize(self, request: Request) -> Response:
        return RedirectResponse(self.consent(str(request.url)))

    def consent(self, address: str) -> str:
        """What the person's browser does at the provider: agrees, and is sent back. Returns the address back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert asked["client_id"] == CLIENT_ID
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': ISSUER})}"

    async def token(self, request: Request) -> Response:
        form = await request.form()
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self.codes.pop(str(form.get("code")), None)
        digest = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != form.get("redirect_uri"):
            return JSONResponse({"error": "invalid_grant"}, 400)
        claims = {
            "iss": ISSUER,
            "sub": self.subject,
            "aud": CLIENT_ID,
            "exp": self.now_s + 300,
            "iat": self.now_s,
            "nonce": asked["nonce"],
        }
        claims |= {name: value for name, value in self.faults.items() if name in claims}
        id_token = self._sign({name: value for name, value in claims.items() if value is not None})
        return JSONResponse({"access_token": "at", "token_type": "Bearer", "id_token": id_token})

    async def keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [self._key.as_dict(private=False)]})

    def _sign(self, claims: dict[str, Any]) -> str:
        match self.faults.get("alg"):
            case "HS256":
                secret = OctKey.import_key(CLIENT_SECRET.ljust(32, "-"))
                return jwt.encode({"alg": "HS256"}, claims, secret, algorithms=["HS256"])
            case "none":
                parts = jwt.encode({"alg": "ES256", "kid": "one"}, claims, self._key).split(".")
                header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
                return f"{header}.{parts[1]}."
            case "other_key":
                return jwt.encode({"alg": "ES256", "kid": "one"}, claims, self._other)
        return jwt.encode({"alg": "ES256", "kid": "one"}, claims, self._key)
