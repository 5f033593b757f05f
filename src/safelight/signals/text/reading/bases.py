"""Octets as letters: base64, base32, base85. Each decoder yields what a run may say, likeliest first."""

import base64
import binascii
import codecs
import re
from collections.abc import Iterable

from safelight.signals.text.reading.signs import in_octets, written
from safelight.signals.text.reading.words import likeness, zipf

BASE64 = re.compile(r"(?<![A-Za-z0-9+/_=-])={0,2}[A-Za-z0-9+/_-]{8,}(?:\s?[A-Za-z0-9+/_-]{4,})*={0,2}(?![A-Za-z0-9+/])")
QUADS = r"(?:(?:[A-Za-z0-9+/]{4})+|(?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{2,3}={1,2})"
WORDS_BASE64 = re.compile(rf"(?<![\w+/=]){QUADS}(?:\s{QUADS})+(?![\w+/=])")
ORDINARY = re.compile(r"(?:[A-Z]?[a-z]+|[A-Z]+)(?:[-_/+](?:[A-Z]?[a-z]+|[A-Z]+|\d+))*")
ONE_BASE64 = re.compile(r"={0,2}[A-Za-z0-9+/_-]{8,}={0,2}")
BASE32 = re.compile(r"(?<![A-Za-z0-9=])(?:[A-Z2-7]{8,}|[a-z2-7]{16,})={0,6}(?![A-Za-z0-9])")
BASE85 = re.compile(r"<~[!-u\sz]{10,}~>|(?<!\S)[!-~]{15,}(?!\S)")


def from_base64(run: str) -> Iterable[str]:
    run = "".join(run.split())
    bare = run.strip("=")
    if len(bare) % 4 == 1 or ORDINARY.fullmatch(bare) or zipf(bare.casefold()):
        return
    for signs in (bare, bare[::-1], codecs.encode(bare, "rot13")):
        try:
            octets = base64.b64decode(
                signs.replace("-", "+").replace("_", "/") + "=" * (-len(signs) % 4), validate=True
            )
        except binascii.Error:
            continue
        yield from in_octets(octets)


def from_base64_words(run: str) -> Iterable[str]:
    """Each word of a text encoded for itself."""
    try:
        words = [base64.b64decode(word, validate=True).decode() for word in run.split()]
    except ValueError:
        return
    # By chance no second word of four signs comes out as letters, let alone as language.
    if all(map(written, words)) or likeness(" ".join(words)) > likeness(run) + 0.3:
        yield " ".join(words)


def from_base32(run: str) -> Iterable[str]:
    bare = run.rstrip("=").upper()
    try:
        octets = base64.b32decode(bare + "=" * (-len(bare) % 8))
    except binascii.Error:
        return
    yield from in_octets(octets)


def from_base85(run: str) -> Iterable[str]:
    if run.isalnum():
        return
    for decode, signs in ((base64.a85decode, run.removeprefix("<~").removesuffix("~>")), (base64.b85decode, run)):
        try:
            octets = decode(signs)
        except ValueError:
            continue
        yield from (found for found in in_octets(octets) if likeness(found) > 0.5 or written(found))
