"""Leaves into a tree, in a real database: gapless, checkable from outside, refused when the database is not whole."""

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, Executable, delete, event, select, text, update

from safelight.core.category import Stage, Verdict
from safelight.core.decision import Decision
from safelight.core.errors import LedgerUnfit, StoreFailed
from safelight.core.facts import Facts
from safelight.core.request import Operation, Standing, Surface
from safelight.core.signal import Observed
from safelight.ledger import published
from safelight.ledger.append import Ledger
from safelight.ledger.draft import code, decision_draft
from safelight.ledger.head_file import HeadFile
from safelight.ledger.integrate import has_pending, integrate
from safelight.ledger.keys import load_or_make_key
from safelight.ledger.nodes import KnownNodes
from safelight.ledger.opening import open_log
from safelight.ledger.proofs.checkpoint import Checkpoint, sign_checkpoint
from safelight.ledger.proofs.errors import Unavailable
from safelight.ledger.proofs.leaf import Leaf
from safelight.ledger.proofs.merkle import verify_consistency, verify_inclusion
from safelight.ledger.proofs.note import Note, SecretKey
from safelight.ledger.proofs.receipt import Receipt
from safelight.ledger.proofs.tiles import Tile
from safelight.ledger.published import prove_consistency, read_checkpoint, read_proof, read_tile, root_at
from safelight.ledger.subject_keys import destroy, key_by_id, keys_of
from safelight.store.tables import ledger_checkpoints, ledger_head, ledger_leaves, ledger_tiles
from safelight.wiring.detectors import builtin_detectors
from tests.ledger.store_log import NOW, StoreLog, decision, store_log
from tests.ledger.twin import KEY, naive_root


@pytest.fixture
def log(tmp_path: Path) -> Iterator[StoreLog]:
    with store_log(tmp_path / "log.db") as opened:
        opened.begin()
        yield opened


def test_what_was_written_is_what_outsiders_read_and_its_root_is_the_definitions(log: StoreLog) -> None:
    for count in (1, 3, 300, 255):
        log.decide(count)
        head = log.integrate()
        assert head.root == naive_root(log.entries())
    log.run(log.ledger.end)
    log.integrate()
    audit = log.audit()
    assert audit.is_complete
    assert audit.decisions == {"input/allow/-": 559}
    assert {"process_start": 1, "policy_change": 1, "model_change": 1, "totals": 1}.items() <= audit.kinds.items()


def test_every_leaf_has_a_proof_and_every_head_leads_to_the_next(log: StoreLog) -> None:
    heads = [log.integrate()]
    appended = []
    for count in (1, 5, 250, 300):
        appended += log.decide(count)
        heads.append(log.integrate())
    for one in appended[::37]:
        proof = log.run(partial(read_proof, leaf_hash=one.leaf_hash))
        verify_inclusion(proof.index, heads[-1].size, one.leaf_hash, proof.hashes, heads[-1].root)
    for old in heads:
        for new in heads[heads.index(old) :]:
            proof_hashes = log.run(partial(prove_consistency, old=old.size, new=new.size))
            verify_consistency(old.size, new.size, old.root, new.root, proof_hashes)
        assert log.run(partial(root_at, size=old.size)) == old.root


@pytest.mark.parametrize("max_count", [3, 1000])
def test_what_earlier_proofs_worked_out_gives_the_same_proofs(log: StoreLog, max_count: int) -> None:
    """Over several heads: what was a partial tile is a full one later, and its subtrees are the same."""
    known, appended = KnownNodes(max_count), []
    for count in (5, 260, 300):
        appended += log.decide(count)
        head = log.integrate()
        for one in appended[::23]:
            proof = log.run(partial(read_proof, leaf_hash=one.leaf_hash, known=known))
            assert proof == log.run(partial(read_proof, leaf_hash=one.leaf_hash))
            verify_inclusion(proof.index, head.size, one.leaf_hash, proof.hashes, head.root)


