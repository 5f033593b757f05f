"""Decisions read at a glance: most of a log is decisions of one shape, and one expression tells that shape whole.

Whatever it takes, `Leaf.parse` takes too and reads alike (a property test holds them together); whatever it does not
take is read the long way. It exists so that a million leaves are verified in seconds.
"""

import re
from functools import lru_cache

from .leaf import LEAF_MAX_BYTES

_CODE = rb"[A-Za-z0-9_.:/@+-]{1,120}"
_CODES = rb'\[(?:"%b"(?:,"%b")*)?\]' % (_CODE, _CODE)
_COMMITMENT = rb'"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="'
_MOMENT = rb"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9]{6}Z"
_DECISION = re.compile(
    # A category and what was missing are left out where there is none, or were written as none.
    rb'\{"answered":%b,"at":"(%b)",(?:"category":(null|"%b"),)?' % (_CODES, _MOMENT, _CODE)
    + rb'"commit":\{"account":%b,"record":%b,"request":%b,"tier":%b\},' % ((_COMMITMENT,) * 4)
    + rb'"kind":"decision",(?:"missing":%b,)?"policy":"%b",' % (_CODES, _CODE)
    # Fifteen digits stay below 2**53; a longer number is read the long way.
    + rb'"process":"([0-9a-f]{16})","seq":(0|[1-9][0-9]{0,14}),"stage":"(%b)","v":1,"verdict":"(%b)"\}' % (_CODE, _CODE)
)

Quick = tuple[str, int, str, str]
"""Process, its count, the moment, and the sort (`stage/verdict/category`)."""


def read_decision(content: bytes) -> Quick | None:
    """What an audit needs of an ordinary decision; None for any other entry, which may be fit or not."""
    found = _DECISION.fullmatch(content) if len(content) <= LEAF_MAX_BYTES else None
    if not found:
        return None
    at, category, process, seq, stage, verdict = found.groups()
    return process.decode(), int(seq), at.decode(), _sort(stage, verdict, category)


@lru_cache(1024)
def _sort(stage: bytes, verdict: bytes, category: bytes | None) -> str:
    named = "-" if category is None or category == b"null" else category.decode().strip('"')
    return f"{stage.decode()}/{verdict.decode()}/{named}"
