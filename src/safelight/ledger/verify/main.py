"""`safelight-verify`: plain words, or one JSON object with `--json`; the exit code says the verdict.

0 verified · 1 not verified: something is false · 2 not understood: a wrong option or file · 3 whole, but it shows that
something is missing · 4 could not be had, so nothing was verified

Left to others: the options (`options.py`), files and addresses (`given.py`, `source.py`), each check (`checks.py`,
`period.py`), how an answer reads (`words.py`, `page.py`).
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..proofs.audit import Audit
from ..proofs.errors import Malformed, ProofError, Unavailable
from ..proofs.figures import Period
from ..proofs.leaf import Leaf
from ..proofs.merkle import leaf_hash
from ..proofs.note import decode_base64
from ..proofs.parity import read_openings
from ..proofs.receipt import Receipt, split_receipts
from ..proofs.timestamp import read_certificates
from ..proofs.tlog_proof import TlogProof
from . import checks
from .given import Misused, is_file, own, place_for, read_file, read_json, source_of, trust_of, value_of, write_file
from .options import Run, parser_of
from .page import page
from .period import Published, check_parity, count
from .source import read_checkpoint
from .words import visible, words

VERIFIED, FALSE, NOT_UNDERSTOOD, INCOMPLETE, UNAVAILABLE = range(5)
_GRAVITY = (VERIFIED, NOT_UNDERSTOOD, UNAVAILABLE, FALSE)
"""Of what a receipt can come to: of several, the gravest is the answer."""

Shown = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one check and return the exit code."""
    options = parser_of(_RUNS).parse_args(arguments)
    try:
        run: Run = options.run
        code, shown = run(options)
    except ProofError as error:
        code, shown = _failed(error)
    except KeyboardInterrupt:
        code, shown = _failed(Unavailable("It was interrupted, so nothing was verified and nothing was kept."))
    if options.json:
        sys.stdout.write(json.dumps(shown) + "\n")
    else:
        sys.stdout.write("".join(f"{visible(line, sys.stdout.encoding)}\n" for line in words(shown)))
    return code


def _checkpoint(options: argparse.Namespace) -> tuple[int, Shown]:
    trust = trust_of(options)
    if is_file(options.log):
        return VERIFIED, _head(own(trust.open, read_file(Path(options.log))))
    return VERIFIED, _head(trust.open(_latest(trust, options.log)))


def _receipt(options: argparse.Namespace) -> tuple[int, Shown]:
    trust, texts = trust_of(options), own(split_receipts, value_of(options.receipt))
    if len(texts) == 1:
        return _one_receipt(texts[0], options.log, trust)
    judged: list[tuple[int, Shown]] = []
    for text in texts:
        try:
            judged.append(_one_receipt(text, options.log, trust, one_of=len(texts)))
        except ProofError as error:
            judged.append(_failed(error))
    each = [{"receipt": text, "exit_code": code} | shown for text, (code, shown) in zip(texts, judged, strict=True)]
    code, worst = max(judged, key=lambda one: _GRAVITY.index(one[0]))
    if code == VERIFIED:
        return code, {"verdict": "verified", "receipts": each}
    bad = sum(one != VERIFIED for one, _ in judged)
    message = f"{bad} of the {len(each)} receipts could not be verified. {worst['message']}"
    return code, {"verdict": "not verified", "code": worst["code"], "message": message, "receipts": each}


def _one_receipt(text: str, log: str, trust: checks.Trust, one_of: int = 1) -> tuple[int, Shown]:
    receipt = own(Receipt.parse, text)
    receipt.verify(trust.log_key)
    if is_file(log):
        content = read_file(Path(log))
        brought = own(TlogProof.parse, content).extra
        if one_of > 1 and brought and leaf_hash(brought) != receipt.leaf_hash:
            raise Misused("The file is the proof for another of the receipts; give this one's, or the log itself.")
        found = checks.check_proof(content, receipt.leaf_hash, trust)
    else:
        found = checks.check_receipt(receipt, source_of(log), trust)
    leaf = json.loads(found.leaf.to_bytes()) if found.leaf else None
    return VERIFIED, _head(found.head) | {"index": found.index, "leaf": leaf}


def _consistency(options: argparse.Namespace) -> tuple[int, Shown]:
    trust, source = trust_of(options), source_of(options.log)
    old = own(trust.open, read_file(Path(options.old)))
    new = own(trust.open, read_file(Path(options.new))) if options.new else trust.open(_latest(trust, options.log))
    checks.check_consistency(old, new, source)
    return VERIFIED, _head(new) | {"from_size": old.checkpoint.size}


def _stamp(options: argparse.Namespace) -> tuple[int, Shown]:
    trust, source = trust_of(options), source_of(options.log)
    authorities = own(read_certificates, read_file(Path(options.authority)))
    stamped = checks.check_stamp(source, trust.log_key, authorities)
    now = trust.open(_latest(trust, options.log))
    if now.checkpoint.size >= stamped.head.checkpoint.size:
        checks.check_consistency(stamped.head, now, source)
    else:  # no witness has signed as far yet; the stamped head must lead on from the witnessed one
        checks.check_consistency(now, stamped.head, source)
    vouched = {"witnesses": _head(now)["witnesses"]}
    return VERIFIED, (
        _head(stamped.head) | vouched | {"stamped_at": stamped.time.isoformat(), "authority": stamped.authority}
    )