def test_a_log_of_before_proves_the_same_without_the_middles_of_its_tiles(log: StoreLog) -> None:
    appended = log.decide(600)[::29]
    log.integrate()
    with_middles = [log.run(partial(read_proof, leaf_hash=one.leaf_hash)) for one in appended]
    forget = update(ledger_tiles).where(ledger_tiles.c.middle.is_not(None)).values(middle=None)
    assert log.run(lambda c: c.execute(forget).rowcount) == 2
    assert [log.run(partial(read_proof, leaf_hash=one.leaf_hash)) for one in appended] == with_middles


def test_what_is_known_is_not_read_again(log: StoreLog) -> None:
    (first, *_) = log.decide(600)
    log.integrate()
    known = KnownNodes()
    assert len(asked_for(log, lambda c: read_proof(c, first.leaf_hash, known))) > 1
    assert len(asked_for(log, lambda c: read_proof(c, first.leaf_hash, known))) == 1


def asked_for(log: StoreLog, work: Callable[[Connection], object]) -> list[str]:
    """The statements that `work` sends to the database."""
    sent: list[str] = []

    def watched(connection: Connection) -> None:
        event.listen(connection, "before_cursor_execute", lambda *sent_with: sent.append(sent_with[2]))
        work(connection)

    log.run(watched)
    return sent


def test_a_receipt_is_the_logs_and_leads_to_the_leaf(log: StoreLog) -> None:
    (appended,) = log.decide()
    receipt = Receipt.parse(log.ledger.receipt(appended))
    receipt.verify(KEY.public())
    with pytest.raises(Unavailable):
        log.run(lambda c: read_proof(c, receipt.leaf_hash))
    log.integrate()
    assert Leaf.parse(log.run(lambda c: read_proof(c, receipt.leaf_hash)).extra).kind == "decision"


def test_a_transaction_that_fails_uses_no_number_up(log: StoreLog) -> None:
    def broken(connection: object) -> None:
        log.ledger.append(connection, [decision()])  # type: ignore[arg-type]
        raise ZeroDivisionError

    log.decide()
    with pytest.raises(ZeroDivisionError):
        log.run(broken)
    log.decide()
    log.run(log.ledger.end)
    log.integrate()
    assert log.audit().is_complete


def test_two_processes_count_apart_in_one_tree(log: StoreLog) -> None:
    other = Ledger(KEY, lambda: NOW)
    log.run(lambda c: other.begin(c, release="2", policy="sha256:bb", models=["one@1"]))
    for _ in range(5):
        log.decide()
        log.run(lambda c: other.append(c, [decision()]))
    log.run(log.ledger.end)
    log.run(other.end)
    log.integrate()
    audit = log.audit()
    assert audit.is_complete
    assert len(audit.processes) == 2
    changes = [leaf.public for leaf in map(Leaf.parse, log.entries()) if leaf.kind == "policy_change"]
    assert changes == [{"policy": "sha256:aa", "previous": None}, {"policy": "sha256:bb", "previous": "sha256:aa"}]


def test_a_process_that_has_not_begun_writes_nothing(log: StoreLog) -> None:
    with pytest.raises(StoreFailed):
        log.run(lambda c: Ledger(KEY, lambda: NOW).append(c, [decision()]))


def test_integrating_nothing_changes_nothing(log: StoreLog) -> None:
    head = log.integrate()
    assert log.integrate() == head
    assert not log.run(has_pending)


def test_a_tile_of_the_future_is_not_there(log: StoreLog) -> None:
    log.integrate()
    for tile in (Tile(0, 0, 9), Tile(0, 1, 1), Tile(1, 0, 1), Tile(0, 0)):
        with pytest.raises(Unavailable):
            log.run(partial(read_tile, tile=tile))


def test_an_outage_has_a_start_and_an_end_once_each(log: StoreLog) -> None:
    def look(missing: list[str], answered: list[str]) -> list[str]:
        drafts = log.run(lambda c: log.ledger.outages(c, missing, answered))
        return [f"{draft.kind.value} {draft.public['part']}" for draft in drafts]

    assert look([], ["one", "two"]) == []
    assert look(["one"], ["two"]) == ["outage_start one"]
    assert look(["one"], ["two"]) == []
    assert look([], ["two"]) == []  # nobody asked it, so nobody knows
    assert look(["two"], ["one"]) == ["outage_start two", "outage_end one"]
    assert look([], ["one", "two"]) == ["outage_end two"]
    assert look([], ["one", "two"]) == []


