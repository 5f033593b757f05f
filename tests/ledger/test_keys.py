"""The log's key and its name: said once, it stays."""

from pathlib import Path

import pytest

from safelight.core.errors import LedgerCode, LedgerUnfit
from safelight.ledger.head_file import HeadFile
from safelight.ledger.keys import load_or_make_key
from safelight.ledger.proofs.checkpoint import Checkpoint, sign_checkpoint


def test_a_log_keeps_its_name_where_none_is_said(tmp_path: Path) -> None:
    """The gate is told its name by whatever starts it; the operator's own shell is not."""
    path, head = tmp_path / "ledger.key", tmp_path / "ledger.head"
    unnamed = load_or_make_key(path, "", head)
    named = load_or_make_key(path, "images.example/ledger", head)
    assert unnamed.name.startswith("safelight.local/")
    HeadFile(head, named.public()).keep(sign_checkpoint(Checkpoint(named.name, 1, b"\x01" * 32), named))
    again = load_or_make_key(path, "", head)
    assert again.public() == named.public()
    other = load_or_make_key(path, "other.example/ledger", head)
    with pytest.raises(LedgerUnfit, match="SAFELIGHT_LEDGER_ORIGIN was changed") as told:
        HeadFile(head, other.public()).read()
    assert told.value.code == LedgerCode.KEY_CHANGED


@pytest.mark.parametrize("content", [b"", b"x", b"images.example/ledger\n1\nAA==\n\n", "— \n".encode(), b"\xff\n"])
def test_a_head_that_this_key_did_not_sign_gives_no_name(tmp_path: Path, content: bytes) -> None:
    head = tmp_path / "ledger.head"
    head.write_bytes(content)
    assert load_or_make_key(tmp_path / "ledger.key", "", head).name.startswith("safelight.local/")
