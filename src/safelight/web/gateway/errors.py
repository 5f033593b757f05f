"""One table from errors to answers, and one shape: OpenAI's `{"error": {message, type, param, code}}`."""

import asyncio
import traceback
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from safelight.cases.errors import CaseError, ReceiptUnknown, ReportIncomplete, TooManyTries
from safelight.core.category import Category, Stage
from safelight.core.decision import Decision
from safelight.core.errors import (
    AccountSuspended,
    BackendCode,
    BackendFailed,
    BackendRefused,
    BadInput,
    BudgetSpent,
    InputCode,
    MarkFailed,
    NotAllowed,
    Overloaded,
    PermissionLacking,
    SafelightError,
    StoreFailed,
)
from safelight.gate.model import Outcome
from safelight.matching.errors import BankError

log = structlog.get_logger()

STATUS: Mapping[type[SafelightError], tuple[int, str]] = {
    BadInput: (400, "invalid_request_error"),
    NotAllowed: (401, "authentication_error"),
    PermissionLacking: (403, "permission_error"),
    AccountSuspended: (403, "permission_error"),
    BudgetSpent: (429, "rate_limit_error"),
    Overloaded: (503, "server_error"),
    BackendFailed: (502, "server_error"),
    StoreFailed: (503, "server_error"),
    MarkFailed: (503, "server_error"),
    BankError: (400, "invalid_request_error"),
    ReportIncomplete: (400, "invalid_request_error"),
    ReceiptUnknown: (404, "invalid_request_error"),
    TooManyTries: (429, "rate_limit_error"),
    CaseError: (409, "invalid_request_error"),
    SafelightError: (500, "server_error"),
}
_INPUT_STATUS = {InputCode.BODY_TOO_LARGE.value: 413, InputCode.IMAGE_TOO_LARGE.value: 413}
_BACKEND_STATUS = {
    BackendCode.TIMEOUT.value: 504,
    BackendCode.BUSY.value: 503,
    BackendCode.REJECTED.value: 400,
}

RECEIPT_HEADER = "safelight-receipt"
"""The log's promise for each decision of the request, in order, separated by commas."""
MODERATION_BLOCKED = "moderation_blocked"
KNOWN_IMAGE = "known_image"
"""The code of every rule about known images (`policy/default.toml`)."""
UNCHECKED = "safeguard_unavailable"

_OPENAI_CATEGORY = {
    Category.CSAM: "sexual/minors",
    Category.DECEPTIVE_PUBLIC_FIGURE: "deception",
    Category.RIGHTS_RESERVED: "rights",
}


def ids_of(outcome: Outcome) -> dict[str, str]:
    """The headers of every answer to a request that was decided: its id, and the log's receipts."""
    return {"x-request-id": outcome.request_id, RECEIPT_HEADER: ",".join(outcome.receipts)}


def refusal(outcome: Outcome) -> JSONResponse:
    """The answer to a request that was refused, with its id, the log's receipts, and how to contest it."""
    answer = _refusal(outcome)
    answer.headers.update(ids_of(outcome))
    return answer


def _refusal(outcome: Outcome) -> JSONResponse:
    decision = outcome.decision
    if decision.category is Category.UNCHECKED:
        message = f"{decision.reasons[0].text} Request ID {outcome.request_id}."
        return _answer(503, message, "server_error", UNCHECKED, request_id=outcome.request_id, retry_after_s=5)
    categories = [openai_category(told(decision)[0])]
    message = (
        f"{decision.reasons[0].text} Your request was refused by the safety system. If you think that this is a "
        f"mistake, give this to the service's support: request ID {outcome.request_id}. "
        f"safety_violations=[{', '.join(categories)}]."
    )
    stage = "input" if decision.stage is Stage.INPUT else "output"
    return _blocked(message, stage, categories, outcome.request_id, decision)


def told(decision: Decision) -> tuple[Category | None, list[str]]:
    """Category and codes of the reasons, for whoever asked: of a known image the same ones whatever list it is in.

    These answers travel on to the platform's users, who could try pictures out. The record has what was decided.
    """
    codes = list(dict.fromkeys(reason.code for reason in decision.reasons))
    if KNOWN_IMAGE in codes:
        return Category.KNOWN_ILLEGAL, [KNOWN_IMAGE]
    return decision.category, codes


