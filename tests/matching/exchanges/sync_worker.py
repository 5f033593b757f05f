"""For each line that it reads, a process that syncs once and says each page once it is acknowledged. To be killed.

A page is acknowledged when the run asks for the next one: its hashes are in and the checkpoint behind it is saved. The
processes are forked from this one, which has loaded everything, so that a kill costs no start of an interpreter.
"""

import os
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from safelight.core.clock import utc_now
from safelight.matching.banks import bank_named
from safelight.matching.exchanges.ncmec import Ncmec
from safelight.matching.exchanges.ports import Exchange, Page
from safelight.matching.exchanges.stopncii import StopNcii
from safelight.matching.exchanges.sync import sync
from safelight.matching.hashes import BankHashes
from safelight.matching.past import StoredOutputs
from safelight.store.database import Database, sqlite_url

SECRET = b"\7" * 32


@dataclass
class Telling:
    """An exchange, as it is, that tells how far its reader has come."""

    name: str
    inner: Exchange

    def pages(self, checkpoint: str) -> Iterator[Page]:
        for page in self.inner.pages(checkpoint):
            yield page
            print("taken", flush=True)  # noqa: T201 (the test reads it)


def main(folder: Path, source: str, address: str) -> None:
    """Fork, say who is to be killed, and say when that one is no more."""
    for _ in sys.stdin:
        if not (child := os.fork()):
            try:
                run(folder, source, address)
            except BaseException:  # noqa: BLE001 (whatever it is, the test is told)
                print("failed", flush=True)  # noqa: T201 (the test reads it)
                traceback.print_exc()
            finally:
                os._exit(0)
        print("began", child, flush=True)  # noqa: T201 (as above)
        os.waitpid(child, 0)
        print("over", flush=True)  # noqa: T201 (as above)


def run(folder: Path, source: str, address: str) -> None:
    """Sync the bank `list`."""
    database = Database(sqlite_url(folder / "test.db"))
    exchange: StopNcii | Ncmec
    if source == "stopncii":
        exchange = StopNcii.connect(address, function_key="f", subscription_key="s")
    else:
        exchange = Ncmec.connect(address, user="u", password="p")
    bank = database.read_here(partial(bank_named, name="list"))
    hashes = BankHashes(folder / "banks", SECRET)
    sync(database, hashes, bank, Telling(exchange.name, exchange), utc_now, StoredOutputs(database))
    print("done", flush=True)  # noqa: T201 (as above)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
