"""Whether a changed copy of an output leads to its request, and whether anything else is ever claimed.

    python bench/trace.py [--quick] [--json]

200 requests of five pictures each (`--quick`: 12 of five): sample photographs of scikit-image at other cuts, sizes and
colours, and drawn scenes; marked, signed and registered as the gate does it. Each is then stripped of its metadata and
re-encoded, resized, cropped, mirrored, made brighter or blurred, half of them by two of these, and traced. As many
pictures that were not made here are traced too, cut from the same photographs.
Ends with 1 where a wrong request is named, a foreign picture is claimed, or fewer than 99 of 100 find theirs.
"""

# ruff: noqa: A005 (nothing here uses the standard library's module of this name)
import argparse
import io
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, insert

from copies import PHOTOS, cropped, photo, scene
from safelight.core.clock import to_rfc3339, utc_now
from safelight.core.ids import new_id
from safelight.matching.copies import LIGHT, features, packed
from safelight.matching.pdq import Frame
from safelight.provenance import keys, register
from safelight.provenance.credentials.chain import (
    KEY_FILE,
    keep_trusted,
    load_key,
    load_or_make,
    trust_of,
)
from safelight.provenance.credentials.read import CredentialReader
from safelight.provenance.credentials.seal import Sealer
from safelight.provenance.credentials.signer import LocalSigner
from safelight.provenance.marking import Marker
from safelight.provenance.model import How, Origin
from safelight.provenance.trace import Answer, Trace, Tracer
from safelight.store.database import Database, sqlite_url
from safelight.store.digest_key import DigestKey
from safelight.store.tables import decisions, policies
from safelight.wiring import seeing

PICTURES_OF_A_REQUEST = 5
RIGHT_TARGET = 0.99
_VERSION = "sha256:bench"
Change = Callable[[Frame, random.Random], Frame]


def _jpeg(frame: Frame, drawn: random.Random) -> Frame:
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=drawn.choice([50, 65, 80]))
    return np.asarray(Image.open(file))


def _resize(frame: Frame, drawn: random.Random) -> Frame:
    factor = drawn.choice([0.5, 0.6, 0.75, 1.25, 1.5])
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(frame, None, fx=factor, fy=factor, interpolation=method), np.uint8)


def _crop(frame: Frame, drawn: random.Random) -> Frame:
    return cropped(frame, drawn.uniform(0.03, 0.10), (drawn.random(), drawn.random()))


def _mirror(frame: Frame, _drawn: random.Random) -> Frame:
    return np.ascontiguousarray(frame[:, ::-1])


def _brighter(frame: Frame, drawn: random.Random) -> Frame:
    return np.asarray(cv2.convertScaleAbs(frame, alpha=drawn.choice([0.85, 1.15]), beta=0), np.uint8)


def _blur(frame: Frame, _drawn: random.Random) -> Frame:
    return np.asarray(cv2.GaussianBlur(frame, (0, 0), 1.0), np.uint8)


CHANGES: dict[str, Change] = {
    "re-encoded": _jpeg,
    "resized": _resize,
    "cropped": _crop,
    "mirrored": _mirror,
    "brighter": _brighter,
    "blurred": _blur,
}


@dataclass
class Tally:
    """What the traces said."""

    right: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    unsure: int = 0
    missed: int = 0
    wrong: int = 0
    foreign: int = 0
    claimed: int = 0
    foreign_unsure: int = 0
    took_ms: list[float] = field(default_factory=list)
    mark_cpu_ms: list[float] = field(default_factory=list)
    sign_ms: list[float] = field(default_factory=list)


class Service:
    """As much of a running Safelight as marks and traces need."""

    def __init__(self, folder: Path) -> None:
        chain, key = load_or_make(folder, utc_now(), production=False)
        self._marks = keys.load_or_make(folder / "watermark")
        self._marker = Marker(self._marks[0], Sealer(LocalSigner(load_key(key, chain, KEY_FILE), chain)))
        keep_trusted(folder, chain)
        self._digest_key = DigestKey.load_or_make(folder / "digest.key")
        self._seeing = seeing(self._digest_key)
        reader = CredentialReader(trust_of(folder))
        self._tracer = Tracer(reader, self._marks, self._seeing)
        self.database = Database(sqlite_url(folder / "bench.db"))
        self.database.migrate()
        now = to_rfc3339(utc_now())
        row = {"version": _VERSION, "text": "", "first_used_at": now}
        self.database.write_here(lambda connection: connection.execute(insert(policies), [row]))

    def make(self, request_id: str, pictures: list[Frame], tally: Tally) -> list[Frame]:
        """Mark and register the pictures of a request; what leaves, decoded."""
        now = utc_now()
        decision_id = new_id("dec", now)
        entries, marked = [], []
        for number, picture in enumerate(pictures, 1):
            began = time.process_time()
            inked = self._marker.ink(b"\x89PNG\r\n\x1a\n", picture)
            content, media_type = self._marker.encode(inked)
            prints, details = self._seeing.fingerprints(inked.pixels), packed(features(inked.pixels, LIGHT))
            signing = time.perf_counter()
            origin = Origin(new_id("pic", now), request_id, decision_id, _VERSION, How.CREATED, "bench", now)
            sealed = self._marker.seal(content, media_type, origin)
            tally.sign_ms.append(1000 * (time.perf_counter() - signing))
            tally.mark_cpu_ms.append(1000 * (time.process_time() - began))
            height, width = picture.shape[:2]
            entry = register.Entry(
                id=origin.output_id,
                request_id=request_id,
                decision_id=decision_id,
                place=f"output {number}",
                made_at=now,
                media_type=media_type,
                width=width,
                height=height,
                how=How.CREATED,
                watermark=inked.watermark,
                fingerprint=prints[0] if prints else None,
                features=details,
            )
            entries.append((entry, self._seeing.digest(sealed), ""))
            marked.append(np.asarray(Image.open(io.BytesIO(sealed))))
        self.database.write_here(lambda connection: self._write(connection, decision_id, request_id, entries))
        return marked

    def trace(self, frame: Frame) -> Trace:
        """Where a picture comes from, as a PNG without metadata."""
        file = io.BytesIO()
        Image.fromarray(frame).save(file, "PNG", compress_level=1)
        look = self._tracer.look(file.getvalue(), frame)
        return self.database.read_here(lambda connection: self._tracer.find(connection, look, utc_now()))

    def _write(
        self,
        connection: Connection,
        decision_id: str,
        request_id: str,
        entries: list[tuple[register.Entry, str, str]],
    ) -> None:
        row = dict.fromkeys(("key_id", "subject_id", "tier", "prompt_digest", "image_digests", "body"), "")
        row |= {"id": decision_id, "request_id": request_id, "at": to_rfc3339(utc_now()), "stage": "output"}
        row |= {"verdict": "allow", "policy_version": _VERSION}
        connection.execute(insert(decisions), [row])
        register.write(connection, entries, keep=timedelta(days=1))


