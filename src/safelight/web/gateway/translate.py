"""From OpenAI's shapes to the gate's words.

Every string that could carry a request is put where the detectors look, names of options included: what is not the
prompt becomes one of `ImageRequest.fields`. Only settings with a closed spelling (`size: 1024x1024`) are not read. What
could carry an image past the detectors is refused. The platform's own name for an account stays here.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from safelight.core.canonical import Json
from safelight.core.errors import BadInput, InputCode
from safelight.core.limits import Limits
from safelight.core.request import ImageRequest, Operation, Role, Turn, Upload
from safelight.gate.fetch import GuardedFetcher
from safelight.gate.ports import FileResolver
from safelight.web.gateway.bodies import Held
from safelight.web.gateway.schemas import (
    AskedBody,
    CheckBody,
    GenerationBody,
    ImagePart,
    ImageReference,
    Message,
    ModerationBody,
)

_HANDLED = {"prompt", "n", "stream", "images", "mask"}
"""Fields that become part of the request itself; all others are options for the model."""
_ACCOUNT = {"safety_identifier", "user"}
_SETTINGS = {
    "size": r"auto|\d{1,5}x\d{1,5}",
    "quality": "auto|low|medium|high|xhigh|max|standard|hd",
    "complexity": "low|medium|high",
    "background": "auto|transparent|opaque",
    "moderation": "auto|low",
    "input_fidelity": "low|high",
    "output_format": "png|jpeg|webp|avif",
    "response_format": "url|b64_json",
    "style": "vivid|natural",
}
"""Options with a closed spelling, which are not language. Spelt otherwise, they are judged like any other text."""
_NAMED = (
    frozenset(AskedBody.model_fields) | frozenset(GenerationBody.model_fields) | {"negative_prompt", "lora", "seed"}
)
"""Names of options and fields that we know; any other name is the asker's own words."""
_POINTS_ELSEWHERE = re.compile(r"data:|[a-z][a-z0-9+.-]*://|//|[a-z0-9+/=_-]{512}", re.IGNORECASE)
_HOLDS_AN_IMAGE = re.compile(r"(?:^|_)(?:image|images|mask|file_id|photo)(?:$|_)|_ur[il]$")
_NUMBERS_MAX_COUNT = 64
"""Numbers in one list of an option; more could be the pixels of a picture."""


