"""`safelight-verify`: plain words, or one JSON object with `--json`; the exit code says the verdict.

0 verified · 1 not verified: something is false · 2 not understood: a wrong option or file · 3 whole, but it shows that
something is missing · 4 could not be had, so nothing was verified
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..proofs.audit import Audit
from ..proofs.errors import Malformed, ProofError, Unavailable
from ..proofs.leaf import Leaf
from ..proofs.note import PublicKey, decode_base64
from ..proofs.receipt import Receipt
from . import checks
from .source import open_source, read_checkpoint

VERIFIED, FALSE, NOT_UNDERSTOOD, INCOMPLETE, UNAVAILABLE = range(5)
_FILE_MAX_BYTES = 64 * 1024 * 1024
_FINDINGS_SHOWN = 20

Shown = dict[str, Any]
T = TypeVar("T")


class Misused(ProofError):
    """An option or a file of the verifier's own that cannot be read."""

    code = "misused"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one check and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        run: Callable[[argparse.Namespace], tuple[int, Shown]] = options.run
        code, shown = run(options)
    except ProofError as error:
        code, shown = _code_of(error), {"verdict": "not verified", "code": error.code, "message": str(error)}
    if options.json:
        sys.stdout.write(json.dumps(shown) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _words(shown)))
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="safelight-verify",
        description="Verify a Safelight transparency log without trusting who runs it.",
        epilog="Example: safelight-verify log https://images.example/ledger --key @log.vkey\n\n"
        "Exit codes: 0 verified, 1 something is false, 2 not understood, 3 whole but something is missing, "
        "4 not to be had.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    one = _command(commands, "checkpoint", _checkpoint, "Who signed the log's head", "checkpoint LOG --key @log.vkey")
    one.add_argument("log", help="address or folder of the log, or a file with one head")

    one = _command(
        commands, "receipt", _receipt, "The leaf of a receipt is in the log", "receipt v1.… LOG --key @log.vkey"
    )
    one.add_argument("receipt", help="the receipt, or @file")
    one.add_argument("log", help="address or folder of the log, or a file `….tlog-proof`")

    one = _command(
        commands,
        "consistency",
        _consistency,
        "A later head holds all that an earlier one did",
        "consistency yesterday.checkpoint LOG --key @log.vkey",
    )
    one.add_argument("old", help="file with the earlier head")
    one.add_argument("log", help="address or folder of the log")
    one.add_argument("--new", help="file with the later head; none: the log's latest")

    one = _command(
        commands,
        "log",
        _log,
        "The whole log: nothing changed, nothing left out",
        "log LOG --key @log.vkey --state s.json",
    )
    one.add_argument("log", help="address or folder of the log")
    one.add_argument("--state", help="file to go on from next time; it is written when the log is verified")

    one = _command(
        commands, "opening", _opening, "What an opened field of a leaf says is what was recorded", "opening opened.json"
    )
    one.add_argument("file", help="what `safelight ledger open` printed")
    return parser


def _command(commands: Any, name: str, run: Any, words: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=words, description=f"{words}.", epilog=f"Example: safelight-verify {example}"
    )
    parser.set_defaults(run=run)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    if name != "opening":
        parser.add_argument("--key", required=True, help="the log's verifier key, or @file; have it from elsewhere")
        parser.add_argument("--witness", action="append", default=[], help="a witness's key, or @file; repeatable")
        parser.add_argument("--quorum", type=int, help="how many witnesses must have signed; none: all that are named")
    return parser


def _checkpoint(options: argparse.Namespace) -> tuple[int, Shown]:
    path, trust = Path(options.log), _trust(options)
    content = _file(path) if path.is_file() else _latest(trust, options.log)
    return VERIFIED, _head(trust.open(content))


def _receipt(options: argparse.Namespace) -> tuple[int, Shown]:
    receipt, trust = _own(Receipt.parse, _value(options.receipt)), _trust(options)
    receipt.verify(trust.log_key)
    path = Path(options.log)
    if path.is_file():
        found = checks.check_proof(_file(path), receipt.leaf_hash, trust)
    else:
        found = checks.check_receipt(receipt, open_source(options.log), trust)
    leaf = json.loads(found.leaf.to_bytes()) if found.leaf else None
    return VERIFIED, _head(found.head) | {"index": found.index, "leaf": leaf}


def _consistency(options: argparse.Namespace) -> tuple[int, Shown]:
    trust, source = _trust(options), open_source(options.log)
    old = trust.open(_file(Path(options.old)))
    new = trust.open(_file(Path(options.new)) if options.new else _latest(trust, options.log))
    checks.check_consistency(old, new, source)
    return VERIFIED, _head(new) | {"from_size": old.checkpoint.size}


