"""How a bad answer is understood: a refusal of the model's own, the asker's option, the operator's key, or no room.

Signs of a refusal, as read in the projects' own sources in 2026: OpenAI `error.code` `moderation_blocked`,
`content_policy_violation`, `image_content_policy_violation`; Azure `contentFilter` and an inner
`ResponsibleAIPolicyViolation`; Gemini `finishReason` and `blockReason`; Imagen `raiFilteredReason`; xAI a 200 with no
images, or `respect_moderation: false` beside one. Another Safelight speaks as OpenAI does.

The model's words reach the asker only where they explain an option (400, 413, 422), shortened and without the key;
its answer to a wrong key quotes the key, so that one is never passed on.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from safelight.core.clock import Clock
from safelight.core.errors import BackendCode, BackendFailed, BackendRefused

_REFUSAL_CODES = frozenset(
    {
        "blocked_by_moderation",
        "content_filter",
        "content_filtered",
        "content_moderation",
        "content_policy_violation",
        "contentfilter",
        "image_content_policy_violation",
        "image_prohibited_content",
        "image_safety",
        "moderation_blocked",
        "prohibited_content",
        "responsibleaipolicyviolation",
        "safety",
    }
)
_CODE_FIELDS = frozenset({"code", "type", "name", "reason", "status", "finishreason", "finish_reason"})
_REASON_FIELDS = frozenset(
    {"blockreason", "block_reason", "blocked_reason", "raifilteredreason", "rai_filtered_reason"}
)
_REFUSAL_WORDS = re.compile(
    r"safety system|safety_violations|content (?:management )?polic|content moderation|content filter|responsible ai",
    re.IGNORECASE,
)
_OPTION_STATUSES = frozenset({400, 409, 413, 415, 422})
_REFUSAL_STATUSES = frozenset({400, 403, 409, 422, 451})
_NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_WALK_MAX_VALUES = 500
_WORDS_MAX_CHARS = 300
_RETRY_MAX_S = 3600
_WRONG_KEY = "the image model does not accept Safelight's own key or account; the operator has to look at the key"


def refusal_sign(answer: object) -> str:
    """The code by which `answer` (decoded JSON) says that the model will not; empty where it says no such thing."""
    for name, value in _named_values(answer):
        if name == "respect_moderation" and value is False:
            return "respect_moderation"
        if isinstance(value, str) and value:
            if name in _REASON_FIELDS:
                return value if re.fullmatch(r"\w{1,64}", value) else name
            if name in _CODE_FIELDS and value.lower() in _REFUSAL_CODES:
                return value.lower()
    return ""


def refused(sign: str) -> BackendRefused:
    """The error for a refusal by `sign`."""
    return BackendRefused("The image model declined this request; change what is asked for.", sign=sign)


def failure_of(status: int, headers: Mapping[str, str], body: bytes, *, secret: str, now: Clock) -> BackendFailed:
    """The error that an answer with this HTTP status (not 2xx) means.

    `secret` is never repeated; `now` is asked only for a `Retry-After` that names a date.
    """
    answer = _decoded(body)
    error = _error_object(answer)
    words = _words(error.get("message"), secret)
    if status in _REFUSAL_STATUSES:
        sign = refusal_sign(answer) or ("451" if status == 451 else "")
        if not sign and _REFUSAL_WORDS.search(words):
            sign = "message"
        if sign:
            return refused(sign)
    return _plain_failure(status, error, words, retry_after_s(headers.get("retry-after"), now))


def retry_after_s(value: str | None, now: Clock) -> int | None:
    """Seconds, 1 to 3600, from a `Retry-After` header (RFC 9110 10.2.3: seconds or a date); else None."""
    if value is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", value.strip()):
        return min(max(int(value), 1), _RETRY_MAX_S)
    try:
        moment: datetime = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return min(max(math.ceil((moment - now()).total_seconds()), 1), _RETRY_MAX_S)


def _plain_failure(status: int, error: Mapping[str, Any], words: str, retry_s: int | None) -> BackendFailed:
    code = str(error.get("code") or error.get("type") or "").lower()
    param = error.get("param")
    param = param if isinstance(param, str) and re.fullmatch(r"[\w\[\].]{1,64}", param) else None
    if status in {401, 403} or code in _NO_CREDIT:
        return BackendFailed(_WRONG_KEY, code=BackendCode.MISCONFIGURED)
    if code == "model_not_found":
        return BackendFailed(
            "the image model behind the gate has no model of that name; ask for another `model`",
            code=BackendCode.REJECTED,
            param="model",
        )
    if status in _OPTION_STATUSES:
        said = f": {words}" if words else ""
        return BackendFailed(
            f"the image model does not take this request as it is{said}", code=BackendCode.REJECTED, param=param
        )
    if status in {408, 504}:
        return BackendFailed(
            "the image model was not done in time; try again", code=BackendCode.TIMEOUT, retry_after_s=retry_s
        )
    if status == 429 or (status == 503 and retry_s is not None):
        return BackendFailed(
            "the image model has no room now; try again later", code=BackendCode.BUSY, retry_after_s=retry_s
        )
    if status >= 500:
        return BackendFailed(f"the image model failed (HTTP {status}); try again", retry_after_s=retry_s)
    return BackendFailed(
        f"the image model's address does not answer as one (HTTP {status}); the operator has to look at the address",
        code=BackendCode.MISCONFIGURED,
    )


def _decoded(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _error_object(answer: object) -> Mapping[str, Any]:
    """What describes the error: `{"error": {…}}`, `[{"error": {…}}]`, `{"error": "…"}` or the body itself."""
    if isinstance(answer, list) and answer:
        answer = answer[0]
    if not isinstance(answer, dict):
        return {}
    error = answer.get("error", answer)
    if isinstance(error, str):
        return {"message": error, "code": answer.get("code")}
    return error if isinstance(error, dict) else {}


def _words(message: object, secret: str) -> str:
    if not isinstance(message, str):
        return ""
    words = " ".join("".join(c if c.isprintable() else " " for c in message[: 4 * _WORDS_MAX_CHARS]).split())
    if secret:
        words = words.replace(secret, "…")
    return words[:_WORDS_MAX_CHARS]


def _named_values(answer: object) -> Iterator[tuple[str, object]]:
    """Every value that stands under a name, breadth first, names in lower case; bounded."""
    queue: list[object] = [answer]
    for _ in range(_WALK_MAX_VALUES):
        if not queue:
            return
        value = queue.pop(0)
        if isinstance(value, dict):
            for name, child in value.items():
                yield str(name).lower(), child
                if isinstance(child, dict | list):
                    queue.append(child)
        elif isinstance(value, list):
            queue.extend(child for child in value if isinstance(child, dict | list))
