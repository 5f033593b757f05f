"""A consent statement: what a person signs, and whether what arrived is exactly that.

Rules
- A statement names the photos that it is for, by the SHA-256 of their files. A perceptual fingerprint would not do: a
  picture of somebody else can be made to have the same one.
- It names uses out of `core.consent.Use`, says that the signer is an adult and the person shown, and ends.
- What is signed are the canonical bytes (RFC 8785) of the statement; the signature is Ed25519 (RFC 8032).
- Parsed once, strictly: unknown or repeated keys, other spellings of a moment, empty lists are errors.
What is left to others: whose key it is and what has become of the record (`register.py`).
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from safelight.core.canonical import Json, canonical_json, digest
from safelight.core.consent import Use
from safelight.core.errors import BadInput, InputCode
from safelight.core.limits import DEFAULT_LIMITS, Limits

FORMAT = "safelight-consent/1"
DECLARATION = (
    "I am the person shown in these photos and I am 18 or older. I agree that they are used to make pictures of me as "
    "the uses say, until this ends or I withdraw it, which I can do at any time."
)
"""The sentence that is signed. A statement with other words is not taken."""
PHOTOS_MAX_COUNT = 64
ACCOUNTS_MAX_COUNT = 64
_KEYS = frozenset(
    {"format", "declaration", "signer", "platform", "uses", "photos", "accounts", "not_before", "expires_at"}
)
_SIGNER = re.compile(r"csg_[0-9a-z]{26}")
_ACCOUNT = re.compile(r"sub_[0-9a-f]{32}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True, slots=True)
class Statement:
    """What was, or is to be, signed."""

    signer: str
    """Id under which the operator enrolled the signer's key."""
    platform: str
    uses: tuple[Use, ...]
    photos: tuple[str, ...]
    """SHA-256 of each photo's file, 64 hex digits."""
    accounts: tuple[str, ...]
    """Pseudonyms of the accounts that may use it; none: every account of the platform."""
    not_before: datetime
    expires_at: datetime
    """The first moment at which it is no longer in force."""

    def to_json(self) -> dict[str, Json]:
        """As it is signed; `read_statement` reads it back."""
        return {
            "format": FORMAT,
            "declaration": DECLARATION,
            "signer": self.signer,
            "platform": self.platform,
            "uses": [use.value for use in self.uses],
            "photos": list(self.photos),
            "accounts": list(self.accounts),
            "not_before": write_moment(self.not_before),
            "expires_at": write_moment(self.expires_at),
        }

    @property
    def digest(self) -> str:
        """`sha256:…` of the bytes that are signed."""
        return digest(self.to_json())


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement with its signature, not yet held against a key."""

    statement: Statement
    signature: bytes
    """64 bytes."""

    def to_json(self) -> dict[str, Json]:
        """As it travels; `read_signed` reads it back."""
        return {"statement": self.statement.to_json(), "signature": base64.b64encode(self.signature).decode()}

    def is_by(self, public_key: bytes) -> bool:
        """Whether the holder of `public_key` (32 bytes) signed exactly this statement."""
        try:
            key = Ed25519PublicKey.from_public_bytes(public_key)
            key.verify(self.signature, canonical_json(self.statement.to_json()))
        except (InvalidSignature, ValueError):
            return False
        return True


def sign(statement: Statement, key: Ed25519PrivateKey) -> Signed:
    """What the person does, with a key that only they hold."""
    return Signed(statement, key.sign(canonical_json(statement.to_json())))


def read_signed(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Signed:
    """A signed statement out of JSON. Raises BadInput with what is wrong and where."""
    table = _table(read_json(raw, limits), {"statement", "signature"}, "the file")
    try:
        signature = base64.b64decode(str(table["signature"]).encode(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _fault("signature", "is not base64") from error
    if len(signature) != 64:
        raise _fault("signature", "is not 64 bytes")
    return Signed(read_statement(table["statement"], limits), signature)


def read_json(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> object:
    """JSON in which no key stands twice. Raises BadInput."""
    if len(raw) > limits.consent_max_bytes:
        raise _fault("the file", f"is longer than {limits.consent_max_bytes} bytes")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise _fault("the file", "has a key twice")
        return dict(pairs)

    try:
        value: object = json.loads(raw.decode(), object_pairs_hook=once)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise _fault("the file", "is not JSON") from error
    return value


def read_statement(value: object, limits: Limits = DEFAULT_LIMITS) -> Statement:
    """A statement out of parsed JSON. Raises BadInput with what is wrong and where."""
    table = _table(value, _KEYS, "statement")
    if table["format"] != FORMAT:
        raise _fault("format", f"is not {FORMAT!r}")
    if table["declaration"] != DECLARATION:
        raise _fault("declaration", "is not the sentence that `safelight consent template` prints")
    start, end = _moment(table, "not_before"), _moment(table, "expires_at")
    if not start < end <= start + timedelta(days=limits.consent_max_days):
        raise _fault("expires_at", f"is not after not_before, or more than {limits.consent_max_days} days after it")
    platform = table["platform"]
    if not isinstance(platform, str) or not 1 <= len(platform) <= 200 or not platform.isprintable():
        raise _fault("platform", "is no name of a platform")
    return Statement(
        signer=_matching("signer", table["signer"], _SIGNER),
        platform=platform,
        uses=_uses(table),
        photos=_list(table, "photos", _SHA256, 1, PHOTOS_MAX_COUNT),
        accounts=_list(table, "accounts", _ACCOUNT, 0, ACCOUNTS_MAX_COUNT),
        not_before=start,
        expires_at=end,
    )


def write_moment(moment: datetime) -> str:
    """RFC 3339 in UTC, in whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _uses(table: dict[str, Any]) -> tuple[Use, ...]:
    names = _strings(table, "uses", 1, len(Use))
    try:
        return tuple(Use(name) for name in names)
    except ValueError as error:
        raise _fault("uses", f"may name {', '.join(Use)}, and nothing else") from error


def _list(table: dict[str, Any], key: str, form: re.Pattern[str], least: int, most: int) -> tuple[str, ...]:
    return tuple(_matching(key, value, form) for value in _strings(table, key, least, most))


def _strings(table: dict[str, Any], key: str, least: int, most: int) -> list[str]:
    values = table[key]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise _fault(key, "is not a list of texts")
    if not least <= len(values) <= most or len(set(values)) != len(values):
        raise _fault(key, f"has not {least} to {most} different entries")
    return values


def _matching(key: str, value: object, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise _fault(key, f"has not the form {form.pattern}")
    return value


def _moment(table: dict[str, Any], key: str) -> datetime:
    text = _matching(key, table[key], _MOMENT)
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise _fault(key, "is no moment") from error


def _table(value: object, keys: set[str] | frozenset[str], where: str) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != keys:
        raise _fault(where, f"has not exactly the keys {', '.join(sorted(keys))}")
    return value


def _fault(where: str, what: str) -> BadInput:
    message = (
        f"This consent statement cannot be taken: {where} {what}. `safelight consent template` prints one that can."
    )
    return BadInput(InputCode.CONSENT_INVALID, message, param=where)
