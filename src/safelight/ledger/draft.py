"""What a room asks to be logged: public codes, and values that are only committed to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from safelight.core.decision import Decision
from safelight.ledger.proofs.leaf import LeafKind, PublicValue, canonical

_NO_CODE = re.compile(r"[^A-Za-z0-9_.:/@+-]")
_CODE_MAX_CHARS = 120


@dataclass(frozen=True, slots=True)
class Draft:
    """A leaf before it has its place. Nothing in `public` may come from a request."""

    kind: LeafKind
    at: datetime
    public: Mapping[str, PublicValue] = field(default_factory=dict)
    committed: Mapping[str, str] = field(default_factory=dict)
    """By field, what the leaf commits to. A decision's values stand in its own record; those of every other kind are
    kept with the log, and go with the subject's key."""
    subject_id: str | None = None
    """Whose key salts the commitments; needed where there are any. An account, or a matter such as `case_…`."""
    record_id: str | None = None
    """By which the leaf is found again in the store; never published."""
    sort: str | None = None
    """Under which the totals count it; decisions only."""


def decision_draft(decision: Decision, committed: Mapping[str, str], subject_id: str) -> Draft:
    """The leaf of one decision; `committed` as `decision_values` gives it.

    No category, and nothing missing, is not spelt out: most leaves are such, and are kept for ever.
    """
    category = decision.category.value if decision.category else None
    public: dict[str, PublicValue] = {
        "answered": [code(name) for name in decision.observed.answered],
        "policy": decision.policy_version,
        "stage": decision.stage.value,
        "verdict": decision.verdict.value,
    }
    if category:
        public["category"] = category
    if decision.observed.missing:
        public["missing"] = [code(f"{missing.source}:{missing.reason.value}") for missing in decision.observed.missing]
    return Draft(
        LeafKind.DECISION,
        decision.at,
        public,
        committed,
        subject_id,
        decision.id,
        f"{decision.stage.value}/{decision.verdict.value}/{category or '-'}",
    )


DECISION_FIELDS = ("account", "record", "request", "tier")
"""What a decision's leaf commits to."""


def decision_values(row: Mapping[str, str | None]) -> dict[str, str]:
    """What a decision's leaf commits to, from its row in the store: so it can be opened for as long as the row stands.

    `tier` alone, for audits of parity; `request` without the account, to show that two requests were alike.
    """
    request = {name: row[name] for name in ("request_id", "prompt_digest", "image_digests")}
    return {
        "account": f"{row['subject_id']} {row['key_id']}",
        "record": row["body"] or "",
        "request": canonical(request).decode(),
        "tier": row["tier"] or "",
    }


def code(text: str) -> str:
    """`text` with nothing in it that a leaf's public field may not hold: names of plugins are their authors' choice."""
    return _NO_CODE.sub("_", text)[:_CODE_MAX_CHARS]
