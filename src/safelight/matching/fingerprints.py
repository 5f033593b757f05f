"""What a file or a picture is known by: digests for the same file, PDQ for near copies of the picture in it.

A digest stands for exactly these bytes. One bit changed by an app that strips metadata and it is another file, so
digests come beside PDQ and never instead of it; PDQ in turn cannot see small or plain pictures.
"""

import hashlib
import re
from collections.abc import Mapping
from enum import StrEnum


class HashKind(StrEnum):
    """The kinds of hash that banks may hold and the gate looks for."""

    PDQ = "pdq"
    MD5 = "md5"
    SHA1 = "sha1"
    SHA256 = "sha256"


FILE_KINDS = (HashKind.MD5, HashKind.SHA1, HashKind.SHA256)
_HEX_DIGITS: Mapping[HashKind, int] = {HashKind.PDQ: 64, HashKind.MD5: 32, HashKind.SHA1: 40, HashKind.SHA256: 64}


def file_digests(content: bytes) -> dict[HashKind, bytes]:
    """MD5, SHA-1 and SHA-256 of a file as it arrived. The first two are what the lists hold, not what is safe."""
    return {
        HashKind.MD5: hashlib.md5(content, usedforsecurity=False).digest(),
        HashKind.SHA1: hashlib.sha1(content, usedforsecurity=False).digest(),
        HashKind.SHA256: hashlib.sha256(content).digest(),
    }


def parse_hash(kind: HashKind, text: str) -> bytes:
    """The bytes of a hash written in hex. Raises ValueError for anything else, white space and newlines included."""
    digits = _HEX_DIGITS[kind]
    if not re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", text):
        raise ValueError(f"a {kind.value} hash is {digits} hexadecimal digits")
    return bytes.fromhex(text)
