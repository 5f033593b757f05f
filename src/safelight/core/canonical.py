"""One spelling of a JSON value (RFC 8785), so that the same content always has the same bytes and the same hash."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

import rfc8785

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


def canonical_json(value: Json) -> bytes:
    """The canonical bytes of `value` (RFC 8785).

    Raises ValueError for what has no canonical form: NaN, infinities, integers beyond 2**53, lone surrogates.
    """
    try:
        return rfc8785.dumps(cast(Any, value))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise ValueError(f"not canonical JSON: {error}") from error


def digest(value: Json) -> str:
    """`sha256:` and the hex SHA-256 of the canonical bytes of `value`."""
    return "sha256:" + hashlib.sha256(canonical_json(value)).hexdigest()
