"""`/v1/match`: why a picture is known, for a reviewer's own tools: bank, distance, transform, and a picture of it.

It names banks, so it needs `matching:bank:lookup`. A picture of where features agree says where the known picture's
edges lie, which is more than a name: that needs `matching:copy:see`.
"""

import asyncio
import base64
import io
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from PIL import Image

from safelight.accounts.model import Permission
from safelight.core.errors import BadInput, InputCode
from safelight.core.limits import Limits
from safelight.core.request import Upload
from safelight.matching.known import KnownImages
from safelight.matching.pdq import Frame
from safelight.signals.image.decode import decode
from safelight.signals.model import PictureRole
from safelight.web.gateway.door import door_of
from safelight.web.gateway.openapi import ERRORS

router = APIRouter(tags=["match"])


@router.post("/v1/match", responses=ERRORS)
async def match(request: Request) -> JSONResponse:
    """What the banks know of the form's one file, `photo`. With `?picture=true`, where features agree is drawn."""
    door = door_of(request)
    wanted = request.query_params.get("picture", "false")
    if wanted not in ("true", "false"):
        raise BadInput(InputCode.FIELD_INVALID, "Say true or false.", param="picture")
    async with door.enter(request, Permission.SEE_COPY if wanted == "true" else Permission.LOOKUP):
        upload = await door.bodies.one_file(request, "photo")
        known: KnownImages = request.app.state.safelight.known
        limits = door.translator.limits
        return JSONResponse(await asyncio.to_thread(_answer, known, upload, limits, is_drawn=wanted == "true"))


def _answer(known: KnownImages, upload: Upload, limits: Limits, *, is_drawn: bool) -> dict[str, Any]:
    picture = decode(upload, role=PictureRole.PHOTO, where="photo", limits=limits)
    look = known.look(picture.frames, upload.content)
    answer: dict[str, Any] = {
        "matches": [one.to_json() for one in look.matches],
        "unhashable": look.is_unhashable,
        "lists": look.lists,
        "overruled_by": list(look.overruled_by),
    }
    if is_drawn:
        shown = known.drawn(picture.frames[0], look)
        answer["picture"] = None if shown is None else _as_address(shown)
    return answer


def _as_address(shown: Frame) -> str:
    file = io.BytesIO()
    Image.fromarray(shown).save(file, format="PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
