"""Whether a report hides its picture at once, before anybody has decided: what the rules say of the case as it is."""

from safelight.cases.draft import ReportDraft
from safelight.cases.history import Case
from safelight.cases.records import Book
from safelight.cases.rules import HideWhen


def is_undecided(case: Case) -> bool:
    """Whether nobody has decided yet on what it is now: what was kept may turn out to show a child."""
    return case.is_waiting and (case.outcome is None or case.matter is not case.decided_matter)


def asks_to_hide(book: Book, case: Case, draft: ReportDraft, *, is_flood: bool) -> bool:
    """Whether this report hides what is undecided."""
    rule = book.rules.matter[case.matter].hide
    return rule is HideWhen.ALWAYS or (rule is HideWhen.COMPLETE and not is_flood and not draft.missing())
