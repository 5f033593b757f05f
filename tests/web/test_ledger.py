"""The log behind the door: every answer carries its receipts, outsiders verify it, and nothing of anybody is in it."""

import base64
import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text, update
from typer.testing import CliRunner

from safelight.backends.memory import MemoryBackend
from safelight.cli.main import app
from safelight.core.category import Category
from safelight.core.errors import LedgerUnfit
from safelight.core.limits import DEFAULT_LIMITS
from safelight.core.request import Tier
from safelight.ledger.proofs.leaf import Leaf
from safelight.ledger.proofs.note import SecretKey
from safelight.ledger.proofs.receipt import Receipt, give_receipt
from safelight.ledger.verify.main import main as verify
from safelight.policy.explain import HARMS
from safelight.store.tables import decisions, ledger_leaves
from tests.detectors import raises, scripted_detectors
from tests.service import Service, serving

RECEIPT = "safelight-receipt"
INTEGRATED_S = 20.0


class Stand:
    """A service whose detectors answer with synthetic scores."""

    def __init__(self, service: Service, folder: Path) -> None:
        self.service = service
        self.folder = folder
        self.key = service.safelight.ledger.key.public().to_text()

    def check(self, prompt: str = "a lighthouse", **subject: str) -> Any:
        body = {"messages": [{"role": "user", "content": prompt}], "subject": {"id": "an account", **subject}}
        with self.service.http() as http:
            return http.post("/v1/check", json=body)

    def get(self, path: str) -> Any:
        with self.service.http() as http:
            return http.get(path)

    def integrated(self, receipt: str) -> Any:
        """The proof for a receipt, once the tree has its leaf."""
        path = f"/ledger/proof/{Receipt.parse(receipt).leaf_hash.hex()}"
        deadline = time.monotonic() + INTEGRATED_S
        while (answer := self.get(path)).status_code == 404 and time.monotonic() < deadline:
            time.sleep(0.05)
        return answer

    def leaves(self) -> list[bytes]:
        return list(self.service.sql(lambda c: c.execute(select(ledger_leaves.c.content)).scalars().all()))


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("log")
    detectors = scripted_detectors()
    with serving(folder, detectors=list(detectors.values()), backend=MemoryBackend()) as service:
        yield Stand(service, folder)


def test_an_answer_carries_a_receipt_and_the_log_keeps_it(stand: Stand, capsys: pytest.CaptureFixture[str]) -> None:
    answer = stand.check()
    (receipt,) = answer.json()["receipts"]
    assert answer.headers[RECEIPT] == receipt
    assert stand.integrated(receipt).status_code == 200
    where = ["receipt", receipt, f"{stand.service.address}/ledger", "--key", stand.key, "--json"]
    assert verify(where) == 0
    leaf = json.loads(capsys.readouterr().out)["leaf"]
    assert (leaf["kind"], leaf["verdict"], leaf["stage"]) == ("decision", "allow", "input")
    assert leaf["policy"] == answer.json()["policy_version"]


