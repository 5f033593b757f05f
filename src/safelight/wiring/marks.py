"""Marks and traces: who signs, and what tracing borrows from the rooms beside it."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from safelight import __version__
from safelight.core.clock import utc_now
from safelight.core.errors import NotStartable
from safelight.gate.record import IMAGE_DIGEST
from safelight.ledger.append import Ledger
from safelight.ledger.draft import Draft
from safelight.ledger.keys import load_or_make_key
from safelight.ledger.matters import trace_draft
from safelight.matching.copies import FULL, LIGHT, features, likeness, packed, same_picture, unpacked
from safelight.matching.past_copies import WORTH_A_LOOK
from safelight.matching.pdq import Frame, Pdq, pdq_once
from safelight.provenance import keys as watermark_keys
from safelight.provenance.credentials import chain as credentials_chain
from safelight.provenance.credentials.read import CredentialReader
from safelight.provenance.credentials.seal import Sealer
from safelight.provenance.credentials.signer import LocalSigner, Signer
from safelight.provenance.marking import Marker
from safelight.provenance.service import Provenance, Use
from safelight.provenance.trace import Seeing, Trace, Tracer
from safelight.settings import Settings
from safelight.store.database import Database, sqlite_url
from safelight.store.digest_key import DigestKey

SIGNER_GROUP = "safelight.signers"
MARKS_FOLDER = "marks"
"""In the data folder: certificates and key of the credentials, trusted roots, and the watermark's keys."""


def fingerprint(frame: Frame) -> tuple[bytes, ...]:
    """What the edit chain knows a picture by: its PDQ, as it is, mirrored and turned."""
    hashed = pdq_once(frame)
    return tuple(form for _, form in hashed.forms) if isinstance(hashed, Pdq) else ()


def light_features(frame: Frame) -> bytes:
    """What the register knows the details of a picture by."""
    return packed(features(frame, LIGHT))


def _shows(frame: Frame, known: bytes) -> bool:
    """Whether `frame`, or its mirror image, shows the picture of these packed features, at least a part of it.

    First looked at as closely as that one was: of a drawing, a closer look finds grain of compression and misses its
    few corners. In a small part of a photograph only the closer look finds enough.
    """
    there = unpacked(known)
    mirrored = np.ascontiguousarray(frame[:, ::-1])
    looks = (features(shown, effort) for effort in (LIGHT, FULL) for shown in (frame, mirrored))
    return any(same_picture(look, there) is not None for look in looks)


def _finder(frame: Frame) -> Callable[[bytes], bool]:
    """As `_shows`, to ask of many: nearly all that show something else are passed over at a glance."""
    mirrored = np.ascontiguousarray(frame[:, ::-1])
    looks = [features(shown, effort) for effort in (LIGHT, FULL) for shown in (frame, mirrored)]

    def shows(known: bytes) -> bool:
        there = unpacked(known)
        return any(likeness(look, there) >= WORTH_A_LOOK and same_picture(look, there) is not None for look in looks)

    return shows


def signer_of(settings: Settings, folder: Path, now: datetime) -> Signer:
    """The signer that the settings name, or the key in the data folder. Raises NotStartable."""
    if not settings.marks_signer:
        chain, key = credentials_chain.load_or_make(folder, now, production=settings.production)
        return LocalSigner(credentials_chain.load_key(key, chain, str(folder / credentials_chain.KEY_FILE)), chain)
    for entry in entry_points(group=SIGNER_GROUP, name=settings.marks_signer):
        try:
            signer = entry.load()()
        except Exception as error:
            raise NotStartable(f"The signer {entry.name!r} does not load; repair or uninstall it.") from error
        if not isinstance(signer, Signer):
            raise NotStartable(f"The signer {entry.name!r} is none (see safelight.provenance.credentials.signer).")
        if signer.chain.is_development and settings.production:
            raise NotStartable(f"The signer {entry.name!r} signs under a development chain, which nobody trusts.")
        return signer
    raise NotStartable(f"No installed package has a signer {settings.marks_signer!r} in the group {SIGNER_GROUP}.")


def sealer_of(
    settings: Settings, folder: Path, now: datetime, reader: CredentialReader, signer: Signer | None
) -> Sealer:
    """Signs with `signer`, or with the one of the settings; from its first picture on `reader` knows it as our own.

    Raises NotStartable.
    """

    def keep(chain: credentials_chain.Chain) -> None:
        credentials_chain.keep_trusted(folder, chain)
        reader.trust(credentials_chain.trust_of(folder))

    return Sealer(signer or signer_of(settings, folder, now), settings.marks_stamps, keep)


def seeing(digest_key: DigestKey) -> Seeing:
    """What tracing borrows from the rooms beside it."""
    return Seeing(fingerprint, lambda content: digest_key.digest(IMAGE_DIGEST, content), _shows, _finder)


@contextlib.contextmanager
def provenance_of(settings: Settings) -> Iterator[Provenance]:
    """Traces beside a service that may be running, without its detectors. Raises NotStartable or StoreFailed."""
    url = settings.database_url or sqlite_url(settings.data_dir / "safelight.db")
    folder = settings.data_dir / MARKS_FOLDER
    ledger_key = load_or_make_key(settings.data_dir / "ledger.key", settings.ledger_origin, settings.kept_head_file)
    with contextlib.ExitStack() as closing:
        database = Database(url, timeout_s=30)
        closing.callback(database.close)
        database.migrate()
        reader = CredentialReader(credentials_chain.trust_of(folder))
        closing.callback(reader.close)
        digest_key = DigestKey.load_or_make(settings.data_dir / "digest.key")

        def log(connection: Connection, use: Use, trace: Trace) -> None:
            Ledger(ledger_key, utc_now).append_once(connection, [trace_leaf(use, trace)], release=__version__)

        keys = watermark_keys.load_or_make(folder / "watermark")
        yield Provenance(Tracer(reader, keys, seeing(digest_key)), database, utc_now, log)


def log_trace(ledger: Ledger, connection: Connection, use: Use, trace: Trace) -> None:
    """The leaf of one trace. Who asked, why, and about what is only committed to."""
    ledger.append(connection, [trace_leaf(use, trace)])


def log_marks(ledger: Ledger, connection: Connection, marker: Marker | None) -> None:
    """The leaf of keys that mark from here on, where they are others than before."""
    watermark, credentials = marker.keys if marker else (None, None)
    ledger.mark_with(connection, watermark=watermark, credentials=credentials)


def trace_leaf(use: Use, trace: Trace) -> Draft:
    """What a trace leaves in the log."""
    return trace_draft(
        use.at,
        trace_id=use.id,
        purpose=use.purpose.value,
        found=int(trace.output is not None),
        by=use.by,
        reason=use.reason,
        picture=use.picture_digest,
    )