def _log(options: argparse.Namespace) -> tuple[int, Shown]:
    trust, audit, state = trust_of(options), Audit(), place_for(options.state)
    key = trust.log_key.to_text()
    if state and state.exists():
        kept = read_json(state)
        audit = own(Audit.from_json, kept)
        if kept.get("log", key) != key:
            raise Misused(f"{state} is of the log {kept['log']}; keep one state file for each log.")
    read_from = audit.tree.size
    head = checks.check_log(source_of(options.log), trust, audit)
    if state:
        write_file(state, json.dumps(audit.to_json() | {"log": key}))
    shown = _head(head) | {
        "read_from": read_from,
        **_completeness(audit),
        "kinds": dict(audit.kinds),
        "decisions": dict(audit.decisions),
        "processes": {
            name: {"leaves": seen.next_seq, "started_at": seen.started_at, "last_at": seen.last_at, "ended": seen.ended}
            for name, seen in audit.processes.items()
        },
    }
    return (VERIFIED if audit.is_complete else INCOMPLETE), shown


def _totals(options: argparse.Namespace) -> tuple[int, Shown]:
    trust, published, report = trust_of(options), None, place_for(options.html)
    if options.published:
        published = own(Published.read, read_json(Path(options.published)))
        period = published.period
    elif options.begin and options.end:
        period = own(lambda days: Period.of_days(*days), (options.begin, options.end))
    else:
        raise Misused("Say --published, or --from and --to.")
    counted = count(source_of(options.log), trust, period, published)
    audit = counted.audit
    shown = _head(counted.head) | {
        "from": period.begin,
        "to": period.end,
        "covers": counted.covers,
        "published": published is not None,
        "figures": dict(counted.figures),
        **_completeness(audit),
        "processes": len(audit.processes),
    }
    if counted.differences:
        shown |= {
            "verdict": "not verified",
            "code": "figures_wrong",
            "message": f"{len(counted.differences)} of the published figures are not what the leaves say.",
            "differences": [
                {"figure": path, "published": said, "found": found} for path, said, found in counted.differences
            ],
        }
    if report:
        write_file(report, page(shown))
    if counted.differences:
        return FALSE, shown
    return (VERIFIED if audit.is_complete else INCOMPLETE), shown


def _parity(options: argparse.Namespace) -> tuple[int, Shown]:
    trust = trust_of(options)
    opened = own(read_openings, read_file(Path(options.openings)))
    found = check_parity(source_of(options.log), trust, opened)
    shown = _head(found.head) | {
        "openings": found.opened,
        "decisions_there": found.of,
        "comparisons": [
            {name: getattr(one, name) for name in one.__slots__}
            | {"pairs": one.pairs, "difference": one.difference, "interval": list(one.interval)}
            for one in found.comparisons
        ],
    }
    if depends := [one for one in found.comparisons if one.depends]:
        text = ", ".join(f"{one.one} and {one.other}" for one in depends)
        message = f"Decisions on matched requests depend on the tier: {text}."
        return FALSE, shown | {"verdict": "not verified", "code": "tier_matters", "message": message}
    return (VERIFIED if found.comparisons else INCOMPLETE), shown


def _opening(options: argparse.Namespace) -> tuple[int, Shown]:
    read = read_json(Path(options.file))
    try:
        leaf = Leaf.parse(read["leaf"].encode())
        opened = {name: (decode_base64(one["salt"]), str(one["value"])) for name, one in read["openings"].items()}
    except (Malformed, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Misused("An opening has a `leaf` and its `openings`, each with salt and value.") from error
    for name, (salt, value) in opened.items():
        leaf.check_opening(name, salt, value)
    values = {name: value for name, (_, value) in opened.items()}
    shown: Shown = {"kind": leaf.kind, "at": leaf.at, "opened": values}
    if not options.log:
        return VERIFIED, {"verdict": "verified", "index": None} | shown
    if not options.key:
        raise Misused("Say the log's key with --key, so that the leaf can be looked up in it.")
    found = checks.check_leaf(leaf_hash(leaf.to_bytes()), source_of(options.log), trust_of(options))
    return VERIFIED, _head(found.head) | {"index": found.index} | shown


def _latest(trust: checks.Trust, log: str) -> bytes:
    return read_checkpoint(source_of(log), witnessed=trust.quorum > 0)


def _head(head: Any) -> Shown:
    checkpoint = head.checkpoint
    return {
        "verdict": "verified",
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "witnesses": [{"name": one.witness, "time_s": one.time_s} for one in head.cosignatures],
    }


def _completeness(audit: Audit) -> Shown:
    return {
        "complete": audit.is_complete,
        "findings_count": audit.findings_count,
        "findings": [{"code": one.code.value, "index": one.index, "text": one.text} for one in audit.findings],
    }


def _failed(error: ProofError) -> tuple[int, Shown]:
    code = {Misused: NOT_UNDERSTOOD, Unavailable: UNAVAILABLE}.get(type(error), FALSE)
    return code, {"verdict": "not verified", "code": error.code, "message": str(error)}


_RUNS: Mapping[str, Run] = {
    "checkpoint": _checkpoint,
    "receipt": _receipt,
    "consistency": _consistency,
    "stamp": _stamp,
    "log": _log,
    "totals": _totals,
    "parity": _parity,
    "opening": _opening,
}
