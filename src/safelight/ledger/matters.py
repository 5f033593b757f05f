"""Leaves about matters other than decisions: what is public of each, and what is only committed to.

How another room writes a leaf
- In the transaction that does the thing, with this process's `Ledger` (`Safelight.ledger`):

      self._ledger.append(connection, [takedown_draft(now, case_id=case.id, outcome="removed", after_s=5400)])

  The leaf is then there if and only if the thing was done; it enters the tree, and a signed head, within a second.
- A command without a gate beside it, which has counted nothing so far: `Ledger(key, utc_now).append_once(…)`.
- A room beside the ledger, which may not import it, asks its caller for a function such as
  `Callable[[Connection, …], None]` that does the above; `wiring/` passes it in.
- A kind of its own: a line in `proofs/leaf.py` and a function here, covered by `tests/ledger/test_matters.py`.

Rules of this module
- Public are kind, time, codes from a short list, and counts. No account, person, case, place or free text; and nothing
  that came with a request or a report.
- All else is committed to, under the key of the matter (`case_…`, `exh_…`) or of the account that it is about: whoever
  is entitled gets it opened (`safelight ledger open`), and erasing the matter or account shuts it.
- Text that a person wrote (a reason, a note) is committed to as well, so that it cannot be written anew afterwards.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from safelight.core.canonical import Json, canonical_json
from safelight.ledger.draft import Draft, code
from safelight.ledger.proofs.leaf import LeafKind, PublicValue


def report_draft(at: datetime, *, case_id: str, ground: str, due_h: int, elements: str = "") -> Draft:
    """A report was received. `ground`: its matter's code, such as `intimate`; `due_h`: hours until it must be decided.

    `elements`: what the report said and whom it came from, as the room keeps it; committed to only.
    """
    public: dict[str, PublicValue] = {"due_h": due_h, "ground": code(ground)}
    return Draft(LeafKind.REPORT, at, public, {"case": case_id, "report": elements}, case_id, case_id)


def takedown_draft(
    at: datetime,
    *,
    case_id: str,
    outcome: str,
    after_s: int,
    copies: int = 0,
    automatic: bool = False,
    reason: str = "",
) -> Draft:
    """What became of reported content. `outcome`: a code such as `hidden`, `removed`, `kept`, `late`.

    `after_s`: seconds since the report was received; `copies`: further ones that went with it; `automatic`: whether
    no person decided; `reason`: as both sides were told, committed to only.
    """
    public: dict[str, PublicValue] = {
        "after_s": after_s,
        "automatic": int(automatic),
        "copies": copies,
        "outcome": code(outcome),
    }
    return Draft(LeafKind.TAKEDOWN, at, public, {"case": case_id, "reason": reason}, case_id, case_id)


def review_draft(
    at: datetime, *, decision_id: str, subject_id: str, outcome: str, reviewer: str = "", reason: str = ""
) -> Draft:
    """A person looked again at the decision `decision_id` of the account `subject_id`.

    `outcome`: `upheld`, or `reversed` where it was wrong: a false positive, if it was a refusal.
    """
    committed = {"decision": decision_id, "reason": reason, "reviewer": reviewer}
    return Draft(LeafKind.REVIEW, at, {"outcome": code(outcome)}, committed, subject_id, decision_id)


def appeal_draft(
    at: datetime, *, appeal_id: str, about: str, outcome: str, after_s: int = 0, decider: str = "", reason: str = ""
) -> Draft:
    """An appeal. `about`: `takedown` or `standing`; `outcome`: `received`, `upheld`, `reversed`.

    `after_s`: seconds since it was received; `decider` and `reason` are committed to only.
    """
    public: dict[str, PublicValue] = {"about": code(about), "after_s": after_s, "outcome": code(outcome)}
    committed = {"appeal": appeal_id, "decider": decider, "reason": reason}
    return Draft(LeafKind.APPEAL, at, public, committed, appeal_id, appeal_id)


def standing_draft(at: datetime, *, subject_id: str, change: str, by: str = "", reason: str = "") -> Draft:
    """An account's standing changed. `change`: a code such as `strike`, `limited`, `suspended`, `restored`."""
    committed = {"account": subject_id, "by": by, "reason": reason}
    return Draft(LeafKind.STANDING, at, {"change": code(change)}, committed, subject_id, subject_id)


