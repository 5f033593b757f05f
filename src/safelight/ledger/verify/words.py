"""A verdict in plain words, from what is printed as JSON."""

import json
from typing import Any

_FINDINGS_SHOWN = 20
_RECEIPT_SHOWN = 16


def visible(line: str, encoding: str | None) -> str:
    """`line` with everything spelt out that is no ordinary character, or that the screen's `encoding` lacks.

    What a log or an operator sent is in some lines, and may try to move the cursor or to write over a verdict.
    """
    shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)
    return shown.encode(encoding or "utf-8", "backslashreplace").decode(encoding or "utf-8")


def words(shown: dict[str, Any]) -> list[str]:
    """Lines for a person; the first of them is the verdict."""
    if "receipts" in shown:
        return _receipts(shown)
    if shown["verdict"] == "not verified":
        return [f"NOT VERIFIED ({shown['code']}): {shown['message']}", *_differences(shown)]
    if "opened" in shown:
        return _opened(shown)
    lines = [f"VERIFIED: the log {shown['origin']} has {shown['size']} leaves, root {shown['root']}."]
    seen = ", ".join(one["name"] for one in shown["witnesses"])
    lines.append(f"  Witnesses: {seen or 'none asked for, so another view may be shown to others'}.")
    if "index" in shown:
        lines.append(f"  The leaf stands at {shown['index']}: {json.dumps(shown['leaf'])}")
    if "from_size" in shown:
        lines.append(f"  It holds all of the earlier head of {shown['from_size']} leaves, unchanged.")
    if "stamped_at" in shown:
        lines.append(f"  The authority {shown['authority']} had seen this head at {shown['stamped_at']}.")
    if "figures" in shown:
        lines += _figures(shown)
    if "comparisons" in shown:
        lines += _parity(shown)
    if "complete" in shown:
        if "decisions" in shown:
            lines.append(f"  Read from leaf {shown['read_from']}. Decisions: {json.dumps(shown['decisions'])}")
        lines.append(f"  Complete: {'yes' if shown['complete'] else 'NO'} ({shown['findings_count']} findings)")
        lines += [f"    {one['code']} at {one['index']}: {one['text']}" for one in shown["findings"][:_FINDINGS_SHOWN]]
    return lines


def _opened(shown: dict[str, Any]) -> list[str]:
    lines = [f"VERIFIED: the leaf ({shown['kind']}, {shown['at']}) commits to these values."]
    lines += [f"  {name}: {value}" for name, value in shown["opened"].items()]
    if shown["index"] is None:
        return [*lines, "  Whether the log has this leaf was not looked up: give the log, and --key."]
    return [*lines, f"  The leaf stands at {shown['index']} in the log {shown['origin']}, root {shown['root']}."]


def _receipts(shown: dict[str, Any]) -> list[str]:
    count = len(shown["receipts"])
    lines = [f"VERIFIED: all {count} receipts."]
    if shown["verdict"] == "not verified":
        lines = [f"NOT VERIFIED ({shown['code']}): {shown['message']}"]
    for number, one in enumerate(shown["receipts"], 1):
        lines.append(f"Receipt {number} of {count}, {one['receipt'][:_RECEIPT_SHOWN]}…")
        lines += [f"  {line}" for line in words({name: value for name, value in one.items() if name != "receipt"})]
    return lines


def _figures(shown: dict[str, Any]) -> list[str]:
    held = " They are what was published." if shown["published"] else ""
    return [f"  Figures from {shown['from']} to {shown['to']}, from the leaves.{held}"] + [
        f"    {name}: {json.dumps(value)}" for name, value in shown["figures"].items()
    ]


def _parity(shown: dict[str, Any]) -> list[str]:
    lines = [
        f"  {shown['openings']} of the {shown['decisions_there']} decisions in this stretch were opened"
        + ("." if shown["openings"] == shown["decisions_there"] else "; the operator chose which, so choose yourself.")
    ]
    for one in shown["comparisons"]:
        low, high = (f"{bound * 100:+.2f}" for bound in one["interval"])
        lines.append(
            f"  {one['one']} and {one['other']}: {one['pairs']} matched pairs, {one['only_one_refused']} refused only "
            f"on {one['one']}, {one['only_other_refused']} only on {one['other']}; the difference is "
            f"{one['difference'] * 100:+.2f} points ({low} to {high}, 95 %)."
        )
    if not shown["comparisons"]:
        lines.append("  NOTHING TO COMPARE: no two opened decisions of different tiers are about the same request.")
    return lines


def _differences(shown: dict[str, Any]) -> list[str]:
    return [
        f"  {one['figure']}: published {json.dumps(one['published'])}, the leaves say {json.dumps(one['found'])}"
        for one in shown.get("differences", ())[:_FINDINGS_SHOWN]
    ] + (_parity(shown) if "comparisons" in shown else [])
