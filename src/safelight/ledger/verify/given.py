"""What the verifier gives: keys, files, options. Where one cannot be read, the fault is not the log's (`Misused`)."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ..proofs.errors import Malformed, ProofError
from ..proofs.note import PublicKey
from . import checks

FILE_MAX_BYTES = 64 * 1024 * 1024
T = TypeVar("T")


class Misused(ProofError):
    """An option or a file of the verifier's own that cannot be read."""

    code = "misused"


def own(parse: Callable[[Any], T], given: Any) -> T:
    """What the verifier gave, read. Raises Misused."""
    try:
        return parse(given)
    except Malformed as error:
        raise Misused(str(error)) from error


def trust_of(options: argparse.Namespace) -> checks.Trust:
    """Whom the options say to believe. Raises Misused."""
    witnesses = tuple(own(PublicKey.parse, value_of(witness)) for witness in options.witness)
    quorum = len(witnesses) if options.quorum is None else options.quorum
    return checks.Trust(own(PublicKey.parse, value_of(options.key)), witnesses, quorum)


def value_of(text: str) -> str:
    """The text, or with `@` what stands in that file. Raises Misused."""
    if not text.startswith("@"):
        return text
    return read_file(Path(text.removeprefix("@"))).decode("utf-8", "replace").strip()


def read_json(path: Path) -> Any:
    """A JSON file. Raises Misused."""
    try:
        return json.loads(read_file(path))
    except (ValueError, RecursionError) as error:
        raise Misused(f"{path} is not JSON.") from error


def read_file(path: Path) -> bytes:
    """A file, up to `FILE_MAX_BYTES`. Raises Misused."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        raise Misused(f"{path} cannot be read ({error.strerror}).") from error
    if len(content) > FILE_MAX_BYTES:
        raise Misused(f"{path} has more than {FILE_MAX_BYTES} bytes.")
    return content
