"""`POST /v1/moderations`, in OpenAI's shape.

Safelight looks for sexual content and for what is done to real people. The other standard categories are answered
`false` because they were not looked for, and our own are in an extra object, so that strict clients still parse.
"""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from safelight.accounts.model import Permission
from safelight.core.canonical import Json
from safelight.core.category import Category
from safelight.core.request import ImageRequest
from safelight.gate.model import Outcome
from safelight.web.gateway.caller import caller_of
from safelight.web.gateway.door import door_of
from safelight.web.gateway.errors import openai_category, refusal, told
from safelight.web.gateway.openapi import ERRORS, json_body
from safelight.web.gateway.schemas import ModerationBody

router = APIRouter(prefix="/v1", tags=["moderations"])

MODEL = "safelight"
STANDARD_CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
LOOKED_FOR = ("sexual", "sexual/minors")


@router.post("/moderations", openapi_extra=json_body(ModerationBody), responses=ERRORS)
async def moderations(request: Request) -> JSONResponse:
    """Judge texts and images by themselves."""
    door = door_of(request)
    async with door.enter(request, Permission.CHECK) as held:
        body = await door.bodies.json(request, ModerationBody)
        caller = caller_of(request)
        results: list[Json] = []
        outcome = None
        for asked in await door.translator.moderations(body, held):
            outcome = await door.gate.check(asked, caller)
            if outcome.decision.category is Category.UNCHECKED:
                return refusal(outcome)
            results.append(_result(asked, outcome))
    request_id = outcome.request_id if outcome else ""
    answer = {"id": request_id.replace("req_", "modr-"), "model": MODEL, "results": results}
    return JSONResponse(answer, headers={"x-request-id": request_id})


def _result(asked: ImageRequest, outcome: Outcome) -> Json:
    decision = outcome.decision
    # Whose photo it is to use is no harm that this route is asked about; the verdict below says it all the same.
    known, codes = told(decision)
    category = "" if known is Category.RIGHTS_RESERVED else openai_category(known)
    flagged = {"sexual": bool(category), "sexual/minors": category == "sexual/minors"}
    scores = {name: 1.0 if flag else 0.0 for name, flag in flagged.items()}
    if not category:
        sexual = [
            s.value for s in decision.observed.signals if s.name in ("text_sexual", "text_undress", "photo_nudity")
        ]
        # Allowed, so below a half by definition: clients that cut at 0.5 see what `flagged` says.
        scores["sexual"] = 0.49 * max((float(value) for value in sexual), default=0.0)
    kinds = (["text"] if asked.prompt else []) + (["image"] if asked.photos else [])
    return {
        "flagged": bool(category),
        "categories": {name: flagged.get(name, False) for name in STANDARD_CATEGORIES},
        "category_scores": {name: scores.get(name, 0.0) for name in STANDARD_CATEGORIES},
        "category_applied_input_types": {name: kinds if name in LOOKED_FOR else [] for name in STANDARD_CATEGORIES},
        "safelight": {
            "verdict": decision.verdict.value,
            "category": known,
            "reasons": codes,
            "policy_version": decision.policy_version,
            "receipts": list(outcome.receipts),
        },
    }
