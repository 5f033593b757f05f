"""`/v1/protect`: a person registers a photo, asks whether somebody tried to use it, takes it off.

A fingerprint is enough, and the photo need not leave its person's device. Crops of it are found only where the photo
itself is sent: it is held in memory until its features are made, and never written.

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
from safelight.core.limits import Limits
from safelight.core.request import Upload
from safelight.matching.known import KnownImages
from safelight.matching.past import StoredOutputs
from safelight.matching.pdq import MIN_QUALITY
from safelight.matching.protect import protect, protect_photo, protection, unprotect
from safelight.signals.image.decode import decode
from safelight.signals.model import PictureRole
from safelight.web.gateway.door import door_of
from safelight.web.gateway.openapi import ERRORS, json_body, json_or_file_body

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


@router.post("", status_code=201, openapi_extra=json_or_file_body(ProtectBody, "photo"), responses=ERRORS)
async def add(request: Request) -> JSONResponse:
    """Protect a photo, by its fingerprint or by itself (`photo` in a form), which finds crops of it too.

    The receipt in the answer is the only key to it, and is not kept here.
    """
    door = door_of(request)
    async with door.enter(request, Permission.PROTECT):
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            upload = await door.bodies.one_file(request, "photo")
            receipt = await asyncio.to_thread(_protect_photo, _known(request), upload, door.translator.limits)
            return JSONResponse({"receipt": receipt, "finds_crops": True}, status_code=201)
        body = await door.bodies.json(request, ProtectBody)
        if body.quality < MIN_QUALITY:
            message = "The photo has too little detail: no copy of it could be found."
            raise BadInput(InputCode.FIELD_INVALID, message, param="quality")
        known = _known(request)
        value = bytes.fromhex(body.pdq)
        receipt = await asyncio.to_thread(
            protect, known.database, known.hashes, value, utc_now(), StoredOutputs(known.database)
        )
    return JSONResponse({"receipt": receipt, "finds_crops": False}, status_code=201)


def _protect_photo(known: KnownImages, upload: Upload, limits: Limits) -> str:
    picture = decode(upload, role=PictureRole.PHOTO, where="photo", limits=limits)
    assert known.copies  # noqa: S101 (the running Safelight keeps them)
    past = StoredOutputs(known.database)
    return protect_photo(known.database, known.hashes, known.copies, picture.frames[0], utc_now(), past)


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
