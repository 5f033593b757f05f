"""The OpenAPI description of bodies that we read ourselves (`bodies.py`), so that it says what is really taken."""

from typing import Any

from pydantic import BaseModel

from safelight.web.gateway.schemas import ErrorAnswer

ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorAnswer, "description": "Refused (`moderation_blocked`), or an input that cannot be judged"},
    401: {"model": ErrorAnswer, "description": "No valid API key"},
    403: {"model": ErrorAnswer, "description": "The account is suspended"},
    413: {"model": ErrorAnswer, "description": "Too large"},
    429: {"model": ErrorAnswer, "description": "Budget spent"},
    502: {"model": ErrorAnswer, "description": "The image model failed"},
    503: {"model": ErrorAnswer, "description": "Something could not be checked, so nothing was released"},
    504: {"model": ErrorAnswer, "description": "The image model did not answer in time"},
}


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """`openapi_extra` for a route that takes `model` as JSON."""
    return _body({"application/json": {"schema": _schema(model)}})


def form_body(model: type[BaseModel], *files: str) -> dict[str, Any]:
    """`openapi_extra` for a route that takes `model` and `files` as a multipart form."""
    return _body({"multipart/form-data": {"schema": _form_schema(model, files)}})


def json_or_form_body(json_model: type[BaseModel], form_model: type[BaseModel], *files: str) -> dict[str, Any]:
    """`openapi_extra` for a route that takes either."""
    return _body(
        {
            "application/json": {"schema": _schema(json_model)},
            "multipart/form-data": {"schema": _form_schema(form_model, files)},
        }
    )


def json_or_file_body(model: type[BaseModel], file: str) -> dict[str, Any]:
    """`openapi_extra` for a route that takes `model` as JSON, or one file as a multipart form."""
    form = {"type": "object", "properties": {file: {"type": "string", "format": "binary"}}, "required": [file]}
    return _body({"application/json": {"schema": _schema(model)}, "multipart/form-data": {"schema": form}})


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


def _form_schema(model: type[BaseModel], files: tuple[str, ...]) -> dict[str, Any]:
    schema = _schema(model)
    binary = {"type": "string", "format": "binary"}
    schema["properties"] |= dict.fromkeys(files, binary)
    schema["properties"]["image"] = {"type": "array", "items": binary, "minItems": 1, "maxItems": 16}
    schema["required"] = [*schema.get("required", []), "image"]
    return schema


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON Schema with its definitions written out in place: they are small, and not recursive."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    written: dict[str, Any] = _write_out(schema, definitions)
    return written


def _write_out(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, dict):
        if "$ref" in node:
            return _write_out(definitions[node["$ref"].rpartition("/")[2]], definitions)
        return {key: _write_out(value, definitions) for key, value in node.items() if key != "discriminator"}
    if isinstance(node, list):
        return [_write_out(value, definitions) for value in node]
    return node
