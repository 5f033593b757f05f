"""What one entry of the log says: a public skeleton, and commitments to what is nobody else's business.

A leaf is one JSON object in its canonical spelling (RFC 8785; here sorted keys, no spaces, ASCII):

    {"at":"2026-11-22T12:00:00.000000Z","commit":{"tier":"…",…},"kind":"decision","process":"…","seq":7,"v":1,…}

`process` and `seq` are the gate process that wrote it and its place in that process's own, gapless count. `commit`
holds, by field, base64 of HMAC-SHA-256(salt, field || 0x00 || value): whoever is given salt and value can check what
was recorded, and without the salt, 32 secret bytes, nothing can be guessed from it. Everything else is public.
"""

import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any

from .errors import InclusionFailed, Malformed
from .note import encode_base64

LEAF_MAX_BYTES = 4096
SALT_BYTES = 32
VERSION = 1

PublicValue = None | int | str | Sequence[str] | Mapping[str, int]
"""What a public field may hold; strings are codes and digests, never sentences."""

MOMENT = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9]{6}Z")
"""RFC 3339 in UTC with microseconds, by its form; such texts sort as moments do."""
_PROCESS = re.compile(r"[0-9a-f]{16}")
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,31}")
_CODE = re.compile(r"[A-Za-z0-9_.:/@+-]{0,120}")
_COMMITMENT = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")
_OWN_FIELDS = frozenset({"at", "commit", "kind", "process", "seq", "v"})


