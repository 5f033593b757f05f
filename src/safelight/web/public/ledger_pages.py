"""`/ledger`: the transparency log, for anybody: C2SP tlog-tiles, proofs for receipts, the key, and a page about it.

Rules of this module
- Everything here is public and read only; nobody is asked who they are.
- A tile never changes, so it may be kept for ever; a head may not be kept at all.
"""

import contextlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from safelight.core.errors import StoreFailed
from safelight.ledger.nodes import KnownNodes
from safelight.ledger.proofs.checkpoint import Checkpoint
from safelight.ledger.proofs.errors import Malformed, SignatureInvalid, Unavailable
from safelight.ledger.proofs.note import Note
from safelight.ledger.proofs.receipt import Receipt, split_receipts
from safelight.ledger.proofs.tiles import Tile
from safelight.ledger.published import latest_leaves, read_checkpoint, read_proof, read_stamped, read_tile
from safelight.policy.explain import HARMS
from safelight.wiring import Safelight

T = TypeVar("T")

FOR_EVER = {"cache-control": "public, max-age=31536000, immutable"}
NOT_KEPT = {"cache-control": "no-cache"}
LATEST_COUNT = 20

_LEAF_HASH = re.compile(r"[0-9a-f]{64}")
_OPEN_TO_ALL = {"access-control-allow-origin": "*", "x-content-type-options": "nosniff"}


class LedgerPages:
    """The log of one running Safelight."""

    def __init__(self, safelight: Safelight) -> None:
        self._safelight = safelight
        self._known = KnownNodes()
        self._templates = Jinja2Templates(Path(__file__).parent / "templates")

    def routes(self) -> list[Route]:
        """The log's prefix is `/ledger`."""
        return [
            Route("/ledger", self.page, methods=["GET"]),
            Route("/ledger/checkpoint", self.checkpoint, methods=["GET"]),
            Route("/ledger/witnessed", self.witnessed, methods=["GET"]),
            Route("/ledger/stamped", self.stamped, methods=["GET"]),
            Route("/ledger/stamped.tsr", self.stamp, methods=["GET"]),
            Route("/ledger/key", self.key, methods=["GET"]),
            Route("/ledger/proof/{leaf_hash}", self.proof, methods=["GET"]),
            Route("/ledger/tile/{path:path}", self.tile, methods=["GET"]),
        ]

    async def page(self, request: Request) -> Response:
        """The head, the newest leaves, a receipt looked up, and how to verify."""
        key = self._safelight.ledger.key.public().to_text()
        shown: dict[str, object] = {"key": key, "address": str(request.url.replace(query="")).rstrip("/")}
        try:
            note, vouched, leaves = await self._safelight.database.read(_head_and_leaves)
        except Unavailable:
            return self._templates.TemplateResponse(request, "ledger.html", shown, headers=NOT_KEPT)
        except StoreFailed as error:
            return self._templates.TemplateResponse(
                request, "ledger.html", shown | {"error": error.message}, status_code=503, headers=NOT_KEPT
            )
        shown |= {
            "head": Checkpoint.parse(note.text),
            "signers": [signature.name for signature in note.signatures],
            "leaves": [(index, json.loads(content)) for index, content in leaves],
            "vouched": vouched,
            "harms": HARMS,
        }
        if text := request.query_params.get("receipt", "").strip():
            shown |= {"receipt": text, "looked_up": await self._look_up(text)}
        return self._templates.TemplateResponse(request, "ledger.html", shown, headers=NOT_KEPT)

    async def checkpoint(self, _request: Request) -> Response:
        """The latest head (C2SP tlog-checkpoint)."""
        return await self._text(lambda connection: read_checkpoint(connection).to_bytes())

    async def witnessed(self, _request: Request) -> Response:
        """The latest head that a witness has signed."""
        return await self._text(lambda connection: read_checkpoint(connection, witnessed=True).to_bytes())

    async def stamped(self, _request: Request) -> Response:
        """The latest head that an authority has stamped."""
        return await self._text(lambda connection: read_stamped(connection)[0].to_bytes())

    async def stamp(self, _request: Request) -> Response:
        """The RFC 3161 time stamp on the text of that head."""
        return await self._answer(
            lambda connection: read_stamped(connection)[1], "application/timestamp-reply", NOT_KEPT
        )

    async def key(self, _request: Request) -> Response:
        """The log's verifier key. An outsider has it from elsewhere too, and compares."""
        return PlainTextResponse(self._safelight.ledger.key.public().to_text() + "\n", headers=NOT_KEPT | _OPEN_TO_ALL)

    async def proof(self, request: Request) -> Response:
        """A C2SP tlog-proof for the leaf with this hash (64 hexadecimal digits)."""
        text = request.path_params["leaf_hash"]
        if not _LEAF_HASH.fullmatch(text):
            return _missing("A leaf's hash has 64 hexadecimal digits.")
        return await self._text(lambda connection: read_proof(connection, bytes.fromhex(text), self._known).to_bytes())

    async def tile(self, request: Request) -> Response:
        """A tile or an entry bundle (C2SP tlog-tiles)."""
        try:
            tile = Tile.parse(f"tile/{request.path_params['path']}")
        except Malformed as error:
            return _missing(str(error))
        return await self._answer(lambda connection: read_tile(connection, tile), "application/octet-stream", FOR_EVER)

    async def _look_up(self, text: str) -> list[dict[str, object]]:
        """What the log has for each receipt of an answer."""
        try:
            texts = split_receipts(text)
        except Malformed as error:
            return [{"trouble": str(error)}]
        return [{"receipt": one} | await self._look_up_one(one) for one in texts]

    async def _look_up_one(self, text: str) -> dict[str, object]:
        try:
            receipt = Receipt.parse(text)
            receipt.verify(self._safelight.ledger.key.public())
            proof = await self._safelight.database.read(lambda c: read_proof(c, receipt.leaf_hash, self._known))
        except SignatureInvalid:
            return {"trouble": "This log has not given this receipt."}
        except (Malformed, Unavailable, StoreFailed) as error:
            return {"trouble": str(error)}
        return {"leaf": json.loads(proof.extra), "index": proof.index, "leaf_hash": receipt.leaf_hash.hex()}

    async def _text(self, read: Callable[[Connection], bytes]) -> Response:
        return await self._answer(read, "text/plain; charset=utf-8", NOT_KEPT)

    async def _answer(self, read: Callable[[Connection], bytes], media_type: str, caching: dict[str, str]) -> Response:
        try:
            content = await self._safelight.database.read(read)
        except Unavailable as error:
            return _missing(str(error))
        except StoreFailed as error:
            return PlainTextResponse(error.message + "\n", status_code=503, headers=NOT_KEPT)
        return Response(content, media_type=media_type, headers=caching | _OPEN_TO_ALL)


def _head_and_leaves(connection: Connection) -> tuple[Note, dict[str, Checkpoint], list[tuple[int, bytes]]]:
    """The newest head, the newest that somebody outside vouches for, by its path, and the newest leaves."""
    vouched = {}
    with contextlib.suppress(Unavailable):
        vouched["witnessed"] = Checkpoint.parse(read_checkpoint(connection, witnessed=True).text)
    with contextlib.suppress(Unavailable):
        vouched["stamped"] = Checkpoint.parse(read_stamped(connection)[0].text)
    return read_checkpoint(connection), vouched, latest_leaves(connection, LATEST_COUNT)


def _missing(words: str) -> Response:
    return PlainTextResponse(words + "\n", status_code=404, headers=NOT_KEPT | _OPEN_TO_ALL)
