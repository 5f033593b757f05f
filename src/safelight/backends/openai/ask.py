"""How a job is written in the OpenAI images interface.

Generations are JSON; edits are a form with `image` (or `image[]`, when several) and `mask`; variations are a form too.
What the asker chose goes on untouched: `response_format` is sent only where the asker sent it, because the gpt-image
models refuse the field. What the gate decides (`prompt`, `n`, `stream`, the images) always wins over an option of that
name.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from safelight.backends.ports import CleanImage, Job
from safelight.core.canonical import Json
from safelight.core.request import Operation

FilePart = tuple[str, tuple[str, bytes, str]]
"""Form field, then file name, content, media type."""

_GATE_FIELDS = frozenset({"prompt", "n", "stream", "image", "image[]", "images", "mask"})
_PATHS = {
    Operation.GENERATE: "images/generations",
    Operation.EDIT: "images/edits",
    Operation.VARIATE: "images/variations",
}


@dataclass(frozen=True, slots=True)
class Ask:
    """One POST: either a JSON body, or form fields with files."""

    path: str
    body: Mapping[str, Json] | None = None
    form: Mapping[str, str | list[str]] = field(default_factory=dict)
    files: tuple[FilePart, ...] = ()


def ask_of(job: Job, *, stream: bool) -> Ask:
    """Write `job`. Raises ValueError for an operation that is no job for a model."""
    if job.operation not in _PATHS:
        raise ValueError(f"{job.operation.value!r} is no job for an image model")
    path = _PATHS[job.operation]
    chosen = {name: value for name, value in job.options.items() if name not in _GATE_FIELDS}
    chosen["n"] = job.count
    if stream:
        chosen["stream"] = True
    if job.operation is not Operation.VARIATE:  # a variation has no prompt
        chosen["prompt"] = job.prompt
    if job.operation is Operation.GENERATE:
        return Ask(path, body=chosen)
    return Ask(path, form=_form(chosen), files=_files(job))


def _form(values: Mapping[str, Json]) -> dict[str, str | list[str]]:
    """Form fields as OpenAI's own client writes them: `true`, decimal numbers, `name[]` for a list; no nulls."""
    form: dict[str, str | list[str]] = {}
    for name, value in values.items():
        if value is None:
            continue
        if isinstance(value, list | tuple):
            form[name if name.endswith("[]") else f"{name}[]"] = [_text(item) for item in value]
        else:
            form[name] = _text(value)
    return form


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _files(job: Job) -> tuple[FilePart, ...]:
    name = "image" if len(job.photos) == 1 else "image[]"
    parts = [_file(name, f"photo-{number}", photo) for number, photo in enumerate(job.photos, start=1)]
    if job.mask is not None:
        parts.append(_file("mask", "mask", job.mask))
    return tuple(parts)


def _file(field_name: str, stem: str, image: CleanImage) -> FilePart:
    # The asker's file name is not handed on: it is text from a stranger, and models have been known to read it.
    return field_name, (f"{stem}.{image.media_type.removeprefix('image/')}", image.content, image.media_type)