def staff_draft(
    at: datetime, *, event_id: str, member_id: str, change: str, roles: Sequence[str], event: Mapping[str, Json]
) -> Draft:
    """What somebody may do here changed. `change`: a code such as `added`, `role`, `ended`, `passkey_added`.

    `roles`: the new one, behind the old one where there was one; `event`: all of it, with whom it is about and who did
    it, committed to only.
    """
    public: dict[str, PublicValue] = {"change": code(change), "roles": [code(role) for role in roles]}
    return Draft(LeafKind.STAFF, at, public, {"event": _json(event)}, member_id, event_id)


def marks_draft(at: datetime, *, watermark: str | None, credentials: str | None) -> Draft:
    """Other keys mark what is released. `watermark`: the key's id; `credentials`: the certificate's digest."""
    public: dict[str, PublicValue] = {
        "credentials": code(credentials) if credentials else None,
        "watermark": code(watermark) if watermark else None,
    }
    return Draft(LeafKind.MARKS_CHANGE, at, public)


def referral_draft(
    at: datetime, *, case_id: str, authority: str, outcome: str, reference: str = "", digest: str = ""
) -> Draft:
    """An authority was told. `authority`: a code such as `ncmec`, `nca`; `outcome`: `filed`, `failed`, `retracted`.

    `reference`: theirs; `digest`: of what was sent. Both are committed to only.
    """
    public: dict[str, PublicValue] = {"authority": code(authority), "outcome": code(outcome)}
    committed = {"case": case_id, "digest": digest, "reference": reference}
    return Draft(LeafKind.REFERRAL, at, public, committed, case_id, case_id)


def trace_draft(
    at: datetime, *, trace_id: str, purpose: str, found: int, by: str = "", reason: str = "", picture: str = ""
) -> Draft:
    """Somebody asked which request made a picture. `purpose`: a code such as `police`, `report`; `found`: how many.

    `by`, `reason` and `picture` (a digest of the file) are committed to only.
    """
    public: dict[str, PublicValue] = {"found": found, "purpose": code(purpose)}
    committed = {"by": by, "picture": picture, "reason": reason, "trace": trace_id}
    return Draft(LeafKind.TRACE, at, public, committed, trace_id, trace_id)


def evidence_opened_draft(
    at: datetime, *, exhibit_id: str, purpose: str, approvers: Sequence[str], reason: str = ""
) -> Draft:
    """A sealed exhibit was opened. `purpose`: a code; of `approvers` only the number is public."""
    public: dict[str, PublicValue] = {"approvers": len(set(approvers)), "purpose": code(purpose)}
    committed = {"approvers": _json(sorted(set(approvers))), "exhibit": exhibit_id, "reason": reason}
    return Draft(LeafKind.EVIDENCE_OPENED, at, public, committed, exhibit_id, exhibit_id)


def evidence_destroyed_draft(at: datetime, *, exhibit_id: str, certificate: str = "", reason: str = "") -> Draft:
    """A sealed exhibit was destroyed. `certificate`: its digest or text, committed to only."""
    committed = {"certificate": certificate, "exhibit": exhibit_id, "reason": reason}
    return Draft(LeafKind.EVIDENCE_DESTROYED, at, {}, committed, exhibit_id, exhibit_id)


def bank_update_draft(at: datetime, *, event_id: str, bank: int, change: str, event: Mapping[str, Json]) -> Draft:
    """A bank was changed. `bank`: its number; `change`: a code such as `made`, `taken_in`, `removed`.

    `event`: all of it, with the bank's name; of that the counts `added` and `withdrawn` are public, where it has them.
    """
    counts = {name: value for name in ("added", "withdrawn") if isinstance(value := event.get(name), int)}
    public: dict[str, PublicValue] = {"bank": bank, "change": code(change), **counts}
    return Draft(LeafKind.BANK_UPDATE, at, public, {"event": _json(event)}, f"bank_{bank}", event_id)


def consent_draft(at: datetime, *, event_id: str, signer_id: str, change: str, event: Mapping[str, Json]) -> Draft:
    """The consent register changed. `change`: a code such as `enrolled`, `added`, `revoked`; `event`: all of it."""
    public: dict[str, PublicValue] = {"change": code(change)}
    return Draft(LeafKind.CONSENT, at, public, {"event": _json(event)}, signer_id, event_id)


def _json(value: Json) -> str:
    return canonical_json(value).decode()