def drawn_picture(photos: list[Frame], drawn: random.Random) -> Frame:
    """A cut of a photograph in other colours and size, or a drawn scene; 512 to 1024 pixels a side."""
    if drawn.random() < 0.25:
        base = scene(drawn.randrange(1 << 30))
    else:
        whole = drawn.choice(photos)
        base = cropped(whole, drawn.uniform(0.2, 0.5), (drawn.random(), drawn.random()))
    size = (drawn.choice([512, 768, 1024]), drawn.choice([512, 768, 1024]))
    resized = cv2.resize(base, size, interpolation=cv2.INTER_CUBIC)
    shift = np.array([drawn.randrange(-25, 26) for _ in range(3)])
    return np.asarray(np.clip(resized.astype(np.int16) + shift, 0, 255), np.uint8)


def changed(frame: Frame, drawn: random.Random) -> tuple[str, Frame]:
    """`frame` after one change, or after two as often, and their names."""
    names = drawn.sample(list(CHANGES), drawn.choice([1, 2]))
    for name in names:
        frame = CHANGES[name](frame, drawn)
    return " + ".join(sorted(names)), np.ascontiguousarray(frame)


def measure(requests: int, seed: int) -> Tally:
    """Make, change, trace; then the foreign ones."""
    drawn = random.Random(seed)
    photos = [photo(name) for name in PHOTOS]
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="safelight-trace-") as folder:
        service = Service(Path(folder))
        made: list[tuple[str, Frame]] = []
        for number in range(requests):
            request_id = f"req_{number}"
            pictures = [drawn_picture(photos, drawn) for _ in range(PICTURES_OF_A_REQUEST)]
            # Only what leaves is kept for the traces, as JPEG in memory: all of them at once would be gigabytes.
            for frame in service.make(request_id, pictures, tally):
                name, copy = changed(frame, drawn)
                made.append((f"{request_id} {name}", copy))
                if len(made) >= 2 * PICTURES_OF_A_REQUEST:
                    _ask(service, made, tally)
        _ask(service, made, tally)
        for _ in range(requests * PICTURES_OF_A_REQUEST):
            _, copy = changed(drawn_picture(photos, drawn), drawn)
            found = service.trace(copy)
            tally.foreign += 1
            tally.claimed += found.answer is Answer.YES
            tally.foreign_unsure += found.answer is Answer.UNSURE
        service.database.close()
    return tally


def _ask(service: Service, made: list[tuple[str, Frame]], tally: Tally) -> None:
    for told, copy in made:
        request_id, _, name = told.partition(" ")
        began = time.perf_counter()
        found = service.trace(copy)
        tally.took_ms.append(1000 * (time.perf_counter() - began))
        tally.asked[name] += 1
        if found.answer is Answer.YES and found.output is not None:
            if found.output.request_id == request_id:
                tally.right[name] += 1
            else:
                tally.wrong += 1
        elif found.answer is Answer.UNSURE:
            tally.unsure += 1
        else:
            tally.missed += 1
    made.clear()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="12 requests instead of 200")
    parser.add_argument("--json", action="store_true", help="one object on the last line")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    began = time.process_time()
    tally = measure(12 if options.quick else 200, options.seed)
    asked, right = tally.asked.total(), tally.right.total()
    console = Console(stderr=options.json)
    table = Table("changed", "right", "of")
    for name in sorted(tally.asked):
        table.add_row(name, str(tally.right[name]), str(tally.asked[name]))
    console.print(table)
    figures = {
        "outputs": asked,
        "right": round(right / asked, 4),
        "unsure": tally.unsure,
        "missed": tally.missed,
        "wrong": tally.wrong,
        "foreign": tally.foreign,
        "foreign_claimed": tally.claimed,
        "foreign_unsure": tally.foreign_unsure,
        "trace_p50_ms": round(float(np.median(tally.took_ms)), 1),
        "mark_cpu_p50_ms": round(float(np.median(tally.mark_cpu_ms)), 1),
        "sign_p50_ms": round(float(np.median(tally.sign_ms)), 1),
        "cpu_s": round(time.process_time() - began),
    }
    if options.json:
        print(json.dumps(figures))
    else:
        console.print(figures)
    failed = tally.wrong or tally.claimed or right / asked < RIGHT_TARGET
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