@dataclass(frozen=True, slots=True)
class Translator:
    """Turns bodies into requests; fetches what they only point at."""

    fetcher: GuardedFetcher
    limits: Limits
    files: FileResolver | None = None

    async def references(self, references: Sequence[ImageReference], param: str, held: Held) -> tuple[Upload, ...]:
        """The images that `references` point at. Raises BadInput, or Overloaded when there is no memory for them."""
        return tuple([await self._upload(reference, param, held) for reference in references])

    def asked(
        self, body: AskedBody, operation: Operation, *, photos: Sequence[Upload] = (), masks: Sequence[Upload] = ()
    ) -> ImageRequest:
        """The request behind a body of the image routes. Raises BadInput."""
        options: dict[str, Json] = body.model_dump(exclude=_HANDLED | _ACCOUNT, exclude_unset=True)
        prompt = str(getattr(body, "prompt", ""))
        mask = masks[0] if masks else None
        fields = [*self._texts(options), ("mask file name", mask.file_name if mask else "")]
        return ImageRequest(
            operation=operation,
            turns=(Turn(Role.USER, prompt, tuple(photos)),),
            mask=mask,
            count=body.n or 1,
            fields=tuple(fields),
            options=options,
        )

    async def check(self, body: CheckBody, held: Held) -> ImageRequest:
        """The request behind `/v1/check`. Raises BadInput, or Overloaded when there is no memory for its images."""
        self._count_images(body.messages)
        mask = (await self.references([body.mask], "mask", held))[0] if body.mask else None
        return ImageRequest(
            operation=body.operation,
            turns=tuple([await self._turn(message, held) for message in body.messages]),
            surface=body.surface,
            mask=mask,
            fields=tuple(_fields(body.fields)),
            consents=tuple(body.consent),
        )

    async def moderations(self, body: ModerationBody, held: Held) -> list[ImageRequest]:
        """One request for each input of `/v1/moderations`. Raises BadInput, or Overloaded as `check` does."""
        inputs = [body.input] if isinstance(body.input, str) else body.input
        if not inputs:
            raise BadInput(InputCode.FIELD_INVALID, "There is nothing to look at.", param="input")
        texts = [text for text in inputs if isinstance(text, str)]
        if len(texts) == len(inputs):
            messages = [Message(role=Role.USER, content=text) for text in texts]
        else:
            messages = [Message(role=Role.USER, content=[part for part in inputs if not isinstance(part, str)])]
        self._count_images(messages)
        return [ImageRequest(Operation.CHECK, (await self._turn(message, held),)) for message in messages]

    def _count_images(self, messages: Sequence[Message]) -> None:
        """Before any is fetched. Raises BadInput."""
        parts = [part for message in messages if not isinstance(message.content, str) for part in message.content]
        if sum(isinstance(part, ImagePart) for part in parts) > self.limits.images_max_count:
            raise BadInput(InputCode.TOO_MANY_IMAGES, f"At most {self.limits.images_max_count} images in one request.")

    async def _turn(self, message: Message, held: Held) -> Turn:
        if isinstance(message.content, str):
            return Turn(message.role, message.content)
        texts: list[str] = []
        photos: list[Upload] = []
        for part in message.content:
            if isinstance(part, ImagePart):
                url = part.image_url if isinstance(part.image_url, str) else part.image_url.url
                upload = await self._upload(ImageReference(image_url=url), "messages", held)
                photos.append(replace(upload, owner=part.owner, file_name=part.file_name))
            else:
                texts.append(part.text)
        return Turn(message.role, "\n".join(texts), tuple(photos))

    async def _upload(self, reference: ImageReference, param: str, held: Held) -> Upload:
        if (reference.image_url is None) == (reference.file_id is None):
            raise BadInput(InputCode.FIELD_INVALID, "Give `image_url` or `file_id`, one of the two.", param=param)
        if reference.image_url is not None:
            content = await self.fetcher.fetch(reference.image_url, max_bytes=self.limits.image_max_bytes)
            held.add(len(content))
            return Upload(content)
        if self.files is None:
            message = "The gate has not seen this file and cannot look it up: send the image itself, or its address."
            raise BadInput(InputCode.FILE_ID_UNRESOLVED, message, param=param)
        content = await self.files.resolve(reference.file_id or "")
        held.add(len(content))
        return Upload(content)

    def _texts(self, options: dict[str, Json]) -> Iterator[tuple[str, str]]:
        """Every text in `options`, names included, and where it stands. Raises BadInput for what would pass unseen."""
        for number, (name, value) in enumerate(options.items(), 1):
            pattern = _SETTINGS.get(name)
            if pattern and isinstance(value, str) and re.fullmatch(pattern, value):
                continue
            where = name if name in _NAMED else f"option {number}"
            yield from _name(name, where)
            yield from _strings(where, name, value, self.limits.json_max_depth)


def _fields(fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for number, (name, text) in enumerate(fields.items(), 1):
        where = name if name in _NAMED else f"field {number}"
        yield from _name(name, where)
        yield where, text


def _name(name: str, where: str) -> Iterator[tuple[str, str]]:
    """A name that the asker chose, as the words that it is made of."""
    if name not in _NAMED:
        yield f"{where} name", re.sub(r"[_.-]+", " ", name)


def _strings(where: str, name: str, value: Json, depth: int) -> Iterator[tuple[str, str]]:
    if depth == 0:
        raise BadInput(InputCode.BODY_TOO_DEEP, "This option is nested too deeply.", param=where)
    if _HOLDS_AN_IMAGE.search(name.lower()) and value is not None and not isinstance(value, bool | int | float):
        raise _unseen(where)
    if isinstance(value, str):
        if _POINTS_ELSEWHERE.match(value.strip()):
            raise _unseen(where)
        yield where, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _name(key, where)
            yield from _strings(where, key, inner, depth - 1)
    elif isinstance(value, Sequence):
        if sum(isinstance(inner, int | float) for inner in value) > _NUMBERS_MAX_COUNT:
            raise _unseen(where)
        for inner in value:
            yield from _strings(where, "", inner, depth - 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise BadInput(InputCode.FIELD_INVALID, "Not a number that JSON knows.", param=where)


def _unseen(where: str) -> BadInput:
    message = "This option holds an image or an address, which would pass unseen: send it as `image`."
    return BadInput(InputCode.OPTION_FORBIDDEN, message, param=where)
