"""Two services on one data folder, as a restart without a gap has them: one record, one log, nothing lost."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from safelight.backends.memory import MemoryBackend
from tests.detectors import scripted_detectors
from tests.service import serving

EACH = 6


def test_both_answer_and_what_both_did_is_in_one_whole_log(tmp_path: Path, flat: bytes) -> None:
    with (
        serving(tmp_path, detectors=list(scripted_detectors().values()), backend=MemoryBackend(flat)) as first,
        serving(tmp_path, detectors=list(scripted_detectors().values()), backend=MemoryBackend(flat)) as second,
        ThreadPoolExecutor(4) as askers,
    ):
        clients = [first.http(), second.http()]
        asked = [
            askers.submit(client.post, "/v1/images/generations", json={"prompt": "a lighthouse"})
            for _ in range(EACH)
            for client in clients
        ]
        assert {one.result().status_code for one in asked} == {200}
        assert {client.get("/ready").status_code for client in clients} == {200}
        for client in clients:
            client.close()
    with sqlite3.connect(tmp_path / "safelight.db") as database:
        (decided,) = database.execute("SELECT count(*) FROM decisions").fetchone()
        kinds = [
            kind
            for (kind,) in database.execute("SELECT json_extract(CAST(content AS TEXT), '$.kind') FROM ledger_leaves")
        ]
    database.close()
    assert decided == kinds.count("decision") == 2 * 2 * EACH
    assert (kinds.count("process_start"), kinds.count("process_end")) == (2, 2)
