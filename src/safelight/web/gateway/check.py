"""`POST /v1/check`: a decision, for platforms that call their own model."""

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from safelight.accounts.model import Permission
from safelight.core.category import Category
from safelight.policy.explain import explain_to_person
from safelight.web.gateway.caller import caller_of, consents_of
from safelight.web.gateway.door import door_of
from safelight.web.gateway.errors import ids_of, refusal
from safelight.web.gateway.openapi import ERRORS, json_body
from safelight.web.gateway.schemas import CheckAnswer, CheckBody

router = APIRouter(prefix="/v1", tags=["check"])


@router.post("/check", openapi_extra=json_body(CheckBody), responses={**ERRORS, 200: {"model": CheckAnswer}})
async def check(request: Request) -> JSONResponse:
    """Judge a conversation, its images and the fields beside it, without making anything.

    A refusal is an answer here, not an error: 200 with `verdict: "refuse"`. Only what could not be judged is a 503.
    """
    door = door_of(request)
    async with door.enter(request, Permission.CHECK) as held:
        body = await door.bodies.json(request, CheckBody)
        asked = await door.translator.check(body, held)
        asked = replace(asked, consents=asked.consents + consents_of(request))
        caller = caller_of(request, user=body.subject.id, tier=body.subject.tier)
        outcome = await door.gate.check(asked, caller)
    decision = outcome.decision
    if decision.category is Category.UNCHECKED:
        return refusal(outcome)
    answer = decision.to_json() | {
        "explanation": explain_to_person(decision, door.gate.policy),
        "receipts": list(outcome.receipts),
    }
    return JSONResponse(answer, headers=ids_of(outcome))
