"""`/h/hash` and `/m/lookup`, as clients of Meta's Hasher-Matcher-Actioner send them, so that they can move here.

Answers have its shapes: hashes by signal type, and lists of the names of banks. Four things differ, on purpose. A key
with `matching:bank:lookup` is needed, because names of banks are for nobody else. A picture without detail that no bank
knows is an error and not an empty answer. An address is fetched by the gate's own guarded fetcher. And a picture is
looked for as the gate looks for it, not by its one hash.
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
from safelight.signals.model import Picture, PictureRole
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
    """The banks that know a hash (`signal`, `signal_type`), or as a file the picture at `url`."""
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
    """The banks that know the form's one file, `photo`, under a photo's one signal type."""
    door = door_of(request)
    async with door.enter(request, Permission.LOOKUP):
        return JSONResponse(await _banks_of(door, request, await door.bodies.one_file(request, "photo")))


async def _fetched(door: Door, request: Request) -> Upload:
    url = request.query_params.get("url", "")
    limits = door.translator.limits
    return Upload(await door.translator.fetcher.fetch(url, max_bytes=limits.image_max_bytes, param="url"))


async def _hashed(door: Door, request: Request, upload: Upload) -> dict[str, str]:
    _require_photo_types(request)

    def work() -> dict[str, str]:
        found = pdq(_decoded(door, upload).frames[0])
        if not isinstance(found, Pdq):
            raise _without_detail()
        return {"pdq": found.hex}

    return await asyncio.to_thread(work)


async def _banks_of(door: Door, request: Request, upload: Upload) -> dict[str, list[str]]:
    _require_photo_types(request)

    def work() -> dict[str, list[str]]:
        look = _known(request).look(_decoded(door, upload).frames, upload.content)
        if look.is_unhashable and not look.matches:
            raise _without_detail()
        return {"pdq": list(dict.fromkeys(match.bank.name for match in look.matches))}

    return await asyncio.to_thread(work)


def _require_photo_types(request: Request) -> None:
    types = [name.strip() for name in request.query_params.get("types", "pdq").split(",") if name.strip()]
    if types != ["pdq"]:
        raise BadInput(InputCode.FIELD_INVALID, "A photo has the signal type pdq and no other here.", param="types")


def _decoded(door: Door, upload: Upload) -> Picture:
    return decode(upload, role=PictureRole.PHOTO, where="photo", limits=door.translator.limits)


def _without_detail() -> BadInput:
    message = "The picture has too little detail for a hash: nothing is known of copies of it."
    return BadInput(InputCode.FIELD_INVALID, message, param="photo")


def _known(request: Request) -> KnownImages:
    known: KnownImages = request.app.state.safelight.known
    return known