def test_the_whole_log_verifies_over_the_web(stand: Stand, capsys: pytest.CaptureFixture[str]) -> None:
    stand.integrated(stand.check().json()["receipts"][0])
    assert verify(["log", f"{stand.service.address}/ledger", "--key", stand.key, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["complete"]
    assert shown["decisions"]["input/allow/-"] >= 1


def test_both_looks_at_a_request_have_their_receipts(tmp_path: Path, flat: bytes) -> None:
    detectors = scripted_detectors()
    with serving(tmp_path, detectors=list(detectors.values()), backend=MemoryBackend(flat)) as service:
        one = Stand(service, tmp_path)
        with service.http() as http:
            answer = http.post("/v1/images/generations", json={"prompt": "a lighthouse"})
        looked = [json.loads(_leaf_of(one, receipt))["stage"] for receipt in answer.headers[RECEIPT].split(",")]
        assert looked == ["input", "output"]
        detectors["image_nudity_one"].before = raises
        with service.http() as http:
            refused = http.post("/v1/images/generations", json={"prompt": "a lighthouse"})
        assert refused.status_code == 503
        said = [json.loads(_leaf_of(one, receipt)) for receipt in refused.headers[RECEIPT].split(",")]
        assert said[-1]["missing"] == ["image_nudity_one:broken"]
        kinds = [Leaf.parse(content).kind for content in one.leaves()]
        assert kinds.count("outage_start") == 1


def test_tiles_are_kept_for_ever_and_heads_are_not(stand: Stand) -> None:
    stand.integrated(stand.check().json()["receipts"][0])
    tile, head = stand.get("/ledger/tile/0/000.p/1"), stand.get("/ledger/checkpoint")
    assert "immutable" in tile.headers["cache-control"]
    assert (len(tile.content), tile.headers["content-type"]) == (32, "application/octet-stream")
    assert head.headers["cache-control"] == "no-cache"
    assert head.headers["content-type"] == "text/plain; charset=utf-8"
    assert stand.get("/ledger/key").text.strip() == stand.key


@pytest.mark.parametrize(
    "path", ["tile/0/001", "tile/9/000", "tile/0/0", "tile/x/..%2f..", "proof/00", "proof/" + "0" * 64, "witnessed"]
)
def test_what_is_not_there_is_a_404_in_words(stand: Stand, path: str) -> None:
    answer = stand.get(f"/ledger/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/plain")


def test_the_page_shows_the_head_the_leaves_and_a_receipt(stand: Stand) -> None:
    receipt = stand.check().json()["receipts"][0]
    stand.integrated(receipt)
    page = stand.get(f"/ledger?receipt={receipt}").text
    assert "Your entry is number" in page
    assert "safelight-verify log" in page
    assert "process start" in page
    assert "Not found" in stand.get("/ledger?receipt=v1.nothing").text
    assert "<script>" not in stand.get("/ledger?receipt=<script>").text


def test_the_page_takes_all_receipts_of_an_answer_and_says_in_words_what_was_refused(
    tmp_path: Path, flat: bytes
) -> None:
    detectors = scripted_detectors()
    with serving(tmp_path, detectors=list(detectors.values()), backend=MemoryBackend(flat)) as service:
        one = Stand(service, tmp_path)
        detectors["image_nudity_one"].before = raises
        with service.http() as http:
            refused = http.post("/v1/images/generations", json={"prompt": "a lighthouse"})
        given = refused.headers[RECEIPT]
        for receipt in given.split(","):
            one.integrated(receipt)
        forged = give_receipt(b"\x01" * 32, 0, SecretKey("elsewhere.example", b"\x02" * 32)).to_text()
        with service.http() as http:
            page = http.get("/ledger", params={"receipt": f"{RECEIPT}: {given}, {forged}"}).text
    assert len(given.split(",")) == 2
    assert "(receipt 1 of 3)" in page
    assert "(receipt 2 of 3)" in page
    assert "Not found (receipt 3 of 3)" in page
    assert "This log has not given this receipt." in page
    assert f"because of {HARMS[Category.UNCHECKED]} (unchecked)" in page
    for category, words in HARMS.items():
        assert f'<dt id="{category}"><code>{category}</code></dt><dd>{words}</dd>' in page


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    prompt=st.text(st.characters(exclude_categories=["C"]), min_size=6, max_size=60).filter(lambda text: text.strip()),
    account=st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=12, max_size=40),
    tier=st.sampled_from(list(Tier)),
)
def test_nothing_of_anybody_is_in_the_log_in_any_encoding(stand: Stand, prompt: str, account: str, tier: Tier) -> None:
    answer = stand.check(prompt, id=account, tier=tier.value)
    assert answer.status_code == 200
    (receipt,) = answer.json()["receipts"]
    row = stand.service.sql(lambda c: c.execute(select(decisions).where(decisions.c.id == answer.json()["id"])).one())
    private = [prompt, account, row.subject_id, row.key_id, row.prompt_digest, row.request_id, row.id]
    private += [row.subject_id.partition("_")[2], row.prompt_digest.partition(":")[2]]
    published = stand.integrated(receipt).content
    leaf = _leaf_of(stand, receipt)
    for one in private:
        if len(one) < 6:
            continue
        for form in _forms(one):
            assert form not in leaf
            assert form not in published
    # Nor the tier, which is one of three words: it stands there as a commitment only.
    assert tier.value not in {value for value in json.loads(leaf).values() if isinstance(value, str)}


