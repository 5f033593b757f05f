"""How a good answer is read: JSON or a stream of events, into items that still have to be fetched where they are links.

Only known facts are kept beside the images, each in a shape that can hold nothing else: an answer may carry anything
under any name, and what is not looked at must not travel on.
"""

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pybase64
from pydantic_core import from_json

from safelight.backends.openai.failure import refusal_sign, refused
from safelight.core.canonical import Json
from safelight.core.errors import BackendCode, BackendFailed

_WORD = re.compile(r"[\w.:-]{1,64}")
_WORD_FACTS = ("background", "output_format", "quality", "size")
_REVISED_MAX_CHARS = 32_000
_USAGE_MAX_NAMES = 16


@dataclass(frozen=True, slots=True)
class Item:
    """One image of an answer: its bytes, or the address that it has to be fetched from."""

    content: bytes = b""
    url: str = ""
    revised_prompt: str | None = None


@dataclass(slots=True)
class Gathered:
    """An answer while it is being read; a stream adds to it event by event."""

    items: list[Item] = field(default_factory=list)
    partials: list[bytes] = field(default_factory=list)
    extra: dict[str, Json] = field(default_factory=dict)


def invalid(what: str) -> BackendFailed:
    """The error for an answer that is not what was agreed."""
    return BackendFailed(
        f"the image model's answer {what}; the operator has to look at what stands behind the gate",
        code=BackendCode.ANSWER_INVALID,
    )


def read_json(body: bytes) -> Gathered:
    """Read a whole answer. Raises BackendRefused where any part of it says that the model will not."""
    answer = _object(body)
    sign = refusal_sign(answer)
    if sign:  # also where images stand beside it: a batch is whole or it is not made
        raise refused(sign)
    found = answer.get("data")
    if not isinstance(found, list):
        raise invalid("holds no list of images")
    gathered = Gathered(extra=_extra(answer))
    if not found:  # xAI answers so when it will not; INTERFACES: never hand on a 200 with empty data
        raise refused("empty_data")
    gathered.items.extend(_item(entry) for entry in found)
    return gathered


def add_event(gathered: Gathered, kind: str, text: str) -> None:
    """Add one server-sent event of type `kind`; unknown ones are passed over.

    Raises BackendRefused or BackendFailed for an event that reports an error.
    """
    event = _object(text)
    kind = str(event.get("type") or kind)
    sign = refusal_sign(event)
    if sign:
        raise refused(sign)
    if kind == "error" or isinstance(event.get("error"), dict | str):
        raise BackendFailed("the image model failed while it was making the image; try again")
    if kind.endswith(".partial_image"):
        gathered.partials.append(_content(event.get("b64_json")))
    elif kind.endswith(".completed"):
        gathered.items.append(_item(event))
        gathered.extra.update(_extra(event))


def _object(body: bytes | str) -> dict[str, Any]:
    try:
        answer = from_json(body)  # eight times as fast as json.loads on megabytes of base64
    except ValueError as error:
        raise invalid("is no JSON") from error
    if not isinstance(answer, dict):
        raise invalid("is no JSON object")
    return answer


def _item(entry: object) -> Item:
    if not isinstance(entry, dict):
        raise invalid("lists something that is no image")
    revised = entry.get("revised_prompt")
    revised = revised[:_REVISED_MAX_CHARS] if isinstance(revised, str) else None
    if entry.get("b64_json"):
        return Item(content=_content(entry["b64_json"]), revised_prompt=revised)
    url = entry.get("url")
    if not isinstance(url, str) or not url:
        raise invalid("lists an image without content and without an address")
    if url.startswith("data:"):
        return Item(content=_content(url), revised_prompt=revised)
    return Item(url=url, revised_prompt=revised)


def _content(value: object) -> bytes:
    if not isinstance(value, str):
        raise invalid("holds an image that is no base64")
    if value.startswith("data:image/"):  # some servers write a data: address where base64 is due
        value = value.partition(";base64,")[2]
    try:
        content = pybase64.b64decode(value, validate=True)  # a thirtieth of the standard library's time
    except (binascii.Error, ValueError) as error:
        raise invalid("holds an image that is no base64") from error
    if not content:
        raise invalid("holds an empty image")
    return content


def _extra(answer: Mapping[str, Any]) -> dict[str, Json]:
    extra: dict[str, Json] = {}
    created = answer.get("created", answer.get("created_at"))
    if isinstance(created, int) and not isinstance(created, bool) and 0 <= created < 1 << 53:
        extra["created"] = created
    for name in _WORD_FACTS:
        value = answer.get(name)
        if isinstance(value, str) and _WORD.fullmatch(value):
            extra[name] = value
    usage = _counts(answer.get("usage"), depth=2)
    if usage:
        extra["usage"] = usage
    return extra


def _counts(value: object, *, depth: int) -> dict[str, Json]:
    """The whole numbers of `value` by name, nested `depth` deep; everything else is dropped."""
    if not isinstance(value, dict) or depth == 0:
        return {}
    counts: dict[str, Json] = {}
    for name, entry in list(value.items())[:_USAGE_MAX_NAMES]:
        if not _WORD.fullmatch(str(name)):
            continue
        if isinstance(entry, int) and not isinstance(entry, bool) and 0 <= entry < 1 << 53:
            counts[name] = entry
        elif nested := _counts(entry, depth=depth - 1):
            counts[name] = nested
    return counts
