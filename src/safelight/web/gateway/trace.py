"""`POST /v1/trace`: from a picture in hand to the request that made it. For keys with a permission of its own."""

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from safelight.accounts.model import Permission
from safelight.core.errors import BadInput, InputCode
from safelight.core.request import Upload
from safelight.provenance.service import Provenance, Purpose, trace_to_json
from safelight.signals.image.decode import decode
from safelight.signals.model import PictureRole
from safelight.web.gateway.caller import caller_of
from safelight.web.gateway.door import door_of
from safelight.web.gateway.openapi import ERRORS, form_body

router = APIRouter(prefix="/v1", tags=["trace"])


class TraceFields(BaseModel):
    """The text of the form beside the picture, `image`."""

    model_config = ConfigDict(extra="forbid")
    purpose: Purpose = Purpose.INVESTIGATION
    reason: str = Field("", max_length=2_000)


@router.post("/trace", openapi_extra=form_body(TraceFields), responses=ERRORS)
async def trace(request: Request) -> JSONResponse:
    """Say where a picture comes from: yes, no or unsure, by which means, and with yes from whose request.

    Each use is recorded and becomes an entry of the log before it is answered.
    """
    door = door_of(request)
    async with door.enter(request, Permission.TRACE):
        form = await door.bodies.form(request, TraceFields)
        key = await door.accounts.check_key(caller_of(request), Permission.TRACE)
        upload = one_picture(form.images)
        picture = await asyncio.to_thread(
            decode, upload, role=PictureRole.PHOTO, where="image", limits=door.translator.limits
        )
        provenance: Provenance = request.app.state.safelight.provenance
        use, found = await provenance.trace(
            upload.content, picture.frames[0], by=key.id, purpose=form.fields.purpose, reason=form.fields.reason
        )
    return JSONResponse(trace_to_json(use, found))


def one_picture(images: tuple[Upload, ...]) -> Upload:
    """The form's one picture. Raises BadInput."""
    # A browser sends an empty file without a name where none was chosen.
    chosen = [image for image in images if image.content or image.file_name]
    if not chosen:
        raise BadInput(InputCode.FIELD_MISSING, "Choose one picture.", param="image")
    if len(chosen) > 1:
        message = f"Choose one picture: these are {len(chosen)}. Send one after the other."
        raise BadInput(InputCode.TOO_MANY_IMAGES, message, param="image")
    if not chosen[0].content:
        message = "The file is empty; choose the picture again, or another copy of it."
        raise BadInput(InputCode.IMAGE_EMPTY, message, param="image")
    return chosen[0]
