"""Shield: hashes out, verdicts in, and an answer that leaves a hash out is no "no match"."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from safelight.matching.errors import ExchangeFailed
from safelight.matching.exchanges.arachnid import Answer, Arachnid, Verdict
from tests.matching.exchanges.server import Asked, Exchange, Said, speaking
from tests.matching.test_intake import random_pdqs

PDQS = random_pdqs(250)
KNOWN = base64.b64encode(PDQS[3]).decode()


def shield(asked: Asked) -> Said:
    answers: dict[str, Any] = {}
    for text in json.loads(asked.body)["hashes"]:
        known = text == KNOWN
        answers[text] = {
            "classification": "csam" if known else "no-known-match",
            "match_type": "near" if known else None,
        }
    return Said(json.dumps({"scanned_hashes": answers}).encode())


@pytest.fixture
def server() -> Iterator[Exchange]:
    with speaking(shield) as server:
        yield server


@pytest.fixture
def arachnid(server: Exchange) -> Iterator[Arachnid]:
    arachnid = Arachnid.connect(server.address, user="u", password="p", sleep=lambda _s: None)
    yield arachnid
    arachnid.close()


def test_verdicts_come_in_the_order_of_the_hashes(arachnid: Arachnid, server: Exchange) -> None:
    answers = arachnid.ask(PDQS)
    assert len(answers) == 250
    assert answers[3] == Answer(Verdict.CSAM, is_near=True)
    assert {answer.verdict for answer in answers[4:]} == {Verdict.NO_MATCH}
    assert len(server.asked) == 3
    assert server.asked[0].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"no", b'{"scanned_hashes": {}}', b'{"scanned_hashes": null}'], ids=repr
)
def test_an_answer_that_leaves_a_hash_out_is_an_error(arachnid: Arachnid, server: Exchange, body: bytes) -> None:
    server.answer = lambda _asked: Said(body)
    with pytest.raises(ExchangeFailed):
        arachnid.ask(PDQS[:1])
