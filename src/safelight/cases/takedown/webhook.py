"""A platform over HTTP: one signed POST a command or letter; 2xx with JSON means that it is done, not that it is noted.

    {"type": "takedown", "case": "case_…", "sequence": 4, "order": "remove", "reason": "…", "hide_at": null,
     "places": [{"kind": "post", "value": "…"}], "fingerprints": [{"kind": "pdq", "hex": "…", "quality": 100}],
     "requests": ["req_…"]}
    → 200 {"copies": [{"kind": "post", "value": "…"}], "picture": true}

    {"type": "picture", "place": {"kind": "post", "value": "…"}}      asked only where `picture` was true
    → 200 with the file itself, or 404

    {"type": "letter", "case": "case_…", "party": "account", "to": null, "subject_id": "sub_…", "places": […],
     "language": "en", "subject": "…", "body": "…"}
    → 2xx

Redirects are not followed. 410 and 400 are final; everything else is tried again.
"""

import json
from typing import Any

import httpx2

from safelight.cases.draft import PLACES_MAX_COUNT, Contact, Place
from safelight.cases.errors import ReportInvalid
from safelight.cases.model import Party
from safelight.cases.spelling import read_place, write_contact, write_fingerprint, write_place
from safelight.cases.takedown.ports import Command, Confirmed, DeliveryFailed, Parcel
from safelight.cases.takedown.signing import Signer, signed_headers
from safelight.core.clock import Clock, to_rfc3339
from safelight.core.limits import DEFAULT_LIMITS

TIMEOUT_S = 20.0
_ANSWER_MAX_BYTES = 1024 * 1024
_FINAL = (400, 410)
_NOT_THERE = 404


class NotThere(DeliveryFailed):
    """404: of a picture, that there is none to be had."""


class Webhook:
    """Both ports over one address. Close it when done."""

    def __init__(self, url: str, signer: Signer, clock: Clock) -> None:
        self._url = url
        self._signer = signer
        self._clock = clock
        self._http = httpx2.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def carry_out(self, command: Command) -> Confirmed:
        """As the port says."""
        answer = await self._post(
            command.id,
            {
                "type": "takedown",
                "case": command.case_id,
                "sequence": command.sequence,
                "order": command.order,
                "reason": command.reason,
                "hide_at": to_rfc3339(command.hide_at) if command.hide_at else None,
                "places": [write_place(place) for place in command.places],
                "fingerprints": [write_fingerprint(one) for one in command.fingerprints],
                "requests": list(command.requests),
            },
        )
        return _confirmed(answer)

    async def picture(self, request_id: str, place: Place) -> bytes | None:
        """As the port says."""
        content = {"type": "picture", "place": write_place(place)}
        try:
            return await self._post(request_id, content, max_bytes=DEFAULT_LIMITS.image_max_bytes) or None
        except NotThere:
            return None

    def takes(self, party: Party, to: Contact | None) -> bool:  # noqa: ARG002 (the platform reaches anybody)
        """Everybody who left some way to be reached, and every account."""
        return True

    def repeats_safely(self, parcel: Parcel) -> bool:  # noqa: ARG002
        """By its id, always."""
        return True

    async def send(self, parcel: Parcel) -> None:
        """As the port says."""
        await self._post(
            parcel.id,
            {
                "type": "letter",
                "case": parcel.case_id,
                "party": parcel.party,
                "to": write_contact(parcel.to) if parcel.to else None,
                "subject_id": parcel.subject_id,
                "places": [write_place(place) for place in parcel.places],
                "language": parcel.language,
                "subject": parcel.subject,
                "body": parcel.body,
            },
        )

    async def _post(self, message_id: str, content: dict[str, Any], max_bytes: int = _ANSWER_MAX_BYTES) -> bytes:
        body = json.dumps(content, ensure_ascii=False).encode()
        headers = signed_headers(self._signer, message_id, body, self._clock()) | {"content-type": "application/json"}
        answer = bytearray()
        try:
            async with self._http.stream("POST", self._url, content=body, headers=headers) as response:
                async for chunk in response.aiter_bytes():
                    answer += chunk
                    if len(answer) > max_bytes:
                        raise DeliveryFailed(f"The platform's answer is longer than {max_bytes >> 20} MB.")
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise DeliveryFailed(f"The platform could not be reached ({type(error).__name__}).") from error
        if not response.is_success:
            status = response.status_code
            if status == _NOT_THERE:
                raise NotThere("The platform knows nothing of this.")
            raise DeliveryFailed(f"The platform answered with {status}.", is_final=status in _FINAL)
        return bytes(answer)


def _confirmed(answer: bytes) -> Confirmed:
    try:
        said = json.loads(answer or b"{}")
        copies = tuple(read_place(copy) for copy in said.get("copies", [])[: PLACES_MAX_COUNT * 100])
        return Confirmed(copies, has_picture=said.get("picture") is True)
    except (ReportInvalid, ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise DeliveryFailed("The platform's answer is not what was agreed; see docs/how-to/reports.md.") from error
