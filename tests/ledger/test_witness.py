"""A witness signs what extends what it signed, and nothing else; a gate hears when a witness has seen another log."""

import asyncio
import contextlib
import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from typer.testing import CliRunner

from safelight.backends.memory import MemoryBackend
from safelight.cli.main import app
from safelight.core.errors import LedgerUnfit, NotStartable
from safelight.ledger.keys import load_or_make_key
from safelight.ledger.proofs.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from safelight.ledger.proofs.note import Algorithm, Note, PublicKey, SecretKey
from safelight.ledger.proofs.witness_request import AddCheckpoint, parse_cosignatures
from safelight.ledger.published import read_checkpoint
from safelight.ledger.verify.main import main as verify
from safelight.ledger.witness import SIZE_TYPE, Said, Witness
from safelight.ledger.witnesses import HttpWitnesses, KnownWitness, parse_witnesses
from safelight.store.tables import ledger_leaves
from safelight.web.witness import create_witness_app
from tests.detectors import scripted_detectors
from tests.ledger.store_log import StoreLog, store_log
from tests.ledger.twin import KEY, ORIGIN, WITNESS, naive_root, naive_subproof
from tests.ledger.verify.test_hostile import BUSY, Hostile, HostileServer
from tests.service import Service, serving

WITNESS_KEY = WITNESS.public(Algorithm.COSIGNATURE)
ENTRIES = [bytes([number]) for number in range(40)]
FORK = [b"another", *ENTRIES[1:]]


def asking(old: int, new: int, entries: list[bytes] = ENTRIES, key: SecretKey = KEY, origin: str = ORIGIN) -> bytes:
    note = sign_checkpoint(Checkpoint(origin, new, naive_root(entries[:new])), key)
    proof = naive_subproof(old, entries[:new], True) if 0 < old < new else []
    return AddCheckpoint(old, tuple(proof), note).to_bytes()


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(WITNESS, [KEY.public()], tmp_path, lambda: 1234.5)


def refused(said: Said) -> int:
    assert "witness.example" not in said.body
    return said.status


def test_what_extends_what_was_signed_is_signed_and_verifies(witness: Witness) -> None:
    for old, new in ((0, 0), (0, 5), (5, 5), (5, 6), (6, 40)):
        body = asking(old, new)
        said = witness.add_checkpoint(body)
        assert said.status == 200
        note = AddCheckpoint.parse(body).checkpoint.with_signatures(parse_cosignatures(said.body.encode()))
        signed = open_checkpoint(note.to_bytes(), KEY.public(), [WITNESS_KEY])
        assert [one.time_s for one in signed.cosignatures] == [1234]


def test_each_thing_that_is_wrong_has_the_protocols_answer(witness: Witness) -> None:
    assert witness.add_checkpoint(asking(0, 10)).status == 200
    assert refused(witness.add_checkpoint(b"old 0\n")) == 400
    assert refused(witness.add_checkpoint(asking(10, 9))) == 400
    assert refused(witness.add_checkpoint(asking(10, 12, key=SecretKey("log.example/x", b"\x01" * 32)))) == 403
    assert refused(witness.add_checkpoint(asking(10, 12, origin="log.example/x"))) == 404
    assert witness.add_checkpoint(asking(9, 12)) == Said(409, "10\n", SIZE_TYPE)
    assert refused(witness.add_checkpoint(asking(10, 12, FORK))) == 422
    assert refused(witness.add_checkpoint(asking(10, 12).replace(b"old 10\n", b"old 10\n" + 44 * b"A" + b"\n"))) == 400
    assert witness.last(ORIGIN).size == 10


def test_a_fork_of_the_same_size_is_a_conflict(witness: Witness) -> None:
    witness.add_checkpoint(asking(0, 10))
    assert refused(witness.add_checkpoint(asking(10, 10, FORK))) == 409


def test_of_two_views_shown_to_two_witnesses_only_one_can_be_signed_by_both(tmp_path: Path) -> None:
    witnesses = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        witnesses.append(
            Witness(SecretKey(f"witness.example/{name}", b"\x03" * 32), [KEY.public()], tmp_path / name, time.time)
        )
    assert witnesses[0].add_checkpoint(asking(0, 10)).status == 200
    assert witnesses[1].add_checkpoint(asking(0, 10, FORK)).status == 200
    assert refused(witnesses[0].add_checkpoint(asking(10, 20, FORK))) == 422
    assert refused(witnesses[1].add_checkpoint(asking(10, 20))) == 422


def test_what_was_signed_is_remembered_over_a_restart(witness: Witness, tmp_path: Path) -> None:
    witness.add_checkpoint(asking(0, 10))
    again = Witness(WITNESS, [KEY.public()], tmp_path, time.time)
    assert refused(again.add_checkpoint(asking(0, 5))) == 409
    assert again.add_checkpoint(asking(10, 11)).status == 200


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_have_an_answer_and_no_signature(tmp_path_factory: pytest.TempPathFactory, body: bytes) -> None:
    witness = Witness(WITNESS, [KEY.public()], tmp_path_factory.getbasetemp(), time.time)
    assert refused(witness.add_checkpoint(body)) in {400, 404}


@pytest.mark.parametrize(
    "setting",
    [
        "key",
        f"{KEY.public().to_text()},http://x",
        WITNESS_KEY.to_text(),
        f"{WITNESS_KEY.to_text()},ftp://x",
        f"{WITNESS_KEY.to_text()},http://[",
    ],
)
def test_a_setting_that_names_no_witness_stops_the_start(setting: str) -> None:
    with pytest.raises(NotStartable, match="SAFELIGHT_LEDGER_WITNESSES"):
        parse_witnesses(setting)


