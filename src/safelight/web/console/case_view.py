"""How cases are told on a page: names for ids, marks of time, the steps of a history in a line."""

import re
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection
from starlette.requests import Request

from safelight.accounts.staff import Member, list_members
from safelight.cases.draft import Matter
from safelight.cases.model import CLOCK_ID, PLATFORM_ID, RULES_ID
from safelight.cases.staff_model import HistoryEntry, Staff
from safelight.web.console.words import say

_CASE_ID = re.compile(r"case_[0-9a-z]{26}")
_STEPS: Mapping[str, str] = {
    "received": "Received",
    "joined": "Another report joined",
    "added": "The reporter added something",
    "withdrawn": "A report was taken back",
    "hidden": "Hidden for the time being",
    "shown": "Shown again",
    "confirmed": "Confirmed to be gone wherever it is known here",
    "claimed": "Claimed",
    "released": "Given back",
    "looked": "First look",
    "viewed": "The picture was shown",
    "noted": "Note",
    "located": "An address was named where it is",
    "proposed": "Decision proposed",
    "rejected": "The second did not agree",
    "decided": "Decided",
    "undone": "Decision taken back",
    "contested": "Contested",
    "escalated": "Escalated",
    "checked": "The clock has run out; all is as it has to be",
    "breached": "The clock has run out, and it is not confirmed hidden",
    "preserved": "Preserved for a court or an authority: nothing of it is destroyed",
    "freed": "Preserved no longer",
    "destroyed": "What people had written was destroyed, its time being over",
}
_WHY_HIDDEN: Mapping[str, str] = {
    "staff": "by hand",
    "proposed": "with the proposal to remove it",
    "reported": "as reported",
    "due": "its time ran out",
}


def staff_of(member: Member) -> Staff:
    """The member, as `cases/` knows those who act."""
    matters = {matter.value: matter for matter in Matter}
    opted_out = frozenset(matters[word] for word in member.opted_out if word in matters)
    return Staff(member.id, member.role, opted_out)


def names_of(connection: Connection) -> dict[str, str]:
    """The name of everybody who can stand in a history, by id."""
    names = {member.id: member.name for member in list_members(connection)}
    others = {CLOCK_ID: "the clock", RULES_ID: "the rules", PLATFORM_ID: "the platform"}
    return names | others | {"reporter": "the reporter", "account": "the account"}


def just_done(request: Request) -> str:
    """The case that was decided a moment ago, and can be taken back from here; empty where the address names none."""
    done = request.query_params.get("done", "")
    return done if _CASE_ID.fullmatch(done) else ""


def told(entry: HistoryEntry) -> str:
    """One step in a line."""
    words = _STEPS.get(entry.kind, say(entry.kind))
    if entry.kind in ("decided", "proposed"):
        words += f": {say(entry.body.get('outcome'))} ({say(entry.body.get('reason'))})"
    if entry.kind == "hidden" and (why := entry.body.get("why")):
        words += f" ({_WHY_HIDDEN.get(str(why), str(why))})"
    if entry.kind == "checked" and entry.body.get("found") is False:
        words = "The clock has run out; the platform has found it nowhere"
    if entry.kind == "escalated" and "after_h" in entry.body:
        words += f" after {entry.body['after_h']} h"
    return words


def span(seconds: float) -> str:
    """A time span, as on the clocks: `47 h 05`, `12 min`, `3 min over`."""
    minutes = round(abs(seconds) / 60)
    words = f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02}"
    return f"{words} over" if seconds < 0 else words


def moment(at: datetime | str) -> str:
    """A moment, to the minute, in UTC."""
    when = datetime.fromisoformat(at) if isinstance(at, str) else at
    return when.strftime("%Y-%m-%d %H:%M")
