"""Every error that Safelight raises on purpose. They know no HTTP: one table in `web/gateway/errors.py` turns a
class into a status.

    SafelightError
    ├── BadInput             what arrived cannot be judged as it is; `code` is one of InputCode
    ├── NotAllowed           no key, or a wrong key
    ├── PermissionLacking    the key is valid, but not for this
    ├── AccountSuspended     the asking account may not ask
    ├── BudgetSpent          the key or the account has used up its requests for now
    ├── Overloaded           no room in the gate at this moment
    ├── BackendFailed        the image model behind the gate did not answer as agreed
    │   └── BackendRefused   it answered that it will not make this
    ├── StoreFailed          a record could not be written or read, so nothing may leave
    ├── MarkFailed           a picture could not be marked as the settings ask, so it may not leave
    └── NotStartable         the configuration or a part is unfit; the service does not start
        ├── LedgerUnfit      the log is not the one that was signed; `code` is one of LedgerCode
        ├── DetectorUnfit    a detector failed to load or failed its self-check
        └── PolicyInvalid    a policy file that cannot be trusted to mean what it says
"""

from enum import StrEnum


class SafelightError(Exception):
    """Something that Safelight foresaw. `code` is stable; `message` is for a person and says the next step."""

    code = "internal_error"

    def __init__(self, message: str, *, param: str | None = None, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        """The field of the request that the error is about, where there is one."""
        self.retry_after_s = retry_after_s
        self.request_id: str | None = None
        """Of the request that came to grief, once it has one."""


class InputCode(StrEnum):
    """What is wrong with an input. Stable: clients and tests rely on the values."""

    BODY_TOO_LARGE = "body_too_large"
    """More bytes than the limit; nothing of it was parsed."""
    BODY_INVALID = "body_invalid"
    """Not the JSON or the form that its content type says."""
    BODY_TOO_DEEP = "body_too_deep"
    """JSON nested deeper than the limit."""
    FIELD_MISSING = "field_missing"
    """A field that this route needs is not there; `param` names it."""
    FIELD_INVALID = "field_invalid"
    """A value that the field named by `param` cannot have."""
    FIELD_REPEATED = "field_repeated"
    """A field of a form that may stand once stands twice: two readers might take different ones. Of JSON the last one
    counts, and nothing but what was read is sent on."""
    TEXT_TOO_LONG = "text_too_long"
    """One text, or all of them together, have more characters than the limit."""
    TEXT_INVALID = "text_invalid"
    """Lone surrogates, or bytes that are no UTF-8."""
    TOO_MANY_IMAGES = "too_many_images"
    """More images than the limit."""
    TOO_MANY_TURNS = "too_many_turns"
    """More turns of a conversation than the limit."""
    IMAGE_EMPTY = "image_empty"
    """A file of no bytes."""
    IMAGE_TOO_LARGE = "image_too_large"
    """More bytes than the limit."""
    IMAGE_TOO_MANY_PIXELS = "image_too_many_pixels"
    """Width × height, of one frame or of all together, beyond the limit."""
    IMAGE_TOO_MANY_FRAMES = "image_too_many_frames"
    """An animation of more frames than the limit."""
    IMAGE_UNSUPPORTED = "image_unsupported"
    """Not a format that the gate reads."""
    IMAGE_CORRUPT = "image_corrupt"
    """Truncated or malformed."""
    IMAGE_AMBIGUOUS = "image_ambiguous"
    """Two files in one: a reader might see something else than the gate did."""
    IMAGE_TOO_SLOW = "image_too_slow"
    """Within every other limit, yet not decoded in time."""
    IMAGE_ENCODING = "image_encoding"
    """Base64 or a data: address that does not decode."""
    METADATA_TOO_LARGE = "metadata_too_large"
    """More text in an image's metadata, or a longer file name, than is judged."""
    URL_INVALID = "url_invalid"
    """Not an address that an image could be fetched from."""
    URL_FORBIDDEN = "url_forbidden"
    """Scheme, port or address that the gate does not fetch from."""
    URL_FAILED = "url_failed"
    """No answer in time, a bad status, or too many redirects."""
    FILE_ID_UNRESOLVED = "file_id_unresolved"
    """A file that the gate has not seen and cannot look up."""
    MASK_INVALID = "mask_invalid"
    """A mask of another size than its photo."""
    CONSENT_INVALID = "consent_invalid"
    """A consent statement, its signature or its signer that cannot be taken."""
    OPTION_FORBIDDEN = "option_forbidden"
    """A field that would let content pass unseen."""
    LEAF_UNKNOWN = "leaf_unknown"
    """No leaf of the log has this hash, and no record this id."""


class BadInput(SafelightError):
    """What arrived cannot be judged as it is."""

    def __init__(self, code: InputCode, message: str, *, param: str | None = None) -> None:
        super().__init__(message, param=param)
        self.code = code.value


class NotAllowed(SafelightError):
    """No key, or a wrong key."""

    code = "invalid_api_key"


class PermissionLacking(SafelightError):
    """The key is valid, but not for this."""

    code = "permission_denied"


class AccountSuspended(SafelightError):
    """The asking account may not ask."""

    code = "account_suspended"


class BudgetSpent(SafelightError):
    """The key or the account has used up its requests for now."""

    code = "rate_limit_exceeded"


class Overloaded(SafelightError):
    """No room in the gate at this moment."""

    code = "overloaded"


class BackendCode(StrEnum):
    """How the image model behind the gate failed. Stable."""

    FAILED = "backend_failed"
    """It answered with an error of its own."""
    UNREACHABLE = "backend_unreachable"
    """No connection to it, or one that broke before an answer."""
    TIMEOUT = "backend_timeout"
    """No answer within `backend_timeout_s`."""
    BUSY = "backend_busy"
    """It has no room now; `retry_after_s` where it said when."""
    MISCONFIGURED = "backend_misconfigured"
    """Its address, key or account is wrong: a matter for the operator."""
    REJECTED = "backend_rejected"
    """It does not take this model, size or other option: the asker can change it."""
    ANSWER_INVALID = "backend_answer_invalid"
    """It answered with something that is not what was asked for, or more than the limit."""
    REFUSED = "backend_refused"
    """It will not make this; told to the asker as `moderation_blocked`."""


class BackendFailed(SafelightError):
    """The image model behind the gate did not answer as agreed; `code` is one of BackendCode."""

    def __init__(
        self,
        message: str,
        *,
        code: BackendCode = BackendCode.FAILED,
        param: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message, param=param, retry_after_s=retry_after_s)
        self.code = code.value


class BackendRefused(BackendFailed):
    """The image model answered that it will not make this."""

    def __init__(self, message: str, *, sign: str = "") -> None:
        super().__init__(message, code=BackendCode.REFUSED)
        self.sign = sign
        """What the model's answer said it by, such as `moderation_blocked`; a code, never its text."""


class StoreFailed(SafelightError):
    """A record could not be written or read, so nothing may leave."""

    code = "record_failed"


class MarkCode(StrEnum):
    """Why a picture could not be marked. Stable."""

    SIGNER_UNAVAILABLE = "marks_signer_unavailable"
    """The key that signs content credentials did not sign."""
    KEY_EXPIRED = "marks_key_expired"
    """Its certificate is past its time, or not yet in it."""
    WATERMARK_FAILED = "marks_watermark_failed"
    """The picture could not be watermarked, or not be encoded again."""
    REGISTER_FAILED = "marks_register_failed"
    """The register of outputs did not take the picture."""
    BUSY = "marks_busy"
    """No core came free in time."""


class MarkFailed(SafelightError):
    """A picture could not be marked as the settings ask, so it may not leave; `code` is one of MarkCode."""

    def __init__(self, code: MarkCode, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.code = code.value


class NotStartable(SafelightError):
    """The configuration or a part is unfit; the service does not start."""

    code = "not_startable"


class LedgerCode(StrEnum):
    """What is wrong with the log. Stable."""

    ROLLED_BACK = "ledger_rolled_back"
    """The database ends before a head that was signed: it comes from a backup."""
    CHANGED = "ledger_changed"
    """The tree in the database is not the one that was signed, or others have seen another one."""
    KEY_CHANGED = "ledger_key_changed"
    """The log belongs to another key or another name."""
    KEY_UNFIT = "ledger_key_unfit"
    """The key or the log's name cannot be used."""
    HEAD_UNREADABLE = "ledger_head_unreadable"
    """The head that is kept outside the database cannot be read."""
    NO_SUBJECT = "ledger_no_subject"
    """There is no key of such a subject to destroy."""
    SHUT = "ledger_shut"
    """What was asked for cannot be shown: it was never there, its subject was erased, or its record is gone."""


class LedgerUnfit(NotStartable):
    """The log is not the one that was signed, so going on with it would make a fork."""

    def __init__(self, code: LedgerCode, message: str) -> None:
        super().__init__(message)
        self.code = code.value


class DetectorUnfit(NotStartable):
    """A detector failed to load or failed its self-check."""

    code = "detector_unfit"


class PolicyInvalid(NotStartable):
    """A policy file that cannot be trusted to mean what it says."""

    code = "policy_invalid"