def test_after_a_key_is_destroyed_nothing_opens_and_the_root_is_the_same(log: StoreLog) -> None:
    log.decide(3, "sub_gone")
    log.decide(1, "sub_stays")
    head = log.integrate()
    row = log.run(lambda c: c.execute(select(ledger_leaves).where(ledger_leaves.c.seq == 4)).one())
    leaf = Leaf.parse(row.content)
    key = log.run(lambda c: key_by_id(c, row.subject_key_id))
    assert key
    leaf.check_opening("tier", key.salt(leaf.process, leaf.seq, "tier"), "1")
    assert log.run(lambda c: destroy(c, "sub_gone", NOW))
    assert not log.run(lambda c: destroy(c, "sub_gone", NOW))
    assert log.run(lambda c: key_by_id(c, row.subject_key_id)) is None
    assert log.run(lambda c: root_at(c, head.size)) == head.root
    # A subject that comes back has another key: the old leaves stay shut.
    assert log.run(lambda c: keys_of(c, ["sub_gone"], NOW))["sub_gone"].secret != key.secret


def kept(path: Path, head: Checkpoint) -> HeadFile:
    file = HeadFile(path, KEY.public())
    file.keep(sign_checkpoint(head, KEY))
    return file


def refusal(log: StoreLog, head: Checkpoint | None) -> str:
    with pytest.raises(LedgerUnfit) as refused:
        log.run(lambda c: open_log(c, KEY.public(), head))
    assert "Do not go on" in refused.value.message
    return refused.value.code


def test_a_whole_log_opens_again(log: StoreLog, tmp_path: Path) -> None:
    log.decide(300)
    head = log.integrate()
    log.decide(5)
    log.integrate()
    file = kept(tmp_path / "head", head)
    log.run(lambda c: open_log(c, KEY.public(), file.read()))


def test_a_rolled_back_database_is_refused(log: StoreLog, tmp_path: Path) -> None:
    log.decide(3)
    log.integrate()
    with sqlite3.connect(tmp_path / "log.db") as now, sqlite3.connect(tmp_path / "backup.db") as backup:
        now.backup(backup)
    now.close()
    backup.close()
    log.decide(3)
    file = kept(tmp_path / "head", log.integrate())
    with store_log(tmp_path / "backup.db") as old:
        assert refusal(old, file.read()) == "ledger_rolled_back"


def test_an_empty_database_in_place_of_a_log_is_refused(tmp_path: Path) -> None:
    with store_log(tmp_path / "new.db") as fresh:
        assert refusal(fresh, Checkpoint(KEY.name, 5, b"\x00" * 32)) == "ledger_rolled_back"


def test_a_fork_of_what_was_signed_is_refused(log: StoreLog) -> None:
    log.decide(3)
    head = log.integrate()
    assert refusal(log, Checkpoint(KEY.name, head.size, b"\x00" * 32)) == "ledger_changed"
    assert refusal(log, Checkpoint(KEY.name, head.size - 1, b"\x00" * 32)) == "ledger_changed"


def test_changed_tiles_heads_and_signatures_are_refused(log: StoreLog) -> None:
    log.decide(300)
    log.integrate()
    tile = log.run(lambda c: c.execute(select(ledger_tiles).where(ledger_tiles.c.level == 0)).first())
    assert tile
    changes: list[Executable] = [
        update(ledger_tiles).where(ledger_tiles.c.number == 1).values(hashes=b"\x00" * len(tile.hashes)),
        delete(ledger_tiles).where(ledger_tiles.c.level == 1),
        update(ledger_head).values(size=ledger_head.c.size - 1),
        update(ledger_head).values(root=b"\x00" * 32),
        update(ledger_checkpoints).values(note=b"no note"),
        delete(ledger_checkpoints),
    ]

    def change_and_open(connection: Connection, change: Executable) -> None:
        connection.execute(change)
        open_log(connection, KEY.public(), None)

    for change in changes:
        with pytest.raises(LedgerUnfit) as refused:
            log.run(partial(change_and_open, change=change))
        assert refused.value.code == "ledger_changed"
    log.run(lambda c: open_log(c, KEY.public(), None))  # each change was taken back with its transaction