def openai_category(category: Category | None) -> str:
    """The name that OpenAI's clients know for a category; of none, nothing."""
    return _OPENAI_CATEGORY.get(category, "sexual") if category else ""


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error of `app` in the one shape."""
    app.add_exception_handler(SafelightError, _on_safelight_error)
    app.add_exception_handler(HTTPException, _on_http_error)


def answer_to(error: SafelightError) -> JSONResponse:
    """The answer to an error that Safelight foresaw."""
    if isinstance(error, BackendRefused):
        # The model does not say of what kind; clients parse for one, and this is what it is nearly always.
        message = f"{error.message} Request ID {error.request_id}. safety_violations=[sexual]."
        return _blocked(message, "backend", ["sexual"], error.request_id, None)
    status, kind = next(STATUS[parent] for parent in type(error).__mro__ if parent in STATUS)
    status = _INPUT_STATUS.get(error.code, _BACKEND_STATUS.get(error.code, status))
    if status == 400:
        kind = "invalid_request_error"
    more = {"missing": list(error.missing)} if isinstance(error, ReportIncomplete) else {}
    return _answer(
        status,
        error.message,
        kind,
        error.code,
        param=error.param,
        request_id=error.request_id,
        retry_after_s=error.retry_after_s,
        **more,
    )


def _blocked(
    message: str, stage: str, categories: list[str], request_id: str | None, decision: Decision | None
) -> JSONResponse:
    more: dict[str, Any] = {"moderation_details": {"moderation_stage": stage, "categories": categories}}
    if decision and decision.category:
        category, codes = told(decision)
        more["safelight"] = {
            "decision": decision.id,
            "category": category,
            "reasons": codes,
            "policy_version": decision.policy_version,
        }
    return _answer(400, message, "image_generation_user_error", MODERATION_BLOCKED, request_id=request_id, **more)


def _answer(
    status: int,
    message: str,
    kind: str,
    code: str,
    *,
    param: str | None = None,
    request_id: str | None = None,
    retry_after_s: int | None = None,
    **more: Any,
) -> JSONResponse:
    headers = {"x-request-id": request_id} if request_id else {}
    if retry_after_s is not None:
        headers["retry-after"] = str(retry_after_s)
    body = {"error": {"message": message, "type": kind, "param": param, "code": code, **more}}
    return JSONResponse(body, status_code=status, headers=headers)


async def _on_safelight_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SafelightError)  # noqa: S101 (Starlette calls this handler for nothing else)
    answer = answer_to(error)
    if answer.status_code >= 500:
        log.error("request_failed", code=error.code, error=type(error).__name__)
    return answer


async def _on_http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 (as above)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
    answer = _answer(error.status_code, str(error.detail), "invalid_request_error", code)
    answer.headers.update(error.headers or {})
    return answer


class SurpriseMiddleware:
    """Answers what nobody foresaw. The error ends here: servers would log its message, which may quote the request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; on a surprise, answer in the one shape if no answer has begun."""
        begun = False

        async def send_and_note(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except asyncio.CancelledError:  # the server stops, and has waited as long as it does
            if begun:
                raise ConnectionError("the answer broke off") from None
            message = "The service is being stopped, so nothing was released; try again."
            await _answer(503, message, "server_error", Overloaded.code, retry_after_s=5)(scope, receive, send)
        except Exception as error:  # noqa: BLE001 (whatever it is, the asker gets an answer, and the log no text)
            frames = traceback.extract_tb(error.__traceback__)
            where = [f"{frame.name}:{frame.lineno}" for frame in frames[-4:]]
            log.error("request_crashed", error=type(error).__name__, where=where)  # noqa: TRY400 (as above)
            if begun:
                raise ConnectionError("the answer broke off") from None
            message = "Something went wrong here; nothing was released."
            await _answer(500, message, "server_error", "internal_error")(scope, receive, send)
