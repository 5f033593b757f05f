"""What can go wrong with reports and cases.

SafelightError
├── BadInput
│   └── ReportInvalid      a field of a report that cannot be what it says
├── ReportIncomplete       there is no report yet: what it is about, or a way to find it, is missing
├── ReceiptUnknown         no such receipt, or a wrong PIN: the same words for both
├── TooManyTries           too many wrong receipts from one place; they are not looked at for a while
└── CaseError              a step that the case does not allow; `code` is one of CaseCode
"""

from collections.abc import Sequence
from enum import StrEnum

from safelight.core.errors import BadInput, InputCode, SafelightError


class ReportInvalid(BadInput):
    """A field of a report that cannot be what it says."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(InputCode.FIELD_INVALID, message, param=field)


class ReportIncomplete(SafelightError):
    """There is no report yet: what it is about, or a way to find it, is missing."""

    code = "report_incomplete"

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(f"Still needed: {', '.join(missing)}. Nothing has been sent yet.", param=missing[0])
        self.missing = tuple(missing)
        """Values of `draft.Missing`, all of them, in the order in which to ask."""


class ReceiptUnknown(SafelightError):
    """No such receipt, or a wrong PIN: the same words for both."""

    code = "receipt_unknown"

    def __init__(self) -> None:
        super().__init__("There is no report with this code and PIN. Check both, character by character.")


class TooManyTries(SafelightError):
    """Too many wrong receipts from one place; they are not looked at for a while."""

    code = "too_many_tries"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("Too many wrong codes or PINs. Wait, then try again.", retry_after_s=retry_after_s)


class CaseCode(StrEnum):
    """Why a step was not taken. Stable."""

    UNKNOWN = "case_unknown"
    """There is no such case, or nothing of this name in it."""
    HELD_BY_OTHER = "case_held_by_other"
    """Somebody else works on it now."""
    CHANGED = "case_changed"
    """It changed since it was looked at; look again."""
    STEP_FORBIDDEN = "case_step_forbidden"
    """Its state does not allow this step."""
    REASON_FORBIDDEN = "case_reason_forbidden"
    """Not a reason that the law allows for this outcome."""
    WORDS_MISSING = "case_words_missing"
    """The letter says that the record names the law, so the words for colleagues have to."""
    SAME_PERSON = "case_same_person"
    """Another person has to do this."""
    EXPOSURE_SPENT = "case_exposure_spent"
    """The day's bound of pictures looked at is reached."""
    OPTED_OUT = "case_opted_out"
    """This person does not work on this matter."""
    TOO_LATE = "case_too_late"
    """The time for this step is over."""


class CaseError(SafelightError):
    """A step that the case does not allow; `code` is one of CaseCode."""

    def __init__(self, code: CaseCode, message: str) -> None:
        super().__init__(message)
        self.code = code.value
