"""`/v1/images/generations`, `/edits`, `/variations`: OpenAI's images API, with the gate in between."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pybase64
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic_core import to_json

from safelight.accounts.model import Permission
from safelight.core.canonical import Json
from safelight.core.errors import BadInput, InputCode
from safelight.core.request import ImageRequest, Operation
from safelight.gate.model import Outcome, ReleasedImage
from safelight.web.gateway.caller import caller_of, consents_of
from safelight.web.gateway.door import Door, door_of
from safelight.web.gateway.errors import ids_of, refusal
from safelight.web.gateway.openapi import ERRORS, form_body, json_body, json_or_form_body
from safelight.web.gateway.schemas import AskedBody, EditBody, EditFields, GenerationBody, VariationFields

router = APIRouter(prefix="/v1/images", tags=["images"])


@router.post("/generations", openapi_extra=json_body(GenerationBody), responses=ERRORS)
async def generations(request: Request) -> Response:
    """Make images from a prompt."""
    door = door_of(request)
    async with door.enter(request, Permission.MAKE):
        body = await door.bodies.json(request, GenerationBody)
        return await _make(door, request, body, door.translator.asked(body, Operation.GENERATE), "image_generation")


@router.post("/edits", openapi_extra=json_or_form_body(EditBody, EditFields, "image", "mask"), responses=ERRORS)
async def edits(request: Request) -> Response:
    """Change the images that are sent along."""
    door = door_of(request)
    async with door.enter(request, Permission.MAKE) as held:
        if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            form = await door.bodies.form(request, EditFields)
            body: AskedBody = form.fields
            photos, masks = form.images, form.masks
        else:
            body = edit = await door.bodies.json(request, EditBody)
            photos = await door.translator.references(edit.images, "images", held)
            masks = await door.translator.references([edit.mask], "mask", held) if edit.mask else ()
        if not photos:
            raise BadInput(InputCode.FIELD_MISSING, "An edit needs at least one image.", param="image")
        asked = door.translator.asked(body, Operation.EDIT, photos=photos, masks=masks)
        return await _make(door, request, body, asked, "image_edit")


@router.post("/variations", openapi_extra=form_body(VariationFields, "image"), responses=ERRORS)
async def variations(request: Request) -> Response:
    """Make other versions of one image."""
    door = door_of(request)
    async with door.enter(request, Permission.MAKE):
        form = await door.bodies.form(request, VariationFields)
        if len(form.images) != 1 or form.masks:
            raise BadInput(InputCode.FIELD_MISSING, "A variation needs exactly one image.", param="image")
        asked = door.translator.asked(form.fields, Operation.VARIATE, photos=form.images)
        return await _make(door, request, form.fields, asked, "image_generation")


async def _make(door: Door, request: Request, body: AskedBody, asked: ImageRequest, event: str) -> Response:
    stream = bool(body.stream)
    asked = replace(asked, consents=consents_of(request))
    outcome = await door.gate.make(asked, caller_of(request, user=body.account), stream=stream)
    if not outcome.is_allowed:
        return refusal(outcome)
    headers = ids_of(outcome) | {"safelight-decision": outcome.decision.id}
    if stream:
        return StreamingResponse(_events(outcome, event), media_type="text/event-stream", headers=headers)
    answer: dict[str, Json] = {"created": int(time.time()), **outcome.extra}
    content = _answer(answer, outcome.images, as_url=body.response_format == "url")
    return Response(content, media_type="application/json", headers=headers)


def _answer(facts: Mapping[str, Json], images: Sequence[ReleasedImage], *, as_url: bool) -> bytes:
    """The whole answer: `facts`, and the images as `data`."""
    items = b",".join(_item(image, as_url=as_url) for image in images)
    return b'%b,"data":[%b]}' % (to_json(facts).removesuffix(b"}"), items)


def _item(image: ReleasedImage, *, as_url: bool) -> bytes:
    fields: dict[str, Json] = {} if image.revised_prompt is None else {"revised_prompt": image.revised_prompt}
    # The gate hosts no images: whoever asks for an address gets one that holds the image itself.
    name, before = ("url", f"data:{image.media_type};base64,") if as_url else ("b64_json", "")
    return _with_image(fields, name, image.content, before)


def _with_image(fields: Mapping[str, Json], name: str, content: bytes, before: str = "") -> bytes:
    """`fields` as a JSON object, with `before` and the base64 of `content` under `name`.

    Base64 needs no escaping. To put it in as it is, and not as a string that is searched for what does, takes a
    tenth of the time for megabytes.
    """
    others = to_json(fields).removeprefix(b"{")
    between = b"," if fields else b""
    return b'{"%b":"%b%b"%b%b' % (name.encode(), before.encode(), pybase64.b64encode(content), between, others)


def _events(outcome: Outcome, event: str) -> Iterator[bytes]:
    """Server-sent events. All of them were checked and recorded before the first one is sent."""
    created = {"created_at": outcome.extra.get("created", int(time.time()))}
    shared = {name: outcome.extra[name] for name in ("size", "quality", "background") if name in outcome.extra}
    for number, image in enumerate(outcome.partials):
        yield _event(f"{event}.partial_image", image, created | shared | {"partial_image_index": number})
    usage = {"usage": outcome.extra["usage"]} if "usage" in outcome.extra else {}
    for image in outcome.images:
        yield _event(f"{event}.completed", image, created | shared | usage)


def _event(name: str, image: ReleasedImage, more: dict[str, Json]) -> bytes:
    fields = {"type": name, "output_format": image.media_type.removeprefix("image/"), **more}
    return b"event: %b\ndata: %b\n\n" % (name.encode(), _with_image(fields, "b64_json", image.content))
