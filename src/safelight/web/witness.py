"""The witness's HTTP side: `POST /add-checkpoint` (C2SP tlog-witness) and its key."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from safelight.ledger.proofs.note import Algorithm
from safelight.ledger.proofs.witness_request import REQUEST_MAX_BYTES
from safelight.ledger.witness import Said, Witness


def create_witness_app(witness: Witness) -> Starlette:
    """The application around `witness`."""

    async def add_checkpoint(request: Request) -> Response:
        body = b""
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > REQUEST_MAX_BYTES:
                    return PlainTextResponse("A request has fewer bytes.\n", status_code=413)
        except ClientDisconnect:
            return Response(status_code=400)
        try:
            said = await asyncio.to_thread(witness.add_checkpoint, body)
        except OSError as error:  # nothing was signed that is not on disk
            said = Said(500, f"The head could not be kept: {error.strerror}.\n")
        return Response(said.body, status_code=said.status, headers={"content-type": said.media_type})

    async def key(_request: Request) -> Response:
        return PlainTextResponse(witness.key.public(Algorithm.COSIGNATURE).to_text() + "\n")

    return Starlette(
        routes=[
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/key", key, methods=["GET"]),
        ]
    )
