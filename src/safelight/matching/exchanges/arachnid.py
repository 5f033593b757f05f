"""Project Arachnid Shield: PDQ hashes go out, verdicts come back; the pictures stay here.

Source: the PDQ endpoint of Shield's version 1 API as its published client speaks to it.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from safelight.matching.errors import ExchangeFailed
from safelight.matching.exchanges.http import ExchangeClient

PRODUCTION_URL = "https://shield.projectarachnid.com"
_MAX_HASHES = 100


class Verdict(StrEnum):
    """What Shield says of a hash."""

    CSAM = "csam"
    HARMFUL = "harmful-abusive-material"
    NO_MATCH = "no-known-match"


@dataclass(frozen=True, slots=True)
class Answer:
    """Shield's verdict on one hash."""

    verdict: Verdict
    is_near: bool
    """Whether it matched by likeness, not exactly."""


class Arachnid:
    """Asks Shield."""

    def __init__(self, client: ExchangeClient) -> None:
        self._client = client

    @classmethod
    def connect(cls, base_url: str, *, user: str, password: str, **more: Any) -> "Arachnid":
        """With the credentials that Shield gave. Raises NotStartable."""
        return cls(ExchangeClient(base_url, auth=(user, password), **more))

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def ask(self, pdqs: Sequence[bytes]) -> list[Answer]:
        """One answer for each hash, in their order. Raises ExchangeFailed where one is missing or unknown."""
        answers: list[Answer] = []
        for start in range(0, len(pdqs), _MAX_HASHES):
            texts = [base64.b64encode(one).decode() for one in pdqs[start : start + _MAX_HASHES]]
            body = self._client.send("POST", "/v1/pdq/", json={"hashes": texts})
            answers += _answers(texts, body)
        return answers


def _answers(texts: Sequence[str], body: bytes) -> list[Answer]:
    try:
        found = json.loads(body)["scanned_hashes"]
        # A hash that Shield says nothing of was not looked at: that is no "no match".
        said = [found[text] for text in texts]
        return [Answer(Verdict(one["classification"] or "no-known-match"), one["match_type"] == "near") for one in said]
    except (ValueError, KeyError, TypeError) as error:
        raise ExchangeFailed("Shield answered with another shape than agreed, or left a hash out.") from error
