"""`safelight marks`: the keys behind the marks."""

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from typer.testing import CliRunner

from safelight.cli.main import app
from safelight.core.clock import utc_now
from safelight.provenance import keys
from safelight.provenance.credentials.chain import keep_trusted, load_or_make
from safelight.provenance.credentials.signer import Algorithm, RemoteSigner


def test_the_keys_are_shown_and_a_new_watermark_key_goes_first(tmp_path: Path) -> None:
    before = CliRunner().invoke(app, ["marks", "show", "--data-dir", str(tmp_path)])
    assert before.exit_code == 2
    chain, _ = load_or_make(tmp_path / "marks", utc_now(), production=False)
    keep_trusted(tmp_path / "marks", chain)  # as a start does once it has signed
    keys.load_or_make(tmp_path / "marks" / "watermark")

    def shown() -> dict[str, object]:
        answer = CliRunner().invoke(app, ["marks", "show", "--data-dir", str(tmp_path), "--json"])
        assert answer.exit_code == 0, answer.output
        told: dict[str, object] = json.loads(answer.stdout)
        return told

    first = shown()
    assert (first["development"], first["unfit"], first["trusted_roots"]) == (True, "", 1)
    made = CliRunner().invoke(app, ["marks", "rotate", "--data-dir", str(tmp_path), "--json"])
    assert made.exit_code == 0, made.output
    old = first["watermark_keys"]
    assert isinstance(old, list)
    assert shown()["watermark_keys"] == [json.loads(made.stdout)["watermark_key"], *old]
    assert "watermark keys" in CliRunner().invoke(app, ["marks", "show", "--data-dir", str(tmp_path)]).stdout


def test_without_credentials_or_with_a_key_elsewhere_the_keys_are_shown_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.load_or_make(tmp_path / "data" / "marks" / "watermark")
    command = ["marks", "show", "--data-dir", str(tmp_path / "data"), "--json"]
    monkeypatch.setenv("SAFELIGHT_MARKS", "watermark")
    told = json.loads(CliRunner().invoke(app, command).stdout)
    assert (told["signer"], len(told["watermark_keys"])) == (None, 1)
    assert "none" in CliRunner().invoke(app, command[:-1]).stdout
    monkeypatch.setenv("SAFELIGHT_MARKS", "all")
    monkeypatch.setenv("SAFELIGHT_MARKS_SIGNER", "our-kms")
    chain, _ = load_or_make(tmp_path / "kms", utc_now(), production=False)
    remote = RemoteSigner(chain, Algorithm.ES256, lambda _: b"")
    entry = EntryPoint("our-kms", "tests.cli.test_marks:unused", "safelight.signers")
    monkeypatch.setattr(EntryPoint, "load", lambda _: lambda: remote)
    monkeypatch.setattr("safelight.wiring.marks.entry_points", lambda **_: [entry])
    told = json.loads(CliRunner().invoke(app, command).stdout)
    assert told["signer"] == chain.name


def test_no_key_is_made_in_a_folder_from_which_nothing_was_ever_marked(tmp_path: Path) -> None:
    """Such as a misspelt one: the operator would believe that the key had been changed."""
    answer = CliRunner().invoke(app, ["marks", "rotate", "--data-dir", str(tmp_path)])
    assert answer.exit_code == 2
    assert "--data-dir" in " ".join(answer.output.split())
    assert not (tmp_path / "marks").exists()
