"""Copies that no hash finds, among past outputs: what is found, what is found wrongly, and what the looking costs.

    python bench/past_copies.py [--outputs 2000] [--pictures 20] [--json]

Some pictures are kept after their copies, and many others, were made here: scikit-image's photographs and drawn scenes,
each copied by every transform of `copies.py`. The register keeps light features of its outputs, so less is found here
than at the gate. Milliseconds are processor time of one look, one thread, database included.
"""

import argparse
import json
import logging
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import cv2
import structlog
from sqlalchemy import Connection, insert

from copies import PHOTOS, TRANSFORMS, photo, scene
from machine import machine
from safelight.core.clock import to_rfc3339
from safelight.core.ids import new_id
from safelight.matching.banks import create_bank
from safelight.matching.copies import LIGHT, features, packed
from safelight.matching.copy_book import CopyBook
from safelight.matching.model import BankCategory
from safelight.matching.past import past_matches_of
from safelight.matching.past_copies import PastCopies
from safelight.matching.pdq import Frame, Pdq, pdq
from safelight.store.database import Database, sqlite_url
from safelight.store.provenance_tables import outputs
from safelight.store.tables import decisions, policies

NOW = datetime.now(UTC)


def make_register(database: Database) -> str:
    """A decision for all outputs to stand under."""

    def write(connection: Connection) -> str:
        at = to_rfc3339(NOW)
        connection.execute(insert(policies).values(version="v", text="t", first_used_at=at))
        row = dict.fromkeys(("key_id", "subject_id", "tier", "prompt_digest", "image_digests", "body"), "x")
        row |= {"id": new_id("dec", NOW), "request_id": "req", "at": at, "policy_version": "v"}
        connection.execute(insert(decisions).values(row | {"stage": "output", "verdict": "allow"}))
        return row["id"]

    return database.write_here(write)


def release(database: Database, decision: str, name: str, frame: Frame) -> None:
    """Have a picture been released, as the register keeps it."""
    hashed = pdq(frame)
    row = dict.fromkeys(("receipt", "place", "media_type", "how", "content_digest"), "x")
    sizes = {"width": 1, "height": 1, "photos": 0, "parents": "[]"}
    times = {"made_at": to_rfc3339(NOW), "expires_at": to_rfc3339(NOW + timedelta(days=1))}
    known = {
        "id": name,
        "request_id": "req",
        "decision_id": decision,
        "fingerprint": hashed.hash if isinstance(hashed, Pdq) else bytes(32),
        "features": packed(features(frame, LIGHT)),
    }
    database.write_here(lambda c: c.execute(insert(outputs).values(row | sizes | times | known)).close())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outputs", type=int, default=2_000, help="past outputs, copies included")
    parser.add_argument("--pictures", type=int, default=20, help="that are kept afterwards")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # it logs each find
    pictures = [photo(name) for name in PHOTOS][: chosen.pictures]
    pictures += [scene(seed) for seed in range(chosen.pictures - len(pictures))]
    with tempfile.TemporaryDirectory() as folder:
        database = Database(sqlite_url(Path(folder) / "bench.db"))
        database.migrate()
        decision = make_register(database)
        for name, transform in TRANSFORMS.items():
            for number, picture in enumerate(pictures):
                release(database, decision, f"{number}/{name}", transform(picture))
        copies = len(TRANSFORMS) * len(pictures)
        for number in range(copies, chosen.outputs):
            release(database, decision, f"other {number}", scene(10**6 + number))
        bank = database.write_here(
            lambda c: create_bank(c, name="b", owner="o", source="s", category=BankCategory.NCII, now=NOW)
        )
        book = CopyBook(database, Path(folder) / "copies", b"\1" * 32, max_count=1_000)
        past = PastCopies(database, book.rows, lambda: NOW, 10**6, lambda *_: None)
        for number, picture in enumerate(pictures):
            book.add(bank.number, number, picture, NOW)
        start = time.process_time()
        # Each look is some outputs and pictures; a bound that no run comes near.
        next(at for at in count() if past.look() is None or at > 10**6)
        spent_s = time.process_time() - start
        found = {row[1] for row in database.read_here(lambda c: past_matches_of(c, bank.number))}
        matches = len(database.read_here(lambda c: past_matches_of(c, bank.number)))
        database.close()
    by_name = Counter(one.split("/")[1] for one in found if "/" in one)
    outputs_count = max(copies, chosen.outputs)
    pairs = outputs_count * len(pictures)
    figures = {
        "outputs": outputs_count,
        "pictures": len(pictures),
        "ms_a_pair": round(1000 * spent_s / pairs, 3),
        "s_for_100k_outputs": round(spent_s / pairs * 100_000, 1),
        "wrong": matches - sum(by_name.values()),
        "pairs": pairs,
        "recall": {name: by_name[name] / len(pictures) for name in TRANSFORMS},
    }
    if chosen.json:
        print(json.dumps(machine() | figures))
        return
    for name, value in figures.items():
        for line, share in value.items() if isinstance(value, dict) else [(name, value)]:
            print(f"{line:32}{share:>10.1%}" if isinstance(value, dict) else f"{line:32}{share:>10}")


if __name__ == "__main__":
    main()
