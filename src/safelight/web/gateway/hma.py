"""`/h/hash` and `/m/lookup`, as clients of Meta's Hasher-Matcher-Actioner send them, so that they can move here.

Answers have its shapes: hashes by signal type, and lists of the names of banks. Three things differ, on purpose. A key
with `matching:bank:lookup` is needed, because names of banks are for nobody else. A picture without detail is an error
and not an empty answer. And an address is fetched by the gate's own guarded fetcher.
"""

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from safelight.accounts.model import Permission
from safelight.core.errors import BadInput, InputCode
from safelight.core.request import Upload
from safelight.matching.fingerprints import HashKind, parse_hash
from safelight.matching.known import KnownImages
from safelight.matching.pdq import Pdq, pdq
from safelight.signals.image.decode import decode
from safelight.signals.model import PictureRole
from safelight.web.gateway.door import Door, door_of
from safelight.web.gateway.openapi import ERRORS

router = APIRouter(tags=["hma"])

_TYPES = {"pdq": HashKind.PDQ, "md5": HashKind.MD5, "video_md5": HashKind.MD5}
"""HMA calls the MD5 of a file `video_md5`."""


@router.get("/h/hash", responses=ERRORS)
async def hash_address(request: Request) -> JSONResponse:
    """The hashes of the picture at `url`."""
    door = door_of(request)
    async with door.enter(request, Permission.LOOKUP):
        return JSONResponse(await _hashed(door, request, await _fetched(door, request)))


@router.post("/h/hash", responses=ERRORS)
async def hash_file(request: Request) -> JSONResponse:
    """The hashes of the form's one file, `photo`."""
    door = door_of(request)
    async with door.enter(request, Permission.LOOKUP):
        return JSONResponse(await _hashed(door, request, await door.bodies.one_file(request, "photo")))


@router.get("/m/lookup", responses=ERRORS)
async def look_up(request: Request) -> JSONResponse:
    """The banks that know a hash (`signal`, `signal_type`), or for each signal type the picture at `url`."""
    door = door_of(request)
    async with door.enter(request, Permission.LOOKUP):
        if request.query_params.get("url"):
            return JSONResponse(await _banks_of(door, request, await _fetched(door, request)))
        kind = _TYPES.get(request.query_params.get("signal_type", ""))
        if kind is None:
            message = f"The signal type is one of {', '.join(_TYPES)}."
            raise BadInput(InputCode.FIELD_INVALID, message, param="signal_type")
        try:
            value = parse_hash(kind, request.query_params.get("signal", ""))
        except ValueError as error:
            raise BadInput(InputCode.FIELD_INVALID, f"The signal is none: {error}.", param="signal") from error
        return JSONResponse(await asyncio.to_thread(_known(request).banks_with, kind, value))


@router.post("/m/lookup", responses=ERRORS)
async def look_up_file(request: Request) -> JSONResponse:
    """For each signal type, the banks that know the form's one file, `photo`."""
    door = door_of(request)
    async with door.enter(request, Permission.LOOKUP):
        return JSONResponse(await _banks_of(door, request, await door.bodies.one_file(request, "photo")))


async def _fetched(door: Door, request: Request) -> Upload:
    url = request.query_params.get("url", "")
    limits = door.translator.limits
    return Upload(await door.translator.fetcher.fetch(url, max_bytes=limits.image_max_bytes, param="url"))


async def _hashed(door: Door, request: Request, upload: Upload) -> dict[str, str]:
    types = [name.strip() for name in request.query_params.get("types", "pdq").split(",") if name.strip()]
    if types != ["pdq"]:
        raise BadInput(InputCode.FIELD_INVALID, "A photo has the signal type pdq and no other here.", param="types")

    def work() -> dict[str, str]:
        picture = decode(upload, role=PictureRole.PHOTO, where="photo", limits=door.translator.limits)
        found = pdq(picture.frames[0])
        if not isinstance(found, Pdq):
            message = "The picture has too little detail for a hash: nothing is known of copies of it."
            raise BadInput(InputCode.FIELD_INVALID, message, param="photo")
        return {"pdq": found.hex}

    return await asyncio.to_thread(work)


async def _banks_of(door: Door, request: Request, upload: Upload) -> dict[str, list[str]]:
    hashes = await _hashed(door, request, upload)
    known = _known(request)
    return {
        name: await asyncio.to_thread(known.banks_with, _TYPES[name], bytes.fromhex(text))
        for name, text in hashes.items()
    }


def _known(request: Request) -> KnownImages:
    known: KnownImages = request.app.state.safelight.known
    return known
