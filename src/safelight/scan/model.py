"""The words of this room: what is scanned, what a worker tells of one file, what is known of it in the end."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where the time of a scan goes. Files are read ahead, so reading and the others overlap."""

    READ = "read"
    DECODE = "decode"
    HASH = "hash"
    DESCRIBE = "describe"
    DETECT = "detect"
    MATCH = "match"


class FileError(StrEnum):
    """Why nothing is known of a file, beside the codes of `InputCode` for what is no sound picture."""

    UNREADABLE = "unreadable"
    """The disk or the store did not give it; a folder that cannot be listed, or a link that leads nowhere."""
    NOT_A_FILE = "not_a_file"
    """A pipe, a socket, a device, or a link to a folder: it is not followed."""
    FAILED = "failed"
    """Looking at it raised an error that nobody foresaw."""
    CRASHED = "crashed"
    """Looking at it ended the process that did, twice."""


@dataclass(frozen=True, slots=True)
class Storage:
    """How object stores are spoken to, beyond what the environment says (`AWS_ACCESS_KEY_ID` and the like)."""

    s3_endpoint: str = ""
    """Of a store that speaks S3; empty: Amazon's."""
    is_anonymous: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What is scanned, and by what."""

    sources: tuple[str, ...]
    """Folders, files, patterns, and addresses such as `s3://bucket/**`."""
    detectors: tuple[str, ...] = ()
    """Names and versions of the detectors that look as well, `name@version`."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a worker tells of one file: hashes and scores, never the picture."""

    path: str
    size: int
    error: str = ""
    why: str = ""
    """The error in words."""
    width: int = 0
    height: int = 0
    frames: int = 0
    quality: int = 0
    """Of PDQ, the best of all frames."""
    forms: tuple[bytes, ...] = ()
    """Of each frame that has a PDQ hash: its eight forms, one after the other, 256 bytes."""
    digests: tuple[bytes, ...] = ()
    """MD5, SHA-1 and SHA-256 of the file, in the order of `FILE_KINDS`."""
    features: tuple[bytes, ...] = ()
    """What copies of the picture are looked for by, packed, where some bank keeps features."""
    signals: Mapping[str, float] | None = None
    missing: tuple[str, ...] = ()
    """Detectors that did not answer."""
    seconds: Mapping[Stage, float] | None = None
