"""StopNCII: hashes of intimate images, submitted by the people shown; fetched, withdrawn, answered.

Source: its API as partners use it, version 1. `GET /FetchHashes` gives pages of records that changed since a moment;
a record is Received, Active, Withdrawn or Deleted. `POST /SubmitFeedback` tells what became of a match.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from safelight.matching.errors import ExchangeFailed
from safelight.matching.exchanges.http import ExchangeClient
from safelight.matching.exchanges.ports import Page
from safelight.matching.fingerprints import HashKind, parse_hash
from safelight.matching.model import Entry

PRODUCTION_URL = "https://api.stopncii.org/v1"
_KINDS: Mapping[str, HashKind] = {"ImagePDQ": HashKind.PDQ, "VideoMD5": HashKind.MD5, "ImageMD5": HashKind.MD5}
_PAGE_SIZE = 1_000
_PAGES_MAX = 100_000
_LISTED = {"Received", "Active"}
_GONE = {"Withdrawn", "Deleted"}


class Feedback(StrEnum):
    """What a platform says of a match."""

    PENDING = "PendingReview"
    BLOCKED = "Blocked"
    NOT_BLOCKED = "NotBlocked"
    ONLY_TAGS = "None"


class StopNcii:
    """The list, as an exchange; and the way back."""

    def __init__(self, client: ExchangeClient) -> None:
        self.name = f"stopncii {client.mark}"
        self._client = client

    @classmethod
    def connect(cls, base_url: str, *, function_key: str, subscription_key: str, **more: Any) -> "StopNcii":
        """With the two keys that partners are given. Raises NotStartable."""
        headers = {"x-functions-key": function_key, "Ocp-Apim-Subscription-Key": subscription_key}
        return cls(ExchangeClient(base_url, headers=headers, **more))

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def pages(self, checkpoint: str) -> Iterator[Page]:
        """Everything that changed since. The checkpoint is `timestamp` or `timestamp token`. Raises ExchangeFailed."""
        start, _, token = checkpoint.partition(" ")
        seen = {token}
        for _ in range(_PAGES_MAX):
            wanted = {"startTimestamp": start or "0", "pageSize": str(_PAGE_SIZE)}
            answer = _json(
                self._client.send("GET", "/FetchHashes", params=wanted | ({"nextPageToken": token} if token else {}))
            )
            records, more = _field(answer, "hashRecords", list), _field(answer, "hasMoreRecords", bool)
            aside: Counter[str] = Counter()
            entries = tuple(entry for record in records for entry in _entries(record, aside))
            if not more:
                yield Page(entries, str(_field(answer, "nextSetTimestamp", int)), dict(aside))
                return
            token = _field(answer, "nextPageToken", str)
            if token in seen:
                raise ExchangeFailed("StopNCII named a page that was read already; try again later.")
            seen.add(token)
            yield Page(entries, f"{start or '0'} {token}", dict(aside))
        raise ExchangeFailed(f"StopNCII gave more than {_PAGES_MAX} pages; try again later.")

    def send_feedback(self, pdq_hashes: list[str], verdict: Feedback, *, tags: list[str] | None = None) -> None:
        """Tell what became of matches. Raises ExchangeFailed."""
        feedback = {"feedbackValue": verdict.value, "tags": tags or []}
        self._post("/SubmitFeedback", pdq_hashes, lambda value: {"hashValue": value, "CSPFeedbacks": [feedback]})

    def submit(self, pdq_hashes: list[str]) -> None:
        """Add hashes to the list. Raises ExchangeFailed."""
        # The signal type goes by its value; a widely used client sends its name in the programme instead.
        self._post("/SubmitHashes", pdq_hashes, lambda value: {"hashValue": value, "signalType": "ImagePDQ"})

    def _post(self, path: str, values: list[str], record: Callable[[str], dict[str, Any]]) -> None:
        for start in range(0, len(values), _PAGE_SIZE):
            part = [record(value) | {"signalType": "ImagePDQ"} for value in values[start : start + _PAGE_SIZE]]
            self._client.send("POST", path, json={"count": len(part), "hashRecords": part})


def _entries(record: object, aside: Counter[str]) -> Iterator[Entry]:
    if not isinstance(record, dict):
        raise ExchangeFailed("StopNCII sent a record that is none; nothing of its page was taken in.")
    kind, status = _KINDS.get(str(record.get("signalType"))), record.get("hashStatus")
    if kind is None or status not in _LISTED | _GONE:
        aside[f"{record.get('signalType')} {status}"[:80]] += 1
        return
    try:
        value = parse_hash(kind, str(record.get("hashValue")))
        at_s = _seconds(record.get("lastModtimestamp"))
    except ValueError:
        aside[f"{kind.value} that does not parse"] += 1
        return
    yield Entry(kind, value, status in _GONE, at_s)


def _seconds(value: object) -> int:
    """A moment, as a number of seconds or in ISO 8601. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return max(0, value)
    return max(0, int(datetime.fromisoformat(str(value)).timestamp()))


def _json(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise ExchangeFailed("StopNCII answered with what is no JSON; try again later.") from error
    if not isinstance(answer, dict):
        raise ExchangeFailed("StopNCII answered with another shape than agreed; try again later.")
    return answer


def _field(answer: dict[str, Any], name: str, kind: type[Any]) -> Any:
    value = answer.get(name)
    if not isinstance(value, kind):
        raise ExchangeFailed(f"StopNCII answered without a {name} of the agreed kind; try again later.")
    return value
