"""What comes in, read once and strictly: bounds before bytes, one named error for each defect.

Forms are read by Starlette's parser with its files held in memory: an upload never touches the disk.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from safelight.core.errors import BadInput, InputCode, Overloaded
from safelight.core.limits import Limits
from safelight.core.request import Upload

M = TypeVar("M", bound=BaseModel)

_REPEATABLE = {"image", "image[]"}


class BodyReader:
    """Reads request bodies. One for the whole service: it also bounds what all bodies under way hold in memory."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held_bytes = 0

    @asynccontextmanager
    async def hold(self, request: Request) -> AsyncIterator[None]:
        """Set memory aside for one request: what its body says it needs, or the most that it may take.

        Raises BadInput for a body over the limit, Overloaded when there is no memory for it now.
        """
        declared = request.headers.get("content-length", "")
        expected = int(declared) if declared.isascii() and declared.isdigit() else self._limits.body_max_bytes
        if expected > self._limits.body_max_bytes:
            raise self._too_large()
        if self._held_bytes + expected > self._limits.bodies_held_max_bytes:
            raise Overloaded("Too many large requests at once; try again soon.", retry_after_s=2)
        self._held_bytes += expected
        try:
            yield
        finally:
            self._held_bytes -= expected

    async def json(self, request: Request, model: type[M]) -> M:
        """The JSON body as `model`. Raises BadInput."""
        raw = b"".join([chunk async for chunk in self._chunks(request)])
        try:
            return model.model_validate_json(raw, strict=True)
        except ValidationError as error:
            raise _named(error) from error

    async def form(self, request: Request, model: type[M]) -> "Form[M]":
        """The multipart body: its text fields as `model`, and its files. Raises BadInput."""
        form = await self._parse_form(request)
        try:
            texts, files = await self._sorted(form)
        finally:
            await form.close()
        if unknown := sorted(files.keys() - {"image", "mask"}):
            raise BadInput(InputCode.FIELD_INVALID, "Files are taken as `image` and `mask` only.", param=unknown[0])
        try:
            return Form(model.model_validate(texts), tuple(files.get("image", ())), tuple(files.get("mask", ())))
        except ValidationError as error:
            raise _named(error) from error

    async def _parse_form(self, request: Request) -> FormData:
        parser = _InMemoryParser(
            request.headers,
            self._chunks(request),
            max_files=self._limits.images_max_count + 1,
            max_fields=self._limits.form_max_fields,
            max_part_size=4 * self._limits.prompt_max_chars,  # four bytes a character at most, in UTF-8
        )
        try:
            return await parser.parse()
        except MultiPartException as error:
            raise BadInput(InputCode.BODY_INVALID, f"The form cannot be read: {error.message}") from error
        except (KeyError, ValueError, LookupError) as error:  # what the parser leaves to chance in malformed headers
            raise BadInput(InputCode.BODY_INVALID, "The form cannot be read.") from error

    async def _sorted(self, form: FormData) -> tuple[dict[str, str], dict[str, list[Upload]]]:
        """Texts and files of a form by name; `image[]` counts as `image`."""
        files: dict[str, list[Upload]] = {}
        texts: dict[str, str] = {}
        for name in form:
            values = form.getlist(name)
            if len(values) > 1 and name not in _REPEATABLE:
                raise BadInput(InputCode.FIELD_REPEATED, "This field may be given once.", param=name)
            for value in values:
                if isinstance(value, UploadFile):
                    files.setdefault(name.removesuffix("[]"), []).append(await self._upload(name, value))
                elif name in _REPEATABLE or name == "mask":
                    raise BadInput(InputCode.FIELD_INVALID, "This field must be a file.", param=name)
                else:
                    texts[name] = value
        return texts, files

    async def _upload(self, name: str, file: UploadFile) -> Upload:
        if (file.size or 0) > self._limits.image_max_bytes:
            message = f"At most {self._limits.image_max_bytes} bytes in one image."
            raise BadInput(InputCode.IMAGE_TOO_LARGE, message, param=name)
        return Upload(await file.read(), file_name=file.filename or "")

    async def _chunks(self, request: Request) -> AsyncGenerator[bytes, None]:
        received = 0
        try:
            async for chunk in request.stream():
                received += len(chunk)
                if received > self._limits.body_max_bytes:
                    raise self._too_large()
                yield chunk
        except ClientDisconnect as error:
            raise BadInput(InputCode.BODY_INVALID, "The connection was closed before the body was complete.") from error

    def _too_large(self) -> BadInput:
        return BadInput(InputCode.BODY_TOO_LARGE, f"At most {self._limits.body_max_bytes} bytes in one request.")


@dataclass(frozen=True, slots=True)
class Form(Generic[M]):
    """A form after reading."""

    fields: M
    images: tuple[Upload, ...]
    masks: tuple[Upload, ...]


class _InMemoryParser(MultiPartParser):
    spool_max_size = 1 << 40  # never to disk: the body's own bound keeps it small


def _named(error: ValidationError) -> BadInput:
    """One error out of pydantic's list: the first, by the name of its field. Values are never quoted."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = _field(first["loc"])
    match first["type"]:
        case "json_invalid" if "recursion" in first["msg"]:
            return BadInput(InputCode.BODY_TOO_DEEP, "The JSON is nested too deeply.")
        case "json_invalid" if "surrogate" in first["msg"] or "unicode" in first["msg"]:
            return BadInput(InputCode.TEXT_INVALID, "The JSON holds half a character (a lone surrogate).")
        case "json_invalid":
            return BadInput(InputCode.BODY_INVALID, "The body is not valid JSON.")
        case "missing":
            return BadInput(InputCode.FIELD_MISSING, "This field is required.", param=field)
        case "string_too_long":
            return BadInput(InputCode.TEXT_TOO_LONG, f"{first['msg']}.", param=field)
        case "too_long" if field in ("images", "messages"):
            code = InputCode.TOO_MANY_IMAGES if field == "images" else InputCode.TOO_MANY_TURNS
            return BadInput(code, f"{first['msg']}.", param=field)
        case "string_unicode":
            return BadInput(InputCode.TEXT_INVALID, "The text is not valid Unicode.", param=field)
        case _:
            return BadInput(InputCode.FIELD_INVALID, f"{first['msg']}.", param=field)


def _field(location: Sequence[str | int]) -> str | None:
    return str(location[0]) if location else None