def test_another_key_is_another_log(log: StoreLog, tmp_path: Path) -> None:
    other = SecretKey(KEY.name, b"\x01" * 32)
    with pytest.raises(LedgerUnfit) as refused:
        log.run(lambda c: open_log(c, other.public(), None))
    assert refused.value.code == "ledger_key_changed"
    kept(tmp_path / "head", log.integrate())
    with pytest.raises(LedgerUnfit):
        HeadFile(tmp_path / "head", other.public()).read()


def test_the_kept_head_only_moves_on(log: StoreLog, tmp_path: Path) -> None:
    first = log.integrate()
    log.decide()
    second = log.integrate()
    file = kept(tmp_path / "head", second)
    file.keep(sign_checkpoint(first, KEY))
    assert file.read() == second


def test_the_logs_key_is_made_once_and_gives_the_log_its_name(tmp_path: Path) -> None:
    path = tmp_path / "ledger.key"
    first = load_or_make_key(path)
    assert load_or_make_key(path).public() == first.public()
    assert first.name.startswith("safelight.local/")
    assert load_or_make_key(path, "images.example/ledger").name == "images.example/ledger"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["ledger.key"]
    for name in ("with space", "with+plus"):
        with pytest.raises(LedgerUnfit):
            load_or_make_key(path, name)
    path.write_bytes(b"short")
    with pytest.raises(LedgerUnfit):
        load_or_make_key(path)


def test_a_witnessed_head_is_told_apart(log: StoreLog) -> None:
    head = log.integrate()
    with pytest.raises(Unavailable):
        log.run(lambda c: read_checkpoint(c, witnessed=True))
    log.run(lambda c: c.execute(update(ledger_checkpoints).values(witnesses=1)).close())
    log.decide()
    log.integrate()
    note: Note = log.run(lambda c: read_checkpoint(c, witnessed=True))
    assert Checkpoint.parse(note.text) == head


def test_the_latest_witnessed_head_is_found_without_reading_the_others(log: StoreLog) -> None:
    """A log has four heads a second, and every proof asks for this one."""
    asked = str(published._EITHER.compile(compile_kwargs={"literal_binds": True}))
    plan = log.run(lambda c: c.execute(text(f"EXPLAIN QUERY PLAN {asked}")).all())
    assert "ix_ledger_checkpoints_witnessed" in str(plan)


def test_a_round_of_integration_leaves_room_for_others(log: StoreLog) -> None:
    log.decide(2100)
    done = log.run(lambda c: integrate(c, KEY, NOW))
    assert done
    assert done.count == 2048
    assert log.run(has_pending)
    log.integrate()
    assert log.head().root == naive_root(log.entries())


def test_names_of_plugins_cannot_bring_words_into_a_leaf() -> None:
    assert code("my detector: \n put her") == "my_detector:___put_her"
    assert len(code("x" * 500)) == 120


def test_leaves_of_an_edit_are_small(log: StoreLog) -> None:
    """All built-in detectors looked at the upload, and those for pictures at the output: 600 bytes on average."""
    names = tuple(sorted(detector.name for detector in builtin_detectors()))
    log.decide()
    log.integrate()
    before = len(log.entries())
    for stage, answered in ((Stage.INPUT, names), (Stage.OUTPUT, names[:6])):
        facts = Facts(stage, Operation.EDIT, Surface.API, Standing.GOOD)
        made = Decision(
            "dec_1",
            "req_1",
            stage,
            Verdict.ALLOW,
            None,
            (),
            "sha256:" + "a" * 64,
            NOW,
            facts,
            Observed(asked=names, answered=answered),
        )
        committed = dict.fromkeys(("account", "record", "request", "tier"), "something")
        draft = decision_draft(made, committed, "sub_1")
        log.run(partial(log.ledger.append, drafts=[draft]))
    log.integrate()
    sizes = [len(entry) + 2 for entry in log.entries()[before:]]  # as bundles have them, behind two bytes of length
    assert sum(sizes) / 2 <= 600, sizes
