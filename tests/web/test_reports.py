"""`/v1/reports`, through the door: a report by a platform's own form, its receipt, and what can be done with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from safelight.cases.takedown.memory import MemoryPlatform, MemoryPost
from safelight.core.clock import utc_now
from tests.detectors import scripted_detectors
from tests.service import Service, serving

COMPLETE: dict[str, Any] = {
    "matter": "intimate",
    "reporter": "subject",
    "places": [{"kind": "post", "value": "p1"}],
    "contact": {"kind": "receipt"},
    "declarations": {
        "shows_intimate_content": True,
        "no_consent": True,
        "true_and_in_good_faith": True,
        "signature": "A. Person",
    },
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(
        tmp_path_factory.mktemp("reports"),
        detectors=list(scripted_detectors().values()),
        platform=MemoryPlatform(utc_now),
        post=MemoryPost(),
    ) as running:
        yield running


def send(service: Service, path: str = "", **body: Any) -> tuple[int, Any]:
    with service.http() as http:
        answer = http.post(f"/v1/reports{path}", json=body)
    return answer.status_code, answer.json()


def test_a_report_gets_a_receipt_and_is_hidden_at_once(service: Service) -> None:
    status, receipt = send(service, **COMPLETE)
    assert status == 201
    assert receipt["hidden_at"]
    assert receipt["missing"] == []
    status, found = send(service, "/status", code=receipt["code"], pin=receipt["pin"])
    assert status == 200
    assert [step["step"] for step in found["steps"]] == ["received", "hidden"]
    assert found["clock"]["law"] in ("uk_osa_s10", "us_take_it_down")


def test_the_code_may_be_typed_in_any_case_and_without_dashes(service: Service) -> None:
    _, receipt = send(service, **COMPLETE)
    typed = receipt["code"].replace("-", " ").lower()
    assert send(service, "/status", code=typed, pin=receipt["pin"])[0] == 200


def test_without_something_to_find_it_by_there_is_no_report_and_all_that_is_missing_is_named(service: Service) -> None:
    status, answer = send(service, matter="intimate")
    assert status == 400
    assert answer["error"]["code"] == "report_incomplete"
    assert answer["error"]["missing"] == [
        "place_or_fingerprint",
        "reporter",
        "shows_intimate_content",
        "no_consent",
        "true_and_in_good_faith",
        "signature",
        "contact",
    ]


def test_a_report_without_its_declarations_is_received_and_asked_for_them(service: Service) -> None:
    status, receipt = send(service, **(COMPLETE | {"declarations": {}, "places": [{"kind": "post", "value": "p2"}]}))
    assert status == 201
    assert receipt["hidden_at"] is None
    assert receipt["missing"] == ["shows_intimate_content", "no_consent", "true_and_in_good_faith", "signature"]
    added = {"declarations": COMPLETE["declarations"]}
    status, found = send(service, "/add", code=receipt["code"], pin=receipt["pin"], **added)
    assert status == 200
    assert found["missing"] == []
    assert found["visibility"] == "hidden"


def test_a_report_can_be_taken_back(service: Service) -> None:
    _, receipt = send(service, **(COMPLETE | {"places": [{"kind": "post", "value": "p3"}]}))
    status, found = send(service, "/withdraw", code=receipt["code"], pin=receipt["pin"])
    assert status == 200
    assert found["is_withdrawn"]
    assert found["visibility"] == "visible"
    assert send(service, "/withdraw", code=receipt["code"], pin=receipt["pin"])[0] == 409


def test_what_is_hidden_may_not_be_shown(service: Service) -> None:
    send(service, **(COMPLETE | {"places": [{"kind": "post", "value": "p4"}]}))
    assert send(service, "/visible", place={"kind": "post", "value": "p4"})[1] == {"visible": False}
    assert send(service, "/visible", place={"kind": "post", "value": "other"})[1] == {"visible": True}
    status, answer = send(service, "/visible", place=None)  # a client that lost what it asks about shows nothing
    assert (status, answer["error"]["code"]) == (400, "field_missing")


@pytest.mark.parametrize("by_header", [True, False])
def test_the_letters_to_an_account_are_in_the_language_that_its_platform_said(
    service: Service, *, by_header: bool
) -> None:
    account, place = f"author-{by_header}", {"kind": "post", "value": f"of-{by_header}"}
    named = {"safelight-subject": account}
    with service.http() as http:
        if by_header:
            http.post("/v1/check", json={"prompt": "a lamp"}, headers={**named, "safelight-language": "pl"})
        more = {} if by_header else {"about_language": "pl"}
        http.post("/v1/reports", json={**COMPLETE, "places": [place], "about_account": account, **more})
        letters = http.get("/v1/reports/letters", headers=named).json()["letters"]
        wrong = http.post("/v1/check", json={"prompt": "a lamp"}, headers={**named, "safelight-language": "no!"})
    assert [letter["language"] for letter in letters] == ["pl"]
    assert wrong.status_code == 400


def test_no_report_is_turned_away_for_its_language_and_the_answer_says_in_which_the_letters_are(
    service: Service,
) -> None:
    named = {"about_account": "a-9", "about_language": "xx-klingon"}
    for wanted, given in (("pl-PL", "pl"), ("xx", "en")):
        said = {**COMPLETE, **named, "language": wanted, "places": [{"kind": "post", "value": f"in-{wanted}"}]}
        status, answer = send(service, **said)
        assert status == 201
        assert (answer["language"], answer["about_language"]) == (given, "en")


def test_figures_count_the_reports(service: Service) -> None:
    send(service, **COMPLETE)
    with service.http() as http:
        found = http.get("/v1/reports/figures").json()
        bad = http.get("/v1/reports/figures", params={"since": "yesterday"})
    assert found["by_route"]["platform"]["reports"] >= 1
    assert found["all"]["within_48_h"] == 1.0
    assert bad.status_code == 400


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("places", [{"kind": "address", "value": "javascript:alert(1)"}]),
        ("places", [{"kind": "post", "value": " "}]),
        ("fingerprints", [{"kind": "pdq", "hex": "12"}]),
        ("contact", {"kind": "email", "value": "a@b.example\nbcc: c@d.example"}),
        ("contact", {"kind": "email", "value": "no address"}),
        ("language", "en\n"),
        ("explanation", "\x00"),
        ("surprise", 1),
    ],
)
def test_a_field_that_cannot_be_what_it_says_is_refused(service: Service, field: str, value: Any) -> None:
    status, answer = send(service, **(COMPLETE | {field: value}))
    assert status == 400
    assert answer["error"]["code"] in ("field_invalid", "body_invalid")


def test_a_wrong_pin_and_a_code_that_is_none_get_the_same_answer(service: Service) -> None:
    _, receipt = send(service, **COMPLETE)
    wrong = f"{(int(receipt['pin']) + 1) % 10**6:06d}"
    answers = [
        send(service, "/status", code=receipt["code"], pin=wrong),
        send(service, "/status", code="0000-0000-0000", pin="123456"),
        send(service, "/status", code="x", pin="y"),
    ]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 404


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Service]:
    with serving(tmp_path, detectors=list(scripted_detectors().values()), open=False) as running:
        yield running


def test_without_a_key_nothing_is_taken(locked: Service) -> None:
    assert send(locked, **COMPLETE)[0] == 401
