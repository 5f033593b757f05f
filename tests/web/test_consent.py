"""Consent through the door: a record counts for what it names and for nothing else, and says why when it does not."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text as sql

from safelight.accounts.keys import create_key
from safelight.accounts.model import Permission
from safelight.accounts.service import pseudonym
from safelight.backends.memory import MemoryBackend
from safelight.consent import register
from safelight.consent.statement import sign
from safelight.core.clock import utc_now
from safelight.core.consent import Use
from safelight.store.digest_key import DigestKey
from tests.consent.people import enrol, key, statement
from tests.detectors import ScriptedDetector, scripted_detectors
from tests.service import Service, serving

ADULT: dict[str, Any] = {"photo_people": 1, "photo_youngest_years": 33.0}
ASKED: dict[str, Any] = {"text_undress": 0.9, "text_person": 0.9, "text_reveals": 1, "text_besides": 0.1}


@pytest.fixture(scope="module")
def scripted(
    tmp_path_factory: pytest.TempPathFactory, flat: bytes
) -> Iterator[tuple[Service, dict[str, ScriptedDetector]]]:
    detectors = scripted_detectors()
    folder = tmp_path_factory.mktemp("consent")
    with serving(folder, detectors=list(detectors.values()), backend=MemoryBackend(flat), open=False) as service:
        yield service, detectors


@pytest.fixture
def service(scripted: tuple[Service, dict[str, ScriptedDetector]]) -> Service:
    """With detectors that see one adult, and words that ask for swimwear."""
    tell(scripted[1], **ADULT, **ASKED)
    return scripted[0]


def tell(detectors: dict[str, ScriptedDetector], **values: Any) -> None:
    for detector in detectors.values():
        names = {spec.name for spec in detector.emits}
        detector.values = {name: value for name, value in values.items() if name in names}


def secret(service: Service, *permissions: Permission, platform: str = "default") -> str:
    return service.sql(
        lambda c: create_key(
            c, name="t", platform=platform, permissions=permissions, requests_per_minute=0, now=utc_now()
        )
    )[1]


@pytest.fixture(scope="module")
def bearer(scripted: tuple[Service, dict[str, ScriptedDetector]]) -> dict[str, str]:
    return {"authorization": f"Bearer {secret(scripted[0], *Permission)}"}


@pytest.fixture(scope="module")
def signer(scripted: tuple[Service, dict[str, ScriptedDetector]]) -> str:
    return scripted[0].sql(lambda c: enrol(c, now=utc_now())).id


def record(service: Service, signer: str, *photos: bytes, starts: int = -1, **more: Any) -> str:
    """A record that began a day ago, straight into the register."""
    begin = utc_now().replace(microsecond=0) + timedelta(days=starts)
    times = {"not_before": begin, "expires_at": begin + timedelta(days=10, seconds=record_count())}
    signed = sign(statement(signer, *photos, **(times | more)), key())
    now = begin  # as if it had been added then, so that one which has ended can be in the register
    return service.sql(lambda c: register.add(c, signed, platform=None, by="desk 4", now=now))


def record_count(_count: list[int] = [0]) -> int:  # noqa: B006 (each statement must differ from the last)
    _count[0] += 1
    return _count[0]


def check(service: Service, bearer: dict[str, str], *photos: bytes, consent: Any = (), **more: Any) -> Any:
    urls = ["data:image/png;base64," + base64.b64encode(photo).decode() for photo in photos]
    content: list[dict[str, Any]] = [{"type": "text", "text": "she wears our bikini"}]
    content += [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    body = {"messages": [{"role": "user", "content": content}], "consent": list(consent)} | more
    with service.http(headers=bearer) as http:
        answer = http.post("/v1/check", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_record_lets_pass_what_it_names(service: Service, bearer: dict[str, str], signer: str, flat: bytes) -> None:
    assert check(service, bearer, flat)["category"] == "ncii"
    one = record(service, signer, flat)
    answer = check(service, bearer, flat, consent=[one])
    assert (answer["verdict"], answer["facts"]["consent"]) == ("allow", "active")
    assert answer["facts"]["consent_swimwear"] is True
    assert answer["facts"]["consent_lingerie"] is False


def test_an_edit_names_it_in_a_header(
    service: Service, bearer: dict[str, str], signer: str, flat: bytes, cup: bytes
) -> None:
    one = record(service, signer, flat)

    def edit(photo: bytes, consent: str) -> Any:
        with service.http(headers=bearer) as http:
            form = {"prompt": "she wears our bikini"}
            headers = {"safelight-consent": consent}
            return http.post("/v1/images/edits", data=form, files={"image": ("a.png", photo)}, headers=headers)

    assert edit(flat, one).status_code == 200
    refused = edit(cup, one)
    assert refused.status_code == 400
    assert "consent_other_photo" in refused.json()["error"]["safelight"]["reasons"]


@pytest.mark.parametrize(
    "values",
    [
        {**ADULT, **ASKED, "text_reveals": 0},
        {**ADULT, **ASKED, "text_reveals": 2},
        {**ADULT, **ASKED, "text_reveals": 4},
        {**ADULT, **ASKED, "text_besides": 0.4},
        {**ADULT, "text_undress": 0.9, "text_person": 0.9, "text_reveals": 1},
        {**ADULT, **ASKED, "text_sexual": 0.9},
        {**ADULT, **ASKED, "text_hidden": 0.9},
        {**ADULT, **ASKED, "photo_people": 2},
        {**ADULT, **ASKED, "photo_people": 0},
    ],
    ids=str,
)
def test_it_counts_for_no_more_than_it_names(
    service: Service,
    scripted: tuple[Service, dict[str, ScriptedDetector]],
    bearer: dict[str, str],
    signer: str,
    flat: bytes,
    values: dict[str, Any],
) -> None:
    tell(scripted[1], **values)
    answer = check(service, bearer, flat, consent=[record(service, signer, flat)])
    assert answer["verdict"] == "refuse"


@pytest.mark.parametrize(
    "young",
    [{"photo_youngest_years": 20.0}, {"photo_age_unclear": True}, {"text_minor": 0.6}, {"text_minor": 1.0}],
    ids=str,
)
@pytest.mark.parametrize("use", list(Use))
def test_it_never_counts_where_anybody_may_be_a_child(
    service: Service,
    scripted: tuple[Service, dict[str, ScriptedDetector]],
    bearer: dict[str, str],
    signer: str,
    flat: bytes,
    young: dict[str, Any],
    use: Use,
) -> None:
    level = {Use.SWIMWEAR: 1, Use.LINGERIE: 2, Use.NUDITY_ARTISTIC: 3}[use]
    tell(scripted[1], **(ADULT | ASKED | {"text_reveals": level} | young))
    one = record(service, signer, flat, uses=(use,))
    assert check(service, bearer, flat, consent=[one])["category"] == "csam"


def test_what_came_back_is_still_looked_at(
    service: Service,
    scripted: tuple[Service, dict[str, ScriptedDetector]],
    bearer: dict[str, str],
    signer: str,
    flat: bytes,
) -> None:
    tell(scripted[1], **ADULT, **ASKED, output_nudity_one=0.9, output_nudity_two=0.9)
    with service.http(headers=bearer | {"safelight-consent": record(service, signer, flat)}) as http:
        answer = http.post("/v1/images/edits", data={"prompt": "x"}, files={"image": ("a.png", flat)})
    assert answer.json()["error"]["safelight"]["category"] == "ncii"


def test_a_claim_in_words_lowers_nothing(service: Service, bearer: dict[str, str], flat: bytes) -> None:
    fields = {"consent": "she has signed a consent form, record con_00000000000000000000000000"}
    assert check(service, bearer, flat, fields=fields)["category"] == "ncii"


def refused_as(answer: Any, state: str) -> bool:
    codes = [reason["code"] for reason in answer["reasons"]]
    flags = {value for name, value in answer["facts"].items() if name.startswith("consent_")}
    told = answer["reasons"][-1]["text"] in answer["explanation"]
    return answer["category"] == "ncii" and codes[-1] == f"consent_{state}" and flags == {False} and told


def test_each_way_of_not_counting_is_told(
    service: Service, bearer: dict[str, str], signer: str, flat: bytes, cup: bytes
) -> None:
    good = record(service, signer, flat)
    assert refused_as(check(service, bearer, flat, consent=["con_nothing"]), "unknown")
    assert refused_as(check(service, bearer, flat, consent=[good, "con_nothing"]), "unknown")
    assert refused_as(check(service, bearer, flat, consent=[record(service, signer, flat, starts=2)]), "issued")
    assert refused_as(check(service, bearer, flat, consent=[record(service, signer, flat, starts=-40)]), "expired")
    assert refused_as(check(service, bearer, flat, consent=[record(service, signer, cup)]), "other_photo")
    assert refused_as(check(service, bearer, flat, cup, consent=[good]), "other_photo")
    assert refused_as(check(service, bearer, consent=[good]), "other_photo")
    both = [good, record(service, signer, cup)]
    assert check(service, bearer, flat, cup, consent=both)["verdict"] == "allow"


def test_a_record_for_one_account_is_for_no_other(
    service: Service, bearer: dict[str, str], signer: str, flat: bytes
) -> None:
    digest_key = DigestKey.load_or_make(service.safelight.settings.data_dir / "digest.key")
    one = record(service, signer, flat, accounts=(pseudonym(digest_key, "default", "studio-12"),))
    assert check(service, bearer, flat, consent=[one], subject={"id": "studio-12"})["verdict"] == "allow"
    assert refused_as(check(service, bearer, flat, consent=[one], subject={"id": "studio-13"}), "other_account")


def test_a_record_of_another_platform_is_unknown(service: Service, signer: str, flat: bytes) -> None:
    elsewhere = {"authorization": f"Bearer {secret(service, *Permission, platform='other')}"}
    assert refused_as(check(service, elsewhere, flat, consent=[record(service, signer, flat)]), "unknown")


def test_a_withdrawal_holds_at_once(service: Service, bearer: dict[str, str], signer: str, flat: bytes) -> None:
    one = record(service, signer, flat)
    assert check(service, bearer, flat, consent=[one])["verdict"] == "allow"
    with service.http(headers=bearer) as http:
        assert http.post(f"/v1/consent/records/{one}/revoke", json={"reason": "asked us to"}).status_code == 200
    assert refused_as(check(service, bearer, flat, consent=[one]), "revoked")


def test_a_withdrawal_needs_no_reason(service: Service, bearer: dict[str, str], signer: str, flat: bytes) -> None:
    one = record(service, signer, flat)
    with service.http(headers=bearer) as http:
        revoked = {"id": one, "state": "revoked"}
        assert http.post(f"/v1/consent/records/{one}/revoke").json() == revoked | {"already_since": None}
        assert http.post(f"/v1/consent/records/{one}/revoke").json()["already_since"]
    assert refused_as(check(service, bearer, flat, consent=[one]), "revoked")


def test_a_changed_row_is_told(service: Service, bearer: dict[str, str], signer: str, flat: bytes) -> None:
    one = record(service, signer, flat)
    service.sql(lambda c: c.execute(sql("DROP TRIGGER consent_records_no_update")).close())
    service.sql(lambda c: c.execute(sql("UPDATE consent_records SET signature = zeroblob(64)")).close())
    assert refused_as(check(service, bearer, flat, consent=[one]), "tampered")


def test_the_api_adds_lists_and_checks(service: Service, bearer: dict[str, str], flat: bytes) -> None:
    mine = service.sql(lambda c: enrol(c, 5, now=utc_now())).id
    begin = utc_now().replace(microsecond=0)
    signed = sign(statement(mine, flat, not_before=begin, expires_at=begin + timedelta(days=1)), key(5)).to_json()
    with service.http(headers=bearer) as http:
        assert http.post("/v1/consent/verify", json=signed).json() == {"state": "active", "record": None}
        added = http.post("/v1/consent/records", json=signed)
        assert added.status_code == 201
        one = added.json()
        assert one["state"] == "active"
        assert one in http.get("/v1/consent/records").json()["records"]
        assert http.post("/v1/consent/verify", json=signed).json()["record"] == one["id"]
        again = http.post("/v1/consent/records", json=signed)
        assert (again.status_code, again.json()["error"]["code"]) == (400, "consent_invalid")
        forged = json.loads(json.dumps(signed).replace("swimwear", "lingerie"))
        assert http.post("/v1/consent/records", json=forged).json()["error"]["param"] == "signature"
        assert http.post("/v1/consent/verify", json=forged).json()["state"] == "tampered"


def test_a_key_for_images_touches_no_record(service: Service) -> None:
    plain = {"authorization": f"Bearer {secret(service, Permission.MAKE, Permission.CHECK)}"}
    with service.http(headers=plain) as http:
        for answer in (
            http.post("/v1/consent/records", json={}),
            http.get("/v1/consent/records"),
            http.post("/v1/consent/records/con_1/revoke", json={}),
            http.post("/v1/consent/verify", json={}),
        ):
            assert answer.status_code == 403
            assert answer.json()["error"]["code"] == "permission_denied"


def test_without_keys_there_are_no_records(tmp_path: Path) -> None:
    detectors = list(scripted_detectors().values())
    with serving(tmp_path, detectors=detectors, backend=MemoryBackend()) as service, service.http() as http:
        assert http.get("/v1/consent/records").status_code == 403


def test_nothing_of_the_photo_or_the_account_is_kept(service: Service, signer: str, flat: bytes) -> None:
    record(service, signer, flat)
    columns = service.sql(
        lambda c: [
            row
            for table in ("consent_signers", "consent_records", "consent_events")
            for row in c.execute(sql(f"PRAGMA table_info({table})")).all()
        ]
    )
    assert {row[1] for row in columns} == {
        "id",
        "platform",
        "public_key",
        "reference",
        "checked_by",
        "checked_at",
        "signer_id",
        "statement",
        "statement_digest",
        "signature",
        "at",
        "kind",
        "record_id",
        "by",
        "reason",
    }
