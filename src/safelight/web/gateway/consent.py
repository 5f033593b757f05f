"""`/v1/consent/…`: a platform adds, lists, checks and withdraws consent records. The operator enrols signers."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from safelight.accounts.model import Permission
from safelight.web.gateway.caller import caller_of
from safelight.web.gateway.door import door_of
from safelight.web.gateway.openapi import ERRORS, json_body
from safelight.web.gateway.schemas import SignedBody, Word

router = APIRouter(prefix="/v1/consent", tags=["consent"])


class RevokeBody(BaseModel):
    """`POST /v1/consent/records/{id}/revoke`."""

    model_config = ConfigDict(extra="forbid")
    reason: Word = ""
    """For the history; no name."""


@router.post("/records", status_code=201, openapi_extra=json_body(SignedBody), responses=ERRORS)
async def add(request: Request) -> JSONResponse:
    """Add a record: a statement that the person shown has signed."""
    door = door_of(request)
    async with door.enter(request, Permission.CONSENT_WRITE):
        body = await door.bodies.json(request, SignedBody)
        key = await door.accounts.check_key(caller_of(request), Permission.CONSENT_WRITE)
        record = await door.consents.add(body.model_dump_json().encode(), platform=key.platform, by=key.id)
    return JSONResponse(record.to_json(door.consents.now()), status_code=201)


@router.get("/records", responses=ERRORS)
async def records(request: Request) -> JSONResponse:
    """Every record of the key's platform with its state, oldest first."""
    door = door_of(request)
    key = await door.accounts.check_key(caller_of(request), Permission.CONSENT_READ)
    now = door.consents.now()
    return JSONResponse({"records": [record.to_json(now) for record in await door.consents.records(key.platform)]})


@router.post("/records/{record_id}/revoke", openapi_extra=json_body(RevokeBody), responses=ERRORS)
async def revoke(request: Request, record_id: str) -> JSONResponse:
    """Withdraw a record, at once and for good. `already_since` says since when it was withdrawn already."""
    door = door_of(request)
    async with door.enter(request, Permission.CONSENT_WRITE):
        # A reason may be given and need not: to withdraw must be easy.
        body = await door.bodies.json(request, RevokeBody) if _has_body(request) else RevokeBody()
        key = await door.accounts.check_key(caller_of(request), Permission.CONSENT_WRITE)
        since = await door.consents.revoke(record_id, platform=key.platform, by=key.id, reason=body.reason)
    return JSONResponse({"id": record_id, "state": "revoked", "already_since": since})


@router.post("/verify", openapi_extra=json_body(SignedBody), responses=ERRORS)
async def verify(request: Request) -> JSONResponse:
    """Say what a signed statement is worth now, without keeping it."""
    door = door_of(request)
    async with door.enter(request, Permission.CONSENT_READ):
        body = await door.bodies.json(request, SignedBody)
        key = await door.accounts.check_key(caller_of(request), Permission.CONSENT_READ)
        checked = await door.consents.verify(body.model_dump_json().encode(), platform=key.platform)
    return JSONResponse({"state": checked.state.value, "record": checked.record_id})


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