def test_the_same_request_on_every_tier_differs_only_in_what_is_committed(stand: Stand) -> None:
    leaves = [json.loads(_leaf_of(stand, stand.check(tier=tier.value).json()["receipts"][0])) for tier in Tier]
    commitments = [leaf.pop("commit") for leaf in leaves]
    for leaf in leaves:
        del leaf["at"], leaf["seq"]
    assert leaves[0] == leaves[1] == leaves[2]
    assert len({one["tier"] for one in commitments}) == 3


@pytest.mark.parametrize("subject", [{}, {"subject": {"id": "an account"}}])
def test_a_tier_that_a_header_says_is_recorded_with_a_check_too(stand: Stand, subject: dict[str, Any]) -> None:
    body = {"messages": [{"role": "user", "content": "a lighthouse"}], **subject}
    with stand.service.http(headers={"safelight-tier": "paid"}) as http:
        decision = http.post("/v1/check", json=body).json()["id"]
    tier = stand.service.sql(lambda c: c.execute(select(decisions.c.tier).where(decisions.c.id == decision)).scalar())
    assert tier == "paid"


def test_a_leaf_is_opened_for_an_auditor_and_shut_by_erasure(stand: Stand, tmp_path: Path) -> None:
    run = CliRunner().invoke
    place = ["--data-dir", str(stand.folder)]
    decision = stand.check(id="somebody", tier="paid").json()
    opened = run(app, ["ledger", "open", decision["id"], "--field", "tier", "--json", *place])
    assert opened.exit_code == 0, opened.output
    file = tmp_path / "opened.json"
    file.write_text(opened.output)
    assert json.loads(opened.output)["openings"].keys() == {"tier"}
    assert verify(["opening", str(file)]) == 0
    file.write_text(opened.output.replace('"paid"', '"free"'))
    assert verify(["opening", str(file)]) == 1

    stand.integrated(decision["receipts"][0])
    before = stand.get("/ledger/checkpoint").text
    subject = stand.service.sql(
        lambda c: c.execute(select(decisions.c.subject_id).where(decisions.c.id == decision["id"])).scalar()
    )
    address = f"{stand.service.address}/ledger"
    file.write_text(opened.output)
    assert verify(["opening", str(file), address, "--key", stand.key]) == 0
    assert run(app, ["ledger", "erase", "--account", "somebody", "--platform", "open", *place]).exit_code == 0
    shut = run(app, ["ledger", "open", decision["id"], *place])
    assert isinstance(shut.exception, LedgerUnfit | SystemExit)
    assert "ledger_shut" in shut.output
    assert run(app, ["ledger", "erase", str(subject), *place]).exit_code == 2
    assert run(app, ["ledger", "erase", *place]).exit_code == 2
    old = tmp_path / "before.checkpoint"
    old.write_text(before)
    assert verify(["consistency", str(old), address, "--key", stand.key]) == 0
    assert run(app, ["ledger", "verify", *place]).exit_code == 0


def test_the_log_is_exported_and_the_copy_verifies(stand: Stand, tmp_path: Path) -> None:
    run = CliRunner().invoke
    place = ["--data-dir", str(stand.folder)]
    for _ in range(2):
        stand.integrated(stand.check().json()["receipts"][0])
        assert run(app, ["ledger", "export", str(tmp_path / "copy"), *place, "--json"]).exit_code == 0
        assert verify(["log", str(tmp_path / "copy"), "--key", stand.key]) == 0
    status = json.loads(run(app, ["ledger", "status", *place, "--json"]).output)
    assert status["key"] == stand.key
    assert run(app, ["ledger", "status", "--data-dir", str(tmp_path)]).exit_code == 2
    assert list((tmp_path / "copy").rglob("*.new")) == []
    (tmp_path / "copy/key").write_text("another.example/log+00000000+x\n")
    refused = run(app, ["ledger", "export", str(tmp_path / "copy"), *place, "--json"])
    assert refused.exit_code == 2
    assert "a copy of the log another.example/log" in " ".join(refused.output.split())


