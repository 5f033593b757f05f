"""What the verifier gives: keys, files, options. Where one cannot be read, the fault is not the log's (`Misused`)."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ..proofs.errors import Malformed, ProofError
from ..proofs.note import Algorithm, PublicKey
from . import checks
from .source import Source, open_source

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
    key = own(PublicKey.parse, value_of(options.key))
    if key.algorithm is not Algorithm.NOTE:
        raise Misused(f"--key is not a log's key but one of {key.name} for other signatures.")
    # A witness that is named twice is one witness.
    witnesses = tuple(dict.fromkeys(own(PublicKey.parse, value_of(witness)) for witness in options.witness))
    if strange := [one.name for one in witnesses if one.algorithm is not Algorithm.COSIGNATURE]:
        raise Misused(f"--witness {strange[0]} is not a witness's key: its type must be 0x04.")
    quorum = len(witnesses) if options.quorum is None else options.quorum
    if not 0 <= quorum <= len(witnesses):
        raise Misused(f"--quorum is at least 0, and at most {len(witnesses)}: so many witnesses are named.")
    return checks.Trust(key, witnesses, quorum)


def source_of(where: str) -> Source:
    """The log that an option names. Raises Misused, or Unavailable where there is none."""
    return own(open_source, where)


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


def is_file(text: str) -> bool:
    """Whether an option names a file here."""
    try:
        return Path(text).is_file()
    except OSError:  # such as a name that is too long for one
        return False


def place_for(text: str | None) -> Path | None:
    """Where an option wants a file written. Asked before the work, not after it. Raises Misused."""
    if text is None:
        return None
    path = Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise Misused(f"{path} cannot be written: there is no such folder, or it is one itself.")
    return path


def write_file(path: Path, text: str) -> None:
    """Write the whole file or leave what was there. Raises Misused."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        fresh.write_text(text, "utf-8")
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise Misused(f"{path} cannot be written ({error.strerror}).") from error


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
