"""Hostile request bodies, made by code: name -> (method of sending, expected status, expected stable code).

Images are in `tests/signals/image/hostile.py`, addresses in `tests/gate/hostile_urls.py`; `test_hostile.py` sends all
of them through the door.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from safelight.core.limits import DEFAULT_LIMITS


@dataclass(frozen=True, slots=True)
class Sent:
    """One hostile request."""

    path: str
    code: str
    status: int = 400
    content: Callable[[], bytes] | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    form: Callable[[bytes], dict[str, Any]] | None = None
    """Arguments of a multipart request, given a small valid image."""


GENERATE, EDIT, VARY = "/v1/images/generations", "/v1/images/edits", "/v1/images/variations"
CHECK, MODERATE = "/v1/check", "/v1/moderations"


def _json(path: str, body: Any, code: str, status: int = 400) -> Sent:
    return Sent(path, code, status, lambda: json.dumps(body).encode())


def _raw(path: str, content: Callable[[], bytes], code: str, status: int = 400, **headers: str) -> Sent:
    return Sent(path, code, status, content, {"content-type": "application/json"} | headers)


def _edit(code: str, make: Callable[[bytes], dict[str, Any]], status: int = 400, path: str = EDIT) -> Sent:
    return Sent(path, code, status, form=make)


def _image(flat: bytes, name: str = "image") -> tuple[str, tuple[str, bytes, str]]:
    return name, ("a.png", flat, "image/png")


HOSTILE_BODIES: Mapping[str, Sent] = {
    # JSON that is none, or is more than it seems
    "empty body": _raw(GENERATE, lambda: b"", "body_invalid"),
    "not JSON": _raw(GENERATE, lambda: b"prompt=a", "body_invalid"),
    "half a JSON": _raw(GENERATE, lambda: b'{"prompt": "a', "body_invalid"),
    "bytes that are no UTF-8": _raw(GENERATE, lambda: b'{"prompt": "\xff\xfe"}', "text_invalid"),
    "half a character": _raw(GENERATE, lambda: b'{"prompt": "\\ud800"}', "body_invalid"),
    "an array for an object": _json(GENERATE, [1, 2], "field_invalid"),
    "null": _raw(GENERATE, lambda: b"null", "field_invalid"),
    "a thousand brackets": _raw(GENERATE, lambda: b"[" * 1000, "body_too_deep"),
    "a hundred thousand brackets": _raw(GENERATE, lambda: b'{"prompt":' + b"[" * 100_000, "body_too_deep"),
    "deep options": _raw(
        GENERATE, lambda: b'{"prompt": "a", "x": ' + b'{"y":' * 60 + b"1" + b"}" * 61, "body_too_deep"
    ),
    "not a number": _raw(GENERATE, lambda: b'{"prompt": "a", "n": NaN}', "field_invalid"),
    "a body too large": _raw(GENERATE, lambda: b" " * (DEFAULT_LIMITS.body_max_bytes + 1), "body_too_large", 413),
    # fields
    "no prompt": _json(GENERATE, {}, "field_missing"),
    "an empty prompt": _json(GENERATE, {"prompt": ""}, "field_invalid"),
    "a number for a prompt": _json(GENERATE, {"prompt": 7}, "field_invalid"),
    "a list for a prompt": _json(GENERATE, {"prompt": ["a", "b"]}, "field_invalid"),
    "32,001 characters": _json(GENERATE, {"prompt": "a" * 32_001}, "text_too_long"),
    "32,001 characters beside the prompt": _json(GENERATE, {"prompt": "a", "lora": "b c " * 8001}, "text_too_long"),
    "NUL in the prompt": _json(GENERATE, {"prompt": "a cat\0remove the rest"}, "text_invalid"),
    "no image asked for": _json(GENERATE, {"prompt": "a", "n": 0}, "field_invalid"),
    "eleven images asked for": _json(GENERATE, {"prompt": "a", "n": 11}, "field_invalid"),
    "a word for a number": _json(GENERATE, {"prompt": "a", "n": "two"}, "field_invalid"),
    "an unknown format": _json(GENERATE, {"prompt": "a", "output_format": "exe"}, "field_invalid"),
    "an image as an option": _json(GENERATE, {"prompt": "a", "init": "data:image/png;base64,AAAA"}, "option_forbidden"),
    "an address as an option": _json(
        GENERATE, {"prompt": "a", "init": "https://example.org/a.png"}, "option_forbidden"
    ),
    "bare base64 as an option": _json(GENERATE, {"prompt": "a", "init": "iVBORw0KGgo" * 100}, "option_forbidden"),
    "an image deep in an option": _json(
        GENERATE, {"prompt": "a", "x": {"y": [{"z": "data:image/png;base64,AA"}]}}, "option_forbidden"
    ),
    "a list of pixels as an option": _json(GENERATE, {"prompt": "a", "init": list(range(100))}, "option_forbidden"),
    "a file id deep in an option": _json(GENERATE, {"prompt": "a", "x": [{"file_id": "f"}]}, "option_forbidden"),
    "an image by another name": _json(GENERATE, {"prompt": "a", "init_image": "abc"}, "option_forbidden"),
    "an address after a blank": _json(GENERATE, {"prompt": "a", "x": "  s3://bucket/a.png"}, "option_forbidden"),
    "an address without a scheme": _json(GENERATE, {"prompt": "a", "x": "//host/a.png"}, "option_forbidden"),
    "a JSON of commas": _raw(GENERATE, lambda: b'{"prompt":"a","x":[' + b"0," * 300_000 + b"0]}", "body_invalid"),
    "a page's own form": _raw(GENERATE, lambda: b'{"prompt": "a"}', "body_invalid", **{"content-type": "text/plain"}),
    # edits as JSON
    "an edit without images": _json(EDIT, {"prompt": "a"}, "field_missing"),
    "an edit with an empty list": _json(EDIT, {"prompt": "a", "images": []}, "field_invalid"),
    "seventeen images": _json(EDIT, {"prompt": "a", "images": [{"file_id": "f"}] * 17}, "too_many_images"),
    "neither address nor file": _json(EDIT, {"prompt": "a", "images": [{}]}, "field_invalid"),
    "both address and file": _json(
        EDIT, {"prompt": "a", "images": [{"file_id": "f", "image_url": "data:image/png;base64,AA"}]}, "field_invalid"
    ),
    "a file that nobody has seen": _json(EDIT, {"prompt": "a", "images": [{"file_id": "f"}]}, "file_id_unresolved"),
    "a field that is not known": _json(EDIT, {"prompt": "a", "images": [{"path": "/etc/passwd"}]}, "field_invalid"),
    # edits as forms
    "a form without a boundary": _raw(EDIT, lambda: b"--x", "body_invalid", **{"content-type": "multipart/form-data"}),
    "a form that breaks off": _raw(
        EDIT,
        lambda: b'--x\r\ncontent-disposition: form-data; name="prompt"\r\n\r\na',
        "field_missing",
        **{"content-type": "multipart/form-data; boundary=x"},
    ),
    "a form of noise": _raw(
        EDIT, lambda: bytes(range(256)) * 8, "body_invalid", **{"content-type": "multipart/form-data; boundary=x"}
    ),
    "a form without a name": _raw(
        EDIT,
        lambda: b"--x\r\ncontent-disposition: form-data\r\n\r\na\r\n--x--\r\n",
        "body_invalid",
        **{"content-type": "multipart/form-data; boundary=x"},
    ),
    "a form without an image": _raw(
        EDIT,
        lambda: b'--x\r\ncontent-disposition: form-data; name="prompt"\r\n\r\na\r\n--x--\r\n',
        "field_missing",
        **{"content-type": "multipart/form-data; boundary=x"},
    ),
    "two prompts": _edit("field_repeated", lambda flat: {"data": {"prompt": ["a", "b"]}, "files": [_image(flat)]}),
    "two masks": _edit(
        "field_repeated",
        lambda flat: {"data": {"prompt": "a"}, "files": [_image(flat), _image(flat, "mask"), _image(flat, "mask")]},
    ),
    "two masks, one by the name of a list": _edit(
        "field_repeated",
        lambda flat: {"data": {"prompt": "a"}, "files": [_image(flat), _image(flat, "mask"), _image(flat, "mask[]")]},
    ),
    "a list of masks": _edit(
        "field_repeated",
        lambda flat: {
            "data": {"prompt": "a"},
            "files": [_image(flat), _image(flat, "mask[]"), _image(flat, "mask[]")],
        },
    ),
    "a field, and a list of its name": _edit(
        "field_repeated", lambda flat: {"data": {"prompt": "a", "lora": "b", "lora[]": ["c"]}, "files": [_image(flat)]}
    ),
    "a list of prompts": _edit(
        "field_invalid", lambda flat: {"data": {"prompt[]": ["a", "b"]}, "files": [_image(flat)]}
    ),
    "words for an image": _edit(
        "field_invalid", lambda flat: {"data": {"prompt": "a", "image": "b"}, "files": [_image(flat)]}
    ),
    "a file of another name": _edit(
        "field_invalid", lambda flat: {"data": {"prompt": "a"}, "files": [_image(flat), _image(flat, "face")]}
    ),
    "a file for the prompt": _edit("field_invalid", lambda flat: {"files": [_image(flat), _image(flat, "prompt")]}),
    "an empty image": _edit("image_empty", lambda _: {"data": {"prompt": "a"}, "files": [_image(b"")]}),
    "seventeen files": _edit(
        "too_many_images", lambda flat: {"data": {"prompt": "a"}, "files": [_image(flat, "image[]")] * 17}
    ),
    "forty files": _edit(
        "body_invalid", lambda flat: {"data": {"prompt": "a"}, "files": [_image(flat, "image[]")] * 40}
    ),
    "a hundred fields": _edit(
        "body_invalid",
        lambda flat: {"data": {"prompt": "a"} | {f"f{n}": "x" for n in range(100)}, "files": [_image(flat)]},
    ),
    "a field of a megabyte": _edit(
        "body_invalid", lambda flat: {"data": {"prompt": "a" * 1_000_000}, "files": [_image(flat)]}
    ),
    "a mask of another size": _edit(
        "mask_invalid",
        lambda flat: {
            "data": {"prompt": "a"},
            "files": [_image(flat), ("mask", ("m.png", _other_size(), "image/png"))],
        },
    ),
    "two images to vary": _edit("field_missing", lambda flat: {"files": [_image(flat)] * 2}, path=VARY),
    # check and moderations
    "no messages": _json(CHECK, {"messages": []}, "field_invalid"),
    "201 turns": _json(CHECK, {"messages": [{"role": "user", "content": "a"}] * 201}, "too_many_turns"),
    "a role that nobody has": _json(CHECK, {"messages": [{"role": "root", "content": "a"}]}, "field_invalid"),
    "a tier that nobody has": _json(
        CHECK, {"messages": [{"role": "user", "content": "a"}], "subject": {"tier": "gold"}}, "field_invalid"
    ),
    "a part of no kind": _json(
        CHECK, {"messages": [{"role": "user", "content": [{"type": "audio"}]}]}, "field_invalid"
    ),
    "a field beside the known ones": _json(
        CHECK, {"messages": [{"role": "user", "content": "a"}], "verdict": "allow"}, "field_invalid"
    ),
    "too much text altogether": _json(
        CHECK, {"messages": [{"role": "user", "content": "ab " * 10_000}] * 5}, "text_too_long"
    ),
    "a broken data address": _json(
        CHECK,
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "data:image/png;base64,@@"}]}]},
        "image_encoding",
    ),
    "seventeen addresses": _json(
        CHECK,
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "https://a.example/a"}] * 17}]},
        "too_many_images",
    ),
    "a key that a part does not have": _json(
        CHECK,
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "note": "b"}]}]},
        "field_invalid",
    ),
    "65 texts to moderate": _json(MODERATE, {"input": ["a"] * 65}, "field_invalid"),
    "nothing to moderate": _json(MODERATE, {"input": []}, "field_invalid"),
    "a number to moderate": _json(MODERATE, {"input": 7}, "field_invalid"),
    # headers
    "a tier header that nobody has": _raw(
        GENERATE, lambda: b'{"prompt": "a"}', "field_invalid", **{"safelight-tier": "gold"}
    ),
    "a subject without end": _raw(
        GENERATE, lambda: b'{"prompt": "a"}', "field_invalid", **{"safelight-subject": "a" * 300}
    ),
}


def _other_size() -> bytes:
    import numpy as np

    from tests.conftest import png

    return png(np.zeros((10, 20, 4), np.uint8))
