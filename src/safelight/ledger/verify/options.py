"""What `safelight-verify` can be asked: every command with its options, and those that all of them share."""

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

Run = Callable[[argparse.Namespace], tuple[int, dict[str, Any]]]
"""One command: its options in, the exit code and what is shown out. Raises ProofError."""


def parser_of(runs: Mapping[str, Run]) -> argparse.ArgumentParser:
    """The parser of every command; what it parses has the command's own of `runs`, by name, as `run`."""
    parser = argparse.ArgumentParser(
        prog="safelight-verify",
        description="Verify a Safelight transparency log without trusting who runs it.",
        epilog="Example: safelight-verify log https://images.example/ledger --key @log.vkey\n\n"
        "Exit codes: 0 verified, 1 something is false, 2 not understood, 3 whole but something is missing, "
        "4 not to be had.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = partial(_command, commands, runs)

    one = add("checkpoint", "Who signed the log's head", "checkpoint LOG --key @log.vkey")
    one.add_argument("log", help="address or folder of the log, or a file with one head")

    one = add("receipt", "The leaves of receipts are in the log", "receipt v1.… LOG --key @log.vkey")
    one.add_argument("receipt", help="the receipt, or @file; several as the answer's header or JSON has them")
    one.add_argument("log", help="address or folder of the log, or a file `….tlog-proof`")

    one = add(
        "consistency",
        "A later head holds all that an earlier one did",
        "consistency yesterday.checkpoint LOG --key @log.vkey",
    )
    one.add_argument("old", help="file with the earlier head")
    one.add_argument("log", help="address or folder of the log")
    one.add_argument("--new", help="file with the later head; none: the log's latest")

    one = add(
        "stamp",
        "An authority's time stamp says when the log had a head",
        "stamp LOG --key @log.vkey --authority tsa.pem",
    )
    one.add_argument("log", help="address or folder of the log")
    one.add_argument("--authority", required=True, help="file with the authority's certificate or its root, in PEM")

    one = add("log", "The whole log: nothing changed, nothing left out", "log LOG --key @log.vkey --state s.json")
    one.add_argument("log", help="address or folder of the log")
    one.add_argument("--state", help="file to go on from next time; it is written when the log is verified")

    one = add(
        "totals",
        "The published figures are what the leaves say",
        "totals LOG --key @log.vkey --published figures.json --html report.html",
    )
    one.add_argument("log", help="address or folder of the log")
    one.add_argument("--published", help="file that `safelight figures --json` printed; none: count a period only")
    one.add_argument(
        "--from", dest="begin", help="first day (2026-11-01) or moment; with --to, in place of --published"
    )
    one.add_argument("--to", dest="end", help="the day or moment after the last")
    one.add_argument("--html", help="file for a report: head, witnesses, gaps, figures")

    one = add(
        "parity", "Matched requests were decided alike on every tier", "parity openings.jsonl LOG --key @log.vkey"
    )
    one.add_argument("openings", help="file that `safelight ledger openings` wrote, one opened leaf a line")
    one.add_argument("log", help="address or folder of the log")

    one = add(
        "opening", "What an opened field of a leaf says is what was recorded", "opening opened.json LOG --key @log.vkey"
    )
    one.add_argument("file", help="what `safelight ledger open … --json` printed")
    one.add_argument("log", nargs="?", help="address or folder of the log; none: only what the leaf commits to")
    return parser


def _command(commands: Any, runs: Mapping[str, Run], name: str, words: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=words, description=f"{words}.", epilog=f"Example: safelight-verify {example}"
    )
    parser.set_defaults(run=runs[name])
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    needs_key = name != "opening"
    parser.add_argument("--key", required=needs_key, help="the log's verifier key, or @file; have it from elsewhere")
    parser.add_argument("--witness", action="append", default=[], help="a witness's key, or @file; repeatable")
    parser.add_argument("--quorum", type=int, help="how many witnesses must have signed; none: all that are named")
    return parser