def test_a_witness_that_cannot_start_says_what_is_wrong_of_its_own(tmp_path: Path) -> None:
    def start(name: str, *logs: PublicKey, folder: Path = tmp_path) -> str:
        options = [word for one in logs for word in ("--log", one.to_text())]
        ended = CliRunner().invoke(app, ["witness", name, *options, "--folder", str(folder)])
        assert ended.exit_code == 2, ended.output
        return " ".join(ended.output.split())

    key = KEY.public()
    assert "LEDGER_ORIGIN" not in (said := start("no name", key))
    assert "has no space" in said
    assert "is no log's key" in start("w.example", WITNESS_KEY)
    assert "two keys" in start("w.example", key, SecretKey(KEY.name, b"\x01" * 32).public())
    (tmp_path / "file").touch()
    assert "cannot be used" in start("w.example", key, folder=tmp_path / "file")
    kept = hashlib.sha256(KEY.name.encode()).hexdigest()
    (tmp_path / f"{kept}.checkpoint").write_bytes(b"")  # the laptop's battery was empty
    assert "a head in" in start("w.example", key)


def test_a_witness_that_answers_byte_by_byte_holds_nobody_up(tmp_path: Path) -> None:
    async def ask(log: StoreLog, address: str) -> None:
        known = KnownWitness(WITNESS_KEY, address)
        async with asyncio.timeout(20), HttpWitnesses(log.database, [known], timeout_s=0.3) as witnesses:
            await witnesses.ask(await log.database.read(read_checkpoint))

    with store_log(tmp_path / "log.db") as log, HostileServer(("127.0.0.1", 0), Hostile) as server:
        log.begin()
        log.integrate()
        server.first, server.again = BUSY["a body byte by byte"]
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
        thread.start()
        try:
            asyncio.run(ask(log, server.address))
        finally:
            server.again = b""
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def listening(witness: Witness) -> Iterator[str]:
    """The witness behind a real server; what to set for it."""
    server = uvicorn.Server(uvicorn.Config(create_witness_app(witness), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"{witness.key.public(Algorithm.COSIGNATURE).to_text()},http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@contextlib.contextmanager
def gate(folder: Path, setting: str) -> Iterator[Service]:
    detectors = list(scripted_detectors().values())
    with serving(folder, detectors=detectors, backend=MemoryBackend(), ledger_witnesses=setting) as service:
        yield service


def log_key(folder: Path) -> PublicKey:
    folder.mkdir(exist_ok=True)
    return load_or_make_key(folder / "ledger.key").public()


def signed_size(service: Service, at_least: int) -> int:
    """The witnessed head's size, once it has that many leaves."""
    deadline, size = time.monotonic() + 15, -1
    while size < at_least and time.monotonic() < deadline:
        with service.http() as http:
            answer = http.get("/ledger/witnessed")
        if answer.status_code == 200:
            size = Checkpoint.parse(Note.parse(answer.content).text).size
        time.sleep(0.05)
    return size


def test_a_gates_heads_are_signed_and_outsiders_can_ask_for_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = log_key(tmp_path / "gate")
    (tmp_path / "witness").mkdir()
    witness = Witness(WITNESS, [key], tmp_path / "witness", time.time)
    with listening(witness) as setting, gate(tmp_path / "gate", setting) as service:
        with service.http() as http:
            answer = http.post("/v1/check", json={"messages": [{"role": "user", "content": "a lighthouse"}]}).json()
        written = service.sql(lambda c: c.execute(select(func.count()).select_from(ledger_leaves)).scalar_one())
        assert signed_size(service, written) >= written  # those of the start, and the decision
        address = f"{service.address}/ledger"
        trust = ["--key", key.to_text(), "--witness", WITNESS_KEY.to_text(), "--json"]
        assert verify(["log", address, *trust]) == 0
        assert [one["name"] for one in json.loads(capsys.readouterr().out.splitlines()[-1])["witnesses"]] == [
            WITNESS.name
        ]
        assert verify(["receipt", answer["receipts"][0], address, *trust]) == 0


def test_a_gate_without_its_witness_goes_on(tmp_path: Path) -> None:
    with gate(tmp_path, f"{WITNESS_KEY.to_text()},http://127.0.0.1:9") as service, service.http() as http:
        answer = http.post("/v1/check", json={"messages": [{"role": "user", "content": "a lighthouse"}]})
    assert answer.status_code == 200


def test_a_gate_whose_witness_has_seen_more_does_not_start(tmp_path: Path) -> None:
    key = log_key(tmp_path / "gate")
    (tmp_path / "witness").mkdir()
    with listening(Witness(WITNESS, [key], tmp_path / "witness", time.time)) as setting:
        with gate(tmp_path / "gate", setting) as service:
            signed_size(service, 5)
        backup = (tmp_path / "gate" / "safelight.db").read_bytes()
        with contextlib.closing(sqlite3.connect(tmp_path / "gate" / "safelight.db")) as database:
            (leaves,) = database.execute("SELECT count(*) FROM ledger_leaves").fetchone()
        with gate(tmp_path / "gate", setting) as service:
            assert signed_size(service, leaves + 1) > leaves
        # Database and kept head come back from the same backup: only the witness remembers.
        (tmp_path / "gate" / "safelight.db").write_bytes(backup)
        (tmp_path / "gate" / "ledger.head").unlink()
        with pytest.raises(LedgerUnfit, match="has signed") as found, gate(tmp_path / "gate", setting):
            pass
        assert found.value.code == "ledger_rolled_back"
