"""Time stamps on heads: asked for, kept, published and verified; a false one is refused, and silence is waited out."""

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rfc3161_client import TimestampRequestBuilder, VerifierBuilder, decode_timestamp_response
from rfc3161_client.base import HashAlgorithm

from safelight.backends.memory import MemoryBackend
from safelight.core.errors import NotStartable
from safelight.ledger.disclose import export
from safelight.ledger.proofs.errors import Malformed, ProofError, SignatureInvalid, Unavailable
from safelight.ledger.proofs.note import Note
from safelight.ledger.proofs.timestamp import Stamp, read_certificates, request_stamp
from safelight.ledger.published import read_checkpoint, read_stamped
from safelight.ledger.stamps import HttpStamps
from safelight.ledger.verify.main import main as verify
from tests.detectors import scripted_detectors
from tests.ledger.authority import Authority, der, listening
from tests.ledger.store_log import NOW, StoreLog, store_log
from tests.ledger.twin import KEY
from tests.service import serving

TEXT = "log.example/test\n5\nAAAA\n"
NONCE = (1 << 62) + 7


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[StoreLog]:
    with store_log(tmp_path / "log.db") as opened:
        opened.begin()
        opened.integrate()
        yield opened


def stamped(authority: Authority, text: str = TEXT) -> bytes:
    return authority.answer(request_stamp(text, NONCE))


AUTHORITY = Authority()
STAMPED = stamped(AUTHORITY)
WHOLE = Stamp.parse(STAMPED)


@pytest.mark.parametrize("rsa_key", [False, True])
def test_a_stamp_is_verified_by_us_and_by_another_implementation(rsa_key: bool) -> None:
    authority = Authority(rsa_key=rsa_key)
    stamp = Stamp.parse(stamped(authority))
    assert (stamp.time, stamp.nonce) == (authority.now, NONCE)
    assert "signer" in stamp.verify(TEXT, [authority.root])
    assert "signer" in stamp.verify(TEXT, [authority.signer])
    other = VerifierBuilder().add_root_certificate(authority.root).nonce(NONCE).build()
    assert other.verify_message(decode_timestamp_response(stamped(authority)), TEXT.encode())


def test_our_request_is_the_one_that_another_implementation_writes() -> None:
    theirs = TimestampRequestBuilder().data(TEXT.encode()).hash_algorithm(HashAlgorithm.SHA256).build()
    assert theirs.nonce is not None
    assert request_stamp(TEXT, NONCE) == _with_nonce(theirs.as_bytes(), theirs.nonce)
    for nonce in (0, 1 << 63, (1 << 55) - 1):
        with pytest.raises(ValueError, match="eight bytes"):
            request_stamp(TEXT, nonce)


def _with_nonce(request: bytes, nonce: int) -> bytes:
    """The same request with our nonce in place of theirs."""
    at = request.index(b"\x04\x20") + 34
    length = request[at + 1]
    assert int.from_bytes(request[at + 2 : at + 2 + length], "big") == nonce
    content = request[2:at] + b"\x02\x08" + NONCE.to_bytes(8, "big") + request[at + 2 + length :]
    return der(0x30, content)


def test_a_stamp_of_another_text_or_authority_is_refused(authority: Authority) -> None:
    stamp = Stamp.parse(stamped(authority))
    with pytest.raises(SignatureInvalid, match="another head"):
        stamp.verify(TEXT + "x", [authority.root])
    with pytest.raises(SignatureInvalid, match="does not lead"):
        stamp.verify(TEXT, [Authority().root])
    with pytest.raises(SignatureInvalid, match="does not lead"):
        stamp.verify(TEXT, [])


def test_a_certificate_that_is_not_for_stamping_or_has_ended_is_refused() -> None:
    unfit = Authority(usage=False)
    with pytest.raises(SignatureInvalid, match="not for time stamping"):
        Stamp.parse(stamped(unfit)).verify(TEXT, [unfit.root])
    ended = Authority(days=2)
    ended.now += timedelta(days=3)
    with pytest.raises(SignatureInvalid, match="not valid at its moment"):
        Stamp.parse(stamped(ended)).verify(TEXT, [ended.root])


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, 1 << 20), bit=st.integers(0, 7))
def test_a_flipped_bit_is_malformed_or_refused_or_no_part_of_what_is_signed(at: int, bit: int) -> None:
    content = bytearray(STAMPED)
    content[at % len(content)] ^= 1 << bit
    try:
        stamp = Stamp.parse(bytes(content))
        stamp.verify(TEXT, [AUTHORITY.root])
    except ProofError:
        return
    # What may change unseen is outside of what is signed: status, versions, names of algorithms.
    assert (stamp.time, stamp.imprint, stamp.info) == (AUTHORITY.now, WHOLE.imprint, WHOLE.info)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_stamp_or_malformed(content: bytes) -> None:
    with pytest.raises(Malformed):
        Stamp.parse(content)


@pytest.mark.parametrize("status", [2, 3, 4, 5])
def test_an_answer_that_was_not_granted_is_no_stamp(status: int) -> None:
    with pytest.raises(Malformed, match="did not grant"):
        Stamp.parse(der(0x30, der(0x30, bytes([2, 1, status]))))


