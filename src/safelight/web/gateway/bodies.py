"""What comes in, read once and strictly: bounds before bytes, one named error for each defect.

Forms are read by Starlette's parser with its files held in memory: an upload never touches the disk.
"""

import asyncio
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

_FILES = {"image", "mask"}


class BodyReader:
    """Reads request bodies. One for the whole service: it also bounds what all requests under way brought along."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held_bytes = 0

    @asynccontextmanager
    async def hold(self, request: Request) -> AsyncIterator["Held"]:
        """Count what one request brings, from first byte to answer. Raises BadInput for a body over the limit."""
        declared = request.headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared) > self._limits.body_max_bytes:
            raise self._too_large()
        held = Held(self)
        request.state.held = held
        try:
            yield held
        finally:
            self._held_bytes -= held.count

    def take(self, count: int) -> None:
        """Count `count` bytes more. Raises Overloaded when there is no memory for them now."""
        if self._held_bytes + count > self._limits.bodies_held_max_bytes:
            raise Overloaded("Too many large requests at once; try again soon.", retry_after_s=2)
        self._held_bytes += count

    async def json(self, request: Request, model: type[M]) -> M:
        """The JSON body as `model`. Raises BadInput."""
        # A form could be sent by any page that the caller has open; JSON only by one that the caller's browser trusts.
        if not request.headers.get("content-type", "").lower().startswith("application/json"):
            raise BadInput(InputCode.BODY_INVALID, "Send JSON, with `content-type: application/json`.")
        raw = b"".join([chunk async for chunk in self._chunks(request)])
        if sum(raw.count(mark) for mark in (b",", b"[", b"{")) > self._limits.json_max_values:
            raise BadInput(InputCode.BODY_INVALID, f"At most {self._limits.json_max_values} values in a JSON body.")
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
        if unknown := sorted(files.keys() - _FILES):
            raise BadInput(InputCode.FIELD_INVALID, "Files are taken as `image` and `mask` only.", param=unknown[0])
        try:
            return Form(model.model_validate(texts), tuple(files.get("image", ())), tuple(files.get("mask", ())))
        except ValidationError as error:
            raise _named(error) from error

    async def one_file(self, request: Request, name: str) -> Upload:
        """The one file of a multipart body, under `name`. Raises BadInput."""
        form = await self._parse_form(request)
        try:
            _, files = await self._sorted(form)
        finally:
            await form.close()
        if files.keys() != {name} or len(files[name]) != 1:
            raise BadInput(InputCode.FIELD_INVALID, f"Send one file, as `{name}`.", param=name)
        return files[name][0]

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

    async def _sorted(self, form: FormData) -> tuple[dict[str, str | list[str]], dict[str, list[Upload]]]:
        """Texts and files of a form by name; `image[]` counts as `image`, any other `name[]` is a list of texts."""
        files: dict[str, list[Upload]] = {}
        texts: dict[str, str | list[str]] = {}
        for name in form:
            values = form.getlist(name)
            plain = name.removesuffix("[]")
            if (
                plain in texts
                or (plain in files and plain != "image")
                or (len(values) > 1 and plain == name != "image")
            ):
                raise BadInput(InputCode.FIELD_REPEATED, "This field may be given once.", param=name)
            uploads = [value for value in values if isinstance(value, UploadFile)]
            words = [value for value in values if not isinstance(value, UploadFile)]
            if words and (uploads or plain in _FILES):
                raise BadInput(InputCode.FIELD_INVALID, "This field must be a file.", param=name)
            if words:
                texts[plain] = words[0] if plain == name else words
            for upload in uploads:
                files.setdefault(plain, []).append(await self._upload(name, upload))
        if len(files.get("mask", ())) > 1:
            raise BadInput(InputCode.FIELD_REPEATED, "This field may be given once.", param="mask")
        return texts, files

    async def _upload(self, name: str, file: UploadFile) -> Upload:
        if (file.size or 0) > self._limits.image_max_bytes:
            message = f"At most {self._limits.image_max_bytes} bytes in one image."
            raise BadInput(InputCode.IMAGE_TOO_LARGE, message, param=name)
        return Upload(await file.read(), file_name=file.filename or "")

    async def _chunks(self, request: Request) -> AsyncGenerator[bytes, None]:
        received = 0
        held: Held = request.state.held
        deadline = asyncio.get_running_loop().time() + self._limits.body_timeout_s
        chunks = aiter(request.stream())
        try:
            while True:
                async with asyncio.timeout_at(deadline):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    return
                received += len(chunk)
                if received > self._limits.body_max_bytes:
                    raise self._too_large()
                held.add(len(chunk))
                yield chunk
        except TimeoutError as error:
            raise BadInput(InputCode.BODY_INVALID, "The body did not arrive in time.") from error
        except ClientDisconnect as error:
            raise BadInput(InputCode.BODY_INVALID, "The connection was closed before the body was complete.") from error

    def _too_large(self) -> BadInput:
        return BadInput(InputCode.BODY_TOO_LARGE, f"At most {self._limits.body_max_bytes} bytes in one request.")


class Held:
    """The bytes that one request brought."""

    def __init__(self, reader: BodyReader) -> None:
        self._reader = reader
        self.count = 0

    def add(self, count: int) -> None:
        """Count `count` bytes more. Raises Overloaded when there is no memory for them now."""
        self._reader.take(count)
        self.count += count


@dataclass(frozen=True, slots=True)
class Form(Generic[M]):
    """A form after reading."""

    fields: M
    images: tuple[Upload, ...]
    masks: tuple[Upload, ...]


class _InMemoryParser(MultiPartParser):
    spool_max_size = 1 << 40  # never to disk: the body's own bound keeps it small


def _named(error: ValidationError) -> BadInput:
    """One error out of pydantic's list, by the name of its field. Values are never quoted.

    Where several shapes are taken, each says what keeps it from being that one: what was found furthest inside is said.
    """
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    first = max(errors, key=lambda one: len(one["loc"]))  # of several that far inside, the first
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
        case "union_tag_invalid":  # its message quotes
            return BadInput(InputCode.FIELD_INVALID, "This `type` is none that is taken here.", param=field)
        case _:
            return BadInput(InputCode.FIELD_INVALID, f"{first['msg']}.", param=field)


def _field(location: Sequence[str | int]) -> str | None:
    return str(location[0]) if location else None
