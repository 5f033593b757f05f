"""`/live`, `/ready`, `/metrics`: for the orchestrator and the on-call engineer. Some probes ask with HEAD."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

router = APIRouter(tags=["health"])


@router.head("/live", include_in_schema=False)
@router.get("/live")
async def live() -> JSONResponse:
    """The process answers. Says nothing about whether it can judge anything."""
    return JSONResponse({"status": "live"})


@router.head("/ready", include_in_schema=False)
@router.get("/ready", responses={503: {"description": "Not ready; `troubles` says what and why"}})
async def ready(request: Request) -> JSONResponse:
    """Every detector verified, the database writable, the image model reachable."""
    troubles = await request.app.state.safelight.troubles()
    status = "ready" if not troubles else "not_ready"
    return JSONResponse({"status": status, "troubles": troubles}, status_code=503 if troubles else 200)


@router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Prometheus metrics."""
    return Response(generate_latest(request.app.state.safelight.metrics.registry), media_type=CONTENT_TYPE_LATEST)