def test_a_real_openssl_authority_is_understood(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("there is no openssl on this machine")
    authority = Authority(rsa_key=True)
    (tmp_path / "text").write_text(TEXT)
    (tmp_path / "answer.tsr").write_bytes(stamped(authority))
    (tmp_path / "root.pem").write_bytes(authority.root_pem)
    at = str(int(authority.now.timestamp()))
    command = [openssl, "ts", "-verify", "-data", "text", "-in", "answer.tsr", "-CAfile", "root.pem", "-attime", at]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=60)  # noqa: S603
    assert b"Verification: OK" in ended.stdout + ended.stderr


def stamps(log: StoreLog, address: str) -> HttpStamps:
    return HttpStamps(log.database, address, lambda: NOW, every_s=3600)


def test_a_head_is_stamped_kept_exported_and_verified(
    log: StoreLog, tmp_path: Path, authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    def shown(*arguments: object) -> tuple[int, dict[str, Any]]:
        code = verify([*map(str, arguments), "--key", KEY.public().to_text(), "--json"])
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return code, found

    copy, root = tmp_path / "copy", tmp_path / "root.pem"
    root.write_bytes(authority.root_pem)
    with pytest.raises(Unavailable):
        log.run(read_stamped)
    note = log.run(read_checkpoint)
    with listening(authority) as address:
        asyncio.run(stamps(log, address).stamp(note))
        asyncio.run(stamps(log, address).stamp(note))  # a head is stamped once
    first = log.run(read_stamped)
    assert first[0].text == note.text
    log.decide(3)
    log.integrate()
    copy.mkdir()
    log.run(lambda c: export(c, copy, KEY.public()))
    code, found = shown("stamp", copy, "--authority", root)
    assert (code, found["stamped_at"]) == (0, "2026-11-22T12:00:00+00:00")
    assert "signer" in found["authority"]
    root.write_bytes(Authority().root_pem)
    assert shown("stamp", copy, "--authority", root)[1]["code"] == "signature_invalid"
    root.write_bytes(b"no certificate")
    assert shown("stamp", copy, "--authority", root)[0] == 2
    (copy / "stamped.tsr").unlink()
    root.write_bytes(authority.root_pem)
    assert shown("stamp", copy, "--authority", root)[0] == 4


@pytest.mark.parametrize("broken", [b"", b"no stamp", b"0" * 70_000])
def test_an_authority_that_answers_wrongly_leaves_nothing(log: StoreLog, broken: bytes) -> None:
    authority = Authority()
    authority.broken = broken
    with listening(authority) as address, pytest.raises(ProofError):
        asyncio.run(stamps(log, address).stamp(log.run(read_checkpoint)))
    with pytest.raises(Unavailable):
        log.run(read_stamped)


def test_an_old_answer_is_not_taken_for_a_new_one(log: StoreLog) -> None:
    authority = Authority()
    authority.broken = stamped(authority)
    with listening(authority) as address, pytest.raises(Malformed, match="something else"):
        asyncio.run(stamps(log, address).stamp(log.run(read_checkpoint)))


def test_a_silent_authority_is_asked_again(log: StoreLog) -> None:
    authority = Authority()

    async def run(address: str) -> None:
        one = HttpStamps(log.database, address, lambda: NOW, every_s=0.01)
        authority.broken = b""
        task = asyncio.create_task(one.run())
        await asyncio.sleep(0.2)
        authority.broken = None
        async with asyncio.timeout(20):
            while not await log.database.read(_has_stamp):
                await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with listening(authority) as address:
        asyncio.run(run(address))


def _has_stamp(connection: Any) -> bool:
    try:
        read_stamped(connection)
    except Unavailable:
        return False
    return True


def test_a_gate_publishes_the_stamps_of_its_heads(tmp_path: Path, authority: Authority) -> None:
    detectors = list(scripted_detectors().values())
    with (
        listening(authority) as address,
        serving(tmp_path, detectors=detectors, backend=MemoryBackend(), ledger_stamps=address) as service,
        service.http() as http,
    ):
        deadline = time.monotonic() + 20
        while (answer := http.get("/ledger/stamped.tsr")).status_code == 404 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert answer.headers["content-type"] == "application/timestamp-reply"
        text = Note.parse(http.get("/ledger/stamped").content).text
        assert "signer" in Stamp.parse(answer.content).verify(text, [authority.root])


def test_an_address_that_is_none_stops_the_start(log: StoreLog) -> None:
    with pytest.raises(NotStartable, match="SAFELIGHT_LEDGER_STAMPS"):
        stamps(log, "authority.example")
    with pytest.raises(NotStartable, match="SAFELIGHT_LEDGER_STAMPS"):
        stamps(log, "http://[")


def test_certificates_are_read_in_pem_only() -> None:
    assert read_certificates(AUTHORITY.root_pem) == [AUTHORITY.root]
    with pytest.raises(Malformed):
        read_certificates(b"")