class LeafKind(StrEnum):
    """What an entry can be about. A reader takes kinds that it does not know: later releases add some."""

    PROCESS_START = "process_start"
    """A gate process begins to count: its release, policy, detectors and the rhythm of its heartbeats."""
    PROCESS_END = "process_end"
    """It stopped in order. One that ends without was killed, and its last heartbeat says when at the latest."""
    HEARTBEAT = "heartbeat"
    """It runs, and has nothing else to say."""
    TOTALS = "totals"
    """How many decisions of each sort stand in a stretch of the process's own count."""
    DECISION = "decision"
    OUTAGE_START = "outage_start"
    """From here on, a part that had to answer did not."""
    OUTAGE_END = "outage_end"
    POLICY_CHANGE = "policy_change"
    """Another policy, or other thresholds, than the log's last one; by version, which is its hash."""
    THRESHOLD_CHANGE = "threshold_change"
    """Of another policy than the last one, which thresholds differ, by name; the values are in the policy."""
    MODEL_CHANGE = "model_change"
    """Other detectors, or other versions of them, than the log's last ones."""
    MARKS_CHANGE = "marks_change"
    """Released pictures are marked with other keys than the log's last ones, or no longer; by the keys' digests."""
    ERASURE = "erasure"
    """A subject's key was destroyed: its leaves can no longer be opened. It does not say whose."""
    BANK_UPDATE = "bank_update"
    """A bank of known images was made, changed or removed: counts, and a commitment to the whole event."""
    CONSENT = "consent"
    """A signer or a record of the consent register was added or revoked."""
    REPORT = "report"
    """Somebody reported an image, and a legal clock began."""
    TAKEDOWN = "takedown"
    """What became of a report: hidden, removed, kept or restored, and how long after it."""
    REVIEW = "review"
    """A person looked at an automatic decision again, and it stood or did not."""
    APPEAL = "appeal"
    """Somebody contested a decision, or their contest was decided."""
    STANDING = "standing"
    """An account was warned, limited, suspended or restored. It does not say whose."""
    STAFF = "staff"
    """Somebody was appointed to the staff, given another role or another way in, or ended. It does not say who."""
    REFERRAL = "referral"
    """An authority was told, or what was told was taken back."""
    TRACE = "trace"
    """Somebody asked which request made a picture."""
    EVIDENCE_OPENED = "evidence_opened"
    """A sealed exhibit was opened, by how many approvers, for which kind of purpose."""
    EVIDENCE_DESTROYED = "evidence_destroyed"
    """A sealed exhibit reached the end of its retention and was destroyed."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry."""

    kind: str
    """A LeafKind, or one that a later release has added."""
    at: str
    """RFC 3339, UTC, microseconds."""
    process: str
    """16 hexadecimal digits, new at each start of a gate process."""
    seq: int
    """From 0, without gaps, for each process."""
    public: Mapping[str, PublicValue] = field(default_factory=dict)
    commitments: Mapping[str, bytes] = field(default_factory=dict)
    """32 bytes by field."""

    def to_bytes(self) -> bytes:
        """The canonical bytes. Raises Malformed for what no leaf may hold, so that nothing private slips in."""
        if bad := [name for name, value in self.public.items() if not _is_fit(name, value)]:
            raise Malformed(f"The public field {bad[0]!r} of a leaf holds something that is no code or count.")
        content = canonical({**self._own(), **self.public})
        if len(content) > LEAF_MAX_BYTES:
            raise Malformed(f"A leaf has at most {LEAF_MAX_BYTES} bytes.")
        return content

    @classmethod
    def parse(cls, content: bytes) -> "Leaf":
        """Read a leaf. Raises Malformed for any bytes that `to_bytes` would not have written."""
        if len(content) > LEAF_MAX_BYTES:
            raise Malformed(f"A leaf has at most {LEAF_MAX_BYTES} bytes.")
        try:
            read: Any = json.loads(content)
            again = canonical(read)
        except (ValueError, RecursionError, UnicodeEncodeError) as error:
            raise Malformed("A leaf is one JSON object.") from error
        if again != content or not isinstance(read, dict) or not read.keys() >= _OWN_FIELDS:
            raise Malformed("A leaf is a canonical JSON object with its fields.")
        kind, at, process, seq, commit = (read.pop(name) for name in ("kind", "at", "process", "seq", "commit"))
        version = read.pop("v")
        fit = (
            type(version) is int
            and version == VERSION
            and isinstance(kind, str)
            and isinstance(at, str)
            and isinstance(process, str)
            and type(seq) is int
            and isinstance(commit, dict)
            and _FIELD.fullmatch(kind)
            and MOMENT.fullmatch(at)
            and _PROCESS.fullmatch(process)
            and 0 <= seq < 1 << 53
            and all(_is_fit(name, value) for name, value in read.items())
        )
        if not fit:
            raise Malformed("A field of the leaf is not what it has to be.")
        return cls(kind, at, process, seq, read, {name: _commitment(name, value) for name, value in commit.items()})

    def check_opening(self, name: str, salt: bytes, value: str) -> None:
        """Check that the leaf commits to `value` under `name`. Raises InclusionFailed."""
        try:
            found = commit(name, salt, value)
        except UnicodeEncodeError as error:
            raise InclusionFailed("A leaf commits to text, and this value holds half a character.") from error
        if len(salt) != SALT_BYTES or not hmac.compare_digest(found, self.commitments.get(name, b"")):
            raise InclusionFailed(f"The leaf does not commit to this value of {name!r}.")

    def _own(self) -> dict[str, object]:
        return {
            "at": self.at,
            "commit": {name: encode_base64(value) for name, value in self.commitments.items()},
            "kind": self.kind,
            "process": self.process,
            "seq": self.seq,
            "v": VERSION,
        }


def commit(name: str, salt: bytes, value: str) -> bytes:
    """The commitment to `value` under the field `name`: 32 bytes."""
    return hmac.digest(salt, name.encode() + b"\x00" + value.encode(), hashlib.sha256)


def canonical(value: object) -> bytes:
    """RFC 8785 for ASCII keys, integers and strings: no other numbers stand in a leaf."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _is_fit(name: object, value: object) -> bool:
    if not isinstance(name, str) or not _FIELD.fullmatch(name) or name in _OWN_FIELDS:
        return False
    if value is None or type(value) is int:
        return value is None or abs(value) < 1 << 53
    if isinstance(value, str):
        return _is_code(value)
    if isinstance(value, Mapping):
        return all(_is_code(key) and type(count) is int and 0 <= count < 1 << 53 for key, count in value.items())
    return isinstance(value, list | tuple) and all(_is_code(item) for item in value)


@lru_cache(4096)  # a log of a million leaves says the same few words
def _is_code(value: object) -> bool:
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def _commitment(name: object, value: object) -> bytes:
    if not isinstance(name, str) or not _FIELD.fullmatch(name) or not isinstance(value, str):
        raise Malformed("A commitment is base64 under a field's name.")
    if not _COMMITMENT.fullmatch(value):
        raise Malformed("A commitment has 32 bytes, in base64 as it is spelt in one way only.")
    return binascii.a2b_base64(value)
