"""`/v1/protect`: a person registers a photo by its fingerprint, asks whether somebody tried to use it, takes it off.

The receipt travels in bodies, never in addresses: addresses stand in logs.
"""

import asyncio
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from safelight.accounts.model import Permission
from safelight.core.clock import utc_now
from safelight.core.errors import BadInput, InputCode
from safelight.matching.known import KnownImages
from safelight.matching.past import StoredOutputs
from safelight.matching.pdq import MIN_QUALITY
from safelight.matching.protect import protect, protection, unprotect
from safelight.web.gateway.door import door_of
from safelight.web.gateway.openapi import ERRORS, json_body

router = APIRouter(prefix="/v1/protect", tags=["protect"])


class ProtectBody(BaseModel):
    """`POST /v1/protect`: made on the person's own device, or with `safelight hash`."""

    model_config = ConfigDict(extra="forbid")
    pdq: str = Field(pattern="^[0-9a-f]{64}$", max_length=64)
    quality: int = Field(ge=0, le=100)


class ReceiptBody(BaseModel):
    """What `POST /v1/protect` answered with."""

    model_config = ConfigDict(extra="forbid")
    receipt: str = Field(max_length=100)


@router.post("", status_code=201, openapi_extra=json_body(ProtectBody), responses=ERRORS)
async def add(request: Request) -> JSONResponse:
    """Protect a photo. The receipt in the answer is the only key to it, and is not kept here."""
    door = door_of(request)
    async with door.enter(request, Permission.PROTECT):
        body = await door.bodies.json(request, ProtectBody)
        if body.quality < MIN_QUALITY:
            message = "The photo has too little detail: no copy of it could be found."
            raise BadInput(InputCode.FIELD_INVALID, message, param="quality")
        known = _known(request)
        value = bytes.fromhex(body.pdq)
        receipt = await asyncio.to_thread(
            protect, known.database, known.hashes, value, utc_now(), StoredOutputs(known.database)
        )
    return JSONResponse({"receipt": receipt}, status_code=201)


@router.post("/status", openapi_extra=json_body(ReceiptBody), responses=ERRORS)
async def status(request: Request) -> JSONResponse:
    """Say when somebody tried to use the photo; never who."""
    door = door_of(request)
    async with door.enter(request, Permission.PROTECT):
        body = await door.bodies.json(request, ReceiptBody)
        found = await _known(request).database.read(partial(protection, receipt=body.receipt))
    attempts = [{"at": at, "stage": stage} for at, stage in found.attempts]
    answer = {"created_at": found.created_at, "removed_at": found.removed_at, "attempts": attempts}
    return JSONResponse(answer)


@router.post("/remove", openapi_extra=json_body(ReceiptBody), responses=ERRORS)
async def remove(request: Request) -> JSONResponse:
    """Take the photo off, at once."""
    door = door_of(request)
    async with door.enter(request, Permission.PROTECT):
        body = await door.bodies.json(request, ReceiptBody)
        known = _known(request)
        await asyncio.to_thread(unprotect, known.database, known.hashes, body.receipt, utc_now(), known.copies)
    return JSONResponse({"removed": True})


def _known(request: Request) -> KnownImages:
    known: KnownImages = request.app.state.safelight.known
    return known
