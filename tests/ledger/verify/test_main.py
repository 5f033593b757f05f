"""The command of an outsider: a verdict in words, as JSON and as an exit code, for an honest log and for each lie."""

import http.server
import json
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from safelight.ledger.proofs.checkpoint import open_checkpoint
from safelight.ledger.proofs.cosignature import cosign
from safelight.ledger.proofs.leaf import Leaf, commit
from safelight.ledger.proofs.merkle import leaf_hash
from safelight.ledger.proofs.note import Algorithm, Note, SecretKey, encode_base64
from safelight.ledger.proofs.receipt import give_receipt
from safelight.ledger.proofs.tlog_proof import TlogProof
from safelight.ledger.verify.main import main
from tests.ledger.twin import AT, KEY, WITNESS, honest_entries, naive_path, write_log

KEY_TEXT = KEY.public().to_text()
WITNESS_TEXT = WITNESS.public(Algorithm.COSIGNATURE).to_text()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    write_log(tmp_path / "log", honest_entries(300))
    return tmp_path / "log"


@pytest.fixture
def address(log: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(log)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def run(capsys: pytest.CaptureFixture[str], *arguments: object, key: str = KEY_TEXT) -> tuple[int, dict[str, Any]]:
    code = main([*map(str, arguments), "--json", *(["--key", key] if key else [])])
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, shown


def test_an_honest_log_is_verified_from_a_folder_and_from_the_web(
    log: Path, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for where in (log, address):
        code, shown = run(capsys, "log", where)
        assert (code, shown["size"], shown["complete"]) == (0, 303, True)
        assert shown["decisions"] == {"input/allow/-": 300}


def test_a_log_is_read_on_from_where_it_was_verified(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, entries = tmp_path / "state.json", honest_entries(300)
    write_log(log, entries[:100])
    assert run(capsys, "log", log, "--state", state)[0] == 0
    write_log(log, entries)
    code, shown = run(capsys, "log", log, "--state", state)
    assert (code, shown["read_from"], shown["size"]) == (0, 100, 303)
    write_log(log, entries[:50])
    code, shown = run(capsys, "log", log, "--state", state)
    assert (code, shown["code"]) == (1, "consistency_failed")


def test_a_fork_behind_what_was_verified_is_found(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, entries = tmp_path / "state.json", honest_entries(300)
    assert run(capsys, "log", log, "--state", state)[0] == 0
    write_log(log, [*entries[:9], entries[9].replace(b"allow", b"refuse"), *entries[10:], entries[0]])
    code, shown = run(capsys, "log", log, "--state", state)
    assert (code, shown["code"]) == (1, "consistency_failed")


def test_a_flipped_byte_a_false_key_and_a_missing_tile_each_have_a_verdict(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = log / "tile/entries/001.p/47"
    content = bundle.read_bytes()
    bundle.write_bytes(content.replace(b"allow", b"alloW", 1))
    assert run(capsys, "log", log)[0] == 1
    bundle.write_bytes(content[:-1])
    code, shown = run(capsys, "log", log)
    assert (code, shown["code"]) == (1, "malformed")
    bundle.unlink()
    code, shown = run(capsys, "log", log)
    assert (code, shown["code"]) == (4, "unavailable")
    false = SecretKey(KEY.name, b"\x09" * 32).public().to_text()
    assert run(capsys, "checkpoint", log, key=false)[0] == 1
    code, shown = run(capsys, "checkpoint", log, key="not a key")
    assert (code, shown["code"]) == (2, "misused")


def test_a_log_with_a_gap_is_whole_and_incomplete(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = honest_entries(300)
    write_log(log, [*entries[:9], *entries[10:]])
    code, shown = run(capsys, "log", log)
    assert (code, shown["verdict"], shown["complete"]) == (3, "verified", False)
    assert {finding["code"] for finding in shown["findings"]} == {"gap", "totals_wrong"}


def test_a_head_wants_its_witnesses(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = run(capsys, "checkpoint", log, "--witness", WITNESS_TEXT)
    assert (code, shown["code"]) == (1, "signature_invalid")
    note = Note.parse((log / "checkpoint").read_bytes())
    (log / "checkpoint").write_bytes(note.with_signatures([cosign(note.text, WITNESS, 77)]).to_bytes())
    code, shown = run(capsys, "checkpoint", log / "checkpoint", "--witness", WITNESS_TEXT)
    assert (code, shown["witnesses"]) == (0, [{"name": WITNESS.name, "time_s": 77}])


def test_a_receipt_finds_its_leaf_by_proof_and_by_search(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = honest_entries(300)
    receipt = give_receipt(leaf_hash(entries[260]), 0, KEY).to_text()
    head = Note.parse((log / "checkpoint").read_bytes())
    proof = tmp_path / "one.tlog-proof"
    proof.write_bytes(TlogProof(260, tuple(naive_path(260, entries)), head, entries[260]).to_bytes())
    for where in (log, proof):
        code, shown = run(capsys, "receipt", receipt, where)
        assert (code, shown["index"], shown["leaf"]["seq"]) == (0, 260, 260)
    proof.write_bytes(TlogProof(260, tuple(naive_path(260, entries)), head, entries[259]).to_bytes())
    assert run(capsys, "receipt", receipt, proof)[0] == 1


@pytest.mark.parametrize(
    "spelt",
    ["{0},{1}", "{0}, {1}", "safelight-receipt: {0},{1}", '["{0}", "{1}"]', "{0}\n{1}\n{0}"],
    ids=["header", "with a space", "header line", "JSON", "lines"],
)
def test_all_receipts_of_an_answer_are_taken_as_it_spells_them(
    log: Path, spelt: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = honest_entries(300)
    texts = [give_receipt(leaf_hash(entries[at]), 0, KEY).to_text() for at in (9, 260)]
    given = spelt.format(*texts)
    code, shown = run(capsys, "receipt", given, log)
    assert (code, shown["verdict"]) == (0, "verified")
    assert [(one["receipt"], one["index"], one["exit_code"]) for one in shown["receipts"]] == [
        (texts[0], 9, 0),
        (texts[1], 260, 0),
    ]
    (kept := tmp_path / "receipts").write_text(given + "\n")
    assert main(["receipt", f"@{kept}", str(log), "--key", KEY_TEXT]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "VERIFIED: all 2 receipts."
    assert [line[:15] for line in lines if line.startswith("Receipt")] == ["Receipt 1 of 2,", "Receipt 2 of 2,"]


def test_each_of_several_receipts_is_judged_and_the_gravest_is_the_answer(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = honest_entries(300)
    there, other = (give_receipt(leaf_hash(entries[at]), 0, KEY).to_text() for at in (9, 260))
    left_out = give_receipt(leaf_hash(b"left out"), 1_000, KEY).to_text()
    for given, expected in (
        ((there, "v1.cut"), (2, "misused", [0, 2])),
        ((there, "v1.cut", left_out), (1, "inclusion_failed", [0, 2, 1])),
    ):
        code, shown = run(capsys, "receipt", ",".join(given), log)
        assert (code, shown["code"], [one["exit_code"] for one in shown["receipts"]]) == expected
        assert shown["message"].startswith(f"{len(given) - 1} of the {len(given)} receipts could not be verified.")
    assert main(["receipt", f"{left_out},{there}", str(log), "--key", KEY_TEXT]) == 1
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[:3]] == ["NOT", "Receipt", "NOT"]
    # A kept proof is about one leaf; of the other receipt it says nothing, true or false.
    proof = tmp_path / "one.tlog-proof"
    head = Note.parse((log / "checkpoint").read_bytes())
    proof.write_bytes(TlogProof(9, tuple(naive_path(9, entries)), head, entries[9]).to_bytes())
    code, shown = run(capsys, "receipt", f"{there},{other}", proof)
    assert (code, [one["exit_code"] for one in shown["receipts"]]) == (2, [0, 2])
    for none in ("", " , ", ",".join(f"v1.{number}" for number in range(65))):
        assert run(capsys, "receipt", none, log)[0] == 2


def test_a_broken_promise_is_found_and_the_witness_makes_it_evidence(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receipt = give_receipt(leaf_hash(b"left out"), 1_000, KEY).to_text()
    code, shown = run(capsys, "receipt", receipt, log)
    assert (code, shown["code"]) == (1, "inclusion_failed")
    note = Note.parse((log / "checkpoint").read_bytes())
    (log / "checkpoint").write_bytes(note.with_signatures([cosign(note.text, WITNESS, 500)]).to_bytes())
    code, shown = run(capsys, "receipt", receipt, log, "--witness", WITNESS_TEXT)
    assert code == 1
    assert "has not kept it" in shown["message"]


def test_a_receipt_that_the_log_never_gave_proves_nothing(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forged = give_receipt(leaf_hash(b"x"), 0, SecretKey(KEY.name, b"\x01" * 32)).to_text()
    code, shown = run(capsys, "receipt", forged, log)
    assert (code, shown["code"]) == (1, "signature_invalid")


def test_two_heads_are_consistent_or_a_fork(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries, old = honest_entries(300), tmp_path / "old.checkpoint"
    old.write_bytes(write_log(tmp_path / "earlier", entries[:200]))
    code, shown = run(capsys, "consistency", old, log)
    assert (code, shown["from_size"]) == (0, 200)
    old.write_bytes(write_log(tmp_path / "fork", [b"another", *entries[1:200]]))
    code, shown = run(capsys, "consistency", old, log)
    assert (code, shown["code"]) == (1, "consistency_failed")


def test_an_opening_is_checked_against_its_leaf(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    salt = b"\x05" * 32
    leaf = Leaf("decision", AT, "a" * 16, 0, {}, {"tier": commit("tier", salt, "paid")}).to_bytes().decode()
    file = tmp_path / "opened.json"
    for value, expected in (("paid", 0), ("free", 1)):
        file.write_text(json.dumps({"leaf": leaf, "openings": {"tier": {"salt": encode_base64(salt), "value": value}}}))
        assert run(capsys, "opening", file, key="")[0] == expected
    file.write_text("[]")
    assert run(capsys, "opening", file, key="")[0] == 2


def test_an_opened_leaf_that_the_log_does_not_have_proves_nothing(
    tmp_path: Path, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever opens a leaf can also make one up: only the log tells."""
    salt, file = b"\x05" * 32, tmp_path / "opened.json"
    leaf = Leaf("decision", AT, "b" * 16, 0, {}, {"tier": commit("tier", salt, "paid")}).to_bytes()
    opened = {"leaf": leaf.decode(), "openings": {"tier": {"salt": encode_base64(salt), "value": "paid"}}}
    file.write_text(json.dumps(opened))
    code, shown = run(capsys, "opening", file, log)
    assert (code, shown["code"]) == (1, "inclusion_failed")
    write_log(log, [*honest_entries(300), leaf])
    code, shown = run(capsys, "opening", file, log)
    assert (code, shown["index"], shown["opened"]) == (0, 303, {"tier": "paid"})
    assert run(capsys, "opening", file, log, key="")[0] == 2
    assert main(["opening", str(file)]) == 0
    assert "was not looked up" in capsys.readouterr().out


def test_a_key_that_is_none_or_of_another_log_is_told_as_such(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = run(capsys, "log", log, key="log.example/test+1+y")
    assert code == 2
    assert "reads `name+id+key`" in shown["message"]
    code, shown = run(capsys, "log", log, key=SecretKey("log.example/other", b"\x07" * 32).public().to_text())
    assert code == 1
    assert "there are those of log.example/test" in shown["message"]


@pytest.mark.parametrize(
    "command", ["checkpoint", "receipt", "consistency", "log", "totals", "parity", "stamp", "opening"]
)
def test_every_command_shows_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "Example: safelight-verify" in capsys.readouterr().out


def test_words_are_plain(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", str(log), "--key", KEY_TEXT]) == 0
    words = capsys.readouterr().out
    assert words.startswith("VERIFIED: the log log.example/test has 303 leaves")
    assert "another view may be shown" in words
    assert open_checkpoint((log / "checkpoint").read_bytes(), KEY.public()).checkpoint.size == 303


def test_files_of_the_verifiers_own_are_not_the_logs_fault(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (garbage := tmp_path / "garbage").write_text("nothing of the kind")
    receipt = give_receipt(leaf_hash(honest_entries(300)[9]), 0, KEY).to_text()
    for arguments in (
        ("checkpoint", garbage),
        ("receipt", receipt, garbage),
        ("consistency", garbage, log),
        ("consistency", log / "checkpoint", log, "--new", garbage),
        ("opening", garbage),
        ("log", log, "--state", garbage),
        ("log", log, "--state", tmp_path / "no such folder" / "state.json"),
        ("log", log, "--state", tmp_path),
        ("log", log, "--witness", KEY_TEXT),
        ("log", log, "--witness", WITNESS_TEXT, "--quorum", "2"),
        ("log", log, "--quorum", "-1"),
    ):
        code, shown = run(capsys, *arguments)
        assert (code, shown["code"]) == (2, "misused"), arguments
    assert run(capsys, "log", log, key=WITNESS_TEXT)[0] == 2


def test_a_witness_that_is_named_twice_is_one(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    note = Note.parse((log / "checkpoint").read_bytes())
    (log / "checkpoint").write_bytes(note.with_signatures([cosign(note.text, WITNESS, 77)]).to_bytes())
    twice = ("--witness", WITNESS_TEXT, "--witness", WITNESS_TEXT)
    assert run(capsys, "checkpoint", log, *twice)[1]["witnesses"] == [{"name": WITNESS.name, "time_s": 77}]
    assert run(capsys, "checkpoint", log, *twice, "--quorum", "2")[0] == 2


def test_a_state_is_of_one_log_and_another_is_not_accused_of_a_rollback(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, other = tmp_path / "state.json", SecretKey("log.example/other", b"\x03" * 32)
    assert run(capsys, "log", log, "--state", state)[0] == 0
    kept = state.read_text()
    write_log(tmp_path / "other", honest_entries(3), other)
    code, shown = run(capsys, "log", tmp_path / "other", "--state", state, key=other.public().to_text())
    assert (code, shown["code"]) == (2, "misused")
    assert "is of the log log.example/test" in shown["message"]
    assert state.read_text() == kept
    assert list(tmp_path.glob("*.new")) == []


def test_a_witness_that_is_behind_is_no_rollback(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever has watched a log asks for its witness one day, and that has signed less than was verified."""
    state, entries = tmp_path / "state.json", honest_entries(300)
    assert run(capsys, "log", log, "--state", state)[0] == 0
    earlier = Note.parse(write_log(tmp_path / "earlier", entries[:100]))
    (log / "witnessed").write_bytes(earlier.with_signatures([cosign(earlier.text, WITNESS, 77)]).to_bytes())
    code, shown = run(capsys, "log", log, "--state", state, "--witness", WITNESS_TEXT)
    assert (code, shown["size"], shown["read_from"]) == (0, 100, 303)
    write_log(log, entries[:200])
    code, shown = run(capsys, "log", log, "--state", state, "--witness", WITNESS_TEXT)
    assert (code, shown["code"]) == (1, "consistency_failed")
    write_log(log, entries)
    forked = Note.parse(write_log(tmp_path / "forked", [b"x", *entries[1:100]]))
    (log / "witnessed").write_bytes(forked.with_signatures([cosign(forked.text, WITNESS, 77)]).to_bytes())
    code, shown = run(capsys, "log", log, "--state", state, "--witness", WITNESS_TEXT)
    assert (code, shown["code"]) == (1, "consistency_failed")
