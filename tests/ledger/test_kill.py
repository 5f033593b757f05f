"""Several real processes on one database, killed at any moment: no fork, no gap that hides, no index twice.

Every process prints the receipts that it was given after its commit, as a response would carry them.
"""

import os
import random
import selectors
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select

from safelight.ledger.proofs.audit import FindingCode
from safelight.ledger.proofs.checkpoint import open_checkpoint
from safelight.ledger.proofs.leaf import Leaf
from safelight.ledger.proofs.merkle import verify_consistency, verify_inclusion
from safelight.ledger.proofs.receipt import Receipt
from safelight.ledger.published import prove_consistency, read_proof, root_at
from safelight.store.tables import ledger_checkpoints, ledger_leaves
from tests.ledger.store_log import store_log
from tests.ledger.twin import KEY

KILLS = int(os.environ.get("SAFELIGHT_TEST_KILLS", "8"))
"""How often a process is killed; 500 before a release (docs/how-to/verify.md)."""
PROCESSES = 4
ROOT = Path(__file__).parents[2]


class Worker:
    """A process that writes decisions as fast as it can."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.ledger.kill_worker", str(folder)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)  # noqa: S603 (our own command)
        self.lines = b""

    def read_until_it_writes(self, deadline: float) -> None:
        assert self.process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self.lines and time.monotonic() < deadline:
                if selector.select(timeout=0.5):
                    self.lines += os.read(self.process.stdout.fileno(), 65536)
                assert self.process.poll() is None, "a process did not start"

    def kill(self) -> list[str]:
        """End it without a word, and give the receipts that it had handed out whole."""
        self.process.send_signal(signal.SIGKILL)
        assert self.process.stdout
        rest = self.process.stdout.read()
        self.process.wait(10)
        self.process.stdout.close()
        return (self.lines + rest).decode().split("\n")[:-1]


@pytest.mark.slow
def test_killed_processes_leave_one_log_with_every_receipt_in_it(tmp_path: Path) -> None:
    dice = random.Random(6)
    with store_log(tmp_path / "log.db") as log:
        log.begin()
        receipts: list[str] = []
        workers = [Worker(tmp_path) for _ in range(PROCESSES)]
        try:
            for kill in range(KILLS):
                worker = workers[kill % PROCESSES]
                worker.read_until_it_writes(time.monotonic() + 30)
                time.sleep(dice.random() * 0.2)
                receipts += worker.kill()
                workers[kill % PROCESSES] = Worker(tmp_path)
        finally:
            for worker in workers:
                receipts += worker.kill()

        while log.integrate() != log.integrate():
            pass
        head, audit = log.head(), log.audit()
        # Nothing is missing inside any process's count; what a killed one did not say is its end.
        assert [one for one in audit.findings if one.code is not FindingCode.SILENCE] == []
        assert len(audit.processes) >= KILLS
        assert not any(seen.ended for name, seen in audit.processes.items() if name != log.ledger.process)
        leaves = [Leaf.parse(entry) for entry in log.entries()]
        assert len({(leaf.process, leaf.seq) for leaf in leaves}) == len(leaves)
        assert len(receipts) >= KILLS
        for text in receipts:
            receipt = Receipt.parse(text)
            receipt.verify(KEY.public())
            proof = log.run(partial(read_proof, leaf_hash=receipt.leaf_hash))
            verify_inclusion(proof.index, head.size, receipt.leaf_hash, proof.hashes, head.root)
        indices = log.run(lambda c: c.execute(select(func.count(), func.max(ledger_leaves.c.idx))).one())
        assert tuple(indices) == (head.size, head.size - 1)
        notes = log.run(lambda c: c.execute(select(ledger_checkpoints.c.note)).scalars().all())
        for note in notes:
            old = open_checkpoint(note, KEY.public()).checkpoint
            hashes = log.run(partial(prove_consistency, old=old.size, new=head.size))
            verify_consistency(old.size, head.size, old.root, head.root, hashes)
        assert log.run(lambda c: root_at(c, head.size)) == head.root
