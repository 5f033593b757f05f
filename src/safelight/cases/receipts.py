"""Receipts: a code and a PIN, kept as keyed digests; wrong ones are counted, and after a few not looked at for a while.

A code has 60 random bits, so guessing one is hopeless; the PIN is for whoever finds the code written down. Both are
needed each time, and what is wrong with them is never said.
"""

import math
import re
import secrets
import unicodedata
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from safelight.cases.errors import ReceiptUnknown, TooManyTries
from safelight.cases.rules import GuessRules
from safelight.core.clock import to_rfc3339
from safelight.core.ids import new_id
from safelight.store.cases_tables import case_receipts, case_sources
from safelight.store.digest_key import DigestKey

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U."""
_GROUPS, _GROUP_CHARS = 3, 4
_CODE = re.compile(rf"[{_ALPHABET}]{{{_GROUPS * _GROUP_CHARS}}}")
_PIN = re.compile(r"[0-9]{6}")
_LOOK_ALIKES = str.maketrans({"I": "1", "L": "1", "O": "0"})
_TYPED_MAX_CHARS = 100
_TRY = "try"


def new_code() -> str:
    """A code such as `7K2M-9QXR-4TBV`."""
    letters = [secrets.choice(_ALPHABET) for _ in range(_GROUPS * _GROUP_CHARS)]
    return "-".join("".join(letters[i : i + _GROUP_CHARS]) for i in range(0, len(letters), _GROUP_CHARS))


def new_pin() -> str:
    """Six digits."""
    return f"{secrets.randbelow(10**6):06d}"


def normal_code(typed: str) -> str | None:
    """The code as it is kept, from what a person typed; None for what is none."""
    code = _plain(typed).upper().translate(_LOOK_ALIKES)
    return code if _CODE.fullmatch(code) else None


def _plain(typed: str) -> str:
    """Letters and digits, without what stands between them. Arabic and Hindi keyboards have digits of their own."""
    whole = unicodedata.normalize("NFKC", typed[:_TYPED_MAX_CHARS])
    return "".join(str(unicodedata.digit(sign, sign)) for sign in whole if sign.isalnum())


def code_digest(key: DigestKey, code: str) -> str:
    """Of a code in any spelling. Raises ReceiptUnknown for what is none."""
    normal = normal_code(code)
    if normal is None:
        raise ReceiptUnknown
    return key.digest("receipt code", normal.encode())


def pin_digest(key: DigestKey, digest: str, pin: str) -> str:
    """Of a PIN, for one code only."""
    return key.digest("receipt pin", f"{digest}\0{pin}".encode())


def find_receipt(connection: Connection, key: DigestKey, code: str, pin: str) -> Row[Any] | None:
    """The receipt with this code and PIN; None for anything else, after the same work."""
    normal, typed = normal_code(code), _plain(pin)
    digest = key.digest("receipt code", (normal or "").encode())
    expected = pin_digest(key, digest, typed)
    row = connection.execute(select(case_receipts).where(case_receipts.c.code_digest == digest)).one_or_none()
    known = row.pin_digest if row is not None else "x" * len(expected)
    is_right = secrets.compare_digest(known, expected)
    return row if row is not None and is_right and _PIN.fullmatch(typed) else None


def refuse_guessing(
    connection: Connection, key: DigestKey, rules: GuessRules, code: str, source: str, now: datetime
) -> None:
    """Raises TooManyTries where this code from this source, or this source at all, was wrong too often of late."""
    since = now - timedelta(minutes=rules.window_min)
    for who, bound in _counted(key, rules, code, source):
        query = select(case_sources.c.at).where(
            case_sources.c.source == who, case_sources.c.kind == _TRY, case_sources.c.at > to_rfc3339(since)
        )
        # Once the last but so many is too long ago to be counted, there are fewer than the bound.
        last = connection.execute(query.order_by(case_sources.c.at.desc()).offset(bound - 1).limit(1)).scalar()
        if last is not None:
            raise TooManyTries(retry_after_s=math.ceil((datetime.fromisoformat(last) - since).total_seconds()))


def note_wrong(
    connection: Connection, key: DigestKey, rules: GuessRules, code: str, source: str, now: datetime
) -> None:
    """Count a wrong code or PIN."""
    rows = [
        {"id": new_id("try", now), "source": who, "kind": _TRY, "at": to_rfc3339(now)}
        for who, _ in _counted(key, rules, code, source)
    ]
    connection.execute(insert(case_sources), rows)


def _counted(key: DigestKey, rules: GuessRules, code: str, source: str) -> list[tuple[str, int]]:
    # A code is counted for each source by itself, so that who has seen it cannot easily shut its owner out; and over
    # all sources with ten times the bound, so that many sources together do not find a PIN either.
    by_code = key.digest("tries", f"{normal_code(code)}\0{source}".encode("utf-8", "surrogatepass"))
    return [
        (by_code, rules.per_code),
        (key.digest("tries", f"{normal_code(code)}\0\0".encode()), rules.per_code * 10),
        (key.digest("tries", f"\0{source}".encode("utf-8", "surrogatepass")), rules.per_source),
    ]
