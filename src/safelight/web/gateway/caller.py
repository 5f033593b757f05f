"""Who calls, as the HTTP request says it. Nothing here is verified: step 1 of the gate does that."""

from fastapi import Request

from safelight.accounts.service import Caller
from safelight.core.errors import BadInput, InputCode
from safelight.core.request import Tier

SUBJECT_HEADER = "safelight-subject"
"""The platform's name for the account that asks; the body's `safety_identifier` or `user` where this is absent."""
TIER_HEADER = "safelight-tier"
"""What the account pays, for parity audits."""
LANGUAGE_HEADER = "safelight-language"
"""The language of the account that asks: its letters go out in it."""
CONSENT_HEADER = "safelight-consent"
"""Ids of the consent records that the request rests on, with commas between them."""

_SUBJECT_MAX_CHARS = 200


def caller_of(request: Request, *, user: str = "", tier: Tier | None = None) -> Caller:
    """The caller behind `request`. Raises BadInput for a header that does not parse."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    # Headers come as Latin-1; a name sent as UTF-8 must be the same account as the same name in a body.
    header = request.headers.get(SUBJECT_HEADER, "").encode("latin-1").decode("utf-8", "replace")
    subject = header or user
    if len(subject) > _SUBJECT_MAX_CHARS:
        raise BadInput(InputCode.FIELD_INVALID, f"At most {_SUBJECT_MAX_CHARS} characters.", param=SUBJECT_HEADER)
    try:
        tier = tier or Tier(request.headers.get(TIER_HEADER, Tier.FREE))
    except ValueError as error:
        raise BadInput(InputCode.FIELD_INVALID, f"One of {', '.join(Tier)}.", param=TIER_HEADER) from error
    return Caller(key.strip() if scheme.lower() == "bearer" else None, subject, tier)


def consents_of(request: Request) -> tuple[str, ...]:
    """The consent records that `request` names in its header; what they are worth is found in the gate."""
    named = ",".join(request.headers.getlist(CONSENT_HEADER))
    return tuple(word for part in named.split(",") if (word := part.strip()))
