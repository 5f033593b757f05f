"""C2SP signed-note and tlog-checkpoint: known answers, round trips, every defect by name, and nothing else crashes."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.ledger.proofs.checkpoint import Checkpoint, open_checkpoint, parse_size, sign_checkpoint
from safelight.ledger.proofs.cosignature import cosign, cosignature_of
from safelight.ledger.proofs.errors import InclusionFailed, Malformed, ProofError, SignatureInvalid
from safelight.ledger.proofs.merkle import leaf_hash
from safelight.ledger.proofs.note import Algorithm, Note, PublicKey, SecretKey, decode_base64, encode_base64, sign_note
from safelight.ledger.proofs.receipt import Receipt, give_receipt
from safelight.ledger.proofs.tlog_proof import TlogProof
from safelight.ledger.proofs.witness_request import AddCheckpoint, parse_cosignatures
from tests.ledger.twin import KEY, ORIGIN, WITNESS, naive_root

# The key and the note that Go's `golang.org/x/mod/sumdb/note` is tested with.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = decode_base64("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# A checkpoint with a cosignature, as printed in C2SP's specification of cosignatures.
SPEC_CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
ROOT = naive_root([b"one", b"two"])
HEAD = Checkpoint(ORIGIN, 2, ROOT)


def head_note() -> Note:
    return sign_checkpoint(HEAD, KEY)


def test_gos_own_note_verifies_and_is_written_byte_for_byte() -> None:
    key = PublicKey.parse(GO_KEY)
    assert key.to_text() == GO_KEY
    Note.parse((GO_TEXT + "\n" + GO_LINE).encode()).verify(key)
    secret = SecretKey("PeterNeumann", GO_SEED)
    assert secret.public() == key
    assert sign_note(GO_TEXT, secret).to_bytes() == (GO_TEXT + "\n" + GO_LINE).encode()


def test_the_specifications_checkpoint_reads_and_reads_back() -> None:
    note = Note.parse(SPEC_CHECKPOINT.encode())
    checkpoint = Checkpoint.parse(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert note.to_bytes() == SPEC_CHECKPOINT.encode()
    assert checkpoint.to_text() == note.text
    # Its cosignature's time, as the specification prints it in the signed message.
    assert int.from_bytes(note.signatures[1].raw[:8], "big") == 1679315147


@pytest.mark.parametrize("start", range(len(GO_KEY)))
def test_no_part_of_a_key_and_no_changed_key_is_one(start: int) -> None:
    changed = GO_KEY[:start] + chr(ord(GO_KEY[start]) + 1) + GO_KEY[start + 1 :]
    for text in (GO_KEY[start + 1 :], GO_KEY[:start], changed):
        with pytest.raises(Malformed):
            PublicKey.parse(text)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\n\n",
        b"text\n\nno dash x08go/Y=\n",
        "text\n\n— name\n".encode(),
        "text\n\n— name AAAA\n".encode(),
        "text\n\n— na+me AAAAAAAA\n".encode(),
        "text\n\n— name AAAAAAAA \n".encode(),
        "text\n\n— name AAAAAAAA".encode(),
        "text\n\n— name AAAAAAB=\n".encode(),
        "te\rxt\n\n— name AAAAAAAA\n".encode(),
        "te\x00xt\n\n— name AAAAAAAA\n".encode(),
        b"te\xffxt\n\n" + "— name AAAAAAAA\n".encode(),
        ("text\n\n" + "— name AAAAAAAA\n" * 33).encode(),
        b"t" * 70_000 + "\n\n— name AAAAAAAA\n".encode(),
    ],
)
def test_a_note_with_a_defect_is_malformed(content: bytes) -> None:
    with pytest.raises(Malformed):
        Note.parse(content)


def test_a_note_may_carry_sixteen_signatures_that_nobody_knows() -> None:
    content = head_note().to_bytes() + "".join(f"— other{n}.example AAAAAAAA\n" for n in range(16)).encode()
    assert open_checkpoint(content, KEY.public()).checkpoint == HEAD


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "a\n1\n",
        "a\n01\n" + encode_base64(ROOT) + "\n",
        "a\n-1\n" + encode_base64(ROOT) + "\n",
        "a\n٣\n" + encode_base64(ROOT) + "\n",
        "a\n9223372036854775808\n" + encode_base64(ROOT) + "\n",
        "a\n1\n" + encode_base64(ROOT[1:]) + "\n",
        "a\n1\n" + encode_base64(ROOT) + "\n\n",
        "a\n1\n" + encode_base64(ROOT),
        "\n1\n" + encode_base64(ROOT) + "\n",
        "a\n1\n" + encode_base64(ROOT) + "\n" + "x\n" * 17,
    ],
)
def test_a_checkpoint_with_a_defect_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        Checkpoint.parse(text)


def test_a_checkpoint_of_a_wrong_key_or_another_log_is_refused() -> None:
    other = SecretKey(ORIGIN, b"\x09" * 32)
    with pytest.raises(SignatureInvalid, match="no signature"):
        open_checkpoint(head_note().to_bytes(), other.public())
    elsewhere = sign_checkpoint(Checkpoint("log.example/other", 2, ROOT), KEY)
    with pytest.raises(SignatureInvalid, match="of the log"):
        open_checkpoint(elsewhere.to_bytes(), KEY.public())


@settings(deadline=None)
@given(st.integers(0, 255), st.data())
def test_a_flipped_bit_of_a_signed_head_never_passes(mask: int, data: st.DataObject) -> None:
    content = bytearray(head_note().to_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= mask or 1
    with pytest.raises(ProofError):
        open_checkpoint(bytes(content), KEY.public())


def test_a_cosignature_says_when_and_is_tied_to_the_head() -> None:
    note = head_note().with_signatures([cosign(HEAD.to_text(), WITNESS, 1_700_000_000)])
    witness = WITNESS.public(Algorithm.COSIGNATURE)
    signed = open_checkpoint(note.to_bytes(), KEY.public(), [witness])
    assert [(one.witness, one.time_s) for one in signed.cosignatures] == [(WITNESS.name, 1_700_000_000)]
    moved = Checkpoint(ORIGIN, 3, ROOT)
    with pytest.raises(SignatureInvalid):
        cosignature_of(Note(moved.to_text(), note.signatures), witness)
    assert cosignature_of(head_note(), witness) is None
    with pytest.raises(Malformed):
        cosignature_of(note, WITNESS.public())


def test_the_same_line_is_not_repeated() -> None:
    line = cosign(HEAD.to_text(), WITNESS, 5)
    assert head_note().with_signatures([line, line]).with_signatures([line]).to_bytes().count(b"witness.example") == 1


def test_a_text_without_a_newline_is_not_signed() -> None:
    with pytest.raises(ValueError, match="newline"):
        sign_note("text", KEY)


@settings(deadline=None)
@given(st.integers(0, (1 << 63) - 1))
def test_a_size_reads_back(size: int) -> None:
    assert parse_size(str(size)) == size


@settings(deadline=None)
@given(st.integers(0, 1 << 40), st.integers(0, 63), st.binary(max_size=100))
def test_a_proof_reads_back(index: int, count: int, extra: bytes) -> None:
    proof = TlogProof(index, (ROOT,) * count, head_note(), extra)
    assert TlogProof.parse(proof.to_bytes()) == proof


@settings(deadline=None)
@given(st.integers(0, 1 << 40), st.integers(0, 63))
def test_a_request_to_a_witness_reads_back(old: int, count: int) -> None:
    request = AddCheckpoint(old, (ROOT,) * count, head_note())
    assert AddCheckpoint.parse(request.to_bytes()) == request


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32), st.integers(0, 10**15))
def test_a_receipt_reads_back_and_only_its_log_gave_it(hashed: bytes, time_ms: int) -> None:
    receipt = Receipt.parse(give_receipt(hashed, time_ms, KEY).to_text())
    assert (receipt.leaf_hash, receipt.time_ms) == (hashed, time_ms)
    receipt.verify(KEY.public())
    for false in (
        Receipt(leaf_hash(hashed), time_ms, receipt.signature),
        Receipt(hashed, time_ms + 1, receipt.signature),
    ):
        with pytest.raises(SignatureInvalid):
            false.verify(KEY.public())
    with pytest.raises(SignatureInvalid):
        receipt.verify(SecretKey("log.example/other", b"\x07" * 32).public())


PARSERS: list[Callable[[bytes], Any]] = [
    Note.parse,
    TlogProof.parse,
    AddCheckpoint.parse,
    parse_cosignatures,
    lambda content: Checkpoint.parse(content.decode("utf-8", "replace")),
    lambda content: Receipt.parse(content.decode("utf-8", "replace")),
    lambda content: PublicKey.parse(content.decode("utf-8", "replace")),
]


@pytest.mark.parametrize("parse", PARSERS)
@settings(deadline=None)
@given(content=st.binary(max_size=300))
def test_any_bytes_are_read_or_malformed(parse: Callable[[bytes], Any], content: bytes) -> None:
    with contextlib.suppress(Malformed):
        parse(content)


@pytest.mark.parametrize("whole", [TlogProof(3, (ROOT,), head_note(), b"x"), AddCheckpoint(1, (ROOT,), head_note())])
@settings(deadline=None)
@given(data=st.data())
def test_a_cut_or_changed_file_is_read_or_malformed(whole: TlogProof | AddCheckpoint, data: st.DataObject) -> None:
    content = whole.to_bytes()
    start, end = sorted((data.draw(st.integers(0, len(content))), data.draw(st.integers(0, len(content)))))
    changed = content[:start] + data.draw(st.binary(max_size=8)) + content[end:]
    with contextlib.suppress(Malformed):
        assert type(whole).parse(changed).to_bytes() == changed


def test_the_name_of_a_proof_error_is_stable() -> None:
    assert {error.code for error in (Malformed, SignatureInvalid, InclusionFailed)} == {
        "malformed",
        "signature_invalid",
        "inclusion_failed",
    }