def _log(options: argparse.Namespace) -> tuple[int, Shown]:
    trust, audit = _trust(options), Audit()
    state = Path(options.state) if options.state else None
    if state and state.exists():
        audit = _own(Audit.from_json, _json(state))
    read_from = audit.tree.size
    head = checks.check_log(open_source(options.log), trust, audit)
    if state:
        state.write_text(json.dumps(audit.to_json()), "utf-8")
    shown = _head(head) | {
        "read_from": read_from,
        "complete": audit.is_complete,
        "findings_count": audit.findings_count,
        "findings": [{"code": one.code.value, "index": one.index, "text": one.text} for one in audit.findings],
        "kinds": dict(audit.kinds),
        "decisions": dict(audit.decisions),
        "processes": {
            name: {"leaves": seen.next_seq, "started_at": seen.started_at, "last_at": seen.last_at, "ended": seen.ended}
            for name, seen in audit.processes.items()
        },
    }
    return (VERIFIED if audit.is_complete else INCOMPLETE), shown


def _opening(options: argparse.Namespace) -> tuple[int, Shown]:
    read = _json(Path(options.file))
    try:
        leaf = Leaf.parse(read["leaf"].encode())
        opened = {name: (decode_base64(one["salt"]), str(one["value"])) for name, one in read["openings"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise Misused("An opening has a `leaf` and its `openings`, each with salt and value.") from error
    for name, (salt, value) in opened.items():
        leaf.check_opening(name, salt, value)
    values = {name: value for name, (_, value) in opened.items()}
    return VERIFIED, {"verdict": "verified", "kind": leaf.kind, "at": leaf.at, "opened": values}


def _latest(trust: checks.Trust, log: str) -> bytes:
    return read_checkpoint(open_source(log), witnessed=trust.quorum > 0)


def _trust(options: argparse.Namespace) -> checks.Trust:
    witnesses = tuple(_own(PublicKey.parse, _value(witness)) for witness in options.witness)
    quorum = len(witnesses) if options.quorum is None else options.quorum
    return checks.Trust(_own(PublicKey.parse, _value(options.key)), witnesses, quorum)


def _head(head: Any) -> Shown:
    checkpoint = head.checkpoint
    return {
        "verdict": "verified",
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "witnesses": [{"name": one.witness, "time_s": one.time_s} for one in head.cosignatures],
    }


def _words(shown: Shown) -> list[str]:
    if shown["verdict"] != "verified":
        return [f"NOT VERIFIED ({shown['code']}): {shown['message']}"]
    if "opened" in shown:
        return [f"VERIFIED: the leaf ({shown['kind']}, {shown['at']}) commits to these values."] + [
            f"  {name}: {value}" for name, value in shown["opened"].items()
        ]
    lines = [f"VERIFIED: the log {shown['origin']} has {shown['size']} leaves, root {shown['root']}."]
    seen = ", ".join(one["name"] for one in shown["witnesses"])
    lines.append(f"  Witnesses: {seen or 'none asked for, so another view may be shown to others'}.")
    if "index" in shown:
        lines.append(f"  The leaf stands at {shown['index']}: {json.dumps(shown['leaf'])}")
    if "from_size" in shown:
        lines.append(f"  It holds all of the earlier head of {shown['from_size']} leaves, unchanged.")
    if "complete" in shown:
        lines.append(f"  Read from leaf {shown['read_from']}. Decisions: {json.dumps(shown['decisions'])}")
        lines.append(f"  Complete: {'yes' if shown['complete'] else 'NO'} ({shown['findings_count']} findings)")
        lines += [f"    {one['code']} at {one['index']}: {one['text']}" for one in shown["findings"][:_FINDINGS_SHOWN]]
    return lines


def _code_of(error: ProofError) -> int:
    return {Misused: NOT_UNDERSTOOD, Unavailable: UNAVAILABLE}.get(type(error), FALSE)


def _own(parse: Callable[[Any], T], given: Any) -> T:
    """What the verifier gave, read; if it cannot be, the fault is not the log's."""
    try:
        return parse(given)
    except Malformed as error:
        raise Misused(str(error)) from error


def _value(text: str) -> str:
    return _file(Path(text.removeprefix("@"))).decode("utf-8", "replace").strip() if text.startswith("@") else text


def _json(path: Path) -> Any:
    try:
        return json.loads(_file(path))
    except ValueError as error:
        raise Misused(f"{path} is not JSON.") from error


def _file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_MAX_BYTES + 1)
    except OSError as error:
        raise Misused(f"{path} cannot be read ({error.strerror}).") from error
    if len(content) > _FILE_MAX_BYTES:
        raise Misused(f"{path} has more than {_FILE_MAX_BYTES} bytes.")
    return content