def test_a_place_that_cannot_be_written_and_a_field_that_is_none_are_told(stand: Stand, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for arguments, said in (
        (["ledger", "export", str(tmp_path / "file")], "cannot be written"),
        (["ledger", "openings", str(tmp_path / "file/x"), *ALL_DAYS], "cannot be written"),
        (["ledger", "openings", str(tmp_path / "x"), *ALL_DAYS, "--field", "tiers"], "no field 'tiers'"),
        (["figures", "--html", str(tmp_path / "file/x"), *ALL_DAYS], "cannot be written"),
    ):
        done = CliRunner().invoke(app, [*arguments, "--data-dir", str(stand.folder)])
        assert (done.exit_code, said in " ".join(done.output.split())) == (2, True), done.output


ALL_DAYS = ["--from", "2020-01-01", "--to", "2100-01-01"]


def test_figures_are_published_and_an_outsider_recomputes_them(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = CliRunner().invoke
    place = ["--data-dir", str(stand.folder)]
    stand.integrated(stand.check().json()["receipts"][0])
    page, file = tmp_path / "report.html", tmp_path / "figures.json"
    done = run(app, ["figures", *ALL_DAYS, "--html", str(page), "--json", *place])
    assert done.exit_code == 0, done.output
    file.write_text(done.output)
    assert json.loads(done.output)["figures"]["requests"] >= 1
    assert "What was asked and refused" in page.read_text("utf-8")
    address = f"{stand.service.address}/ledger"
    assert verify(["totals", address, "--key", stand.key, "--published", str(file)]) == 0
    assert "They are what was published." in capsys.readouterr().out
    told = json.loads(done.output)
    told["figures"]["requests"] -= 1
    file.write_text(json.dumps(told))
    assert verify(["totals", address, "--key", stand.key, "--published", str(file)]) == 1
    assert "requests: published" in capsys.readouterr().out
    assert "downtime_s" in run(app, ["figures", *ALL_DAYS, *place]).output
    assert run(app, ["figures", "--from", "2100-01-01", "--to", "2020-01-01", *place]).exit_code == 2


def test_an_auditor_compares_tiers_with_the_openings_that_they_are_given(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        answers = [stand.check(f"harbour {number}", id="an auditor", tier=tier.value) for tier in Tier]
    stand.integrated(answers[-1].json()["receipts"][0])
    file = tmp_path / "openings.jsonl"
    place = ["--data-dir", str(stand.folder), "--json"]
    done = CliRunner().invoke(app, ["ledger", "openings", str(file), *ALL_DAYS, *place])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["opened"] == len(file.read_text("utf-8").splitlines()) >= 9
    assert '"account"' not in "".join(
        str(json.loads(line)["openings"].keys()) for line in file.read_text().splitlines()
    )
    assert verify(["parity", str(file), f"{stand.service.address}/ledger", "--key", stand.key, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["comparisons"]
    assert len(found) == 3
    assert all(one["pairs"] >= 3 and one["difference"] == 0.0 for one in found)


def test_a_decision_is_replayed_from_the_log_and_from_what_an_auditor_holds(stand: Stand, tmp_path: Path) -> None:
    run = CliRunner().invoke
    place = ["--data-dir", str(stand.folder)]
    decision = stand.check().json()
    stand.integrated(decision["receipts"][0])
    done = run(app, ["ledger", "replay", decision["id"], "--json", *place])
    assert (done.exit_code, json.loads(done.output)["same"]) == (0, True), done.output

    opening, policy = tmp_path / "opened.json", tmp_path / "policy.json"
    opening.write_text(run(app, ["ledger", "open", decision["id"], "--field", "record", "--json", *place]).output)
    policy.write_text(run(app, ["ledger", "policy", decision["policy_version"], *place]).output, "utf-8")
    assert "sha256:" + hashlib.sha256(policy.read_bytes()).hexdigest() == decision["policy_version"]
    files = ["ledger", "replay", "-", "--opening", str(opening), "--policy", str(policy)]
    assert run(app, files).exit_code == 0
    # A leaf that says another verdict than its record gives is the log's own contradiction.
    told = json.loads(opening.read_text())
    opening.write_text(json.dumps(told | {"leaf": told["leaf"].replace('"allow"', '"refuse"')}))
    assert run(app, files).exit_code == 1
    assert run(app, files[:-2]).exit_code == 2
    assert run(app, ["ledger", "policy", "sha256:00", *place]).exit_code == 2
    opening.write_text("{}")
    assert run(app, files).exit_code == 2


def test_a_log_that_cannot_keep_its_promise_lets_nothing_out(tmp_path: Path, flat: bytes) -> None:
    detectors, backend = scripted_detectors(), MemoryBackend(flat)
    limits = replace(DEFAULT_LIMITS, ledger_behind_max_s=0.5, ready_max_age_s=0.0)
    with serving(tmp_path, detectors=list(detectors.values()), backend=backend, limits=limits) as service:
        stand = Stand(service, tmp_path)
        service.sql(lambda c: c.execute(text("ALTER TABLE ledger_tiles RENAME TO gone")).close())
        until(lambda: stand.check().status_code == 503)
        asked = len(backend.jobs)
        with service.http() as http:
            answer = http.post("/v1/images/generations", json={"prompt": "a"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "record_failed")
        assert "data" not in answer.json()
        assert len(backend.jobs) == asked + 1  # made, and not released
        assert "ledger" in stand.get("/ready").json()["troubles"]
        service.sql(lambda c: c.execute(text("ALTER TABLE gone RENAME TO ledger_tiles")).close())
        until(lambda: stand.check().status_code == 200)


def until(condition: Callable[[], bool]) -> None:
    """Wait for `condition`, with an end."""
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()


def test_a_service_with_a_rolled_back_or_changed_database_does_not_start(tmp_path: Path, flat: bytes) -> None:
    def serve() -> None:
        detectors = list(scripted_detectors().values())
        with serving(tmp_path, detectors=detectors, backend=MemoryBackend(flat)) as service:
            stand = Stand(service, tmp_path)
            assert stand.integrated(stand.check().json()["receipts"][0]).status_code == 200

    serve()
    database = tmp_path / "safelight.db"
    backup = database.read_bytes()
    serve()
    database.write_bytes(backup)
    with pytest.raises(LedgerUnfit, match="rolled back") as refused:
        serve()
    assert refused.value.code == "ledger_rolled_back"
    (tmp_path / "ledger.head").unlink()
    serve()  # without the kept head nothing tells: that is what a witness is for
    with sqlite3.connect(database) as changed:
        changed.execute("UPDATE ledger_tiles SET hashes = zeroblob(length(hashes))")
    changed.close()
    with pytest.raises(LedgerUnfit) as refused:
        serve()
    assert refused.value.code == "ledger_changed"


def test_a_leaf_that_was_dropped_or_changed_in_the_database_is_found(
    tmp_path: Path, flat: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    detectors = list(scripted_detectors().values())
    with serving(tmp_path, detectors=detectors, backend=MemoryBackend(flat)) as service:
        stand = Stand(service, tmp_path)
        stand.integrated(stand.check().json()["receipts"][0])
        log = ["log", f"{service.address}/ledger", "--key", stand.key, "--json"]
        assert verify(log) == 0
        last = service.sql(lambda c: c.execute(select(ledger_leaves).order_by(ledger_leaves.c.id.desc())).first())
        assert last
        here = ledger_leaves.c.id == last.id
        changed = last.content.replace(b'"allow"', b'"refuse"')
        service.sql(lambda c: c.execute(update(ledger_leaves).where(here).values(content=changed)).close())
        assert verify(log) == 1
        service.sql(lambda c: c.execute(delete(ledger_leaves).where(here)).close())
        assert verify(log) == 4
    capsys.readouterr()


def _leaf_of(stand: Stand, receipt: str) -> bytes:
    hashed = Receipt.parse(receipt).leaf_hash
    where = ledger_leaves.c.leaf_hash == hashed
    content: bytes = stand.service.sql(lambda c: c.execute(select(ledger_leaves.c.content).where(where)).scalar_one())
    return content


def _forms(text: str) -> list[bytes]:
    """A text as it might stand somewhere: itself, its hashes, and each of those in the usual encodings."""
    raw = text.encode()
    digests = [hashlib.new(name, raw).digest() for name in ("md5", "sha1", "sha256", "sha512")]
    found = [raw, json.dumps(text).encode()[1:-1]]
    for content in [raw, *digests]:
        found += [content, content.hex().encode(), base64.b64encode(content).rstrip(b"="), base64.b32encode(content)]
        found.append(base64.urlsafe_b64encode(content).rstrip(b"="))
    return found
