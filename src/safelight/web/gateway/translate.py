"""From OpenAI's shapes to the gate's words.

Every string that could carry a request is put where the detectors look: what is not the prompt becomes one of
`ImageRequest.fields`. Settings of the model with a closed spelling (`size: 1024x1024`) are let through unread.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from safelight.core.canonical import Json
from safelight.core.errors import BadInput, InputCode
from safelight.core.limits import Limits
from safelight.core.request import ImageRequest, Operation, Role, Turn, Upload
from safelight.gate.fetch import GuardedFetcher
from safelight.web.gateway.schemas import AskedBody, CheckBody, ImagePart, ImageReference, Message, ModerationBody

_HANDLED = {"prompt", "n", "stream", "images", "mask"}
"""Fields that become part of the request itself; all others are options for the model."""
_CLOSED = {"size", "quality", "background", "moderation", "output_format", "response_format", "input_fidelity", "user"}
"""Options whose value is a setting or a name, not language, when it is spelt like one."""
_SETTING = re.compile(r"[A-Za-z0-9_.:@-]{1,64}")
_IMAGE_LIKE = re.compile(r"(?:data:|https?://|file:|[A-Za-z0-9+/=_-]{512})", re.IGNORECASE)


class FileResolver(Protocol):
    """Looks up a `file_id` in the platform's own storage; none is built in."""

    async def resolve(self, file_id: str) -> bytes:
        """The file's bytes. Raises BadInput with FILE_ID_UNRESOLVED."""


@dataclass(frozen=True, slots=True)
class Translator:
    """Turns bodies into requests; fetches what they only point at."""

    fetcher: GuardedFetcher
    limits: Limits
    files: FileResolver | None = None

    async def references(self, references: Sequence[ImageReference], param: str) -> tuple[Upload, ...]:
        """The images that `references` point at. Raises BadInput."""
        return tuple([await self._upload(reference, param) for reference in references])

    def asked(
        self, body: AskedBody, operation: Operation, *, photos: Sequence[Upload] = (), masks: Sequence[Upload] = ()
    ) -> ImageRequest:
        """The request behind a body of the image routes. Raises BadInput."""
        options: dict[str, Json] = body.model_dump(exclude=_HANDLED, exclude_unset=True)
        prompt = str(getattr(body, "prompt", ""))
        mask = masks[0] if masks else None
        fields = dict(self._texts(options)) | {"mask file name": mask.file_name if mask else ""}
        return ImageRequest(
            operation=operation,
            turns=(Turn(Role.USER, prompt, tuple(photos)),),
            mask=mask,
            count=body.n or 1,
            fields=fields,
            options=options,
        )

    async def check(self, body: CheckBody) -> ImageRequest:
        """The request behind `/v1/check`. Raises BadInput."""
        mask = (await self.references([body.mask], "mask"))[0] if body.mask else None
        return ImageRequest(
            operation=body.operation,
            turns=tuple([await self._turn(message) for message in body.messages]),
            surface=body.surface,
            mask=mask,
            fields=body.fields,
        )

    async def moderations(self, body: ModerationBody) -> list[ImageRequest]:
        """One request for each input of `/v1/moderations`. Raises BadInput."""
        inputs = [body.input] if isinstance(body.input, str) else body.input
        if not inputs:
            raise BadInput(InputCode.FIELD_INVALID, "There is nothing to look at.", param="input")
        texts = [text for text in inputs if isinstance(text, str)]
        if len(texts) == len(inputs):
            messages = [Message(role=Role.USER, content=text) for text in texts]
        else:
            messages = [Message(role=Role.USER, content=[part for part in inputs if not isinstance(part, str)])]
        return [ImageRequest(Operation.CHECK, (await self._turn(message),)) for message in messages]

    async def _turn(self, message: Message) -> Turn:
        if isinstance(message.content, str):
            return Turn(message.role, message.content)
        texts: list[str] = []
        photos: list[Upload] = []
        for part in message.content:
            if isinstance(part, ImagePart):
                url = part.image_url if isinstance(part.image_url, str) else part.image_url.url
                upload = await self._upload(ImageReference(image_url=url), "messages")
                photos.append(replace(upload, owner=part.owner, file_name=part.file_name))
            else:
                texts.append(part.text)
        return Turn(message.role, "\n".join(texts), tuple(photos))

    async def _upload(self, reference: ImageReference, param: str) -> Upload:
        if (reference.image_url is None) == (reference.file_id is None):
            raise BadInput(InputCode.FIELD_INVALID, "Give `image_url` or `file_id`, one of the two.", param=param)
        if reference.image_url is not None:
            content = await self.fetcher.fetch(reference.image_url, max_bytes=self.limits.image_max_bytes)
            return Upload(content)
        if self.files is None:
            message = "The gate has not seen this file and cannot look it up: send the image itself, or its address."
            raise BadInput(InputCode.FILE_ID_UNRESOLVED, message, param=param)
        return Upload(await self.files.resolve(reference.file_id or ""))

    def _texts(self, options: dict[str, Json]) -> Iterator[tuple[str, str]]:
        """Every string in `options` that could be language, by where it stands. Raises BadInput for hidden images."""
        for name, value in options.items():
            if name in _CLOSED and isinstance(value, str) and _SETTING.fullmatch(value):
                continue
            for where, text in _strings(name, value, self.limits.json_max_depth):
                if _IMAGE_LIKE.match(text):
                    message = "This option holds an image or an address, which would pass unseen: send it as `image`."
                    raise BadInput(InputCode.OPTION_FORBIDDEN, message, param=name)
                yield where, text


def _strings(where: str, value: Json, depth: int) -> Iterator[tuple[str, str]]:
    if depth == 0:
        raise BadInput(InputCode.BODY_TOO_DEEP, "This option is nested too deeply.", param=where.partition(".")[0])
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for number, (key, inner) in enumerate(value.items()):
            yield f"{where}.{number} name", key
            yield from _strings(f"{where}.{number}", inner, depth - 1)
    elif isinstance(value, Sequence):
        for number, inner in enumerate(value):
            yield from _strings(f"{where}.{number}", inner, depth - 1)
